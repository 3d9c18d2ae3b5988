"""Rows of whole numbers of unequal lengths, and batches in which they are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.data.ordering import permutation
from chainrule.errors import DataError, DtypeError
from chainrule.graph import Array

_TOGETHER = 8  # batches that stay one after another


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of whole numbers above 0, one after the other; batches are filled up with zeros.

    Parameters
    ----------
    ids : array of int32
        Of all rows.
    offsets : array of int64, shape (n + 1,)
        Those of row i are ``ids[offsets[i] : offsets[i + 1]]``.
    widths : sequence of int, optional
        The widths that batches are filled up to, from the narrowest, the last as wide as the
        longest row. For each a program is made. By default there is that one.

    Raises
    ------
    DataError
        If the offsets are none.
    DtypeError
        If the ids are no whole numbers.

    Examples
    --------
    >>> rows = Ragged(np.array([3, 1, 2, 4]), np.array([0, 1, 4]))
    >>> rows.take(np.array([1, 0]))
    array([[1, 2, 4],
           [3, 0, 0]], dtype=int32)
    """

    ids: Array
    offsets: Array
    widths: tuple[int, ...] = ()
    _filled: dict[int, Array] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.ids.dtype.kind != "i":
            raise DtypeError(f"rows of unequal lengths hold whole numbers, not {self.ids.dtype}")
        lengths = self.lengths
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.ids) or (lengths < 0).any():
            raise DataError("the offsets of rows go from 0 to the number of ids, and do not fall")
        if not self.widths:
            object.__setattr__(self, "widths", (max(1, int(lengths.max(initial=0))),))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Array:
        """How many ids each row has."""
        return np.diff(self.offsets)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of ids."""
        return self.ids.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, filled up."""
        return len(self) * self.width * self.ids.itemsize

    @property
    def width(self) -> int:
        """The widest that a batch is filled up to."""
        return self.widths[-1]

    def rows(self, index: Array) -> Ragged:
        """Return some rows as they are."""
        lengths = self.lengths[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[index] - offsets[:-1], lengths)
        return Ragged(self.ids[places], offsets, self.widths)

    def take(self, index: Any) -> Array:
        """Return some rows as an array (k, width), of the narrowest width that holds them."""
        places = np.arange(len(self))[index]
        narrowest = self._width(self.lengths[places].max(initial=0))
        return self.padded(places, self.widths[int(narrowest)])

    def padded(self, places: Array, width: int) -> Array:
        """Return some rows as an array (k, width); what is longer is cut."""
        starts, lengths = self.offsets[places], np.minimum(self.lengths[places], width)
        column = np.arange(width)
        within = column < lengths[:, None]
        padded = np.zeros((len(places), width), np.int32)
        padded[within] = self.ids[(starts[:, None] + column)[within]]
        return padded

    def filled(self, index: Any, most: int) -> Array | None:
        """Return all rows filled up to the width that `take` gives some of them.

        Those that are longer are cut. The array is kept for the next time.

        Parameters
        ----------
        index : array of int
        most : int
            Bytes; of a larger array there is None.
        """
        width = self.widths[int(self._width(self.lengths[index].max(initial=0)))]
        if len(self) * width * 4 > most:
            return None
        if width not in self._filled:
            self._filled[width] = self.padded(np.arange(len(self)), width)
        return self._filled[width]

    def _width(self, lengths: Any) -> Any:
        """Return the number of the narrowest width for rows of a length."""
        return np.minimum(np.searchsorted(self.widths, lengths), len(self.widths) - 1)

    def kinds(self) -> list[Array]:
        """Return, for each width that some row needs, the places of the rows that do."""
        widths = self._width(self.lengths)
        return [np.flatnonzero(widths == width) for width in np.unique(widths)]

    def alike(self, places: Array, size: int) -> int:
        """Return how many batches, from the first of these rows on, have its width."""
        widths = self._width(self.lengths[places])
        each = np.maximum.reduceat(widths, np.arange(0, len(places), size))
        return int(np.argmax(np.append(each, -1) != each[0]))

    def like(self, other: Ragged, cut: bool = False) -> Ragged:
        """Return the same rows, to be filled up to the widths of others.

        Parameters
        ----------
        other : Ragged
        cut : bool
            Whether what is longer than any of the others is cut, or the last width is larger.
        """
        widths = other.widths
        if not cut:
            widths = (*widths[:-1], max(widths[-1], int(self.lengths.max(initial=0))))
        return Ragged(self.ids, self.offsets, widths)

    def in_widths(self, most: int, saving: float = 0) -> Ragged:
        """Return the same rows, to be filled up to several widths so that few zeros are needed.

        Parameters
        ----------
        most : int
            Widths at most: those that need the fewest zeros, among numbers of three binary digits
            and zeros, for which programs are more likely to be there already.
        saving : float
            How many zeros each width but the first must save.
        """
        step = 1 << np.maximum(np.frexp(np.maximum(self.lengths, 1))[1] - 3, 0)
        lengths, counts = np.unique(
            np.maximum(-(-self.lengths // step), 1) * step, return_counts=True
        )
        found = [_fewest(lengths.tolist(), counts.tolist(), k) for k in range(1, most + 1)]
        widths = min(found, key=lambda x: (x[0] + saving * len(x[1]), len(x[1])))[1]
        return Ragged(self.ids, self.offsets, widths)


def _fewest(
    lengths: Sequence[int], counts: Sequence[int], most: int
) -> tuple[int, tuple[int, ...]]:
    """Return the lengths, at most so many, to which rows are filled up with the fewest zeros.

    Before them stands how many elements the rows have then.

    Parameters
    ----------
    lengths, counts : sequence of int
        From the shortest on, and how many rows have each.
    most : int

    Examples
    --------
    >>> _fewest([1, 3, 4], [9, 5, 1], 2)
    (33, (1, 4))
    """
    n, up_to = len(lengths), [0, *np.cumsum(counts).tolist()]
    # For the first j lengths: the least number of elements, and the widths.
    best: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    best += [(up_to[j] * lengths[j - 1], (lengths[j - 1],)) for j in range(1, n + 1)]
    for _ in range(most - 1):
        best = [
            min(
                [
                    best[j],
                    *(
                        (
                            best[i][0] + (up_to[j] - up_to[i]) * lengths[j - 1],
                            (*best[i][1], lengths[j - 1]),
                        )
                        for i in range(1, j)
                    ),
                ]
            )
            for j in range(n + 1)
        ]
    return best[n]


class AlikeOrder:
    """The order of an epoch in which the rows of a batch have about the same length.

    Rows are shuffled, sorted by the width that they need, divided into batches, and some batches
    that stay together are shuffled.

    Parameters
    ----------
    rows : Ragged
    size : int
        Rows of a batch.
    seed : int
        In [0, 2**63).

    Examples
    --------
    >>> rows = Ragged(np.arange(1, 11), np.array([0, 1, 6, 7, 10]), widths=(1, 5))
    >>> sorted(AlikeOrder(rows, 2, seed=0)(0)[:2].tolist()) in ([0, 2], [1, 3])
    True
    """

    def __init__(self, rows: Ragged, size: int, seed: int) -> None:
        self.rows, self.size, self.seed = rows, size, seed

    def __call__(self, epoch: int) -> Array:
        """Return the places of the rows."""
        n = len(self.rows)
        order = permutation(n, self.seed, epoch)
        order = order[np.argsort(self.rows._width(self.rows.lengths[order]), kind="stable")]
        block = self.size * _TOGETHER
        whole = n // block * block
        blocks = order[:whole].reshape(-1, block)
        shuffled = blocks[permutation(len(blocks), self.seed + 1, epoch)]
        return np.concatenate([shuffled.reshape(-1), order[whole:]])
