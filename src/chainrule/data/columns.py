"""What the columns of a table mean: typed by their cells, unless the user says otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

import chainrule.data.cells as cells
from chainrule.data.table import Column, Table, TextColumn
from chainrule.errors import DataError
from chainrule.graph import Array

INPUT_KINDS = ("number", "category", "boolean", "date")
"""Kinds of column that a network can be given."""

_ID_NAME = re.compile(r"(?:.*[ _.-])?(?:id|uuid|guid|index|key|nr|no|row)|unnamed:? ?\d*", re.I)
_MAYBE_DATE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}(?:[ T].*)?")
_CAMEL_ID = re.compile(r".*[a-z](?:Id|ID)")
_RARE = 0.1  # share of strange cells up to which they are taken for mistakes
_FEW = 20  # distinct texts that are categories however few rows there are
_REPEATS = 4  # rows a category needs on average beyond that
_MANY = 10_000  # categories at most
_HUGE = 1e300  # beyond it a difference of two numbers may overflow


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column means.

    Parameters
    ----------
    kind : str
        One of number, category, boolean, date, which can be inputs; or identifier, constant,
        text, empty, ignore, which are left out.
    notice : str
        Why it is left out, or what was assumed; may be empty.
    pattern : str
        For dates, the pattern of `datetime.strptime`; empty for ISO 8601.
    """

    kind: str
    notice: str = ""
    pattern: str = ""

    @property
    def used(self) -> bool:
        """Whether a network can be given the column."""
        return self.kind in INPUT_KINDS


def column_types(
    table: Table, types: Mapping[str, str | ColumnType] | None = None
) -> dict[str, ColumnType]:
    """Tell what each column of a table means.

    In this order: *empty* if it holds no value; *constant* if it holds one value everywhere;
    *boolean* for true/false, yes/no, t/f, y/n and 0/1; *number* if every cell is a plain decimal
    number, but *category* if zeros fill them up to one width and they repeat, as postcodes do, and
    *identifier* if the numbers are all different and whole and either count the
    rows or stand under a name like ``id``; *date* for ISO 8601 dates; *category* for texts that
    repeat (at most 20 different ones, or each four times on average); *identifier* for texts that
    are all different or stand under a name like ``id``; and otherwise free *text*.

    Parameters
    ----------
    table : Table
        The table.
    types : mapping of str to str or ColumnType, optional
        Kinds that the user chose: number, category, boolean, date, ``date:PATTERN`` (a pattern
        of `datetime.strptime`), or ignore. A ColumnType, as from a larger table, stands as it is.

    Returns
    -------
    dict of str to ColumnType
        For every column, in order.

    Raises
    ------
    DataError
        If a column is numbers, truth values or dates but for a few cells (a tenth at most), if
        it is numbers written in a way that has more than one reading (1,000 or 5 %), or if
        `types` names no column or no kind.

    Examples
    --------
    >>> ages = {"age": [31, 47, 31], "sex": ["f", "m", "m"], "unit": ["cm"] * 3}
    >>> table = Table.from_columns(ages)
    >>> [(name, t.kind) for name, t in column_types(table).items()]
    [('age', 'number'), ('sex', 'category'), ('unit', 'constant')]
    """
    chosen = dict(types or {})
    table.require(chosen)
    return {
        name: _chosen_type(table, name, chosen[name]) if name in chosen else _type_of(table, name)
        for name in table.names
    }


def number_values(table: Table, name: str) -> Array:
    """Return the numbers of a column, NaN where a value is missing.

    Raises
    ------
    DataError
        If a cell is neither missing nor a finite number; the message names the row.

    Examples
    --------
    >>> number_values(Table.from_columns({"x": [1, None, "2.5"]}), "x").tolist()
    [1.0, nan, 2.5]
    """
    column = table[name]
    values = column.numbers()
    bad = ~column.missing & ~(np.abs(values) <= _HUGE)
    if bad.any():
        row = int(bad.argmax())
        if np.isnan(values[row]):
            raise _stray(table, name, row, "numbers", "category")
        raise table.error(
            f"{_short(column.text(row))} is too large to reckon with: numbers must be finite and "
            f"at most {_HUGE:g} in size",
            column=name,
            row=row,
        )
    return values


