"""Lines of text from a file: bytes counted, expanded, decoded and split, all under limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from chainrule.errors import DataError

_MAGIC = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file, mode="rb")),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
}
_FOREIGN = {b"PK\x03\x04": "a zip archive or a spreadsheet", b"%PDF": "a PDF document"}
_EXPANSION_ERRORS = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, MemoryError)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its byte-order marks, which no text in UTF-8 begins with
_FREE_EXPANSION = 2**20  # bytes that may come out before the ratio is looked at


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask of the machine that reads it.

    Parameters
    ----------
    size : int
        Bytes of the file, after decompression.
    ratio : int
        Bytes that one compressed byte may expand to.
    line : int
        Characters of one line, or of one record whose quoted cells span lines.
    cell : int
        Characters of one cell; at most 131,072, the bound of Python's csv module.
    columns : int
        Columns of the table.

    Examples
    --------
    >>> Limits(size=10**9).ratio
    200
    """

    size: int = 2**34
    ratio: int = 200
    line: int = 2**20
    cell: int = 2**17
    columns: int = 2**14


class _Counted:
    """The bytes on disk, counted: all that a decompressor asks of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.count = file, 0

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self.count += len(block)
        return block

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class Source(io.BufferedIOBase):
    """The expanded bytes of a file, counted while they are read, never believed beforehand.

    Parameters
    ----------
    file : binary file
        Plain, or compressed with gzip, bzip2 or xz, which its first bytes tell.
    path : str
        Its name, for messages.
    limits : Limits
        Bounds on the size and on the ratio of expansion.

    Attributes
    ----------
    kind : str
        How it is compressed; empty if it is not.
    count : int
        Bytes that were given out.
    """

    def __init__(self, file: BinaryIO, path: str, limits: Limits) -> None:
        peekable = cast(Any, file if hasattr(file, "peek") else io.BufferedReader(cast(Any, file)))
        head: bytes = peekable.peek(6)[:6]
        self.path, self.limits, self.count = path, limits, 0
        for magic, what in _FOREIGN.items():
            if head.startswith(magic):
                raise DataError(f"this is {what}; save the table as CSV", path=path)
        self._disk = _Counted(peekable)
        self.kind, self._bytes = "", cast(Any, peekable)
        for magic, (kind, opener) in _MAGIC.items():
            if head.startswith(magic):
                self.kind, self._bytes = kind, cast(Any, opener)(self._disk)

    def readable(self) -> bool:
        """Return True, as a decoder wants to know."""
        return True

    def mark(self) -> bytes:
        """Return the first two expanded bytes without giving them out."""
        try:
            return bytes(self._bytes.peek(2)[:2])
        except _EXPANSION_ERRORS as error:
            raise self._unreadable(error) from None

    def read1(self, size: int = -1, /) -> bytes:
        """Return some of the next bytes, none at the end."""
        try:
            block: bytes = self._bytes.read1(size)
        except _EXPANSION_ERRORS as error:
            raise self._unreadable(error) from None
        self.count += len(block)
        self._check_limits()
        return block

    def _unreadable(self, error: Exception) -> DataError:
        what = f"damaged {self.kind} data" if self.kind else "cannot be read"
        return DataError(f"{what} after {self.count:,} bytes: {error}", path=self.path)

    def readinto(self, buffer: Any, /) -> int:
        """Put some of the next bytes into a buffer and return how many."""
        return self.readinto1(buffer)

    def _check_limits(self) -> None:
        limits = self.limits
        if self.count > limits.size:
            raise DataError(
                f"larger than {limits.size:,} bytes; allow more with limits=Limits(size=...)",
                path=self.path,
            )
        allowed = max(_FREE_EXPANSION, limits.ratio * self._disk.count)
        if self.kind and self.count > allowed:
            raise DataError(
                f"its {self.kind} data expands more than {limits.ratio} times, as an archive "
                "bomb does; allow more with limits=Limits(ratio=...)",
                path=self.path,
            )


class Lines(Iterable[str]):
    """Physical lines with their ends, counted from 1.

    `number` is that of the line last given out; `record` counts the characters given out since
    a reader of records last set it to 0.
    """

    def __init__(self, source: Source, encoding: str) -> None:
        self.path, self.limits = source.path, source.limits
        self.number = self.record = 0
        self._source = source
        if encoding == "utf-8-sig" and source.mark() in _UTF_16:
            encoding = "utf-16"
        self._ahead: deque[str] = deque()
        try:
            self._text = io.TextIOWrapper(cast(Any, source), encoding, newline="")
        except LookupError:
            raise DataError(f"no text encoding is called {encoding!r}", path=self.path) from None

    def __iter__(self) -> Iterator[str]:
        limit = self.limits.line
        while line := self._ahead.popleft() if self._ahead else self._pull():
            self.number += 1
            self.record += len(line)
            if self.record > limit:
                self._refuse_length()
            if "\0" in line:
                raise DataError(
                    "holds a NUL character, so it is no text in this encoding: is it UTF-16 or a "
                    "binary file?",
                    path=self.path,
                    row=self.number,
                )
            yield line

    def bare(self) -> Iterator[str]:
        """Give out lines without their ends, each a record of its own."""
        for line in self:
            self.record = 0
            yield line.rstrip("\r\n")

    def peek(self, count: int) -> list[str]:
        """Return up to `count` of the next lines without giving them out."""
        while len(self._ahead) < count and (line := self._pull()):
            self._ahead.append(line)
        return list(self._ahead)[:count]

    def _pull(self) -> str:
        try:
            return self._text.readline(self.limits.line + 1)
        except UnicodeDecodeError as error:
            # The decoder sees blocks: the end of its block is the last byte that was read.
            place = self._source.count - len(error.object) + error.start
            raise DataError(self._not_decodable(error, place), path=self.path) from None
        except UnicodeError as error:
            raise DataError(f"is no {self._text.encoding}: {error}", path=self.path) from None

    def _not_decodable(self, error: UnicodeDecodeError, place: int) -> str:
        byte, name = error.object[error.start], self._text.encoding.removesuffix("-sig")
        return (
            f"byte {place:,} (0x{byte:02x}) is not {name} text; if the file is in "
            "another encoding, name it, such as encoding='latin-1'"
        )

    def _refuse_length(self) -> None:
        raise DataError(
            f"a line or a quoted cell runs on for more than {self.limits.line:,} characters: is a "
            "quotation mark left open? Allow more with limits=Limits(line=...)",
            path=self.path,
            row=self.number,
        )


@contextmanager
def open_lines(path: str | Path, encoding: str, limits: Limits) -> Iterator[Lines]:
    """Open a file for reading line by line.

    Parameters
    ----------
    path : str or Path
        The file; ``"-"`` is the standard input.
    encoding : str
        Name of the text encoding. ``"utf-8-sig"`` is UTF-8 with or without a byte-order mark, or
        UTF-16 with one.
    limits : Limits
        What the file may ask for.

    Yields
    ------
    Lines
        The lines of its text.

    Raises
    ------
    DataError
        If there is no such file, or as soon as it breaks a limit or cannot be decoded.
    """
    with open_source(path, limits) as source:
        yield Lines(source, encoding)


@contextmanager
def open_source(path: str | Path, limits: Limits) -> Iterator[Source]:
    """Open a file for reading its expanded bytes.

    Parameters
    ----------
    path : str or Path
        The file; ``"-"`` is the standard input.
    limits : Limits
        What the file may ask for.

    Yields
    ------
    Source

    Raises
    ------
    DataError
        If there is no such file, or as soon as it breaks a limit.
    """
    if str(path) == "-":
        yield Source(sys.stdin.buffer, "standard input", limits)
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"cannot be opened: {reason}", path=str(path)) from None
    with file:
        yield Source(file, str(path), limits)
