"""`NGramModel`: a word's probability by the few words before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, check
from chainrule.errors import ArgumentError, DataError, NotFittedError, ShapeError
from chainrule.graph import Array
from chainrule.io import Limits
from chainrule.text.ngrams.arpa import read_arpa, write_arpa
from chainrule.text.ngrams.counts import Counts
from chainrule.text.ngrams.jelinek_mercer import JelinekMercer
from chainrule.text.ngrams.smoothing import (
    AbsoluteDiscounting,
    GoodTuring,
    Katz,
    KneserNey,
    Laplace,
    ModifiedKneserNey,
    Smoothing,
)
from chainrule.text.ngrams.table import BackoffTable
from chainrule.text.vocabulary import BOS, EOS, UNK, Vocabulary

SMOOTHINGS: dict[str, type[Smoothing]] = {
    "laplace": Laplace,
    "good-turing": GoodTuring,
    "katz": Katz,
    "jelinek-mercer": JelinekMercer,
    "absolute": AbsoluteDiscounting,
    "kneser-ney": KneserNey,
    "modified-kneser-ney": ModifiedKneserNey,
}
_EMPTY = "this NGramModel has learned nothing yet: call fit first"
_HELD_OUT = 10  # one part in so many, where weights are to be found and no text is held out


class NGramModel:
    """A language model of n-grams.

    Parameters
    ----------
    order : int
        n: a word's probability depends on n - 1 words before it.
    smoothing : str or Smoothing
        ``"laplace"``, ``"good-turing"``, ``"katz"``, ``"jelinek-mercer"``, ``"absolute"``,
        ``"kneser-ney"`` or ``"modified-kneser-ney"``; or one made with arguments of its own, such
        as ``Laplace(add=0.1)``.

    Attributes
    ----------
    table_ : BackoffTable
        What was learned.
    smoothing_ : Smoothing
        `smoothing` with what was found on held-out text.
    vocabulary_ : Vocabulary or None
        None where ids without words were learned from.

    Raises
    ------
    ArgumentError
        If the order is no whole number from 1 on, or there is no such smoothing.

    Examples
    --------
    >>> model = NGramModel(order=2, smoothing="laplace")
    >>> model = model.fit([["the", "cat", "sat"], ["the", "dog", "sat"]])
    >>> model.prob("cat", ["the"])  # (1 + 1) / (2 + 6): <unk>, </s> and four words
    0.25
    >>> round(model.perplexity([["the", "cat", "sat"]]), 2)
    3.16
    >>> model.generate(seed=1)
    ['the', 'dog']
    """

    def __init__(self, order: int = 3, smoothing: str | Smoothing = "modified-kneser-ney") -> None:
        check("NGramModel", {"order": COUNT}, {"order": order})
        if not isinstance(smoothing, Smoothing) and smoothing not in SMOOTHINGS:
            raise ArgumentError(
                f"NGramModel: smoothing must be one of {', '.join(map(repr, SMOOTHINGS))} or a "
                f"Smoothing, not {smoothing!r}"
            )
        self.order, self.smoothing = order, smoothing

    def fit(
        self,
        sentences: Iterable[Sequence[str]],
        *,
        vocabulary: Vocabulary | None = None,
        held_out: Iterable[Sequence[str]] | None = None,
    ) -> Self:
        """Learn from sentences, each between ``<s>`` and ``</s>``.

        Parameters
        ----------
        sentences : iterable of sequence of str
        vocabulary : Vocabulary, optional
            With ``"<unk>"``, ``"<s>"`` and ``"</s>"``; other words count as ``"<unk>"``. By default
            all words that come.
        held_out : iterable of sequence of str, optional
            What the weights of ``"jelinek-mercer"`` are found on; by default the last tenth.

        Raises
        ------
        DataError
            If there is no sentence, or the vocabulary lacks a marker.
        ArgumentError
            If a text is held out for a smoothing that learns nothing from one.
        """
        if vocabulary is None:
            sentences = [list(sentence) for sentence in sentences]
            vocabulary = Vocabulary.of(sentences, specials=(UNK, BOS, EOS))
        self.vocabulary_: Vocabulary | None = vocabulary
        held = None if held_out is None else self._stream(held_out)
        return self._learn(self._stream(sentences), vocabulary, len(vocabulary), held)

    def fit_ids(
        self, ids: Array, vocabulary: Vocabulary | int, *, held_out: Array | None = None
    ) -> Self:
        """Learn from one stream of ids.

        Parameters
        ----------
        ids : array of int, shape (length,)
            Each word's history is what comes before it, to the last ``<s>`` at most, and one
            ``<s>`` comes before the first. Nothing is added where it ends.
        vocabulary : Vocabulary or int
            What ids stand for, or just their number; none is then ``<s>``.
        held_out : array of int, optional
            As in `fit`.

        Raises
        ------
        DataError
            If there are no words, or ids beyond the vocabulary.
        ArgumentError
            If a text is held out for a smoothing that learns nothing from one.
        """
        known = vocabulary if isinstance(vocabulary, Vocabulary) else None
        size = vocabulary if isinstance(vocabulary, int) else len(vocabulary)
        self.vocabulary_ = known
        stream = self._started(_checked(ids, size, 1))
        held = None if held_out is None else self._started(_checked(held_out, size, 1))
        return self._learn(stream, known, size, held)

    def _learn(
        self, stream: Array, vocabulary: Vocabulary | None, size: int, held: Array | None
    ) -> Self:
        bos, pad = (vocabulary.bos, vocabulary.pad) if vocabulary else (None, None)
        smoothing = self.smoothing
        if not isinstance(smoothing, Smoothing):
            smoothing = SMOOTHINGS[smoothing]()
        kept = stream
        if held is None and isinstance(smoothing, JelinekMercer) and smoothing.weights is None:
            kept, held = np.split(stream, [len(stream) - -(-len(stream) // _HELD_OUT)])
        counts = Counts.of(kept, self.order, size, bos, pad)
        self.smoothing_ = smoothing.tuned(counts, held)
        if kept is not stream:
            counts = Counts.of(stream, self.order, size, bos, pad)
        self.table_ = self.smoothing_.table(counts)
        return self

    def log_probs_ids(self, ids: Array) -> Array:
        """Return the log probability of every word of a stream, given those before it.

        Parameters
        ----------
        ids : array of int, shape (length,)
            As for `fit_ids`.

        Returns
        -------
        array of float64, shape (length,)
            Natural logarithms; 0 for ``<s>``, which is given, ``-inf`` for ``<pad>``.
        """
        stream = self._started(_checked(ids, self._table().size, 1))
        return self._table().score(stream)[len(stream) - len(ids) :]

    def log_probs(self, windows: Array) -> Array:
        """Return the log probabilities of the last words of windows, given the words before them.

        Parameters
        ----------
        windows : array of int, shape (windows, length)
            Where the text begins within a window, ``<s>`` before it, as often as it takes.

        Returns
        -------
        array of float64, shape (windows,)
            Natural logarithms.
        """
        table = self._table()
        near = _checked(windows, table.size, 2)[:, -table.order :]
        return table.score(near)[:, -1]

    def prob(self, word: str | int, history: Sequence[str] | Sequence[int] = ()) -> float:
        """Return the probability of a word after others.

        Parameters
        ----------
        word : str or int
            A word or its id.
        history : sequence of str or int
            What comes before, the nearest last; ``"<s>"`` where a sentence begins. Of one that is
            shorter, ``"laplace"`` and ``"good-turing"``, which have one order only, know nothing.
        """
        (event,) = self._ids([word])
        return float(np.exp(self._table().after(self._ids(history))[event]))

    def distribution(self, history: Sequence[str] | Sequence[int] = ()) -> Array:
        """Return the probabilities of all words after others.

        Parameters
        ----------
        history : sequence of str or int
            As for `prob`.

        Returns
        -------
        array of float64, shape (words of the vocabulary,)
            They add up to 1; those of ``<s>`` and ``<pad>`` are 0.
        """
        return np.exp(self._table().after(self._ids(history)))

    def score(self, sentence: Sequence[str], *, bos: bool = True, eos: bool = True) -> float:
        """Return the logarithm to base 10 of a sentence's probability, as KenLM tells it.

        Parameters
        ----------
        sentence : sequence of str
        bos, eos : bool
            Whether it begins after ``<s>``, and whether ``</s>`` ends it and counts.
        """
        ids = self._ids([*[BOS] * bos, *sentence, *[EOS] * eos])
        return float(self._table().score(ids).sum() / math.log(10))

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """Return the perplexity of sentences: 2 to the `bits`.

        Raises
        ------
        DataError
            If there are none.
        """
        return float(2 ** self.bits(sentences))

    def bits(self, sentences: Iterable[Sequence[str]]) -> float:
        """Return the mean of -log2 of the probabilities of words, each ``</s>`` among them.

        Parameters
        ----------
        sentences : iterable of sequence of str

        Raises
        ------
        DataError
            If there are none.
        """
        stream = self._stream(sentences)
        words = int((stream != self._table().bos).sum())
        if not words:
            raise DataError("there are no sentences to be told the perplexity of")
        return float(-self._table().score(stream).sum() / words / math.log(2))

    def generate(
        self,
        history: Sequence[str] = (BOS,),
        *,
        max_length: int = 100,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """Return words drawn one after another, until ``</s>``.

        Parameters
        ----------
        history : sequence of str
            What comes before.
        max_length : int
            The most words.
        temperature : float
            Above 0; below 1, likely words are drawn more often than they are likely.
        seed : int
            The same seed draws the same words.
        """
        check("generate", _DRAWN, {"max_length": max_length, "temperature": temperature})
        vocabulary, table, random = (
            _with_markers(self._words()),
            self._table(),
            np.random.default_rng(seed),
        )
        ids = self._ids(history)
        begin = len(ids)
        for _ in range(max_length):
            scores = table.after(ids) / temperature
            chances = np.cumsum(np.exp(scores - scores.max()))
            drawn = int(np.searchsorted(chances, random.random() * chances[-1], "right"))
            if drawn == vocabulary.eos:
                break
            ids = np.append(ids, drawn)
        return vocabulary.tokens(ids[begin:].tolist())

    def save_arpa(self, path: str | Path) -> None:
        """Write an ARPA file, compressed if its name ends in ``.gz``.

        Raises
        ------
        DataError
            If a word holds white space, which such a file cannot tell from the end of the word.
        OSError
            If it cannot be written.
        """
        write_arpa(path, self._table(), self._words())

    @classmethod
    def load_arpa(cls, path: str | Path, *, limits: Limits | None = None) -> Self:
        """Read an ARPA file, whoever wrote it.

        Parameters
        ----------
        path : str or Path
            Plain, or compressed with gzip, bzip2 or xz.
        limits : Limits, optional
            What the file may ask of this machine.

        Raises
        ------
        DataError
            Naming the line, if it is none.
        """
        table, vocabulary = read_arpa(path, limits or Limits())
        model = cls(order=table.order)
        model.table_, model.vocabulary_ = table, vocabulary
        return model

    def _table(self) -> BackoffTable:
        if not hasattr(self, "table_"):
            raise NotFittedError(_EMPTY)
        return self.table_

    def _words(self) -> Vocabulary:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError(_EMPTY)
        if self.vocabulary_ is None:
            raise ArgumentError("this NGramModel learned from ids without words: ask it for ids")
        return self.vocabulary_

    def _stream(self, sentences: Iterable[Sequence[str]]) -> Array:
        vocabulary = _with_markers(self._words())
        marked = chain.from_iterable((BOS, *sentence, EOS) for sentence in sentences)
        return vocabulary.ids(list(marked))

    def _started(self, ids: Array) -> Array:
        vocabulary = self.vocabulary_
        if vocabulary is None or vocabulary.bos is None:
            return ids
        return np.concatenate([[vocabulary.bos], ids])

    def _ids(self, words: Sequence[Any]) -> Array:
        """Return the ids of words, or of ids themselves."""
        if all(isinstance(word, int | np.integer) for word in words):
            return _checked(np.array(words, np.int64), self._table().size, 1)
        return self._words().ids(words)


_DRAWN = {"max_length": COUNT, "temperature": POSITIVE}


def _with_markers(vocabulary: Vocabulary) -> Vocabulary:
    """Return a vocabulary that sentences can be read with."""
    lacking = [marker for marker in (UNK, BOS, EOS) if marker not in vocabulary]
    if lacking:
        raise DataError(
            f"the vocabulary of an n-gram model of sentences needs {', '.join(lacking)}: "
            "Vocabulary.of(..., specials=(UNK, BOS, EOS))"
        )
    return vocabulary


def _checked(ids: Array, size: int, dimensions: int) -> Array:
    """Return ids that are whole numbers below a size."""
    given = np.asarray(ids)
    if given.ndim != dimensions:
        raise ShapeError(f"ids must have {dimensions} dimensions, not the shape {given.shape}")
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= size):
        raise DataError(f"ids must be whole numbers from 0 to {size - 1}, one for each word")
    return given
