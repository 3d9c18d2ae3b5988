"""Running text as numbers, read once: in memory, or in a temporary file where it is long."""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language.texts import running_texts
from chainrule.text import Vocabulary

CHUNK = 2**15
"""Words of a part of the text, which is whole sentences."""
_LONGEST = 10_000  # words after which a sentence is cut, as word2vec does
_BLOCK = 2**20  # numbers that are gathered before they are put away
_IN_MEMORY = 2**25  # numbers that are kept in memory

Texts = os.PathLike[str] | Iterable[str] | Iterable[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences as numbers of words, and the vocabulary of those that come often enough.

    Attributes
    ----------
    tokens : int32 array, shape (n,)
        Of all sentences, one after another: words are numbered as they are first met.
    ends : int64 array, shape (n_sentences,)
        Where each sentence ends.
    ranks : int32 array
        By that number: the id in the vocabulary, -1 for a word that is too rare.
    vocabulary : Vocabulary
        By falling count.
    spans : int64 array, shape (n_chunks + 1,)
        The sentences with which parts of about `CHUNK` words begin.
    """

    tokens: Array
    ends: Array
    ranks: Array
    vocabulary: Vocabulary
    spans: Array

    @property
    def n_words(self) -> int:
        """Words of the text, rare ones too."""
        return len(self.tokens)

    @property
    def n_chunks(self) -> int:
        """Parts of the text."""
        return len(self.spans) - 1

    def checksum(self) -> int:
        """Return the CRC-32 of all sentences."""
        total = zlib.crc32("\0".join(self.vocabulary.words).encode("utf-8", "surrogatepass"))
        for array_ in (self.tokens, self.ends, self.ranks):
            for start in range(0, len(array_), _BLOCK):
                total = zlib.crc32(array_[start : start + _BLOCK].data, total)
        return total

    def part(self, chunk: int) -> tuple[Array, Array]:
        """Return a part of the text.

        Returns
        -------
        ids : int32 array, shape (n,)
            -1 for rare words.
        sentence : int64 array, shape (n,)
            To which sentence of the part each word belongs.
        """
        first, last = self.spans[chunk : chunk + 2]
        start = self.ends[first - 1] if first else 0
        bounds = np.append(start, self.ends[first:last])
        ids = self.ranks[self.tokens[start : bounds[-1]]]
        return ids, np.repeat(np.arange(last - first), np.diff(bounds))


def read_sentences(texts: Texts, tokenize: Callable[[str], list[str]], min_count: int) -> Sentences:
    """Read a text once.

    Parameters
    ----------
    texts : iterable of str, iterable of sequences of str, or path-like
        Texts; lists of tokens; or a file, as for `running_texts`. Sentences of more than 10,000
        words are cut.
    tokenize : callable
        Of texts.
    min_count : int
        How often a word of the vocabulary comes at least.

    Raises
    ------
    ArgumentError
        If a single string is given.
    DataError
        If something is neither a text nor a list of tokens, naming its number; if fewer than two
        words come often enough; or as `chainrule.text.stream_lines` does.
    """
    numbers, store, lengths = _Numbers(), _Store(), array("i")
    for tokens in _sentences(texts, tokenize):
        for start in range(0, len(tokens), _LONGEST):
            part = tokens[start : start + _LONGEST]
            store.numbers.extend(map(numbers.__getitem__, part))
            lengths.append(len(part))
        store.put_away()
    tokens_, words = store.array(), list(numbers)
    counts = np.zeros(len(words), np.int64)
    for start in range(0, len(tokens_), _BLOCK):
        counts += np.bincount(tokens_[start : start + _BLOCK], minlength=len(words))
    kept = sorted(
        np.flatnonzero(counts >= min_count).tolist(), key=lambda i: (-counts[i], words[i])
    )
    if len(kept) < 2:
        raise DataError(
            f"{len(kept)} of {len(words)} words come {min_count} times or more, and word vectors "
            "need two at least: give more text, or a lower min_count"
        )
    ranks = np.full(len(words), -1, np.int32)
    ranks[kept] = np.arange(len(kept))
    ends = np.cumsum(np.frombuffer(lengths, np.int32), dtype=np.int64)
    vocabulary = Vocabulary([words[i] for i in kept], counts[kept])
    return Sentences(tokens_, ends, ranks, vocabulary, _spans(ends))


def _spans(ends: Array) -> Array:
    """Return the sentences with which parts begin, and the number of sentences."""
    firsts = np.searchsorted(ends, np.arange(CHUNK, ends[-1], CHUNK))
    return np.unique(np.concatenate([[0], firsts, [len(ends)]]))


def _sentences(texts: Texts, tokenize: Callable[[str], list[str]]) -> Iterator[Sequence[str]]:
    for i, text in enumerate(running_texts(texts)):
        if isinstance(text, str):
            yield tokenize(text)
        elif isinstance(text, Sequence) and set(map(type, text)) <= {str}:
            yield text
        else:
            raise DataError(
                f"text number {i}, counted from 0, is {text!r:.60}: neither a string nor a list of "
                "tokens"
            )


class _Numbers(dict[str, int]):
    """Words numbered as they are first asked for."""

    __slots__ = ()

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class _Store:
    """A growing row of numbers, which goes to a temporary file when it is long."""

    def __init__(self) -> None:
        self.numbers = array("i")
        self._blocks: list[Array] = []
        self._file: Any = None

    def put_away(self, *, all_: bool = False) -> None:
        """Put away the numbers at hand if there are many."""
        if len(self.numbers) < _BLOCK and not all_:
            return
        self._blocks.append(np.frombuffer(self.numbers, np.int32))
        self.numbers = array("i")
        if self._file is None and sum(map(len, self._blocks)) > _IN_MEMORY:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        if self._file is not None:
            for block in self._blocks:
                self._file.write(block.data)
            self._blocks = []

    def array(self) -> Array:
        """Return all numbers."""
        self.put_away(all_=True)
        if self._file is None:
            return np.concatenate(self._blocks)
        with self._file as file:  # what is mapped stays open
            file.flush()
            return np.memmap(file, np.int32, "r")
