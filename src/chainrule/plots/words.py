"""Panels as text: a chart of characters, and the numbers in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Array
from chainrule.pages import Block, Heading, Listing, Page, Paragraph, Table
from chainrule.pages.visible import visible
from chainrule.plots.colours import RAMP, SIGNED, letter
from chainrule.plots.panel import Axis, Line, Panel, Points, Rule, Shades, cut, number

_WIDTH, _HEIGHT = 72, 18
_SMALL_HEIGHT = 10  # of each of several
_MOST_UNNAMED = 100  # points without a name
_MOST_ROWS, _MOST_NAMES, _LONGEST = 12, 26, 24


def page_of(panels: Sequence[Panel]) -> Page:
    """Return panels as a page, one below another."""
    blocks: list[Block] = []
    height = _HEIGHT if len(panels) == 1 else _SMALL_HEIGHT
    for panel in panels:
        blocks.append(Heading(panel.title, 3))
        blocks += [Paragraph(note) for note in panel.notes]
        blocks.append(Listing("\n".join(chart(panel, height))))
        table = panel.table or _numbers(panel)
        if table is not None:
            blocks.append(table)
    return Page("; ".join(panel.title for panel in panels), blocks)


def chart(panel: Panel, height: int = _HEIGHT) -> list[str]:
    """Return the lines of a chart of characters, with its axes and a key."""
    canvas = _Canvas(panel, height)
    key = [line for mark in panel.marks for line in _MARKS[type(mark)](mark, canvas)]
    if len(key) > _MOST_NAMES:
        key = [*key[:_MOST_NAMES], f"and {len(key) - _MOST_NAMES} more"]
    return [*canvas.lines(), *_wrapped(key)]


class _Canvas:
    """Characters in rows, and the map from numbers to places."""

    def __init__(self, panel: Panel, height: int) -> None:
        self.panel = panel
        self.width, self.height = _size(panel, height)
        self.x = _Scale(panel.x, _extent(panel, 0), self.width)
        self.y = _Scale(panel.y, _extent(panel, 1), self.height)
        self.rows = [[" "] * self.width for _ in range(self.height)]

    def put(self, column: int, row: int, char: str) -> None:
        if 0 <= column < self.width and 0 <= row < self.height:
            down = row if self.panel.y.reversed else self.height - 1 - row
            self.rows[down][column] = char

    def lines(self) -> Iterator[str]:
        y, x = self.panel.y, self.panel.x
        if y.label:
            yield visible(y.label)
        sides = self._sides()
        room = max((len(s) for s in sides), default=0)
        for side, row in zip(sides, self.rows, strict=True):
            yield f"{side:>{room}} |{''.join(row)}".rstrip()
        yield f"{'':>{room}} +{'-' * self.width}"
        left, right = (number(v) for v in self.x.ends) if x.ticks is None else ("", "")
        below = f"{left}{visible(x.label):^{max(self.width - len(left) - len(right), 0)}}{right}"
        if below.strip():
            yield f"{'':>{room}}  {below}".rstrip()

    def _sides(self) -> list[str]:
        """Return what stands before each row: names of places, or the numbers at both ends."""
        y, sides = self.panel.y, [""] * self.height
        if y.ticks is None:
            top, bottom = (0, -1) if y.reversed else (-1, 0)
            sides[0], sides[-1] = number(self.y.ends[top]), number(self.y.ends[bottom])
            return sides
        for place, name in y.ticks:
            row = int(self.y.places(place))
            if 0 <= row < self.height:
                down = row if y.reversed else self.height - 1 - row
                sides[down] = cut(name, _LONGEST)
        return sides


class _Scale:
    """From numbers to columns or rows."""

    def __init__(self, axis: Axis, extent: tuple[float, float], length: int) -> None:
        self.log, self.length = axis.log, length
        low, high = axis.limits or extent
        if not high > low:
            low, high = (low / 2, low * 2) if axis.log else (low - 0.5, high + 0.5)
        self.ends = low, high

    def places(self, values: Any) -> Array:
        """Return places, -1 for what is off the scale or no number."""
        low, high = self.ends
        with np.errstate(all="ignore"):
            if self.log:
                values, low, high = np.log(values), np.log(low), np.log(high)
            share = (np.asarray(values, np.float64) - low) / (high - low)
        inside = np.isfinite(share) & (share >= -1e-9) & (share <= 1 + 1e-9)
        found = np.where(inside, share, -1.0) * self.length
        return np.where(inside, np.minimum(found, self.length - 1), -1).astype(int)


def _size(panel: Panel, height: int) -> tuple[int, int]:
    """Return columns and rows: those of a table's cells, and of a fixed ratio if it is square."""
    if panel.x.ticks and panel.y.ticks:
        return min(_WIDTH, 3 * len(panel.x.ticks)), min(_WIDTH, len(panel.y.ticks))
    if not panel.square:
        return _WIDTH, height
    (left, right), (low, high) = (_extent(panel, i) for i in (0, 1))
    width = int(min(_WIDTH, max(2 * (right - left), 2)))
    return width, max(1, round(width * (high - low) / (right - left) / 2))


def _extent(panel: Panel, side: int) -> tuple[float, float]:
    log = (panel.x, panel.y)[side].log
    found: list[float] = []
    for mark in panel.marks:
        if isinstance(mark, Shades):
            found += mark.edges()[2 * side : 2 * side + 2]
        elif isinstance(mark, Rule):
            found += [mark.at] if mark.upright == (side == 0) else []
        else:
            values = np.asarray((mark.x, mark.y)[side], np.float64)
            kept = values[np.isfinite(values) & ((values > 0) | (not log))]
            found += [float(kept.min()), float(kept.max())] if kept.size else []
    return (min(found), max(found)) if found else (0.0, 1.0)


