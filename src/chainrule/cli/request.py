"""What a user asked ``chainrule fit`` for, as data, and the options that say how files are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from chainrule.cli.exits import UsageError
from chainrule.data import Table, load_digits, load_iris, read_blocks, read_table
from chainrule.data.columns import INPUT_KINDS
from chainrule.errors import ArgumentError, FileFormatError
from chainrule.models import Settings

EMBEDDED = {"iris": (load_iris, "species"), "digits": (load_digits, "digit")}
"""Sets that come with the program, and what is predicted of each unless the user says so."""


@dataclass(frozen=True)
class Reading:
    """How a file is read; None lets the reader find out."""

    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    header: bool | None = None
    skip_rows: int = 0
    decimal: str = "."
    quotes: bool = True
    missing: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Return the reader's arguments."""
        options = asdict(self)
        if not self.missing:
            del options["missing"]
        return options

    def table(self, source: str) -> Table:
        """Read a whole table."""
        return read_table(source, **self.options())

    def blocks(self, source: str) -> Iterator[Table]:
        """Read a table in blocks of rows."""
        return read_blocks(source, **self.options())


@dataclass(frozen=True)
class FitRequest:
    """What ``chainrule fit`` was asked to do."""

    command: ClassVar[str] = "fit"

    source: str
    target: tuple[str, ...] = ()
    task: str | None = None
    types: dict[str, str] = field(default_factory=dict)
    hold_out: float = 0.2
    settings: Settings = field(default_factory=Settings)
    reading: Reading = field(default_factory=Reading)
    engine: str = "auto"

    def table(self) -> Table:
        """Read the source."""
        if self.source in EMBEDDED:
            return EMBEDDED[self.source][0]()
        return self.reading.table(self.source)

    def targets(self, table: Table) -> tuple[str, ...]:
        """Return the target columns.

        Raises
        ------
        UsageError
            If none was named and none is known.
        """
        if self.target:
            return self.target
        if self.source in EMBEDDED:
            return (EMBEDDED[self.source][1],)
        names = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
        raise UsageError(f"name the column to predict with --target; the columns are: {names}")

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> FitRequest:
        """Return the request that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        try:
            values = dict(data)
            reading = dict(values.pop("reading"))
            values["settings"] = Settings.from_dict(values["settings"])
            reading["missing"] = tuple(reading["missing"])
            values["target"] = tuple(values["target"])
            return cls(**values, reading=Reading(**reading))
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"no request that this version knows: {error}") from None


def fingerprint(table: Table) -> str:
    """Return a hash of all names and cells: two tables of equal fingerprints are the same."""
    digest = hashlib.sha256()
    for name in table.names:
        levels, codes = table[name].categories()
        for text in (name, *levels):
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(np.asarray(codes, "<i8").tobytes())
    return digest.hexdigest()


def parse_types(choices: Iterable[str], dropped: Iterable[str]) -> dict[str, str]:
    """Return the kinds of columns from ``NAME=KIND`` texts and the columns to leave out.

    Raises
    ------
    UsageError
        If a text has another form, or two contradict each other.
    """
    types = dict.fromkeys(dropped, "ignore")
    for choice in choices:
        name, equals, kind = choice.rpartition("=")
        if not (name and equals and kind):
            raise UsageError(f"--types expects NAME=KIND, such as size=category, not {choice!r}")
        if kind.partition(":")[0] not in (*INPUT_KINDS, "ignore"):
            known = ", ".join((*INPUT_KINDS, "date:PATTERN", "ignore"))
            raise UsageError(f"--types knows {known}, not {kind!r}")
        if types.setdefault(name, kind) != kind:
            raise UsageError(f"column {name!r} is both {types[name]} and {kind}: choose one")
    return types


def parse_hidden(text: str | None) -> tuple[int, ...] | None:
    """Return the widths in a text such as ``64,32``; ``none`` is a network without hidden layers.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    if text is None or text == "none":
        return None if text is None else ()
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise UsageError(f"--hidden expects widths such as 64,32 or none, not {text!r}") from None


def settings_of(**choices: Any) -> Settings:
    """Return settings, or a usage error that names the option."""
    try:
        return Settings(**choices)
    except ArgumentError as error:
        message = str(error).removeprefix("settings: ")
        raise UsageError("--" + message.replace("_", "-", 1)) from None


def reading_options(
    delimiter: str | None,
    encoding: str | None,
    header: bool | None,
    skip_rows: int | None,
    decimal: str | None,
    quotes: bool | None,
    missing: list[str] | None,
) -> dict[str, Any]:
    r"""Return those arguments of `Reading` that were given on the command line.

    Raises
    ------
    UsageError
        If one cannot be.

    Examples
    --------
    >>> reading_options("\\t", None, None, None, None, None, None)
    {'delimiter': '\t'}
    """
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n" \0'):
        raise UsageError(f"--delimiter is one character, or tab, not {delimiter!r}")
    if decimal not in (None, ".", ","):
        raise UsageError(f"--decimal is . or , not {decimal!r}")
    if encoding is not None and not _is_text_encoding(encoding):
        raise UsageError(f"--encoding: no text encoding is called {encoding!r}")
    given = {
        "delimiter": delimiter,
        "encoding": encoding,
        "header": header,
        "skip_rows": skip_rows,
        "decimal": decimal,
        "quotes": quotes,
        "missing": tuple(missing) if missing else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _is_text_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True
