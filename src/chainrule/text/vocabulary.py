"""Vocabularies: tokens as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np

from chainrule.constraints import COUNT, check
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array

PAD, UNK, BOS, EOS = "<pad>", "<unk>", "<s>", "</s>"


class _Ids(dict[str, int]):
    """Ids of tokens; those that are not there have that of the unknown token."""

    __slots__ = ("unknown",)

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__((word, i) for i, word in enumerate(words))
        self.unknown = self.get(UNK)

    def __missing__(self, token: str) -> int:
        if self.unknown is None:
            raise DataError(
                f"{token!r} is not in the vocabulary, which has no {UNK!r} for such tokens"
            )
        return self.unknown


class Vocabulary:
    """Tokens and their ids, from 0 on without a gap.

    Parameters
    ----------
    words : sequence of str
        In the order of their ids.
    counts : sequence of int, optional
        How often each was met; zeros by default.

    Attributes
    ----------
    words : list of str
    counts : array of int64, shape (len(words),)
        That of ``"<unk>"`` includes the tokens that were cut off, so that `counts` add up to the
        length of the text.
    pad, unk, bos, eos : int or None
        Ids of ``"<pad>"``, ``"<unk>"``, ``"<s>"`` and ``"</s>"``.

    Raises
    ------
    DataError
        If a word is there twice, or is no string.
    ArgumentError
        If counts are not as many as words, or negative.

    Examples
    --------
    >>> vocabulary = Vocabulary.of([["a", "b", "a"], ["c"]], max_size=4)
    >>> vocabulary.words, vocabulary.counts.tolist()
    (['<pad>', '<unk>', 'a', 'b'], [0, 1, 2, 1])
    >>> vocabulary.ids(["b", "never met"])
    array([3, 1], dtype=int32)
    """

    def __init__(self, words: Sequence[str], counts: Sequence[int] | Array | None = None) -> None:
        self.words = list(words)
        if isinstance(words, str) or not all(isinstance(word, str) for word in self.words):
            odd = next((w for w in self.words if not isinstance(w, str)), words)
            raise DataError(f"a vocabulary is made of a list of strings, not {odd!r:.60}")
        self._ids = _Ids(self.words)
        if len(self._ids) != len(self.words):
            twice = next(w for w, n in Counter(self.words).items() if n > 1)
            raise DataError(f"the word {twice!r} is in the vocabulary twice")
        self.counts = _counted(np.zeros(len(self.words), int) if counts is None else counts)
        if self.counts.shape != (len(self.words),):
            message = f"counts must be {len(self.words)}, one a word, not {len(self.counts)}"
            raise ArgumentError(message)
        self.pad, self.unk = self._ids.get(PAD), self._ids.get(UNK)
        self.bos, self.eos = self._ids.get(BOS), self._ids.get(EOS)

    @classmethod
    def of(
        cls,
        token_lists: Iterable[Sequence[str]],
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNK),
    ) -> Self:
        """Count tokens and number them: specials first, then by count, then by the alphabet.

        Parameters
        ----------
        token_lists : iterable of sequence of str
            Read once, one after the other: a stream of any length will do.
        min_count : int
            Tokens that come less often are left out.
        max_size : int, optional
            The largest number of words, specials included.
        specials : sequence of str
            Words that are there in any case, in this order.

        Returns
        -------
        Vocabulary

        Raises
        ------
        ArgumentError
            If `min_count` or `max_size` is less than 1, or less than there are specials, or if one
            of the lists is a string: a text is made tokens first.

        Examples
        --------
        >>> Vocabulary.of([["b", "a", "b", "c", "c"]], min_count=2, specials=()).words
        ['b', 'c']
        """
        given = {"min_count": min_count, "max_size": len(specials) + 1}
        if max_size is not None:
            given["max_size"] = max_size
        check("Vocabulary.of", {"min_count": COUNT, "max_size": COUNT}, given)
        if max_size is not None and max_size < len(specials):
            raise ArgumentError(f"max_size={max_size} has no room for {len(specials)} specials")
        counter = Counter(chain.from_iterable(map(_tokens, token_lists)))
        total = counter.total()
        first = [counter.pop(special, 0) for special in specials]
        kept = sorted((w for w, n in counter.items() if n >= min_count), key=_rank(counter))
        if max_size is not None:
            del kept[max_size - len(specials) :]
        counts = np.array([*first, *map(counter.__getitem__, kept)], np.int64)
        if UNK in specials:
            counts[list(specials).index(UNK)] += total - counts.sum()
        return cls([*specials, *kept], counts)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __getitem__(self, token: str) -> int:
        return self._ids[token]

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self):,} words>"

    def ids(self, tokens: Sequence[str]) -> Array:
        """Return the ids of tokens.

        Parameters
        ----------
        tokens : sequence of str

        Returns
        -------
        array of int32, shape (len(tokens),)
            Those of tokens that are not there are `unk`.

        Raises
        ------
        DataError
            If a token is not there and there is no ``"<unk>"``.
        """
        return np.fromiter(map(self._ids.__getitem__, tokens), np.int32, len(tokens))

    def tokens(self, ids: Sequence[int] | Array) -> list[str]:
        """Return the words of ids.

        Raises
        ------
        DataError
            If there is no such id.
        """
        array = np.asarray(ids if len(ids) else np.zeros(0, int))
        if array.dtype.kind not in "iu":
            raise DataError(f"ids are whole numbers, not {array.dtype}")
        outside = (array < 0) | (array >= len(self))
        if outside.any():
            raise DataError(f"no word of {len(self):,} has the id {array[outside][0]}")
        return [self.words[i] for i in array.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return words and counts as JSON holds them."""
        return {"words": self.words, "counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the vocabulary that `to_dict` wrote.

        Raises
        ------
        KeyError, DataError, ArgumentError
            If it is none.
        """
        return cls(document["words"], document["counts"])


def _counted(counts: Sequence[int] | Array) -> Array:
    array = np.asarray(counts) if len(counts) else np.zeros(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1 or (array < 0).any():
        raise ArgumentError("counts must be whole numbers that are not negative")
    return array.astype(np.int64)


def _tokens(text: Sequence[str]) -> Sequence[str]:
    if isinstance(text, str):
        raise ArgumentError(f"Vocabulary.of: a text is a list of tokens, not {text!r:.60}")
    return text


def _rank(counter: Counter[str]) -> Any:
    return lambda word: (-counter[word], word)
