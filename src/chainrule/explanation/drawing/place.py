"""Coordinates: ranks side by side, and within a rank every box near what it is connected with."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.explanation.drawing.model import CHAR, LINE, Box, Picture
from chainrule.explanation.drawing.ranks import Ranks

GAP = 34.0  # between neighbours of a rank, between a box and the label beside it
_MARGIN, _SWEEPS = 24.0, 24
_EFFORT = 60_000  # boxes and bends that are gone over
_BEND = 10.0  # room for a wire that passes through a rank


def place(picture: Picture, ranks: Ranks) -> None:
    """Give every box and bend of a picture its centre, and the picture its size."""
    _across(ranks, picture.downwards)
    _along(picture, ranks)
    everything = [box for column in ranks.columns for box in column]
    left = min(box.x - box.width / 2 for box in everything) - _MARGIN
    top = min(box.y - box.height / 2 for box in everything) - _MARGIN - LINE
    for box in everything:
        box.x, box.y = box.x - left, box.y - top
    right = max(box.x + box.width / 2 for box in everything)
    if picture.downwards:
        right = max([right, *(w.source.x + 8 + label_width(w) for w in picture.wires)])
    picture.width = right + _MARGIN
    picture.height = max(box.y + box.height / 2 for box in everything) + _MARGIN + LINE


def label_width(wire: object) -> float:
    """Return the pixels that a wire's labels take."""
    above, below = getattr(wire, "above", ""), getattr(wire, "below", "")
    return max(len(above), len(below)) * CHAR * 0.86


def _extent(box: Box, downwards: bool) -> float:
    """Return the room of a box across the direction of the wires, its labels included."""
    if box.kind == "bend":
        return _BEND
    if not downwards:
        return max(box.height, 2 * LINE)
    labels = max((label_width(wire) for wire in box.outputs), default=0.0)
    return max(box.width, 2 * (labels + 8) if labels else 0.0)


def _across(ranks: Ranks, downwards: bool) -> None:
    """Place the boxes of each rank, by sweeps in which each moves towards its neighbours."""
    where: dict[Box, float] = {}
    for column in ranks.columns:
        _stack(column, where, [0.0] * len(column), downwards)
    sweeps = max(4, min(_SWEEPS, 2 * (_EFFORT // (2 * len(where)))))
    for sweep in range(sweeps):
        forwards = sweep % 2 == 1  # so that the last leaves chains straight
        near = ranks.before if forwards else ranks.after
        for column in ranks.columns if forwards else reversed(ranks.columns):
            others = [[where[o] for o in near.get(box, ())] for box in column]
            pairs = zip(column, others, strict=True)
            wishes = [_median(places) if places else where[box] for box, places in pairs]
            _stack(column, where, wishes, downwards)
    for box, position in where.items():
        if downwards:
            box.x = position
        else:
            box.y = position


def _median(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _stack(
    column: Sequence[Box], where: dict[Box, float], wishes: Sequence[float], downwards: bool
) -> None:
    """Place boxes as near to their wishes as their order and sizes allow, by least squares.

    With the distances taken off, that is an isotonic regression: neighbours that want to pass each
    other are pooled.
    """
    offsets, total = [], 0.0
    for i, box in enumerate(column):
        if i:
            gap = GAP * 0.4 if "bend" in (box.kind, column[i - 1].kind) else GAP * 0.6
            total += (_extent(column[i - 1], downwards) + _extent(box, downwards)) / 2 + gap
        offsets.append(total)
    pools: list[list[float]] = []  # sum, count
    for wish, offset in zip(wishes, offsets, strict=True):
        pools.append([wish - offset, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [pools[-1][0] + last[0], pools[-1][1] + last[1]]
    means = [s / n for s, n in pools for _ in range(int(n))]
    for box, mean, offset in zip(column, means, offsets, strict=True):
        where[box] = mean + offset


def _along(picture: Picture, ranks: Ranks) -> None:
    """Place the ranks one after another, with room for the labels between them."""
    position = 0.0
    before = 0.0
    for i, column in enumerate(ranks.columns):
        sizes = [box.height if picture.downwards else box.width for box in column]
        half = max(
            (s for s, box in zip(sizes, column, strict=True) if box.kind != "bend"), default=0
        )
        if i:
            position += before / 2 + half / 2 + _room(picture, ranks.columns[i - 1])
        before = half
        for box in column:
            if picture.downwards:
                box.y = position
            else:
                box.x = position


def _room(picture: Picture, column: Sequence[Box]) -> float:
    """Return the distance to the next rank."""
    if picture.downwards:
        labelled = any(w.above or w.below for box in column for w in box.outputs)
        return 2 * LINE + 16 if labelled else GAP
    labels = [label_width(wire) for box in column for wire in box.outputs]
    return max(labels, default=0.0) + GAP
