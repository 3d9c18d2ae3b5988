"""A table in memory: named columns, stored compactly, that remember the lines they came from."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import chainrule.data.cells as cells
from chainrule.errors import DataError
from chainrule.graph import Array

_TEXT = np.dtypes.StringDType()
_BLOCK = 2**16  # texts that become Python strings at a time
_FEW = 2**10  # distinct texts that are always worth interning
_MANY = 2**16  # distinct texts that never are


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Cells as they stand in the file: the distinct texts, and for each row which one it is.

    Parameters
    ----------
    levels : array of StringDType
        The texts, at most 16 bytes each if they are short.
    codes : integer array, shape (n,)
        Index into `levels` of each row, in the smallest type that holds it.
    markers : frozenset of str
        Texts, case-folded, that stand for a missing value.
    """

    levels: Array
    codes: Array
    markers: frozenset[str] = cells.MISSING

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Array) -> TextColumn:
        """Return the given rows."""
        return replace(self, codes=self.codes[rows])

    def text(self, row: int) -> str:
        """Return the cell of one row."""
        return str(self.levels[self.codes[row]])

    def as_text(self) -> TextColumn:
        """Return itself, as every column can be had as text."""
        return self

    def map(self, read: Callable[[Sequence[str]], Array]) -> Array:
        """Return `read` of every cell, having read each distinct text once."""
        if not len(self.levels):
            return read(())
        starts = range(0, len(self.levels), _BLOCK)
        blocks = [read(self.levels[start : start + _BLOCK].tolist()) for start in starts]
        return np.concatenate(blocks)[self.codes]

    @property
    def missing(self) -> Array:
        """Mask of the rows that hold no value, shape (n,)."""
        return self.map(lambda texts: cells.is_missing(texts, self.markers))

    def numbers(self) -> Array:
        """Return float64 numbers, NaN where a cell is missing or is no number."""
        values = self.map(cells.numbers)
        values[self.missing] = np.nan
        return values

    def categories(self) -> tuple[list[str], Array]:
        """Return the sorted texts that occur, and for each row its place there, -1 if missing."""
        present = np.zeros(len(self.levels), bool)
        present[self.codes[~self.missing]] = True
        texts, inverse = np.unique(self.levels[present], return_inverse=True)
        place = np.full(len(self.levels), -1, np.int64)
        place[present] = inverse
        return texts.tolist(), place[self.codes]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers that came as numbers, from an array or a data frame; NaN is a missing value.

    Parameters
    ----------
    values : float64 array, shape (n,)
        The numbers.
    """

    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Array) -> NumberColumn:
        """Return the given rows."""
        return NumberColumn(self.values[rows])

    def text(self, row: int) -> str:
        """Return the number of one row as a file would hold it."""
        return _plain(float(self.values[row]))

    def as_text(self) -> TextColumn:
        """Return the numbers as texts, whole ones without a decimal point."""
        distinct, codes = np.unique(self.values, return_inverse=True)
        texts = np.array([_plain(value) for value in distinct.tolist()], dtype=_TEXT)
        return TextColumn(texts, codes, cells.MISSING | {"nan"})

    @property
    def missing(self) -> Array:
        """Mask of the rows that hold no value, shape (n,)."""
        return np.isnan(self.values)

    def numbers(self) -> Array:
        """Return the numbers, NaN where one is missing."""
        return self.values

    def categories(self) -> tuple[list[str], Array]:
        """Return the sorted texts that occur, and for each row its place there, -1 if missing."""
        return self.as_text().categories()


Column = TextColumn | NumberColumn


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


class _Levels(dict[str, int]):
    """The code of each spelling met; spellings that mean the same text share a code."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self.clean = clean
        self.texts: list[str] = []

    def __missing__(self, cell: str) -> int:
        text = self.clean(cell)
        if text != cell:
            code = self[text]
        else:
            code = len(self.texts)
            self.texts.append(cell)
        self[cell] = code
        return code