def boolean_values(table: Table, name: str) -> Array:
    """Return the truth values of a column as 1 and 0, NaN where a value is missing.

    Raises
    ------
    DataError
        If a cell is neither missing nor a truth value; the message names the row.

    Examples
    --------
    >>> boolean_values(Table.from_columns({"x": ["yes", "no", "?"]}), "x").tolist()
    [1.0, 0.0, nan]
    """
    column = table[name].as_text()
    return _strict(table, name, column.map(cells.truths), "truth values such as yes and no")


def date_values(table: Table, name: str, pattern: str = "") -> Array:
    """Return the dates of a column as seconds since 1970 (UTC), NaN where a value is missing.

    Raises
    ------
    DataError
        If a cell is neither missing nor a date; the message names the row.

    Examples
    --------
    >>> date_values(Table.from_columns({"day": ["1970-01-02"]}), "day").tolist()
    [86400.0]
    """
    values = table[name].as_text().map(lambda texts: cells.seconds(texts, pattern))
    return _strict(table, name, values, f"dates like {pattern or 'YYYY-MM-DD'}")


def _strict(table: Table, name: str, values: Array, expected: str) -> Array:
    missing = table[name].missing
    bad = np.isnan(values) & ~missing
    if bad.any():
        raise _stray(table, name, int(bad.argmax()), expected, "category")
    return np.where(missing, np.nan, values)


