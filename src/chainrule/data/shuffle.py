"""`BlockOrder`: rows shuffled as they are asked for."""

from __future__ import annotations

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.data.ordering import draws, permutation
from chainrule.errors import ArgumentError
from chainrule.graph import Array

_ALLOWED = {"n": Interval(0, 2**63, integer=True), "block": COUNT, "together": COUNT}


class BlockOrder:
    """The numbers 0 to n - 1 in a drawn order, of which only a part is in memory at a time.

    Blocks of neighbours are shuffled, and then the rows of several blocks among each other. So rows
    that lie in a file are read in stretches, and the memory taken is that of the rows shuffled
    together, and of a number for each block.

    Parameters
    ----------
    n : int >= 0
    seed, epoch : int in [0, 2**63)
        What the order depends on.
    block : int >= 1
        Rows of a block.
    together : int >= 1
        Blocks whose rows are shuffled among each other.

    Attributes
    ----------
    shape : tuple of int
        ``(n,)``.

    Raises
    ------
    ArgumentError

    Examples
    --------
    >>> order = BlockOrder(10, seed=0, block=2, together=2)
    >>> sorted([*order[:7], *order[7:]]) == list(range(10))
    True
    """

    def __init__(
        self, n: int, seed: int, epoch: int = 0, *, block: int = 2**10, together: int = 2**11
    ) -> None:
        given = {"n": n, "block": block, "together": together}
        check("BlockOrder", _ALLOWED, given)
        self.shape, self._block, self._together = (n,), block, together
        self._key = seed, epoch
        self._blocks = permutation(-(-n // block), seed, epoch)
        self._shuffled: tuple[int, Array] = -1, np.empty(0, np.int64)
        n_groups = -(-len(self._blocks) // together)
        starts = np.arange(n_groups + 1) * block * together
        if len(self._blocks):
            short = int(np.flatnonzero(self._blocks == len(self._blocks) - 1)[0]) // together
            starts[short + 1 :] -= -n % block
        self._starts = np.minimum(starts, n)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> Array:
        start, stop, step = part.indices(len(self))
        if step != 1:
            raise ArgumentError("BlockOrder: rows are taken one after another")
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        found = [np.empty(0, np.int64)]
        for group in range(first, len(self._starts) - 1):
            low = int(self._starts[group])
            if low >= stop:
                break
            found.append(self._rows(group)[max(start - low, 0) : stop - low])
        return np.concatenate(found)

    def _rows(self, group: int) -> Array:
        """Return the rows of blocks that are shuffled together."""
        if self._shuffled[0] != group:
            n = len(self)
            blocks = self._blocks[group * self._together : (group + 1) * self._together]
            rows = (blocks[:, None] * self._block + np.arange(self._block)).ravel()
            rows = rows[rows < n]
            order = np.argsort(draws(len(rows), *self._key, group + 1), kind="stable")
            self._shuffled = group, rows[order]
        return self._shuffled[1]
