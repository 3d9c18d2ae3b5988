"""Vectors of a text's tokens made one: pooled embeddings, with word dropout."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import COUNT, FRACTION, Constraint, OneOf, check
from chainrule.nn.arrays import as_array, lookup
from chainrule.nn.initialisers import Initialiser, initial
from chainrule.nn.layers import Rng, checked_dtype
from chainrule.nn.module import Module
from chainrule.nn.run import Run

POOLINGS = ("mean", "max", "sum", "weighted", "concatenate")
_ALLOWED: dict[str, Constraint] = {
    "num_embeddings": COUNT,
    "embedding_dim": COUNT,
    "pooling": OneOf(POOLINGS),
    "word_dropout": FRACTION,
}
_NONE = np.float32(-1e30)  # below every number that a vector holds


class PooledEmbedding(Module):
    r"""A table of vectors of which a row of ids gives one: that of a text.

    The id 0 stands for no token and fills up short texts. Of the vectors :math:`v_i` of the tokens

    - ``"mean"`` is the mean, as in fastText [1]_ and deep averaging networks [2]_,
    - ``"sum"`` the sum, ``"max"`` the largest number of each column,
    - ``"weighted"`` has a learned weight for each token of the table and is :math:`\sum_i w_i v_i /
      \sqrt{\sum_i w_i^2}`, so that a long text's vector is no longer than a short one's if the
      tokens' vectors point anywhere,
    - ``"concatenate"`` is all of them, one after the other, zeros where there is no token.

    Of no tokens each is zero. Word dropout [2]_ leaves whole tokens out in training; a sum is
    scaled up instead of shrinking.

    Parameters
    ----------
    num_embeddings, embedding_dim : int >= 1
        Rows and columns of the table. Row 0 is never read.
    rng : numpy.random.Generator or int
        Source of the initial vectors; None leaves zeros, for vectors that will be loaded.
    pooling : {"mean", "max", "sum", "weighted", "concatenate"}
    word_dropout : float in [0, 1)
        Share of the tokens that training leaves out.
    weight_init : str or callable
        See `chainrule.nn.Linear`; the default is the standard normal distribution.
    dtype : dtype_like

    Attributes
    ----------
    weight : array of shape (num_embeddings, embedding_dim)
    log_weight : array of shape (num_embeddings,) or None
        Logarithms of the weights of tokens, at first zero, where there are some.

    References
    ----------
    .. [1] Joulin, Grave, Bojanowski and Mikolov, "Bag of tricks for efficient text classification"
       (EACL 2017), section 2.
    .. [2] Iyyer, Manjunatha, Boyd-Graber and Daumé, "Deep unordered composition rivals syntactic
       methods for text classification" (ACL 2015), sections 3 and 3.1.

    Examples
    --------
    >>> from chainrule import nn
    >>> layer = nn.PooledEmbedding(3, 2, rng=None, pooling="mean")
    >>> layer.weight[1:] = [[1.0, 2.0], [3.0, 6.0]]
    >>> layer(np.array([[1, 2, 0], [2, 2, 2], [0, 0, 0]]))
    array([[2., 4.],
           [3., 6.],
           [0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        rng: Rng,
        *,
        pooling: str = "mean",
        word_dropout: float = 0.0,
        weight_init: str | Initialiser = "normal",
        dtype: Any = np.float32,
    ) -> None:
        check(type(self).__name__, _ALLOWED, locals())
        dtype = checked_dtype(type(self).__name__, dtype)
        self.weight: Any = initial(weight_init, (num_embeddings, embedding_dim), rng, dtype)
        weighted = pooling == "weighted"
        self.log_weight: Any = np.zeros(num_embeddings, dtype) if weighted else None
        self.pooling, self.word_dropout = pooling, float(word_dropout)

    def forward(self, ids: Any, run: Run | None = None) -> Any:
        """Map integers of shape (n, length) to vectors (n, embedding_dim), more if concatenated."""
        ids = as_array(ids)
        one, zero = self.weight.dtype.type(1), self.weight.dtype.type(0)
        there = ids != 0
        if run is not None and self.word_dropout:
            drawn = run.uniform(np.where(there, one, zero))
            there = np.logical_and(there, drawn < 1.0 - self.word_dropout)
        rows, row_there = lookup(self.weight, ids), there[..., None]
        if self.pooling == "max":
            largest = np.max(np.where(row_there, rows, _NONE), axis=1)
            return np.where(largest > _NONE, largest, zero)
        if self.pooling == "weighted":
            weights = np.where(there, np.exp(lookup(self.log_weight, ids)), zero)
            total = np.sum(np.where(row_there, rows * weights[..., None], zero), axis=1)
            # A square is never so small but where there is no token.
            square = np.maximum(np.sum(weights * weights, axis=1), one * 1e-12)
            return total / np.sqrt(square)[:, None]
        rows = np.where(row_there, rows, zero)
        if self.pooling == "concatenate":
            return np.reshape(rows, (-1, np.shape(ids)[1] * rows.shape[-1]))
        total = np.sum(rows, axis=1)
        if self.pooling == "sum":
            return total if run is None else total * (one / (one - one * self.word_dropout))
        return total / np.maximum(np.sum(np.where(there, one, zero), axis=1), one)[:, None]

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        rows, columns = self.weight.shape
        return {
            "num_embeddings": rows,
            "embedding_dim": columns,
            "pooling": self.pooling,
            "word_dropout": self.word_dropout,
            "dtype": self.weight.dtype.name,
        }


class FixedPooledEmbedding(PooledEmbedding):
    """A `PooledEmbedding` whose vectors are not trained; weights of tokens are.

    Examples
    --------
    >>> from chainrule import nn
    >>> nn.named_parameters(nn.FixedPooledEmbedding(3, 2, rng=0))
    {}
    """

    buffers: ClassVar[tuple[str, ...]] = ("weight",)
