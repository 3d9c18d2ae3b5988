"""`TextFeatures`: texts as rows of ids: of words, their n-grams and their subwords."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.data import Ragged
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.text import Tokenizer, hash_tokens, ngram_table, subword_table, tokenizer_from_dict

BUCKETS = Interval(1, 2**27, integer=True)


class TextFeatures:
    """What a text is made of: words that are known, n-grams of words, and subwords.

    A word has an id if it was met often enough while learning, a bucket if something that was
    hashed into it was; all else is left out of a text. So there are no more ids than features in
    the texts that were learned from, and no more than words and buckets.

    Parameters
    ----------
    tokenizer : tokeniser
    lowercase : bool
        Whether texts are made lower case first.
    word_ngrams : int
        The length of the longest n-grams of words; 1 for none.
    subwords : sequence of two int, optional
        The lengths of the shortest and the longest n-grams of characters.
    buckets : int
        Of the n-grams of words, and as many of those of characters.
    max_length : int
        Tokens after which a text is cut.

    Attributes
    ----------
    words : list of str
        The known words; word i has the id ``i + 1``.
    met : tuple of two arrays of int64
        The buckets of n-grams of words, and of subwords, that have ids, which go on from those of
        words.
    n_tokens : int
        Of the texts that were learned from; 0 before, and of features from a file.

    Examples
    --------
    >>> from chainrule.text import WordTokenizer
    >>> features = TextFeatures(WordTokenizer(), word_ngrams=2)
    >>> features.learn(["a b a", "b"]).ids
    array([1, 2, 1, 3, 4, 2], dtype=int32)
    >>> features.n_tokens
    4
    >>> features(["a new b a"]).ids
    array([1, 2, 1, 4], dtype=int32)
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        lowercase: bool = True,
        word_ngrams: int = 1,
        subwords: Sequence[int] | None = None,
        buckets: int = 2**18,
        max_length: int = 512,
    ) -> None:
        self.tokenizer, self.lowercase = tokenizer, lowercase
        self.word_ngrams, self.subwords = word_ngrams, subwords
        self.buckets, self.max_length = buckets, max_length
        check("TextFeatures", {"buckets": BUCKETS}, {"buckets": buckets})
        self.n_tokens = 0
        none = np.zeros(0, np.int64)
        self._number([], (none, none))

    def _number(self, words: Sequence[str], met: tuple[Array, Array]) -> None:
        """Give ids to words and buckets."""
        self.words, self.met = list(words), met
        self._ids = {word: i for i, word in enumerate(words, 1)}
        self._rows, first = [], len(words) + 1
        for places in met:
            rows = np.zeros(self.buckets, np.int32)
            rows[places] = np.arange(first, first + len(places))
            self._rows.append(rows)
            first += len(places)
        self.size = first

    def __len__(self) -> int:
        """Return the number of ids, that of no token included."""
        return self.size

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, as far as it is read."""
        return next(self._token_lists([text]))

    def _token_lists(self, texts: Iterable[str]) -> Iterator[list[str]]:
        split, lower, most = self.tokenizer, self.lowercase, self.max_length
        for text in texts:
            tokens = split(text.lower() if lower else text)
            yield tokens if len(tokens) <= most else tokens[:most]

    def learn(self, texts: Iterable[str], min_count: int = 1) -> Ragged:
        """Give ids to what comes often enough in some texts; return theirs.

        Raises
        ------
        DataError
            If nothing does.
        """
        coded = _Coded.of(self._token_lists(texts))
        counts = np.bincount(coded.codes, minlength=len(coded.words)).tolist()
        kept = [(-n, word) for word, n in zip(coded.words, counts, strict=True) if n >= min_count]
        hashed = self._hashed(coded)
        met = [
            np.flatnonzero(np.bincount(keys, minlength=self.buckets) >= min_count)
            for keys, _ in hashed
        ]
        self._number([word for _, word in sorted(kept)], (met[0], met[1]))
        if len(self) == 1:
            raise DataError(
                f"no token comes {min_count} times or more in the texts: give others, or a "
                "smaller min_count"
            )
        self.n_tokens = len(coded.codes)
        return self._ids_of(coded, hashed)

    def __call__(self, texts: Iterable[str]) -> Ragged:
        """Return the ids of texts."""
        return self.of_tokens(self._token_lists(texts))

    def of_tokens(self, token_lists: Iterable[Sequence[str]]) -> Ragged:
        """Return the ids of texts whose tokens are given."""
        coded = _Coded.of(token_lists)
        return self._ids_of(coded, self._hashed(coded))

    def spans(self, tokens: Sequence[str]) -> tuple[Array, Array]:
        """Return the ids of one text's tokens, and what tokens each is of: (k, 2), from and to."""
        coded = _Coded.of([tokens])
        n = len(tokens)
        longest = self.word_ngrams + 1
        spans = [(i, i + 1) for i in range(n)]
        spans += [(i, i + k) for i in range(n) for k in range(2, longest) if i + k <= n]
        if self.subwords is not None:
            counts = np.diff(self._subwords(tokens)[1]).tolist()
            spans += [(i, i + 1) for i in range(n) for _ in range(counts[i])]
        ids = np.concatenate([part for part, _ in self._parts(coded, self._hashed(coded))])
        return ids[ids > 0], np.array(spans, np.int64).reshape(-1, 2)[ids > 0]

    def _hashed(self, coded: _Coded) -> list[tuple[Array, Array]]:
        """Return the buckets of n-grams and of subwords, and the number of the text of each."""
        none = np.zeros(0, np.int64)
        found = [(none, none), (none, none)]
        if self.word_ngrams > 1:
            orders = range(2, self.word_ngrams + 1)
            hashes = hash_tokens(coded.words)[coded.codes]
            buckets, offsets = ngram_table(hashes, coded.lengths, orders, self.buckets)
            found[0] = buckets, np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        if self.subwords is not None:
            buckets, offsets = self._subwords(coded.words)
            places, counts = _runs(offsets, coded.codes)
            found[1] = buckets[places], np.repeat(coded.texts, counts)
        return found

    def _subwords(self, words: Sequence[str]) -> tuple[Array, Array]:
        assert self.subwords is not None
        shortest, longest = self.subwords
        return subword_table(words, shortest, longest, self.buckets)

    def _parts(
        self, coded: _Coded, hashed: Sequence[tuple[Array, Array]]
    ) -> list[tuple[Array, Array]]:
        """Return ids, 0 of what is not known, and the number of the text of each."""
        ids = map(self._ids.get, coded.words, [0] * len(coded.words))
        known = np.fromiter(ids, np.int32, len(coded.words))
        parts = [(known[coded.codes], coded.texts)]
        for rows, (buckets, texts) in zip(self._rows, hashed, strict=True):
            parts.append((rows[buckets], texts))
        return parts

    def _ids_of(self, coded: _Coded, hashed: Sequence[tuple[Array, Array]]) -> Ragged:
        parts = self._parts(coded, hashed)
        ids = np.concatenate([part for part, _ in parts])
        texts = np.concatenate([text for _, text in parts])[ids > 0]
        ids = ids[ids > 0]
        offsets = np.zeros(len(coded.lengths) + 1, np.int64)
        np.cumsum(np.bincount(texts, minlength=len(coded.lengths)), out=offsets[1:])
        return Ragged(ids[np.argsort(texts, kind="stable")], offsets)

    def to_dict(self) -> dict[str, Any]:
        """Return all but `met` as JSON holds it."""
        return {
            "tokenizer": self.tokenizer.to_dict(),
            "lowercase": self.lowercase,
            "word_ngrams": self.word_ngrams,
            "subwords": None if self.subwords is None else list(self.subwords),
            "buckets": self.buckets,
            "max_length": self.max_length,
            "words": self.words,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], met: tuple[Array, Array]) -> Self:
        """Return the features that `to_dict` wrote, with their `met`."""
        arguments = dict(document)
        words = arguments.pop("words")
        tokenizer = tokenizer_from_dict(arguments.pop("tokenizer"))
        made = cls(tokenizer, **arguments)
        for places in met:
            if places.ndim != 1 or places.dtype.kind != "i" or np.any(np.diff(places) <= 0):
                raise DataError("the buckets that were met are no list in order")
        made._number(words, met)
        return made


