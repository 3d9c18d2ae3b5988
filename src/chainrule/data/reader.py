"""Tables from text: CSV, TSV and their kin, JSON lines; plain or compressed, read as a stream."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

import chainrule.data.cells as cells
from chainrule.constraints import COUNT, check
from chainrule.data.json_lines import Record, holds_objects, object_records
from chainrule.data.table import ColumnBuilder, Table, missing_markers
from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.io import Limits, Lines, open_lines

_DELIMITERS = ("\t", ",", ";", "|")
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
_SAMPLE = 50  # lines that are looked at to find the delimiter and the header
_BLOCK = 2**24  # bytes, about, that are Python strings at a time
_OVERHEAD = 60  # bytes of a Python string besides its characters


def read_table(
    path: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
    header: bool | None = None,
    names: Sequence[str] | None = None,
    skip_rows: int = 0,
    decimal: str = ".",
    quotes: bool = True,
    missing: Iterable[str] = cells.MISSING,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Table:
    r"""Read a table from CSV, TSV or JSON lines, which gzip, bzip2 or xz may have compressed.

    Cells are kept as text, each distinct one once; what a column means is decided later, by
    `column_types`. Spaces around a cell and blank lines are dropped. A file whose first line
    begins as a JSON object does has an object on each line: its keys are the columns, a number or
    truth is a cell as JSON writes it, what is null or not there is missing.

    Parameters
    ----------
    path : str or Path
        The file; ``"-"`` is the standard input.
    delimiter : str, optional
        The character between cells. By default the one of tab, comma, semicolon and vertical
        bar that divides every line of the beginning into equally many cells.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    header : bool, optional
        Whether the first record holds the names. By default it does unless one of its cells is
        a number, stands again further down, or occurs twice above cells that are no numbers
        either; without one the columns are called column1, column2, ...
    names : sequence of str, optional
        Names to use: the file then has no header, or with ``header=True`` one to replace. Of JSON
        the keys to read, ``outer.inner`` for a key of an object within another; by default those
        of the first object.
    skip_rows : int
        Lines at the beginning that are no part of the table.
    decimal : {".", ","}
        The decimal mark of its numbers.
    quotes : bool
        Whether ``"`` quotes cells; False reads it as an ordinary character.
    missing : iterable of str
        Cells that stand for a missing value, in any case; the empty cell always does.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    Table
        Its rows know the line of the file at which they start.

    Raises
    ------
    DataError
        If the file cannot be opened, decoded or expanded, breaks a limit, holds no rows, or has
        a row with more or fewer cells than the first, or with a key that the first has not; the
        message names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "heights.csv"
    >>> _ = path.write_text("name;height\nAda;1.65\nAlan;NA\n")
    >>> table = read_table(path)
    >>> table.names, table["height"].numbers().tolist()
    (['name', 'height'], [1.65, nan])
    """
    form = _Form(delimiter, header, names, skip_rows, decimal, quotes)
    with _open(path, encoding, form, limits) as stream:
        builder = _Builder(stream)
        for block in stream.blocks:
            builder.extend(block)
        return builder.build(missing_markers(missing))


def read_blocks(
    path: str | Path,
    rows: int = 2**16,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
    header: bool | None = None,
    names: Sequence[str] | None = None,
    skip_rows: int = 0,
    decimal: str = ".",
    quotes: bool = True,
    missing: Iterable[str] = cells.MISSING,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Iterator[Table]:
    r"""Read a table of any length in blocks of rows, whose memory does not grow with the file.

    Parameters
    ----------
    path : str or Path
        The file; ``"-"`` is the standard input.
    rows : int
        Rows of a block, at least 1; the last block may be shorter.
    delimiter, encoding, header, names, skip_rows, decimal, quotes, missing, limits
        As for `read_table`.

    Yields
    ------
    Table
        The next rows, with the same columns every time.

    Raises
    ------
    DataError
        As `read_table` does, when the reading comes to the place.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "squares.csv"
    >>> _ = path.write_text("x,y\n" + "".join(f"{x},{x * x}\n" for x in range(5)))
    >>> [len(table) for table in read_blocks(path, rows=2)]
    [2, 2, 1]
    """
    check("read_blocks", {"rows": COUNT}, {"rows": rows})
    form = _Form(delimiter, header, names, skip_rows, decimal, quotes)
    with _open(path, encoding, form, limits) as stream:
        builder = _Builder(stream)
        for block in stream.blocks:
            while block:
                part = block[: rows - len(builder)]
                builder.extend(part)
                block = block[len(part) :]
                if len(builder) == rows:
                    yield builder.build(missing_markers(missing))
                    builder = _Builder(stream)
        if len(builder):
            yield builder.build(missing_markers(missing))


@dataclass(frozen=True, slots=True)
class _Form:
    """What the caller says about the form of a file."""

    delimiter: str | None
    header: bool | None
    names: Sequence[str] | None
    skip_rows: int
    decimal: str
    quotes: bool

    def __post_init__(self) -> None:
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '\r\n" \0'
        ):
            raise DataError(f"a delimiter is one character, not {self.delimiter!r}")
        if self.decimal not in (".", ","):
            raise DataError(f"a decimal mark is '.' or ',', not {self.decimal!r}")
        if self.names is not None and len(set(self.names)) < len(self.names):
            raise DataError(f"names has a duplicate: {list(self.names)}")

    def clean(self) -> Callable[[str], str]:
        """Return what every cell goes through."""
        if self.decimal == ".":
            return str.strip
        return lambda cell: cells.with_decimal_point(cell.strip())


@dataclass(frozen=True, slots=True)
class _Stream:
    """The records of a file under their names."""

    path: str
    names: list[str]
    notices: tuple[str, ...]
    clean: Callable[[str], str]
    blocks: Iterator[list[Record]]


class _Builder:
    """The columns of a table, growing block by block."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._columns = [ColumnBuilder(stream.clean) for _ in stream.names]
        self._lines: list[Array] = []

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    def extend(self, block: list[Record]) -> None:
        self._lines.append(np.array([line for line, _ in block]))
        cells_of = zip(*(row for _, row in block), strict=True)
        for column, texts in zip(self._columns, cells_of, strict=True):
            column.extend(texts)

    def build(self, markers: frozenset[str]) -> Table:
        built = (column.build(markers) for column in self._columns)
        columns = dict(zip(self._stream.names, built, strict=True))
        lines = np.concatenate(self._lines)
        return Table(columns, lines, self._stream.path, self._stream.notices)


