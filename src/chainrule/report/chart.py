"""Charts in SVG: a frame with axes, and what is drawn in it.

Colours follow the reader's scheme, text stays readable on a phone, and nothing is told by colour
alone: lines carry their names, classes their shapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from chainrule.pages import Figure, Text
from chainrule.pages.visible import visible

WIDTH, HEIGHT = 520.0, 300.0
MARGINS = 58.0, 16.0, 24.0, 44.0  # left, right, top, bottom
_FARTHEST = 1e150
SERIES, MOST_SERIES = 8, 24  # colours there are; with four shapes, kinds of points
STYLE = """
.crc{--ink:#22211f;--faint:#6b6862;--grid:#e4e0d8;--paper:#fdfcfa;--c0:#2b5a94;--c1:#b0532a;
--c2:#2e7d5b;--c3:#8a4f9e;--c4:#8c7a1e;--c5:#b23a6e;--c6:#3f7f8c;--c7:#6b6862;--heat:43,90,148;
font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media (prefers-color-scheme:dark){.crc{--ink:#e6e3dd;--faint:#a19d95;--grid:#333436;
--paper:#191a1b;--c0:#8db6e8;--c1:#e8a07d;--c2:#7fcfa8;--c3:#cfa0e0;--c4:#d8c765;--c5:#ea8fb5;
--c6:#84c7d4;--c7:#a19d95;--heat:141,182,232}}
.crc text{fill:var(--ink)}.crc .crc-faint{fill:var(--faint);font-size:12px}
.crc .crc-grid{stroke:var(--grid);stroke-width:1}.crc .crc-axis{stroke:var(--faint);stroke-width:1}
.crc .crc-line{fill:none;stroke-width:2;stroke-linejoin:round}
.crc .crc-halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
"""


def text(words: object, longest: int = 28) -> str:
    """Return a label for SVG, cut to fit, in which nothing is markup."""
    shown = visible(words)
    return escape(shown if len(shown) <= longest else shown[: longest - 1] + "…")


def figure(
    title: str, description: str, width: float, height: float, parts: Sequence[str],
    caption: Text, words: str,
) -> Figure:  # fmt: skip
    """Return a chart as a figure; `words` is what it says to those who see no pictures."""
    head = (
        f'<svg class="crc" xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f"<title>{text(title, 200)}</title><desc>{text(description, 2000)}</desc>"
        f"<style>{STYLE}{_colours()}</style>"
    )
    return Figure(head + "".join(parts) + "</svg>", words, caption)


def _colours() -> str:
    return "".join(
        f".crc .crc-s{i}{{stroke:var(--c{i})}}.crc .crc-f{i}{{fill:var(--c{i})}}"
        for i in range(SERIES)
    )


@dataclass
class Frame:
    """Axes with ticks, and the map from numbers to places.

    Parameters
    ----------
    x, y : (low, high)
    x_label, y_label : str
    log_y : bool
    width, height : float
    margins : four floats
        Left, right, top, bottom.
    ticks : int
        About how many there are on an axis.
    whole : bool
        Whether the horizontal axis is of whole numbers alone, such as epochs.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str = ""
    y_label: str = ""
    log_y: bool = False
    width: float = WIDTH
    height: float = HEIGHT
    margins: tuple[float, float, float, float] = MARGINS
    ticks: int = 5
    whole: bool = False

    def __post_init__(self) -> None:
        self.x, self.y = _opened(self.x), _opened(self.y, self.log_y)

    def px(self, x: Any) -> Any:
        """Return the horizontal place of a number."""
        left, right = self.margins[:2]
        low, high = self.x
        share = (np.asarray(x, np.float64) - low) / (high - low)
        return left + share * (self.width - left - right)

    def py(self, y: Any) -> Any:
        """Return the vertical place of a number."""
        top, bottom = self.margins[2:]
        low, high = self.y
        value = np.asarray(y, np.float64)
        if self.log_y:
            value, low, high = np.log10(np.maximum(value, low)), math.log10(low), math.log10(high)
        share = (value - low) / (high - low)
        return self.height - bottom - share * (self.height - top - bottom)

    def axes(self) -> str:
        """Return grid, ticks and labels."""
        left, right = self.px(self.x[0]), self.px(self.x[1])
        bottom, top = self.py(self.y[0]), self.py(self.y[1])
        found = []
        for value in log_ticks(*self.y) if self.log_y else nice_ticks(*self.y, self.ticks):
            y = self.py(value)
            found.append(
                f'<line class="crc-grid" x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" '
                f'y2="{y:.1f}"/><text class="crc-faint" x="{left - 6:.1f}" y="{y + 4:.1f}" '
                f'text-anchor="end">{short_number(value)}</text>'
            )
        for value in nice_ticks(*self.x, self.ticks):
            if self.whole and value % 1:
                continue
            x = self.px(value)
            found.append(
                f'<text class="crc-faint" x="{x:.1f}" y="{bottom + 16:.1f}" '
                f'text-anchor="middle">{short_number(value)}</text>'
            )
        found.append(
            f'<line class="crc-axis" x1="{left:.1f}" y1="{bottom:.1f}" x2="{right:.1f}" '
            f'y2="{bottom:.1f}"/>'
        )
        if self.x_label:
            found.append(
                f'<text class="crc-faint" x="{(left + right) / 2:.1f}" y="{bottom + 34:.1f}" '
                f'text-anchor="middle">{text(self.x_label)}</text>'
            )
        if self.y_label:
            found.append(
                f'<text class="crc-faint" x="{left:.1f}" y="{top - 5:.1f}">'
                f"{text(self.y_label, 40)}</text>"
            )
        return "".join(found)

    def line(self, x: Any, y: Any, series: int, dashed: bool = False) -> str:
        """Return a line through points; gaps where a number is not finite."""
        style = ' stroke-dasharray="5 4"' if dashed else ""
        runs: list[list[str]] = [[]]
        for a, b, value in zip(self.px(x), self.py(y), np.asarray(y, np.float64), strict=True):
            if np.isfinite(value):
                runs[-1].append(f"{a:.1f},{b:.1f}")
            elif runs[-1]:
                runs.append([])
        return "".join(
            f'<polyline class="crc-line crc-s{series % SERIES}"{style} points="{" ".join(run)}"/>'
            for run in runs
            if run
        )

    def points(self, x: Any, y: Any, series: int) -> str:
        """Return points, each series with a shape of its own."""
        places = zip(self.px(x), self.py(y), strict=True)
        return "".join(marker(a, b, series) for a, b in places)


def marker(x: float, y: float, series: int, size: float = 3.2) -> str:
    """Return a point in the shape of a series."""
    kind, cls = (
        (series + series // SERIES) % 4,
        f'class="crc-f{series % SERIES}" fill-opacity="0.75"',
    )
    if kind == 0:
        return f'<circle {cls} cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
    if kind == 1:
        side = 1.8 * size
        return (
            f'<rect {cls} x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" '
            f'height="{side:.1f}"/>'
        )
    s = 1.35 * size
    corners = (
        [(0, -s), (s, s * 0.8), (-s, s * 0.8)] if kind == 2 else [(0, -s), (s, 0), (0, s), (-s, 0)]
    )
    return f'<polygon {cls} points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)}"/>'


def legend(names: Sequence[str], x: float, y: float) -> str:
    """Return the names of series beside their shapes, one below the other."""
    return "".join(
        marker(x, y + 18 * i - 4, i, 4)
        + f'<text x="{x + 10:.1f}" y="{y + 18 * i:.1f}">{text(n)}</text>'
        for i, n in enumerate(names)
    )


def _opened(limits: tuple[float, float], log: bool = False) -> tuple[float, float]:
    """Return limits that are finite and apart."""
    low, high = (float(x) for x in limits)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    low, high = max(low, -_FARTHEST), min(high, _FARTHEST)
    if log:
        low = max(low, 1e-12)
        return (low, high) if high > low * 1.0001 else (low / 2, low * 2)
    room = 1e-9 * max(abs(low), abs(high))  # closer together, ticks could not be told apart
    if high - low > room:
        return low, high
    return low - max(0.5, 1e3 * room), high + max(0.5, 1e3 * room)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers between two limits.

    Examples
    --------
    >>> nice_ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten between two limits, or round numbers if they are close."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        return [x for x in nice_ticks(low, high, 4) if x > 0]
    step = max(1, (last - first) // 6)
    return [10.0**i for i in range(first, last + 1, step)]


def short_number(value: float) -> str:
    """Return a number for a tick.

    Examples
    --------
    >>> short_number(0.25), short_number(12000.0), short_number(1.5e-06)
    ('0.25', '12k', '1.5e-6')
    """
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e9):
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    if size >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:g}"
