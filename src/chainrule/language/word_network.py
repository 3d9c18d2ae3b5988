"""The network of word vectors: two tables, and a yes or no for each pair of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.reverse import value_and_gradients
from chainrule.autodiff.rows import RowGradient
from chainrule.graph.tree import flatten, unflatten
from chainrule.nn import Module
from chainrule.ops.activations import softplus
from chainrule.ops.indexing import SLOT, Index, gather
from chainrule.ops.rows import put_rows


class TwoTables(Module):
    """Scores of words with others: products of a mean of input vectors with output vectors.

    Mikolov, Chen, Corrado and Dean, "Efficient estimation of word representations in vector
    space" (2013). Skip-gram takes one input vector, CBOW the mean of the neighbours'.

    Parameters
    ----------
    n_inputs, n_outputs, size : int
        Rows of the two tables, and numbers in each.
    seed : int
        Of the input vectors: uniform between -1 / (2 size) and 1 / (2 size), as in word2vec; the
        output vectors are 0.

    Attributes
    ----------
    inner : float32 array, shape (n_inputs, size)
    outer : float32 array, shape (n_outputs, size)

    Examples
    --------
    >>> network = TwoTables(3, 3, 4, seed=0)
    >>> network((np.array([[0]]), np.ones((1, 1)), np.array([[1, 2]])))
    array([[0., 0.]])
    """

    def __init__(self, n_inputs: int, n_outputs: int, size: int, seed: int) -> None:
        key = np.array([seed, 0], np.uint64)
        generator = np.random.Philox(key=key, counter=[0, 0, 0, _START])
        self.inner: Any = np.empty((n_inputs, size), np.float32)
        flat = self.inner.reshape(-1)
        for start in range(0, len(flat), _BLOCK):
            part = flat[start : start + _BLOCK]
            part[:] = generator.random_raw(len(part)) >> np.uint64(40)  # below 2**24
            part -= np.float32(2**23)
            part /= np.float32(2**24 * size)
        self.outer: Any = np.zeros((n_outputs, size), np.float32)

    def forward(self, x: Any) -> Any:
        """Return scores of shape (n, r).

        Parameters
        ----------
        x : tuple
            `Lessons.inputs` of shape (n, i), their `shares` (n, i), and `outputs` (n, r).
        """
        inputs, shares, outputs = x
        return scores(mean_of(self.inner, inputs, shares), self.outer, outputs)


_START = 5  # the stream of the first vectors
_BLOCK = 2**20  # numbers that are drawn at a time


def mean_of(inner: Any, inputs: Any, shares: Any) -> Any:
    """Return the mean of some input vectors for each row: shape (n, size)."""
    return np.sum(inner[inputs] * shares[:, :, None], axis=1)


def scores(hidden: Any, outer: Any, outputs: Any) -> Any:
    """Return products with some output vectors for each row: shape (n, r)."""
    return np.sum(hidden[:, None, :] * outer[outputs], axis=-1)


def surprise(scores: Any, labels: Any, weights: Any) -> Any:
    """Return the sum of the cross-entropies of yes and no.

    That of a score s is ``log(1 + exp(s)) - label * s``, whose derivative is ``sigmoid(s) -
    label`` (Jurafsky and Martin, "Speech and language processing", 3rd edition, equations 5.24 and
    5.25 of chapter 5).

    Examples
    --------
    >>> surprise(np.array([0.0, 3.0]), np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    np.float64(0.6931471805599453)
    """
    return np.sum((softplus(scores) - labels * scores) * weights)


def loss_of(network: TwoTables, inputs: Any, shares: Any, outputs: Any, *answers: Any) -> Any:
    """Return what is minimised: the `surprise` at the answers of `Lessons`."""
    return surprise(network.forward((inputs, shares, outputs)), *answers)


def step(whole: bool) -> Any:
    """Return a step of descent on the summed costs of a batch, for `chainrule.scan`.

    So each pair moves the rows as it would alone. Where the mean of m vectors goes in, the gradient
    of each is the m-th part of the mean's, and its step is m times as long, as in word2vec and
    fastText; Irsoy, Benton and Stratos, "Corrected CBOW performs as well as skip-gram" (2021), tell
    what this means for the learning rate.

    Parameters
    ----------
    whole : bool
        Whether gradients are written as those of whole tables, which the engines that emit loops
        turn into updates of the rows that are touched, or as those rows. The sense is the same.
    """

    def taken(network: TwoTables, rows: Any, lr: Any) -> tuple[TwoTables, Any]:
        inputs, shares, outputs, *answers = rows
        (inner, outer), structure = flatten(network)

        def cost(given: Any) -> Any:
            hidden, outer = given
            return surprise(scores(hidden, outer, outputs), *answers)

        hidden = mean_of(inner, inputs, shares)
        value, (delta, of_outer) = value_and_gradients(
            cost, (hidden, outer), tables=() if whole else (1,)
        )
        parts = RowGradient(inputs, delta[:, None, :] * np.sign(shares)[:, :, None], inner)
        of_inner = parts.dense() if whole else parts
        return unflatten(
            structure, [_moved(inner, of_inner, lr), _moved(outer, of_outer, lr)]
        ), value

    return taken


def _moved(table: Any, gradient: Any, lr: Any) -> Any:
    if not isinstance(gradient, RowGradient):
        return table - lr * gradient
    g = gradient.summed()
    return put_rows(table, gather(table, g.places, index=Index((SLOT,))) - lr * g.values, g.places)
