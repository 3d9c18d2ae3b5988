"""What word vectors are taught: words, what stands near them in the text, and noise.

A part of the text becomes arrays, drawn from the seed, the epoch and the number of the part alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph import Array
from chainrule.language.word_sentences import Sentences

_KEEP, _NEAR, _NOISE = 2, 3, 4  # streams of draws; `chainrule.data` has others
_NOWHERE = 2**40  # a place that is in no sentence
_MOST_WORDS = 256  # of an update
_FINE = 2**4  # entries of the table of noise for a word, on average: it stays in the cache


class Lessons(NamedTuple):
    """Rows of training: n words in the middle, each with what goes in and what is to come out.

    Attributes
    ----------
    inputs : int32 array, shape (n, i)
        Rows of the table of inputs, whose mean is taken.
    shares : float32 array, shape (n, i)
        The part that each has in the mean.
    outputs : int32 array, shape (n, r)
        Rows of the table of outputs.
    labels : float32 array, shape (n, r)
        1 where the answer is yes, 0 where it is no.
    weights : float32 array, shape (n, r)
        How often each counts; 0 where there is nothing.
    """

    inputs: Array
    shares: Array
    outputs: Array
    labels: Array
    weights: Array

    def filled_up(self, size: int) -> Lessons:
        """Return the lessons with rows that teach nothing, so that batches of a size are full."""
        missing = -len(self.inputs) % size
        rows = [np.concatenate([x, np.zeros((missing, x.shape[1]), x.dtype)]) for x in self]
        return Lessons(*rows) if missing else self


class Noise:
    """Words drawn by the power 3/4 of how often they come, so many for each target.

    Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed representations of words and phrases
    and their compositionality" (NIPS 2013), section 2.2.

    Parameters
    ----------
    counts : int array, shape (words,)
    negative : int
        Draws for each target.
    """

    def __init__(self, counts: Array, negative: int) -> None:
        shares = np.cumsum(counts**0.75)
        bits = max(16, int(np.ceil(np.log2(_FINE * len(counts)))))
        size, self.shift = 2**bits, np.uint32(32 - bits)
        marks = (np.arange(size) + 0.5) * (shares[-1] / size)
        self.table = np.searchsorted(shares, marks).astype(np.int32)
        self.negative, self.n_outputs = negative, len(counts)

    def outputs(self, targets: Array, near: Array, draws: Array) -> tuple[Array, Array, Array]:
        """Return rows of outputs, their labels and weights; see `Lessons`.

        Parameters
        ----------
        targets : int32 array, shape (n, t)
        near : bool array, shape (n, t)
            Which of them are there.
        draws : uint32 array
            Enough of them.
        """
        n, t = targets.shape
        k = self.drawn(t)
        noise = self.table.take(draws[: n * k] >> self.shift).reshape(n, k)
        weights = np.empty((n, t + k), np.float32)
        weights[:, :t] = near
        weights[:, t:] = np.repeat(weights[:, :t], self.negative, axis=1)
        labels = np.zeros((n, t + k), np.float32)
        labels[:, :t] = 1
        return np.concatenate([targets, noise], axis=1), labels, weights

    def drawn(self, t: int) -> int:
        """Return how many words are drawn for so many targets."""
        return t * self.negative

    def meeting(self, t: int, shares: Array) -> float:
        """Return how many decisions of a word with t targets are at one row, that which has most.

        Parameters
        ----------
        t : int
        shares : float array
            Of each word in the text that is taught.
        """
        noise = np.bincount(self.table, minlength=self.n_outputs) / len(self.table)
        return t * float(np.max(shares + self.negative * noise))


class Ways:
    """Yes and no along a word's way through the tree of a hierarchical softmax.

    Parameters
    ----------
    tree : chainrule.nn.word_trees.WordTree
    """

    def __init__(self, tree: Any) -> None:
        self.nodes = np.asarray(tree.nodes)
        self.labels = np.asarray(tree.signs > 0, np.float32)
        self.there = np.asarray(tree.signs != 0, np.float32)
        self.n_outputs = max(1, len(self.nodes) - 1)

    def outputs(self, targets: Array, near: Array, draws: Array) -> tuple[Array, Array, Array]:
        """Return rows of outputs, their labels and weights; see `Noise.outputs`."""
        n = len(targets)
        weights = self.there[targets] * near[:, :, None]
        parts = self.nodes[targets], self.labels[targets], weights
        nodes, labels, weights = (part.reshape(n, -1) for part in parts)
        return nodes, labels, weights.astype(np.float32)

    def drawn(self, t: int) -> int:
        """Return 0: nothing is drawn."""
        return 0

    def meeting(self, t: int, shares: Array) -> float:
        """Return t: all ways begin at the root."""
        return float(t)


class Parts(NamedTuple):
    """The rows that make up each word: its own, and those of its n-grams of characters.

    Attributes
    ----------
    rows : int32 array, shape (words, most)
    there : float32 array, shape (words, most)
        1, or 0 where a word has fewer.
    """

    rows: Array
    there: Array


@dataclass(frozen=True)
class Curriculum:
    """All that is taught.

    Attributes
    ----------
    corpus : Sentences
    window : int
        Distance up to which a word is near.
    sample : float
        Share of the text from which on a word is left out at random; 0 for none.
    skip_gram : bool
        Whether the word in the middle goes in and its neighbours are to come out, or the other way
        round.
    answers : Noise or Ways
        What is to come out.
    parts : Parts or None
        Of words; None if each is a row of its own.
    seed : int
    """

    corpus: Sentences
    window: int
    sample: float
    skip_gram: bool
    answers: Noise | Ways
    parts: Parts | None
    seed: int

    @cached_property
    def offsets(self) -> Array:
        """Places of neighbours, of which one row is drawn: shape (window, s).

        CBOW takes the mean of a window of 1 to `window` words to each side, as in word2vec. A word
        at distance d is in it with probability (window + 1 - d) / window. To skip-gram neighbours
        are pairs of their own: each distance has that probability, but there are always window + 1,
        which is their mean number (systematic sampling), so that rows are full.
        """
        w = self.window
        all_ = np.array([d for d in range(-w, w + 1) if d])
        if not self.skip_gram:
            return np.where(np.abs(all_) <= np.arange(1, w + 1)[:, None], all_, _NOWHERE)
        ends = np.cumsum(w + 1 - np.abs(all_))
        marks = np.arange(w)[:, None] + w * np.arange(w + 1)
        chosen: Array = all_[np.searchsorted(ends, marks, side="right")]
        return chosen

    @cached_property
    def thresholds(self) -> Array:
        """By word: draws of 32 bits up to which it stays in the text (word2vec's formula)."""
        counts = self.corpus.vocabulary.counts
        if not self.sample:
            return np.full(len(counts), 2**32 - 1, np.uint32)
        ratio = self.sample * counts.sum() / counts
        kept: Array = np.minimum((np.sqrt(ratio) + ratio) * 2**32, 2**32 - 1).astype(np.uint32)
        return kept

    @property
    def n_asked(self) -> int:
        """What is to come out for each word in the middle."""
        return self.window + 1 if self.skip_gram else 1

    def batch_size(self, lr: float) -> int:
        """Return a number of words whose gradients can be added up without going too far.

        The cost of a decision with score ``u @ v`` curves by at most ``v @ v / 4`` in the row u. So
        a step down the sum of n such costs stays in the valley where ``lr * n / 4`` is small. Here
        it is half for the row at which most decisions of a batch meet, at vectors of length 1.
        """
        counts = self.corpus.vocabulary.counts * (self.thresholds / 2**32)
        meeting = self.answers.meeting(self.n_asked, counts / counts.sum())
        return int(np.clip(2 / (lr * meeting), 1, _MOST_WORDS))

    def lessons(self, epoch: int, chunk: int) -> tuple[Lessons, int]:
        """Return what a part of the text teaches in an epoch, and how many pairs that are.

        A pair is a neighbour of a word for skip-gram, and for CBOW a word with its neighbours.
        """
        ids, sentence = self.corpus.part(chunk)
        kept = (ids >= 0) & (self._draws(epoch, chunk, _KEEP, len(ids)) <= self.thresholds[ids])
        words = ids[kept]
        near, context = self._neighbours(words, sentence[kept], epoch, chunk)
        middle, alone = words[:, None], np.any(near, axis=1)[:, None]
        given, asked = (middle, context) if self.skip_gram else (context, middle)
        there, wanted = (alone, near) if self.skip_gram else (near, alone)
        count = self.answers.drawn(asked.shape[1]) * len(words)
        draws = self._draws(epoch, chunk, _NOISE, count)
        answers = self.answers.outputs(asked, wanted, draws)
        return Lessons(*self._inputs(given, there), *answers), int(wanted.sum())

    def _neighbours(
        self, words: Array, sentence: Array, epoch: int, chunk: int
    ) -> tuple[Array, Array]:
        """Return which neighbours of each word are there, and which words they are."""
        counts = np.bincount(sentence)
        ends = np.cumsum(counts)
        start, end = (np.repeat(x, counts)[:, None] for x in (ends - counts, ends))
        drawn = self._draws(epoch, chunk, _NEAR, len(words)).astype(np.uint64)
        places = self.offsets.take(drawn * np.uint64(self.window) >> np.uint64(32), axis=0)
        places += np.arange(len(words))[:, None]
        near = (places >= start) & (places < end)
        return near, words.take(places, mode="clip") if len(words) else places.astype(np.int32)

    def _inputs(self, given: Array, there: Array) -> tuple[Array, Array]:
        """Return rows of inputs and their shares; see `Lessons`."""
        if self.parts is None:
            rows, shares = given, there.astype(np.float32)
        else:
            n = len(given)
            rows = self.parts.rows[given].reshape(n, -1)
            shares = (self.parts.there[given] * there[:, :, None]).reshape(n, -1)
        total = np.maximum(shares.sum(axis=1, keepdims=True), 1)
        return np.ascontiguousarray(rows), (shares / total).astype(np.float32)

    def _draws(self, epoch: int, chunk: int, purpose: int, n: int) -> Array:
        """Return n random words of 32 bits."""
        key = np.array([self.seed, epoch], np.uint64)
        generator = np.random.Philox(key=key, counter=[0, 0, chunk, purpose])
        words: Array = generator.random_raw((n + 1) // 2).astype("<u8").view("<u4")[:n]
        return words