def check_subwords(subwords: Any) -> None:
    """Refuse what is no pair of lengths.

    Raises
    ------
    ArgumentError
    """
    if not isinstance(subwords, list | tuple) or len(subwords) != 2:
        raise ArgumentError(
            "subwords must be two lengths, of the shortest and the longest n-grams of characters, "
            f"or None, not {subwords!r}"
        )
    check("subwords", {"the shortest": COUNT}, {"the shortest": subwords[0]})
    longer = Interval(subwords[0], math.inf, integer=True)
    check("subwords", {"the longest": longer}, {"the longest": subwords[1]})


@dataclass(frozen=True)
class _Coded:
    """Tokens of texts as numbers: those of the distinct words in these texts.

    Attributes
    ----------
    words : list of str
        Each once, as they come.
    codes : array of int64
        Of each token the number of its word.
    lengths : array of int64
        How many tokens each text has.
    """

    words: list[str]
    codes: Array
    lengths: Array

    @classmethod
    def of(cls, token_lists: Iterable[Sequence[str]]) -> _Coded:
        tokens: list[str] = []  # one list: many would keep the garbage collector busy
        lengths: list[int] = []
        for own in token_lists:
            tokens += own
            lengths.append(len(own))
        number: defaultdict[str, int] = defaultdict(count().__next__)
        codes = np.fromiter(map(number.__getitem__, tokens), np.int64, len(tokens))
        return cls(list(number), codes, np.array(lengths, np.int64))

    @property
    def texts(self) -> Array:
        """Of each token the number of its text."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def _runs(offsets: Array, which: Array) -> tuple[Array, Array]:
    """Return the places of some runs of a table, one run after the other, and their lengths."""
    counts = np.diff(offsets)[which]
    ends = np.cumsum(counts)
    shift = np.repeat(offsets[which] - (ends - counts), counts)
    return np.arange(len(shift)) + shift, counts