@contextmanager
def _open(path: str | Path, encoding: str, form: _Form, limits: Limits) -> Iterator[_Stream]:
    with open_lines(path, encoding, limits) as lines:
        for _ in islice(lines, form.skip_rows):
            pass
        if form.delimiter is None and holds_objects(lines):
            keys, objects = object_records(lines, form.names)
            yield _Stream(lines.path, keys, (), str.strip, _blocks(lines, objects))
            return
        delimiter = form.delimiter or _sniff(lines, form.quotes)
        blocks = _blocks(lines, _records(lines, delimiter, form.quotes))
        first = next(blocks, None)
        if first is None:
            raise DataError("the file is empty", path=lines.path)
        has_header = form.header
        if has_header is None:
            has_header = form.names is None and _is_header(first)
        head = first.pop(0) if has_header else first[0]
        names, notices = _names(head, has_header, form.names, lines.path)
        rest = chain([first], blocks) if first else blocks
        data = next(rest, None)
        if data is None:
            raise DataError("there is a header but no row of data", path=lines.path)
        yield _Stream(lines.path, names, notices, form.clean(), chain([data], rest))


def _blocks(lines: Lines, records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield records in lists of bounded size: so much is Python strings at a time."""
    block, size = list[Record](), 0
    for record in records:
        block.append(record)
        size += lines.record + _OVERHEAD * len(record[1])
        if size > _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _records(lines: Lines, delimiter: str, quotes: bool) -> Iterator[Record]:
    """Yield every record that is not blank, with the number of the line it starts at."""
    reader = _reader(lines, delimiter, quotes, strict=True)
    limits, first, width = lines.limits, 0, 0
    while True:
        lines.record = 0
        line = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(_explain(error), path=lines.path, row=line) from None
        if lines.record > limits.cell and max(map(len, row)) > limits.cell:
            message = f"a cell holds more than {limits.cell:,} characters"
            raise DataError(message, path=lines.path, row=line)
        if len(row) == width and width > 1:
            yield line, row
        elif len(row) > 1 or (row and row[0].strip()):
            if first and len(row) != width:
                raise DataError(_uneven(row, width, line, first), path=lines.path, row=line)
            if len(row) > limits.columns:
                message = f"{len(row):,} columns are more than {limits.columns:,}"
                raise DataError(message, path=lines.path, row=line)
            first, width = first or line, len(row)
            yield line, row


def _reader(
    lines: Iterable[str], delimiter: str, quotes: bool, strict: bool
) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        skipinitialspace=True,
        strict=strict,
    )


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a cell is too long ({text}): is a quotation mark left open?"
    if "unexpected end" in text:
        return "the quotation mark that opens here is never closed"
    return f"its quotation marks do not match ({text}); read them as characters with quotes=False"


def _uneven(row: list[str], width: int, line: int, first: int) -> str:
    message = f"{_count(len(row))} where row {first} has {width}"
    if width == 1 and len(row) > 1:
        return f"{message}; if the table starts here, pass skip_rows={line - 1}"
    return message


def _count(cells_of_row: int) -> str:
    return "1 cell" if cells_of_row == 1 else f"{cells_of_row} cells"


def _sniff(lines: Lines, quotes: bool) -> str:
    """Return the delimiter that divides the first lines evenly; a comma if none does."""
    sample = lines.peek(_SAMPLE)
    widths = {mark: _even_width(sample, mark, quotes) for mark in _DELIMITERS}
    even = [mark for mark, width in widths.items() if width > 1]
    if not even:  # perhaps some first lines are no part of the table, or a row is ragged
        later = (m for m in _DELIMITERS if _even_width(sample[1:], m, quotes) > 1)
        present = (m for m in _DELIMITERS if sample and m in sample[0])
        return next(later, None) or next(present, ",")
    if len(even) > 1 and even[0] != "\t":
        found = " and ".join(f"{_NAMES[mark]} ({widths[mark]} columns)" for mark in even)
        raise DataError(
            f"each of {found} divides the lines evenly: name the right one, such as "
            f"delimiter={even[0]!r}",
            path=lines.path,
        )
    return even[0]


def _even_width(sample: list[str], delimiter: str, quotes: bool) -> int:
    """Return the number of cells that all records of the sample have, 0 if they differ."""
    reader = _reader(sample, delimiter, quotes, strict=False)
    try:
        widths = [len(row) for row in reader if row]
    except csv.Error:
        return 0
    if len(sample) >= _SAMPLE - 1 and widths:
        widths.pop()  # the sample may end within its last record
    return widths[0] if len(set(widths)) == 1 else 0


def _is_header(records: list[Record]) -> bool:
    """Tell whether the first record can be names: no numbers, none met below, few repeated."""
    head = [cell.strip() for cell in records[0][1]]
    named = [cell for cell in head if cell]
    if not named or not np.isnan(cells.numbers(named)).all():
        return False
    below = [[cell.strip() for cell in row] for _, row in records[1:_SAMPLE]]
    if any(name and name == row[i] for row in below for i, name in enumerate(head)):
        return False
    columns = [cells.numbers(column) for column in zip(*below, strict=True)]
    return len(set(named)) == len(named) or any(not np.isnan(c).all() for c in columns)


def _names(
    head: Record, has_header: bool, given: Sequence[str] | None, path: str
) -> tuple[list[str], tuple[str, ...]]:
    """Return a name for each column, none of them twice, and what had to be invented for it."""
    line, row = head
    if given is not None:
        if len(given) != len(row):
            message = f"{len(given)} names were given for {_count(len(row))}"
            raise DataError(message, path=path, row=line)
        return list(given), ()
    if not has_header:
        names = [f"column{i}" for i in range(1, len(row) + 1)]
        return names, (f"the file has no header: its columns are called column1 to {names[-1]}",)
    wanted = [" ".join(cell.split()) for cell in row]
    taken, names, notices = set(wanted), list[str](), list[str]()
    for place, name in enumerate(wanted, start=1):
        if name and name not in names:
            names.append(name)
            continue
        new = _free(name, place, taken)
        taken.add(new)
        names.append(new)
        reason = f"the name {name!r} again" if name else "no name"
        notices.append(f"column {place} has {reason}: it is called {new!r}")
    return names, tuple(notices)


def _free(name: str, place: int, taken: set[str]) -> str:
    """Return a name like the given one that no column has."""
    candidate, number = (f"{name}_2", 2) if name else (f"column{place}", 1)
    while candidate in taken:
        number += 1
        candidate = f"{name or f'column{place}'}_{number}"
    return candidate
