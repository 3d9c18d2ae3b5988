"""What a plot shows, as numbers and names: panels of marks, which every renderer can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from chainrule.graph import Array
from chainrule.pages import Table
from chainrule.pages.visible import visible

_JUMP = 0.1  # of the range of a line: more than that between neighbours is a gap
_LOG_PAYS = 20.0  # largest to smallest value from which a logarithmic scale shows more


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes
    ----------
    label : str
        What is measured, with its unit if it has one.
    log : bool
        Whether the scale is logarithmic.
    ticks : sequence of (place, name), optional
        Names at places, instead of numbers; none at all if empty.
    limits : (low, high), optional
        The end of the axis; what the marks need if left out.
    reversed : bool
        Whether it runs down, or to the left.
    whole : bool
        Whether there are only whole numbers on it.
    """

    label: str = ""
    log: bool = False
    ticks: Sequence[tuple[float, str]] | None = None
    limits: tuple[float, float] | None = None
    reversed: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Line:
    """A line through places in order, with gaps where a number is not finite.

    `series` chooses the colour, `dots` marks each place; `jumps` says that steps far larger than
    others are gaps too.
    """

    x: Array
    y: Array
    name: str = ""
    series: int = 0
    dashed: bool = False
    dots: bool = False
    jumps: bool = False

    def drawn(self) -> tuple[Array, Array]:
        """Return the places as they are drawn, NaN where there is a gap."""
        if not self.jumps:
            return self.x, self.y
        steps = np.abs(np.diff(self.y))
        after = np.flatnonzero(steps > _JUMP * (np.ptp(self.y) or 1.0)) + 1
        return np.insert(self.x, after, self.x[after]), np.insert(self.y, after, np.nan)


@dataclass(frozen=True)
class Points:
    """Places in the colour and shape of a series.

    `values` colours each by a number instead, `sizes` (at most 1) and `words` are one a place.
    """

    x: Array
    y: Array
    name: str = ""
    series: int = 0
    values: Array | None = None
    sizes: Array | None = None
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Shades:
    """A grid of numbers as shades of colour, or of classes as colours.

    Attributes
    ----------
    x, y : array
        Centres of the columns and the rows, evenly spaced and rising.
    values : array, shape (len(y), len(x))
        What is not finite is left blank.
    scale : {"sequential", "diverging", "grey", "classes"}
        A diverging scale is symmetric about zero; classes are whole numbers.
    name : str
        What the numbers are.
    limits : (low, high), optional
        Ends of the scale; those of the numbers if left out.
    log : bool
    contours : bool
        Whether lines of equal value are drawn.
    bar : bool
        Whether a bar says which shade is which number.
    names : sequence of str
        Of the classes.
    words : sequence of sequences of str
        What is written in each cell.
    """

    x: Array
    y: Array
    values: Array
    scale: str = "sequential"
    name: str = ""
    limits: tuple[float, float] | None = None
    log: bool = False
    contours: bool = False
    bar: bool = True
    names: Sequence[str] = ()
    words: Sequence[Sequence[str]] = ()

    def ends(self) -> tuple[float, float]:
        """Return the ends of the scale, which are apart."""
        finite = self.values[np.isfinite(self.values)]
        low, high = self.limits or (
            (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        )
        if self.scale == "diverging":
            high = max(abs(low), abs(high)) or 1.0
            return -high, high
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def edges(self) -> tuple[float, float, float, float]:
        """Return where the first column begins and the last ends, and the same of the rows."""
        left, right = _edges(self.x)
        return (left, right, *_edges(self.y))


def _edges(centres: Array) -> tuple[float, float]:
    half = float(centres[1] - centres[0]) / 2 if len(centres) > 1 else 0.5
    return float(centres[0]) - half, float(centres[-1]) + half


@dataclass(frozen=True)
class Rule:
    """A line across the panel at one place of an axis."""

    at: float
    name: str = ""
    upright: bool = True


Mark: TypeAlias = Line | Points | Shades | Rule


@dataclass(frozen=True)
class Panel:
    """One pair of axes and what is drawn in it.

    Attributes
    ----------
    title : str
    x, y : Axis
    marks : sequence of marks
        The first lies undermost.
    notes : sequence of str
        What is to be known beside the title.
    table : Table, optional
        The numbers that text gives; if left out, those of the lines.
    square : bool
        Whether one unit is as long on both axes, as of pictures; there is no frame then.
    legend : bool
        Whether the names of marks are shown; of several panels alike, one is enough.
    """

    title: str
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    marks: Sequence[Mark] = ()
    notes: Sequence[str] = ()
    table: Table | None = None
    square: bool = False
    legend: bool = True


def log_pays(*values: Array) -> bool:
    """Return whether numbers are positive and so far apart that a logarithmic scale shows more."""
    every = np.concatenate([np.ravel(v) for v in values])
    finite = every[np.isfinite(every)]
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() >= _LOG_PAYS)


def number(value: float) -> str:
    """Return a number as it is written beside a plot.

    Examples
    --------
    >>> number(0.123456), number(float("nan")), number(1200)
    ('0.1235', '—', '1200')
    """
    return f"{value:.4g}" if np.isfinite(value) else "—"


def counted(n: int, word: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def cut(name: object, longest: int) -> str:
    """Return a name, cut in its middle to fit, for the ends of long names tell them apart.

    Examples
    --------
    >>> cut("a very long class name number 7", 16)
    'a very lo…mber 7'
    """
    words = visible(name)
    if len(words) <= longest:
        return words
    tail = longest * 2 // 5
    return f"{words[: longest - tail - 1]}…{words[len(words) - tail :]}"
