"""What a user asked for, as data: kept in the run folder, so that a run can be taken up again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.exits import UsageError
from chainrule.data import Table, load_digits, load_iris, read_blocks, read_table
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

    source: str
    target: tuple[str, ...] = ()
    task: str | None = None
    types: dict[str, str] = field(default_factory=dict)
    hold_out: float = 0.2
    settings: Settings = field(default_factory=Settings)
    reading: Reading = field(default_factory=Reading)

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
        If a text has another form.
    """
    types = dict.fromkeys(dropped, "ignore")
    for choice in choices:
        name, equals, kind = choice.rpartition("=")
        if not (name and equals and kind):
            raise UsageError(f"--types expects NAME=KIND, such as size=category, not {choice!r}")
        types[name] = kind
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


def default_folder(source: str) -> Path:
    """Return the first unused folder among ``runs/NAME-1``, ``runs/NAME-2``, ..."""
    name = "stdin" if source == "-" else Path(source).name.split(".")[0] or "run"
    number = 1
    while (folder := Path("runs", f"{name}-{number}")).exists():
        number += 1
    return folder


def reading_of(
    delimiter: str | None,
    encoding: str | None,
    header: bool | None,
    skip_rows: int | None,
    decimal: str | None,
    missing: list[str] | None,
) -> Reading:
    r"""Return how a file is read from the options that were given.

    Examples
    --------
    >>> reading_of("\\t", None, None, None, None, None).delimiter
    '\t'
    """
    given = {
        "delimiter": "\t" if delimiter in ("\\t", "tab") else delimiter,
        "encoding": encoding,
        "header": header,
        "skip_rows": skip_rows,
        "decimal": decimal,
        "missing": tuple(missing) if missing else None,
    }
    return Reading(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