def _stray(table: Table, name: str, row: int, expected: str, instead: str) -> DataError:
    return table.error(
        f"{_short(table[name].text(row))} stands among {expected}: mend the cell, name it with "
        f"missing=, or read the column otherwise with types={{{name!r}: {instead!r}}}",
        column=name,
        row=row,
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _chosen_type(table: Table, name: str, choice: str | ColumnType) -> ColumnType:
    if isinstance(choice, ColumnType):
        return choice
    kind, _, pattern = choice.partition(":")
    if kind not in (*INPUT_KINDS, "ignore") or (pattern and kind != "date"):
        known = ", ".join((*INPUT_KINDS, "date:PATTERN", "ignore"))
        raise DataError(f"no type is called {kind!r}; there are {known}", column=name)
    if kind != "ignore" and table[name].missing.all():
        raise table.error(f"holds no value, so it cannot be a {kind}", column=name)
    notice = "left out, as you asked" if kind == "ignore" else ""
    return ColumnType(kind, notice, pattern)


def _type_of(table: Table, name: str) -> ColumnType:
    column = table[name]
    missing = column.missing
    present = int((~missing).sum())
    if not present:
        return ColumnType("empty", "left out: it holds no value")
    values = column.numbers()
    numeric = ~np.isnan(values)
    if numeric.sum() == present:
        return _type_of_numbers(table, name)
    text = column.as_text()
    levels, codes = text.categories()
    if len(levels) == 1 and present == len(table):
        return ColumnType("constant", f"left out: it is {_short(levels[0])} in every row")
    if _looks_boolean(levels):
        return ColumnType("boolean")
    # A column of numbers or dates with a few strange cells is a mistake to be mended, not
    # thousands of categories.
    _refuse_rare_strays(table, name, numeric, missing, "numbers")
    dates = ~np.isnan(text.map(cells.seconds)) & ~missing
    if dates.sum() == present:
        return ColumnType("date")
    _refuse_rare_strays(table, name, dates, missing, "dates")
    _refuse_almost_numbers(table, name, levels, codes)
    return _with_date_hint(_type_of_texts(name, len(levels), present), name, levels)


def _with_date_hint(found: ColumnType, name: str, levels: list[str]) -> ColumnType:
    """Say how to read what may be dates, but of which day and month cannot be told apart."""
    if not all(_MAYBE_DATE.fullmatch(level) for level in levels):
        return found
    hint = f"if these are dates, name their pattern: types={{{name!r}: 'date:%d.%m.%Y'}}"
    return replace(found, notice="; ".join(filter(None, (found.notice, hint))))


def _type_of_numbers(table: Table, name: str) -> ColumnType:
    values = number_values(table, name)
    distinct = np.unique(values[~np.isnan(values)])
    complete = not np.isnan(values).any()
    if len(distinct) == 1 and complete:
        return ColumnType("constant", f"left out: it is {distinct[0]:g} in every row")
    if _are_codes(table[name], len(distinct)):
        return ColumnType("category", "its leading zeros make it a code, not a number")
    if set(distinct.tolist()) == {0.0, 1.0}:
        return ColumnType("boolean")
    whole = bool((values == np.round(values)).all())
    if complete and whole and len(distinct) == len(values) > 2:
        if _is_id_name(name):
            return ColumnType("identifier", "left out: its numbers are all different and its "
                              "name is that of an identifier")  # fmt: skip
        if len(values) > _FEW and (np.diff(values) == 1).all():
            return ColumnType("identifier", "left out: it only counts the rows")
    return ColumnType("number")


def _are_codes(column: Column, distinct: int) -> bool:
    """Tell postcodes and their like: digits, zeros before them to one width, that repeat."""
    if not isinstance(column, TextColumn):
        return False
    levels, codes = column.categories()
    width = len(levels[0])
    padded = width > 1 and any(level[0] == "0" for level in levels)
    digits = all(len(level) == width and level.isdecimal() for level in levels)
    few = distinct <= _FEW or distinct * _REPEATS <= (codes >= 0).sum()
    return padded and digits and few and distinct < (codes >= 0).sum()


def _type_of_texts(name: str, levels: int, present: int) -> ColumnType:
    if levels <= _FEW and not (_is_id_name(name) and levels == present > 2):
        return ColumnType("category")
    if levels == present:
        return ColumnType("identifier", "left out: its texts are all different")
    if _is_id_name(name) and levels * 2 > present:
        return ColumnType("identifier", "left out: its name is that of an identifier")
    if levels * _REPEATS > present or levels > _MANY:
        return ColumnType("text", f"left out: free text, {levels:,} different ones in "
                          f"{present:,} rows")  # fmt: skip
    return ColumnType("category")


def _is_id_name(name: str) -> bool:
    return bool(_ID_NAME.fullmatch(name) or _CAMEL_ID.fullmatch(name))


def _looks_boolean(levels: list[str]) -> bool:
    folded = {level.casefold() for level in levels}
    pairs = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
    return any(folded == pair for pair in pairs)


def _refuse_rare_strays(
    table: Table, name: str, fits: Array, missing: Array, expected: str
) -> None:
    strays = ~fits & ~missing
    if 0 < strays.sum() <= _RARE * (~missing).sum():
        raise _stray(table, name, int(strays.argmax()), expected, "category")


def _refuse_almost_numbers(table: Table, name: str, levels: list[str], codes: Array) -> None:
    """Refuse columns of numbers with separators or units, which have more than one reading."""
    almost = np.array([cells.almost_number(level) for level in levels])
    plain = ~np.isnan(cells.numbers(levels))
    if not almost.any() or (almost | plain).mean() < 1 - _RARE:
        return
    row = int((codes == int(almost.argmax())).argmax())
    raise table.error(
        f"{_short(levels[int(almost.argmax())])} is not a plain number such as 1234.5: write it "
        f"so, read decimal commas with decimal=',', or take the texts for categories with "
        f"types={{{name!r}: 'category'}}",
        column=name,
        row=row,
    )
