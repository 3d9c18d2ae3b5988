"""Rows of training and prediction that may be sparse: they become dense batch by batch."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.borrowed import is_sparse
from chainrule.graph import Array
from chainrule.graph.tree import flatten
from chainrule.training import Rows, predict
from chainrule.training.rows import SMALL

_BATCH, _BLOCK = 1024, 2**22  # rows, and numbers of dense rows, that are handled at a time


class SparseRows(Rows):
    """Rows whose inputs are a CSR matrix, of which a batch is dense; see `Rows`."""

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def take(self, index: Any) -> Rows:
        """Return dense rows of an index: an array of integers or a slice."""
        rest = Rows((), self.y, self.weight, self.dtype).take(index)
        return replace(rest, X=self.X[index].toarray().astype(self.dtype, copy=False))

    @property
    def nbytes(self) -> int:
        """Bytes of all inputs, were they dense."""
        return int(np.prod(self.X.shape)) * self.dtype.itemsize

    @cached_property
    def converted(self) -> Rows | None:
        """All rows, dense; None if they are large."""
        return self.take(slice(None)) if self.nbytes <= SMALL else None


def rows_of(X: Any, y: Any, weight: Any, dtype: Any) -> Rows:
    """Return rows of checked arrays.

    Parameters
    ----------
    X : array, CSR matrix, or tree of arrays
    y : tree of arrays
    weight : array or None
    dtype : dtype_like
    """
    kind = SparseRows if is_sparse(X) else Rows
    return kind(X, y, weight, np.dtype(dtype))


def part(rows: Rows, index: Array) -> Rows:
    """Return the rows of an index, sparse if they were."""
    if not isinstance(rows, SparseRows):
        return rows.take(index)
    rest = Rows((), rows.y, rows.weight, rows.dtype).take(index)
    return SparseRows(rows.X[index], rest.y, rest.weight, rows.dtype)


def block_size(rows: Rows) -> int:
    """Return how many rows are handled at a time where a pass needs all of them."""
    if not isinstance(rows, SparseRows) or rows.converted is not None:
        return len(rows)
    return max(1, _BLOCK // int(rows.X.shape[1]))


def outputs_of(network: Any, X: Any) -> Array:
    """Return a network's outputs for checked rows, shape (n, k)."""
    if not is_sparse(X):
        n = len(flatten(X)[0][0])
        found: Array = network(X) if n <= _BATCH else predict(network, X, _BATCH)
        return found
    size = max(1, min(_BATCH, _BLOCK // X.shape[1]))
    blocks = [network(X[i : i + size].toarray()) for i in range(0, X.shape[0], size)]
    return np.concatenate(blocks)
