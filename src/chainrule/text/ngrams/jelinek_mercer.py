"""Interpolation of relative frequencies of all orders, with weights learned from held-out text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from chainrule.errors import ArgumentError, NotFittedError
from chainrule.graph import Array
from chainrule.text.ngrams.counts import Counts
from chainrule.text.ngrams.rows import NONE, places, text_rows
from chainrule.text.ngrams.smoothing import Smoothing, interpolated, share, sums

_ROUNDS, _STILL = 200, 1e-6  # of EM: the most rounds, and a change of the weights that ends it
BUCKETS = 12


@dataclass(frozen=True)
class JelinekMercer(Smoothing):
    """Relative frequencies of each order, interpolated with those of the orders below.

    A history that was met c times trusts its own frequencies with a weight that depends on the
    order and on the whole part of log2(c) [1]_. EM finds the weights that give a text that was held
    out the highest probability [2]_; each starts with one success and one failure, so that none is
    0 or 1.

    Parameters
    ----------
    weights : sequence of sequence of float, optional
        For each order, from 1 on, the weights of the histories met once, 2 or 3 times, 4 to 7
        times, ... up to 2048 times or more. By default they are found.

    References
    ----------
    .. [1] Jelinek & Mercer, "Interpolated estimation of Markov source parameters from sparse data",
       Workshop on Pattern Recognition in Practice, 1980.
    .. [2] Chen & Goodman, "An empirical study of smoothing techniques for language modeling",
       Computer Speech & Language 13, 1999, section 2.3.
    """

    weights: Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        for weights in self.weights or ():
            good = np.shape(weights) == (BUCKETS,) and all(0 < weight < 1 for weight in weights)
            if not good:
                raise ArgumentError(
                    f"JelinekMercer: weights must be {BUCKETS} numbers between 0 and 1 for each "
                    f"order, not {weights!r}"
                )

    def tuned(self, counts: Counts, held_out: Array | None) -> Self:
        """Return this with the weights that a text held out is most probable with."""
        if self.weights is not None:
            return super().tuned(counts, held_out)
        if held_out is None:
            raise ArgumentError("JelinekMercer learns its weights from a text held out")
        found = _expectation_maximisation(*_evidence(counts, held_out))
        return replace(self, weights=[[float(weight) for weight in row] for row in found])

    def _level(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        if self.weights is None:
            raise NotFittedError("JelinekMercer has no weights yet: tune it first")
        if len(self.weights) < counts.order:
            raise ArgumentError(
                f"JelinekMercer: there are weights of {len(self.weights)} orders, not of "
                f"{counts.order}"
            )
        level, histories = counts.levels[order - 1], counts.histories(order)
        total = sums(level, level.counts, histories)
        own = np.where(total > 0, np.asarray(self.weights[order - 1])[_bucket(total)], 0.0)
        direct = own[level.prefix] * share(level.counts, total[level.prefix], 0.0)
        return interpolated(level, direct, 1 - own, below)


def _bucket(counts: Array) -> Array:
    """Return the whole parts of log2 of counts, up to the last bucket."""
    exponents = np.frexp(np.maximum(counts, 1))[1] - 1
    buckets: Array = np.minimum(exponents, BUCKETS - 1)
    return buckets


def _evidence(counts: Counts, ids: Array) -> tuple[Array, Array]:
    """Return what every order says of every word of a text.

    Returns
    -------
    frequencies : array of float64, shape (order + 1, words)
        Of the word after its history; in the first row those of equal likelihood.
    buckets : array of int64, shape (order, words)
        Those of the histories, `NONE` for one that was never met.
    """
    rows = text_rows([level.keys for level in counts.levels[1:]], ids, counts.size, counts.bos)
    flat, broken = places(ids, counts.bos)
    words = np.flatnonzero(flat != (NONE if counts.bos is None else counts.bos))
    frequencies = np.zeros((counts.order + 1, len(words)))
    frequencies[0] = 1 / counts.events.sum()
    buckets = np.full((counts.order, len(words)), NONE)
    for k, level in enumerate(counts.levels, 1):
        total = sums(level, level.counts, counts.histories(k))
        if k == 1:
            history = np.zeros(len(words), np.int64)
        else:
            history = np.where(broken[words], NONE, rows[k - 2][words - 1])
        known = history != NONE
        known[known] = total[history[known]] > 0
        buckets[k - 1, known] = _bucket(total[history[known]])
        met = known & (rows[k - 1][words] != NONE)
        row = rows[k - 1][words[met]]
        frequencies[k, met] = level.counts[row] / total[history[met]]
    return frequencies, buckets


def _expectation_maximisation(frequencies: Array, buckets: Array) -> Array:
    """Return the weights, shape (orders, `BUCKETS`), that `_evidence` is most probable with."""
    orders = len(buckets)
    weights = np.full((orders, BUCKETS), 0.5)
    for _ in range(_ROUNDS):
        own = np.where(buckets == NONE, 0.0, np.take_along_axis(weights, buckets, 1))
        # mixed[k]: the probability by order k and all below it.
        mixed = [frequencies[0]]
        for k in range(orders):
            mixed.append(own[k] * frequencies[k + 1] + (1 - own[k]) * mixed[-1])
        new = np.empty_like(weights)
        reached = np.ones(frequencies.shape[1])  # the chance that no longer history gave the word
        for k in reversed(range(orders)):
            trusted = reached * own[k] * frequencies[k + 1] / mixed[k + 1]
            known = buckets[k] != NONE
            successes = np.bincount(buckets[k][known], trusted[known], BUCKETS)
            trials = np.bincount(buckets[k][known], reached[known], BUCKETS)
            new[k] = (successes + 1) / (trials + 2)
            reached = reached - trusted
        still = np.abs(new - weights).max() < _STILL
        weights = new
        if still:
            break
    return weights
