"""`TextNetwork`: pooled embeddings, hidden layers, and a direct way from tokens to classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Ragged
from chainrule.graph import Array
from chainrule.graph.tree import map_leaves
from chainrule.nn import (
    Dropout,
    FixedPooledEmbedding,
    Module,
    PooledEmbedding,
    Run,
    Sequential,
    binary_cross_entropy,
    cross_entropy,
    dense,
)

_BLOCK = 2**21  # numbers that are gathered at a time


class TextNetwork(Module):
    """Scores of classes from the ids of texts.

    Parameters
    ----------
    table : PooledEmbedding
        Vectors of which the first `width` columns go through `body`; what is left are scores of
        classes that the tokens have themselves.
    body : Sequential
        From vectors to scores.
    width : int
        Columns of what `table` gives that `body` takes.
    direct : PooledEmbedding, optional
        A table of scores of its own.

    Notes
    -----
    The direct way is a linear model beside the network, as the direct connections of Bengio et
    al., "A neural probabilistic language model" (JMLR 2003), section 2.
    """

    def __init__(
        self,
        table: PooledEmbedding,
        body: Sequential,
        width: int,
        direct: PooledEmbedding | None = None,
    ) -> None:
        self.table, self.body, self.width, self.direct = table, body, width, direct

    @property
    def own_scores(self) -> Any:
        """The scores that tokens have themselves: an array (n_ids, n_classes), or None."""
        if self.direct is not None:
            return self.direct.weight
        columns = self.table.weight.shape[1]
        return self.table.weight[:, self.width :] if columns > self.width else None

    @property
    def bias(self) -> Any:
        """What is added to the scores of every text, shape (n_classes,)."""
        last: Any = self.body.layers[-1]
        return last.bias

    def forward(self, ids: Any, run: Run | None = None) -> Any:
        """Map ids (n, length) to scores (n, n_classes)."""
        return self.scores(self.table(ids, run), ids, run)

    def scores(self, pooled: Any, ids: Any, run: Run | None = None) -> Any:
        """Return scores from what the table gives."""
        scores = self.body(pooled[:, : self.width], run)
        if np.shape(pooled)[1] > self.width:
            scores = scores + pooled[:, self.width :]
        return scores if self.direct is None else scores + self.direct(ids, run)


@dataclass(frozen=True)
class Design:
    """What a `TextNetwork` is made by, apart from sizes that the texts tell.

    Attributes
    ----------
    pooling : str
        See `chainrule.nn.PooledEmbedding`.
    direct : bool
        Whether tokens have scores of their own.
    fixed : bool
        Whether the vectors are not trained.
    hidden : sequence of int
        Widths of hidden layers.
    activation : str
    word_dropout, dropout : float
    """

    pooling: str
    direct: bool
    fixed: bool
    hidden: Sequence[int]
    activation: str
    word_dropout: float
    dropout: float

    def network(
        self, n_ids: int, dim: int, length: int, n_classes: int, rng: np.random.Generator | None
    ) -> TextNetwork:
        """Return a network; without an `rng` one of zeros, for weights that are loaded.

        Parameters
        ----------
        n_ids : int
            Rows of the table that are needed; it has up to an eighth more, for programs know sizes
            and can be used again where they are the same.
        dim : int
            Length of a vector.
        length : int
            Of a padded text; it matters where vectors are concatenated.
        n_classes : int
        rng : numpy.random.Generator, optional
        """
        step = 1 << max(0, n_ids.bit_length() - 4)
        n_ids = -(-n_ids // step) * step
        options: Any = {"pooling": self.pooling, "word_dropout": self.word_dropout}
        joined = self.direct and not self.fixed
        kind = FixedPooledEmbedding if self.fixed else PooledEmbedding
        columns = dim + n_classes if joined else dim
        table = kind(n_ids, columns, rng, weight_init=_small, **options)
        apart = self.direct and self.fixed
        own = PooledEmbedding(n_ids, n_classes, None, **options) if apart else None
        width = dim * length if self.pooling == "concatenate" else dim
        sizes = [width, *self.hidden, n_classes]
        body = dense(sizes, rng, activation=self.activation, dropout=self.dropout)
        first = [Dropout(self.dropout)] if self.dropout else []
        return TextNetwork(table, Sequential(*first, *body.layers), width, own)


def _small(shape: Sequence[int], rng: np.random.Generator) -> Array:
    drawn = rng.standard_normal(shape, np.float32)
    drawn *= 0.1
    return drawn


def text_loss(scores: Any, targets: Any, sample_weight: Any = None) -> Any:
    """Return the cross-entropy of one class a text, or the sum of those of its labels."""
    if np.ndim(targets) == 1:
        return cross_entropy(scores, targets, sample_weight=sample_weight)
    n_labels = targets.shape[1]
    return n_labels * binary_cross_entropy(scores, targets, sample_weight=sample_weight)


def predicted_scores(network: TextNetwork, rows: Ragged) -> Array:
    """Return the scores of texts, float32, so that none depends on those beside it.

    Texts of one length go through the table together, and what it gives through the rest in
    double precision.

    Parameters
    ----------
    network : TextNetwork
    rows : Ragged

    Returns
    -------
    array of float32, shape (n, n_classes)
    """
    body = map_leaves(lambda p: p.astype(np.float64), network.body)
    exact = TextNetwork(network.table, body, network.width, network.direct)
    lengths = np.maximum(rows.lengths, 1)
    if network.table.pooling == "concatenate":
        lengths[:] = network.width // network.table.weight.shape[1]
    order = np.argsort(lengths, kind="stable")
    bounds = np.flatnonzero(np.diff(lengths[order])) + 1
    found: list[tuple[Array, Array]] = []
    for group in np.split(order, bounds):
        length = int(lengths[group[0]]) if len(group) else 1
        size = max(1, _BLOCK // (length * network.table.weight.shape[1]))
        for start in range(0, len(group), size):
            places = group[start : start + size]
            ids = rows.padded(places, length)
            pooled = network.table(ids).astype(np.float64)
            found.append((places, exact.scores(pooled, ids)))
    scores = np.empty((len(rows), len(network.bias)), np.float32)
    for places, block in found:
        scores[places] = block
    return scores
