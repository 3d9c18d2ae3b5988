"""`BackoffTable`: what every n-gram model is once it has been estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.graph import Array
from chainrule.text.ngrams.rows import NONE, places, text_rows


@dataclass(frozen=True, eq=False)
class BackoffTable:
    """Probabilities of the n-grams that are listed, and weights of histories for all others.

    A word w after a history h has the probability that is listed for hw; if none is, the weight of
    h, which is 1 if it is not listed either, times the probability of w after h without its first
    word. This is what ARPA files hold; interpolated models have the same form [1]_.

    Attributes
    ----------
    keys : list of array of int64
        N-grams of the orders from 2 on, as `chainrule.text.ngrams.rows` numbers them.
    log_probs : list of array of float64
        Natural logarithms, for the orders from 1 on.
    log_weights : list of array of float64
        Of the n-grams as histories, for all orders but the last.
    size : int
        Number of words.
    bos : int or None
        Id of ``<s>``.

    References
    ----------
    .. [1] Chen & Goodman, "An empirical study of smoothing techniques for language modeling",
       Computer Speech & Language 13, 1999, section 2.8.
    """

    keys: list[Array]
    log_probs: list[Array]
    log_weights: list[Array]
    size: int
    bos: int | None

    @property
    def order(self) -> int:
        """Words of the longest n-grams."""
        return len(self.log_probs)

    def score(self, ids: Array) -> Array:
        """Return the log probability of every word of texts, given those before it.

        Parameters
        ----------
        ids : array of int, shape (length,) or (rows, length)
            Each row is a text of its own.

        Returns
        -------
        array of float64, shape of `ids`
            0 for ``<s>``, which is given and not predicted.
        """
        rows = text_rows(self.keys, ids, self.size, self.bos)
        flat, broken = places(ids, self.bos)
        scores = self.log_probs[0][flat]
        for k in range(1, self.order):
            history = np.flatnonzero(~broken)
            history = history[rows[k - 1][history - 1] != NONE]
            scores[history] += self.log_weights[k - 1][rows[k - 1][history - 1]]
            listed = np.flatnonzero(rows[k] != NONE)
            scores[listed] = self.log_probs[k][rows[k][listed]]
        if self.bos is not None:
            scores[flat == self.bos] = 0.0
        return scores.reshape(ids.shape)

    def after(self, history: Array) -> Array:
        """Return the log probability of every word after a history.

        Parameters
        ----------
        history : array of int, shape (length,)

        Returns
        -------
        array of float64, shape (size,)
            ``-inf`` for ``<s>`` and ``<pad>``.
        """
        scores = self.log_probs[0].copy()
        if self.order == 1 or not len(history):
            return scores
        near = history[1 - self.order :]
        rows = text_rows(self.keys, near, self.size, self.bos)
        for k in range(1, self.order):
            row = rows[k - 1][-1]
            if row == NONE:
                break  # no longer history is listed either
            scores += self.log_weights[k - 1][row]
            keys = self.keys[k - 1]
            first, last = np.searchsorted(keys, [row * self.size, (row + 1) * self.size])
            scores[keys[first:last] % self.size] = self.log_probs[k][first:last]
        return scores