class ColumnBuilder:
    """Collects the cells of a column block by block, never one Python string a cell.

    Texts are interned as long as that saves room; from then on they are kept as they come.

    Parameters
    ----------
    clean : callable, optional
        What every cell goes through, such as `str.strip`; applying it twice changes nothing.
    """

    def __init__(self, clean: Callable[[str], str] = str.strip) -> None:
        self._clean = clean
        self._levels: _Levels | None = _Levels(clean)
        self._blocks: list[Array] = []
        self._codes: list[Array] = []
        self._count = self._rows = 0

    def extend(self, block: Sequence[str]) -> None:
        """Add the cells of further rows."""
        self._rows += len(block)
        if self._levels is None:
            self._blocks.append(np.array([self._clean(cell) for cell in block], dtype=_TEXT))
            self._add(np.arange(self._count, self._count + len(block)))
            self._count += len(block)
            return
        codes = np.fromiter(map(self._levels.__getitem__, block), np.int64, len(block))
        self._add(codes)
        self._count = len(self._levels.texts)
        if self._count > min(max(_FEW, self._rows // 2), _MANY):
            self._stop_interning()

    def build(self, markers: frozenset[str]) -> TextColumn:
        """Return the column."""
        self._stop_interning()
        return TextColumn(np.concatenate(self._blocks), np.concatenate(self._codes), markers)

    def _add(self, codes: Array) -> None:
        self._codes.append(codes.astype(np.min_scalar_type(int(codes.max(initial=0)))))

    def _stop_interning(self) -> None:
        if self._levels is not None:
            self._blocks.append(np.array(self._levels.texts, dtype=_TEXT))
            self._levels = None


@dataclass(frozen=True)
class Table:
    """Named columns of equal length.

    Parameters
    ----------
    columns : mapping of str to Column
        The columns in order.
    lines : integer array, shape (n,)
        The line of the file at which each row starts, or 1 to n: what messages call its row.
    path : str, optional
        The file it came from.
    notices : tuple of str
        What the reader changed or assumed, for the user to see.

    Examples
    --------
    >>> table = Table.from_columns({"x": [1.5, 2.5], "colour": ["red", "blue"]})
    >>> len(table), table.names
    (2, ['x', 'colour'])
    >>> table["colour"].categories()[0]
    ['blue', 'red']
    """

    columns: Mapping[str, Column]
    lines: Array
    path: str | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def from_columns(
        cls, columns: Mapping[str, Any], *, missing: Iterable[str] = cells.MISSING
    ) -> Table:
        """Build a table from a mapping of names to sequences, arrays or series.

        Parameters
        ----------
        columns : mapping of str to one-dimensional sequence
            Numbers, truth values, dates (`datetime64`) or texts; None and NaN are missing.
        missing : iterable of str
            Texts that stand for a missing value.

        Raises
        ------
        DataError
            If there is no column, or their lengths differ.
        """
        if not columns:
            raise DataError("a table needs at least one column")
        markers = missing_markers(missing)
        built = {str(name): _column(str(name), v, markers) for name, v in columns.items()}
        lengths = {name: len(column) for name, column in built.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns differ in length: {lengths}")
        return cls(built, np.arange(1, 1 + next(iter(lengths.values()))))

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, name: str) -> Column:
        self.require([name])
        return self.columns[name]

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.columns)

    def take(self, rows: Array) -> Table:
        """Return the given rows (indices or a mask) as a table."""
        taken = {name: column.take(rows) for name, column in self.columns.items()}
        return replace(self, columns=taken, lines=self.lines[rows])

    def select(self, names: Iterable[str]) -> Table:
        """Return the given columns as a table."""
        return replace(self, columns={name: self[name] for name in names})

    def drop(self, names: Iterable[str]) -> Table:
        """Return the table without the given columns."""
        left_out = list(names)
        self.require(left_out)
        return self.select(name for name in self.names if name not in left_out)

    def require(self, names: Iterable[str]) -> None:
        """Raise a DataError that names the columns which the table does not have."""
        absent = [name for name in names if name not in self.columns]
        if not absent:
            return
        close = difflib.get_close_matches(absent[0], self.names, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(map(repr, self.names[:20])) + (", ..." if len(self.names) > 20 else "")
        what = "column" if len(absent) == 1 else "columns"
        wanted = ", ".join(map(repr, absent))
        because = "".join(f" ({notice})" for notice in self.notices[:1])
        message = f"no {what} {wanted}{hint}; the table has {shown}{because}"
        raise DataError(message, path=self.path)

    def error(self, message: str, *, column: str, row: int | None = None) -> DataError:
        """Return an error about one column, and about one of its rows, counted from 0 here."""
        line = None if row is None else int(self.lines[row])
        return DataError(message, path=self.path, row=line, column=column)


def as_table(data: Any) -> Table:
    """Return a table made of whatever holds named columns.

    Parameters
    ----------
    data : Table, mapping of names to columns, or data frame
        A data frame is anything with `columns` and `frame[name]`, such as that of pandas.

    Raises
    ------
    DataError
        If it holds no named columns, or two of the same name.

    Examples
    --------
    >>> len(as_table({"x": [1, 2, 3]}))
    3
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        return Table.from_columns(data)
    if not (hasattr(data, "columns") and hasattr(data, "__getitem__")):
        raise DataError(
            f"a {type(data).__name__} has no named columns: pass a table, a dict of columns or a "
            "data frame"
        )
    names = list(data.columns)
    if len(set(map(str, names))) < len(names):
        raise DataError(f"two columns of the data frame share a name: {names}")
    return Table.from_columns({str(name): data[name] for name in names})


def missing_markers(texts: Iterable[str]) -> frozenset[str]:
    """Return the texts that stand for a missing value, case-folded; the empty cell always does."""
    return frozenset(text.strip().casefold() for text in texts) | {""}


def _column(name: str, values: Any, markers: frozenset[str]) -> Column:
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"expected one dimension, found shape {array.shape}", column=name)
    if array.dtype.kind in "iuf":
        return NumberColumn(array.astype(np.float64))
    if array.dtype.kind == "c":
        raise DataError("complex numbers cannot be used", column=name)
    # Objects are asked one by one, for np.asarray([1, None, "a"]) would make texts of them all.
    objects = np.asarray(values, dtype=object)
    if array.dtype.kind == "M":
        objects = np.datetime_as_string(array.astype("datetime64[us]")).astype(object)
    builder = ColumnBuilder()
    builder.extend([_text_of(value) for value in objects])
    return builder.build(markers)


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = _plain(float(value)) if isinstance(value, float) else str(value)
    return "" if text in ("None", "nan", "NaT", "<NA>") else text
