"""Tables of word vectors in the forms of word2vec, fastText and GloVe."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.io import Limits, Lines, atomic_write, open_lines, open_source

_HEADER = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]+([0-9]{1,9})[ \t]*\r?\n")
_SAMPLE = 100  # lines that are looked at to find the dimension
_BLOCK = 4096  # rows that are gathered before they become an array
_WORD = 2**16  # bytes of a word in a binary file
_HEAD = 2**16


@dataclass(frozen=True, eq=False)
class WordTable:
    """Words and their vectors.

    Attributes
    ----------
    words : list of str
        In the order of the file, each once.
    vectors : array of float32, shape (len(words), dimension)
    """

    words: list[str]
    vectors: Array

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<WordTable of {len(self):,} words, {self.vectors.shape[1]} numbers each>"


def load_vectors(
    path: str | Path,
    words: Collection[str] | None = None,
    *,
    binary: bool | None = None,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> WordTable:
    r"""Read word vectors from a text or binary file.

    Text has a word and its numbers on each line, divided by spaces, with a first line of two
    numbers, rows and dimension, as word2vec and fastText write it (``.vec``), or without, as GloVe
    does. Words may hold spaces. Binary is word2vec's form: the same first line, then each word, a
    space and its numbers as 32-bit floats. Of a word that comes again, the first is kept.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz.
    words : collection of str, optional
        Those to read, such as a `Vocabulary`; all by default. Numbers of others are passed over.
    binary : bool, optional
        The form of the file; by default it is looked at.
    encoding : str
        Of the words; UTF-8 by default.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    WordTable

    Raises
    ------
    DataError
        If the file cannot be opened, decoded or expanded, breaks a limit, has no row, a row of
        another length, a number that is none, NaN or infinite, or not as many rows as it says; it
        names the line, or in a binary file the byte.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.txt"
    >>> _ = path.write_text("cat 1 0.5\ndog 1 0.25\n")
    >>> table = load_vectors(path, words={"dog"})
    >>> table.words, table.vectors.tolist()
    (['dog'], [[1.0, 0.25]])
    """
    if binary is None:
        binary = _looks_binary(path, limits)
    if binary:
        return _load_binary(path, words, encoding.removesuffix("-sig"), limits)
    with open_lines(path, encoding, limits) as lines:
        return _TextReader(lines, words).table()


def _looks_binary(path: str | Path, limits: Limits) -> bool:
    """Tell whether what follows a header is no line of text with numbers."""
    with open_source(path, limits) as source:
        head = io.BufferedReader(cast(Any, source), _HEAD).read(_HEAD)
    header = _HEADER.match(head)
    if not header:
        return False
    first = head[header.end() :].split(b"\n")[0].split()
    numbers = first[-min(int(header[2]), len(first) - 1) :] if len(first) > 1 else []
    return not (numbers and all(map(_is_number, numbers)))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


class _Rows:
    """Words and vectors as they are read."""

    def __init__(self, wanted: Collection[str] | None) -> None:
        self._wanted = wanted
        self._words: dict[str, None] = {}
        self._rows: list[Any] = []
        self._blocks: list[Array] = []

    def wants(self, word: str) -> bool:
        return word not in self._words and (self._wanted is None or word in self._wanted)

    def add(self, word: str, row: Any) -> None:
        self._words[word] = None
        self._rows.append(row)
        if len(self._rows) == _BLOCK:
            self._pack()

    def _pack(self) -> None:
        self._blocks.append(np.array(self._rows, np.float32))
        self._rows = []

    def table(self, dimension: int) -> WordTable:
        if self._rows:
            self._pack()
        empty = np.zeros((0, dimension), np.float32)
        return WordTable(list(self._words), np.concatenate([empty, *self._blocks]))


class _TextReader:
    """The vectors of lines."""

    def __init__(self, lines: Lines, words: Collection[str] | None) -> None:
        self._lines, self._rows = lines, _Rows(words)
        self._count, self._dimension = self._header()

    def _header(self) -> tuple[int | None, int]:
        """Return the rows that the file says it has, if it does, and the dimension."""
        sample = [line.split(" ") for line in map(_bare, self._lines.peek(_SAMPLE)) if line]
        if not sample:
            raise DataError("there is no vector", path=self._lines.path)
        said = _HEADER.fullmatch(" ".join(sample[0]).encode() + b"\n")
        widths = Counter(map(len, sample[1:] if said else sample))
        usual = min(widths, key=lambda w: (-widths[w], w), default=0) - 1
        if not said:
            return None, usual
        next(iter(self._lines))
        count, dimension = int(said[1]), int(said[2])
        if widths and dimension != usual:
            raise self._wrong(f"the first line promises {dimension} numbers a row, not {usual}", 1)
        return count, dimension

    def table(self) -> WordTable:
        number = 0
        for line in self._lines.bare():
            if bare := _bare(line):
                number += 1
                self._read(bare)
        if self._count not in (None, number):
            raise self._wrong(f"{number} rows, where the first line promises {self._count}", None)
        return self._rows.table(self._dimension)

    def _read(self, line: str) -> None:
        word, *rest = line.rsplit(" ", self._dimension)
        if len(rest) != self._dimension or not word:
            have = len(rest)
            raise self._wrong(f"{have} numbers behind the word, not {self._dimension}")
        if not self._rows.wants(word):
            return
        try:
            row = list(map(float, rest))
        except ValueError as error:
            raise self._wrong(f"{error}; rows have {self._dimension} numbers") from None
        if not all(map(math.isfinite, np.array(row, np.float32))):
            raise self._wrong(f"the vector of {word!r} holds NaN or an infinity")
        self._rows.add(word, row)

    def _wrong(self, message: str, row: int | None = 0) -> DataError:
        number = self._lines.number if row == 0 else row
        return DataError(message, path=self._lines.path, row=number)


def _bare(line: str) -> str:
    return line.rstrip(" \t\r\n")


def _load_binary(
    path: str | Path, words: Collection[str] | None, encoding: str, limits: Limits
) -> WordTable:
    with open_source(path, limits) as source:
        file = io.BufferedReader(cast(Any, source), _HEAD)
        header = _HEADER.fullmatch(file.readline(64))
        if not header or not int(header[2]):
            raise DataError(
                "byte 0: a binary file begins with the number of its rows and that of their "
                "numbers",
                path=source.path,
            )
        count, dimension = int(header[1]), int(header[2])
        rows = _Rows(words)
        place = header.end()
        for _ in range(count):
            word, row, place = _record(file, dimension, encoding, source.path, place)
            if rows.wants(word):
                vector = np.frombuffer(row, "<f4")
                if not np.isfinite(vector).all():
                    raise DataError(
                        f"byte {place:,}: the vector of {word!r} holds NaN or an infinity",
                        path=source.path,
                    )
                rows.add(word, vector)
        if file.read(64).strip():
            raise DataError(f"byte {place:,}: more than {count} rows", path=source.path)
    return rows.table(dimension)


def _record(
    file: io.BufferedReader, dimension: int, encoding: str, path: str, place: int
) -> tuple[str, bytes, int]:
    """Read a word and its vector."""
    name = bytearray()
    while not name.endswith(b" "):
        byte = file.read(1)
        if not byte or len(name) > _WORD:
            raise DataError(f"byte {place:,}: no word and space stand here", path=path)
        name += byte
    row = file.read(4 * dimension)
    if len(row) != 4 * dimension:
        raise DataError(f"byte {place + len(name):,}: the file ends within a vector", path=path)
    try:
        word = name[:-1].lstrip(b"\n").decode(encoding)
    except UnicodeDecodeError:
        raise DataError(
            f"byte {place:,}: a word is not {encoding} text; name its encoding, such as "
            "encoding='latin-1'",
            path=path,
        ) from None
    return word, row, place + len(name) + len(row)


def save_vectors(
    path: str | Path, words: Sequence[str], vectors: Array, binary: bool = False
) -> None:
    r"""Write word vectors in word2vec's form, whole or not at all.

    Parameters
    ----------
    path : str or Path
    words : sequence of str
    vectors : array, shape (len(words), dimension)
        Numbers that are finite as 32-bit floats; both forms keep all their bits.
    binary : bool
        Binary, or text (``.vec``).

    Raises
    ------
    ArgumentError
        If there are not as many vectors as words, one is not finite, or a word is empty, comes
        twice or holds what would end it: a line break, or in a binary file a space.
    OSError
        If it cannot be written; it names the path.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.vec"
    >>> save_vectors(path, ["cat"], np.array([[0.5, 2]]))
    >>> path.read_text()
    '1 2\ncat 0.5 2\n'
    """
    table = np.ascontiguousarray(vectors, "<f4")
    if table.ndim != 2 or len(table) != len(words) or not table.shape[1]:
        raise ArgumentError(
            f"save_vectors: {len(words)} words need vectors of shape ({len(words)}, dimension), "
            f"not {np.shape(vectors)}"
        )
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise ArgumentError(f"save_vectors: the vector of {words[row]!r} is not finite")
    _check_words(words, " \n\r" if binary else "\n\r")
    with atomic_write(path) as file:
        file.write(b"%d %d\n" % table.shape)
        file.writelines(_records(words, table) if binary else _rows(words, table))


def _check_words(words: Sequence[str], ends: str) -> None:
    if len(set(words)) < len(words):
        twice = next(word for word, n in Counter(words).items() if n > 1)
        raise ArgumentError(f"save_vectors: the word {twice!r} comes twice")
    for word in words:
        if not word.strip(" ") or word != word.strip(" ") or any(end in word for end in ends):
            raise ArgumentError(f"save_vectors: {word!r} cannot be a word of such a file")


def _records(words: Sequence[str], table: Array) -> Iterator[bytes]:
    for word, row in zip(words, table, strict=True):
        yield word.encode() + b" " + row.tobytes() + b"\n"


def _rows(words: Sequence[str], table: Array) -> Iterator[bytes]:
    form = "%s" + " %.9g" * table.shape[1] + "\n"  # nine digits tell every 32-bit float apart
    for word, row in zip(words, table, strict=True):
        yield (form % (word, *row.tolist())).encode()
