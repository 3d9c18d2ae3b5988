"""How often n-grams come in a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.text.ngrams.rows import NONE, longer, places


@dataclass(frozen=True, eq=False)
class Level:
    """The n-grams of one order that a text has.

    Attributes
    ----------
    keys : array of int64, shape (grams,)
        Sorted; ``prefix * size + word``, see `chainrule.text.ngrams.rows`.
    counts : array of int64, shape (grams,)
    prefix, suffix : array of int64, shape (grams,)
        Rows, one order below, of the n-gram without its last and without its first word.
    begins : array of bool, shape (grams,)
        Whether the first word is ``<s>``.
    """

    keys: Array
    counts: Array
    prefix: Array
    suffix: Array
    begins: Array

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class Counts:
    """The n-grams of a text of every order up to the highest.

    Attributes
    ----------
    levels : list of Level
        The first has a row for every word of the vocabulary, met or not.
    size : int
        Number of words of the vocabulary.
    bos : int or None
        Id of ``<s>``, which is never counted as a word, only as what others come after.
    events : array of bool, shape (size,)
        Which words have a probability: all but ``<s>`` and ``<pad>``.

    Examples
    --------
    >>> counts = Counts.of(np.array([0, 1, 2, 1, 2]), order=2, size=3)
    >>> counts.levels[1].keys // 3, counts.levels[1].keys % 3, counts.levels[1].counts
    (array([0, 1, 2]), array([1, 2, 1]), array([1, 2, 1]))
    """

    levels: list[Level]
    size: int
    bos: int | None
    events: Array

    @classmethod
    def of(
        cls, ids: Array, order: int, size: int, bos: int | None = None, pad: int | None = None
    ) -> Self:
        """Count the n-grams of a text.

        Parameters
        ----------
        ids : array of int, shape (length,)
            Below `size`; after each `bos` another text begins.
        order : int
        size : int
        bos, pad : int, optional
            Ids of ``<s>`` and ``<pad>``.

        Raises
        ------
        DataError
            If there is no word to count, or ``<pad>`` is one.
        """
        events = np.ones(size, bool)
        events[[special for special in (bos, pad) if special is not None]] = False
        counts = np.bincount(ids, minlength=size)
        if pad is not None and counts[pad]:
            raise DataError("a text to be counted holds <pad>, which stands for no word")
        if bos is not None:
            counts[bos] = 0
        if not counts.any():
            raise DataError("a text to be counted has no words")
        zeros = np.zeros(size, np.int64)
        begins = np.arange(size) == (NONE if bos is None else bos)
        levels = [Level(np.arange(size), counts, zeros, zeros, begins)]
        flat, broken = places(ids, bos)
        rows = flat
        for _ in range(order - 1):
            ends, keys = longer(rows, flat, broken, size)
            keys, first, back, counts = np.unique(keys, True, True, True)
            prefix = keys // size
            levels.append(Level(keys, counts, prefix, rows[ends[first]], levels[-1].begins[prefix]))
            rows = np.full(len(flat), NONE)
            rows[ends] = back
        return cls(levels, size, bos, events)

    @property
    def order(self) -> int:
        """Words of the longest n-grams."""
        return len(self.levels)

    def histories(self, order: int) -> int:
        """Return how many histories the n-grams of an order may have."""
        return len(self.levels[order - 2]) if order > 1 else 1

    def continuations(self, order: int) -> Array:
        """Return the counts of Kneser and Ney.

        Of the highest order, and of n-grams that begin with ``<s>``, they are the counts; of others
        the number of different words that come before [1]_.

        References
        ----------
        .. [1] Heafield et al., "Scalable modified Kneser-Ney language model estimation", ACL 2013,
           section 3.2.
        """
        level = self.levels[order - 1]
        if order == self.order:
            return level.counts
        before = np.bincount(self.levels[order].suffix, minlength=len(level))
        return np.where(level.begins, level.counts, before)
