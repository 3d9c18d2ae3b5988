"""Tables from JSON lines: one object a line, its keys the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from chainrule.errors import DataError
from chainrule.io import Lines, parse_json

_OBJECT = re.compile(r'\s*\{\s*["}]')
_SAMPLE = 50  # lines that are looked at for one that is not blank

Record = tuple[int, list[str]]


def holds_objects(lines: Lines) -> bool:
    """Tell whether the first line that is not blank begins as an object does and no table."""
    return any(_OBJECT.match(line) for line in islice(filter(str.strip, lines.peek(_SAMPLE)), 1))


def object_records(lines: Lines, names: Sequence[str] | None) -> tuple[list[str], Iterator[Record]]:
    """Return the columns of objects, and their cells as text with the line of each.

    Parameters
    ----------
    lines : Lines
        One object a line; blank lines are let be.
    names : sequence of str, optional
        The keys to read, ``outer.inner`` for one of an object within; by default the keys of the
        first object, and then all objects must have no others. A key that is not there, or null,
        is an empty cell.

    Returns
    -------
    names : list of str
    records : iterator of (int, list of str)

    Raises
    ------
    DataError
        Also while they are read: if a line is no object or breaks a limit, if one has a key that
        the first has not, or a value that is no text, number or truth.
    """
    objects = _objects(lines)
    line, first = next(objects)
    columns = list(first if names is None else names)
    if not columns:
        raise DataError("the first object has no key", path=lines.path, row=line)
    if len(columns) > lines.limits.columns:
        message = f"{len(columns):,} columns are more than {lines.limits.columns:,}"
        raise DataError(message, path=lines.path, row=line)

    def records() -> Iterator[Record]:
        yield line, _cells(first, columns, lines)
        for _, record in objects:
            if names is None and not record.keys() <= first.keys():
                new = next(key for key in record if key not in first)
                message = f"the key {new!r} is not in row {line}; name those to read: names=[...]"
                raise DataError(message, path=lines.path, row=lines.number)
            yield lines.number, _cells(record, columns, lines)

    return columns, records()


def _objects(lines: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    for line in lines.bare():
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except ValueError as error:
            raise DataError(f"no JSON: {error}", path=lines.path, row=lines.number) from None
        if not isinstance(value, dict):
            raise DataError("no JSON object", path=lines.path, row=lines.number)
        yield lines.number, value


def _cells(record: dict[str, Any], columns: list[str], lines: Lines) -> list[str]:
    return [_cell(_found(record, column), column, lines) for column in columns]


def _found(record: dict[str, Any], column: str) -> Any:
    if column in record:
        return record[column]
    outer, _, inner = column.partition(".")
    within = record.get(outer)
    return _found(within, inner) if inner and isinstance(within, dict) else None


def _cell(value: Any, column: str, lines: Lines) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        kind = "an object" if isinstance(value, dict) else "a list"
        message = f"{kind} is no cell; name the keys to read, such as names=[...]"
        raise DataError(message, path=lines.path, row=lines.number, column=column)
    text = str(value)
    if len(text) > lines.limits.cell:
        message = f"a cell holds more than {lines.limits.cell:,} characters"
        raise DataError(message, path=lines.path, row=lines.number, column=column)
    return text
