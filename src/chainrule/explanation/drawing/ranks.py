"""Columns and their order: every wire runs onwards, and few of them cross.

Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(1981): ranks by longest paths, long wires divided by bends, orders by barycentres swept to and fro,
then neighbours exchanged where that leaves fewer crossings.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

from chainrule.explanation.drawing.model import Box, Picture

_SWEEPS, _EXCHANGES = 12, 6
_EFFORT = 30_000  # boxes and bends that are gone over; neighbours are exchanged in what is small
_EXCHANGED, _MOST_BENDS = 1_500, 5_000


def arrange(picture: Picture) -> Ranks:
    """Give every box its rank, long wires their bends, and return the ranks in order."""
    _rank(picture)
    _bend(picture)
    ranks = Ranks(picture)
    ranks.settle()
    return ranks


def _rank(picture: Picture) -> None:
    """Rank boxes by the longest path to them; pull what has few inputs on to its first use."""
    for box in picture.boxes:  # inputs come first in the list
        box.rank = 1 + max((wire.source.rank for wire in box.inputs), default=-1)
    for box in reversed(picture.boxes):
        if box.outputs and len(box.inputs) <= len(box.outputs):
            box.rank = min(wire.target.rank for wire in box.outputs) - 1
    lowest = min((box.rank for box in picture.boxes), default=0)
    for box in picture.boxes:
        box.rank -= lowest


def _bend(picture: Picture) -> None:
    """Divide long wires by bends; in a tangle the longest go straight through."""
    bends = 0
    for wire in sorted(picture.wires, key=lambda w: w.target.rank - w.source.rank):
        span = range(wire.source.rank + 1, wire.target.rank)
        bends += len(span)
        if bends > _MOST_BENDS:
            return
        wire.bends = [Box("bend", "", rank=rank) for rank in span]


class Ranks:
    """The ranks of a picture, each an ordered list of boxes and bends.

    Attributes
    ----------
    columns : list of list of Box
    before, after : dict of Box to list of Box
        The neighbours of a box in the ranks before and after its own.
    """

    def __init__(self, picture: Picture) -> None:
        n_ranks = 1 + max(box.rank for box in picture.boxes)
        self.columns: list[list[Box]] = [[] for _ in range(n_ranks)]
        bends = [bend for wire in picture.wires for bend in wire.bends]
        for box in (*picture.boxes, *bends):
            self.columns[box.rank].append(box)
        self.before: dict[Box, list[Box]] = {}
        self.after: dict[Box, list[Box]] = {}
        for wire in picture.wires:
            for a, b in pairwise([wire.source, *wire.bends, wire.target]):
                self.after.setdefault(a, []).append(b)
                self.before.setdefault(b, []).append(a)
        self._number()

    def settle(self) -> None:
        """Order every rank so that few wires cross."""
        best, fewest = [list(column) for column in self.columns], self.crossings()
        size = sum(map(len, self.columns))
        for sweep in range(max(2, min(_SWEEPS, _EFFORT // size))):
            if not fewest:
                break
            self._sweep(forwards=sweep % 2 == 0)
            if size <= _EXCHANGED:
                self._exchange()
            if (found := self.crossings()) < fewest:
                best, fewest = [list(column) for column in self.columns], found
        self.columns = best
        self._number()

    def _number(self) -> None:
        for column in self.columns:
            for i, box in enumerate(column):
                box.place = i

    def _sweep(self, forwards: bool) -> None:
        near = self.before if forwards else self.after
        for column in self.columns if forwards else reversed(self.columns):
            column.sort(key=lambda box: _barycentre(box, near.get(box, ())))
            for i, box in enumerate(column):
                box.place = i

    def _exchange(self) -> None:
        """Exchange neighbours as long as that leaves fewer crossings."""
        for _ in range(_EXCHANGES):
            changed = False
            for column in self.columns:
                for i in range(len(column) - 1):
                    a, b = column[i], column[i + 1]
                    if self._between(a, b) > self._between(b, a):
                        column[i], column[i + 1] = b, a
                        a.place, b.place = b.place, a.place
                        changed = True
            if not changed:
                return

    def _between(self, a: Box, b: Box) -> int:
        """Return the crossings of the wires of two neighbours, `a` standing first."""
        return sum(
            1
            for near in (self.before, self.after)
            for left in near.get(a, ())
            for right in near.get(b, ())
            if right.place < left.place
        )

    def crossings(self) -> int:
        """Return how many pairs of wires cross between neighbouring ranks."""
        total = 0
        for column in self.columns:
            seen: list[int] = []
            for box in column:
                places = [other.place for other in self.after.get(box, ())]
                total += sum(len(seen) - bisect_right(seen, place) for place in places)
                for place in places:
                    insort(seen, place)
        return total


def _barycentre(box: Box, near: Sequence[Box]) -> float:
    return sum(other.place for other in near) / len(near) if near else float(box.place)