def _line(mark: Line, canvas: _Canvas) -> list[str]:
    char = "·" if not mark.name else letter(mark.series).lower()
    x, y = mark.drawn()
    columns, rows = canvas.x.places(x), canvas.y.places(y)
    for i in range(len(x)):
        if columns[i] < 0 or rows[i] < 0:
            continue
        steps = 1
        if i + 1 < len(x) and columns[i + 1] >= 0 and rows[i + 1] >= 0:
            steps = max(abs(columns[i + 1] - columns[i]), abs(rows[i + 1] - rows[i]), 1)
        for s in range(steps):
            share = s / steps
            after = min(i + 1, len(x) - 1)
            canvas.put(
                round(columns[i] + share * (columns[after] - columns[i])),
                round(rows[i] + share * (rows[after] - rows[i])),
                char,
            )
    return [f"{char} {cut(mark.name, _LONGEST)}"] if mark.name else []


def _points(mark: Points, canvas: _Canvas) -> list[str]:
    if not mark.name and len(mark.x) > _MOST_UNNAMED:
        return []  # they would cover what lies under them
    char = letter(mark.series) if mark.name and mark.values is None else "o"
    for column, row in zip(canvas.x.places(mark.x), canvas.y.places(mark.y), strict=True):
        canvas.put(int(column), int(row), char)
    return [f"{char} {cut(mark.name, _LONGEST)}"] if mark.name and mark.values is None else []


def _rule(mark: Rule, canvas: _Canvas) -> list[str]:
    place = int((canvas.x if mark.upright else canvas.y).places(mark.at))
    for i in range(canvas.height if mark.upright else canvas.width):
        column, row = (place, i) if mark.upright else (i, place)
        canvas.put(column, row, ":" if mark.upright else "-")
    return [f"{':' if mark.upright else '-'} {cut(mark.name, _LONGEST)}"] if mark.name else []


def _shades(mark: Shades, canvas: _Canvas) -> list[str]:
    values = _sampled(mark, canvas)
    if mark.scale == "classes":
        chars = [letter(c).lower() for c in range(int(np.max(mark.values)) + 1)]
        places = values
        found = np.unique(mark.values).astype(int)
        key = [f"{chars[c]} {cut(mark.names[c], _LONGEST)}" for c in found if mark.names]
    else:
        chars = list(SIGNED if mark.scale == "diverging" else RAMP)
        low, high = mark.ends()
        with np.errstate(all="ignore"):
            ends = (np.log(low), np.log(high)) if mark.log else (low, high)
            share = ((np.log(values) if mark.log else values) - ends[0]) / (ends[1] - ends[0])
            places = np.clip(np.floor(share * len(chars)), 0, len(chars) - 1)
        key = _ramp_key(mark, chars)
    for row, column in np.ndindex(*places.shape):
        if np.isfinite(places[row, column]):
            canvas.put(column, row, chars[int(places[row, column])])
    return key


def _sampled(mark: Shades, canvas: _Canvas) -> Array:
    """Return the values at the places of a canvas; NaN outside."""
    left, right, low, high = mark.edges()
    found = []
    for scale, ends, count in (
        (canvas.x, (left, right), len(mark.x)), (canvas.y, (low, high), len(mark.y)),
    ):  # fmt: skip
        a, b = scale.ends
        middles = a + (np.arange(scale.length) + 0.5) / scale.length * (b - a)
        cells = np.floor((middles - ends[0]) / (ends[1] - ends[0]) * count)
        found.append(np.where((cells >= 0) & (cells < count), cells, -1).astype(int))
    columns, rows = found
    values = np.asarray(mark.values, np.float64)[np.ix_(rows, columns)]
    return np.where((rows >= 0)[:, None] & (columns >= 0), values, np.nan)


def _ramp_key(mark: Shades, chars: Sequence[str]) -> list[str]:
    low, high = mark.ends()
    space = np.geomspace if mark.log else np.linspace
    edges = space(low, high, len(chars) + 1)
    name = f"{visible(mark.name)}: " if mark.name else ""
    if mark.scale == "diverging":
        return [
            f"{name}{chars[0]} from {number(low)} to {number(edges[1])}",
            f"{chars[1]} to {number(edges[2])}", f"{chars[3]} from {number(edges[3])}",
            f"{chars[4]} from {number(edges[4])} to {number(high)}",
        ]  # fmt: skip
    return [f"{name}from {number(low)} to {number(high)}, in this order: '{''.join(chars)}'"]


def _numbers(panel: Panel) -> Table | None:
    """Return the numbers of the named lines over the same places, some of them if they are many."""
    named = [m for m in panel.marks if isinstance(m, Line) and m.name]
    if not named:
        return None
    x = named[0].x
    kept = [m for m in named if len(m.x) == len(x) and np.array_equal(m.x, x)][:8]
    places = np.unique(np.linspace(0, len(x) - 1, min(_MOST_ROWS, len(x))).round().astype(int))
    ticks = dict(panel.x.ticks or ())
    rows = [
        [ticks.get(float(x[i]), number(x[i])), *(number(float(m.y[i])) for m in kept)]
        for i in places
    ]
    columns = [panel.x.label, *(cut(m.name, _LONGEST) for m in kept)]
    return Table(columns, rows, frozenset(range(len(columns))))


def _wrapped(items: Sequence[str], width: int = 96) -> list[str]:
    """Return items on lines, never one on two."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 3 <= width:
            lines[-1] += f"   {item}"
        else:
            lines.append(item)
    return lines


_MARKS: dict[type, Callable[[Any, _Canvas], list[str]]] = {
    Line: _line,
    Points: _points,
    Rule: _rule,
    Shades: _shades,
}
