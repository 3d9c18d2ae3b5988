"""The rows of files of word vectors, one by one: text and word2vec's binary form."""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.io import Lines, Source

_HEADER = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]*\r?\n")
_FASTTEXT = b"\xba\x16\x4f\x2f"  # how fastText's own model files begin
_DIMENSION = 2**16  # numbers of a vector
_WORD = 2**16  # bytes of a word
_SAMPLE = 100  # lines that are looked at to find the dimension
_BLOCK = 4096  # rows that are gathered before they become an array
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


_Record = tuple[str, Any, int]  # a word, its numbers, and where they stand


class _Reader(ABC):
    """The rows of a file, made a table."""

    path: str
    dimension: int

    def table(self, wanted: Collection[str] | None) -> WordTable:
        """Read the file to its end and return the vectors that are wanted, each word's first."""
        words: dict[str, None] = {}
        rows, places, blocks = list[Any](), list[int](), list[Array]()

        def wants(word: str) -> bool:
            return word not in words and (wanted is None or word in wanted)

        for word, row, place in self._records(wants):
            words[word] = None
            rows.append(row)
            places.append(place)
            if len(rows) == _BLOCK:
                blocks.append(self._block(rows, places))
                rows, places = [], []
        blocks.append(self._block(rows, places))
        return WordTable(list(words), np.concatenate(blocks))

    @abstractmethod
    def _records(self, wants: Callable[[str], bool]) -> Iterator[_Record]:
        """Yield what is wanted, in the order of the file."""

    @abstractmethod
    def _wrong(self, message: str, place: int) -> DataError:
        """Return an error that says where."""

    def _block(self, rows: list[Any], places: list[int]) -> Array:
        with np.errstate(over="ignore"):
            block = np.array(rows, np.float32).reshape(-1, self.dimension)
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            place = places[int(finite.argmin())]
            raise self._wrong("a number is NaN or infinite as a 32-bit float", place)
        return block


class TextReader(_Reader):
    """Rows of text.

    Raises
    ------
    DataError
        If there is no row, or the first line promises other rows than there are.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines, self.path = lines, lines.path
        sample = [line.split(" ") for line in map(_bare, lines.peek(_SAMPLE)) if line]
        if not sample:
            raise DataError("there is no vector", path=self.path)
        said = _HEADER.fullmatch(" ".join(sample[0]).encode() + b"\n")
        widths = Counter(map(len, sample[1:] if said else sample))
        # Words with spaces make some rows wider, a row cut short may make one narrower.
        self.dimension = min(widths, key=lambda w: (-widths[w], w), default=1) - 1
        self._count = None
        if said:
            self._count = int(said[1])
            next(iter(lines))
            if widths and int(said[2]) != self.dimension:
                message = f"it promises rows of {int(said[2])} numbers, not {self.dimension}"
                raise self._wrong(message, lines.number)
        if not self.dimension:
            raise self._wrong("there are no numbers behind a word", lines.number + 1)

    def _records(self, wants: Callable[[str], bool]) -> Iterator[_Record]:
        count, spaces = 0, self.dimension - 1
        for line in map(_bare, self._lines.bare()):
            if not line:
                continue
            count += 1
            word, _, rest = line.partition(" ")
            if rest.count(" ") != spaces:  # the word has spaces, or the row another length
                word, *cells = line.rsplit(" ", self.dimension)
                if len(cells) != self.dimension:
                    message = f"{len(cells)} numbers behind a word, not {self.dimension}"
                    raise self._wrong(message, self._lines.number)
                rest = " ".join(cells)
            if wants(word):
                yield word, self._numbers(rest), self._lines.number
        if self._count not in (None, count):
            message = f"{count} rows, where the first line promises {self._count}"
            raise DataError(message, path=self.path)

    def _numbers(self, text: str) -> list[float]:
        try:
            if not text.isascii() or "_" in text:  # which Python would take for digits
                raise ValueError(f"no number: {text:.40}")
            return list(map(float, text.split(" ")))
        except ValueError as error:
            message = f"{error}; behind a word there are {self.dimension} numbers"
            raise self._wrong(message, self._lines.number) from None

    def _wrong(self, message: str, place: int) -> DataError:
        return DataError(message, path=self.path, row=place)


def _bare(line: str) -> str:
    return line.rstrip(" \t\r\n")


class BinaryReader(_Reader):
    """Rows of word2vec's binary form.

    Raises
    ------
    DataError
        If it does not begin with the number of rows and that of their numbers.
    """

    def __init__(self, source: Source, encoding: str) -> None:
        self._file, self.path = io.BufferedReader(cast(Any, source), _HEAD), source.path
        self._encoding = encoding
        header = _HEADER.fullmatch(self._file.readline(64))
        if not header or not 0 < int(header[2]) <= _DIMENSION:
            message = f"no number of rows and of their numbers, at most {_DIMENSION:,}, stand here"
            raise self._wrong(message, 0)
        self._place, self._count, self.dimension = header.end(), int(header[1]), int(header[2])

    def _records(self, wants: Callable[[str], bool]) -> Iterator[_Record]:
        size = 4 * self.dimension
        for _ in range(self._count):
            place = self._place
            word = self._word()
            row = self._file.read(size)
            if len(row) != size:
                raise self._wrong("the file ends within a vector", self._place)
            self._place += size
            if wants(word):
                yield word, np.frombuffer(row, "<f4"), place
        if self._file.read(64).strip():
            raise self._wrong(f"there are more than {self._count:,} rows", self._place)

    def places(self) -> dict[str, int]:
        """Return at which byte the vector of each word begins; the first of each word counts."""
        found: dict[str, int] = {}
        for word, _, _ in self._records(lambda word: word not in found):
            found[word] = self._place - 4 * self.dimension
        return found

    def _word(self) -> str:
        """Read a word and the space behind it; some writers end rows with a line feed."""
        name = bytearray()
        while not name.endswith(b" "):
            byte = self._file.read(1)
            if not byte or len(name) > _WORD:
                raise self._wrong("no word with a space behind it stands here", self._place)
            name += byte
        try:
            word = name[:-1].lstrip(b"\n").decode(self._encoding)
        except (UnicodeDecodeError, LookupError):
            message = (
                f"a word is not {self._encoding} text; name its encoding, such as "
                "encoding='latin-1'"
            )
            raise self._wrong(message, self._place) from None
        self._place += len(name)
        return word

    def _wrong(self, message: str, place: int) -> DataError:
        return DataError(f"byte {place:,}: {message}", path=self.path)


def looks_binary(source: Source) -> bool:
    """Tell whether what follows a header is no line of text with numbers.

    Raises
    ------
    DataError
        If it is the model of a program that no reader here knows.
    """
    head = io.BufferedReader(cast(Any, source), _HEAD).read(_HEAD)
    if head.startswith(_FASTTEXT):
        message = "this is fastText's model; its vectors are in the .vec file that it wrote too"
        raise DataError(message, path=source.path)
    header = _HEADER.match(head)
    if not header:
        return False
    cells = head[header.end() :].split(b"\n")[0].split()
    numbers = cells[1:][-int(header[2]) :]
    return not numbers or not all(map(_is_number, numbers))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
