"""The charts of a report, each made of numbers and names alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.pages import Figure, Text
from chainrule.report.chart import (
    HEIGHT,
    SERIES,
    WIDTH,
    Frame,
    figure,
    legend,
    marker,
    short_number,
    text,
)
from chainrule.training.metrics import CalibrationBins

MOST_POINTS = 600
_SHADES = 20  # of a number between 0 and 1


def lines(
    title: str, series: Mapping[str, tuple[Any, Any]], *, x_label: str, y_label: str,
    log: bool = False, mark: float | None = None, caption: Text = "",
) -> Figure:  # fmt: skip
    """Return named lines, each labelled where it ends.

    Parameters
    ----------
    title : str
    series : mapping of str to (x, y)
    x_label, y_label : str
    log : bool
        Whether the vertical axis is logarithmic.
    mark : float, optional
        A place on the horizontal axis to mark.
    caption : Text
    """
    xs = np.concatenate([np.asarray(x, np.float64) for x, _ in series.values()])
    ys = np.concatenate([np.asarray(y, np.float64) for _, y in series.values()])
    ys = ys[np.isfinite(ys)]
    if log:
        ys = ys[ys > 0]
    limits = (float(ys.min()), float(ys.max())) if ys.size else (0.0, 1.0)
    low = limits[0] if log else min(0.0, limits[0])
    room = max((len(name) for name in series), default=0)
    frame = Frame(
        (float(xs.min()), float(xs.max())), (low, limits[1]), x_label, y_label, log,
        margins=(58.0, 24.0 + 7.0 * min(room, 20), 24.0, 44.0), whole=not np.any(xs % 1),
    )  # fmt: skip
    parts = [frame.axes()]
    if mark is not None:
        x = frame.px(mark)
        parts.append(
            f'<line class="crc-axis" stroke-dasharray="2 3" x1="{x:.1f}" x2="{x:.1f}" '
            f'y1="{frame.py(frame.y[0]):.1f}" y2="{frame.py(frame.y[1]):.1f}"/>'
        )
    ends = []
    for i, (name, (x, y)) in enumerate(series.items()):
        parts.append(frame.line(x, y, i, dashed=i % 2 == 1))
        finite = np.flatnonzero(np.isfinite(np.asarray(y, np.float64)))
        if finite.size:
            last = int(finite[-1])
            ends.append((float(frame.py(y[last])), name, i, float(frame.px(x[last]))))
    parts += _apart(ends)
    words = "; ".join(f"{name} ends at {_last(y)}" for name, (_, y) in series.items())
    return figure(title, words, WIDTH, HEIGHT, parts, caption, words)


def _last(y: Any) -> str:
    finite = [v for v in np.asarray(y, np.float64) if np.isfinite(v)]
    return f"{finite[-1]:.4g}" if finite else "nothing"


def _apart(ends: list[tuple[float, str, int, float]]) -> list[str]:
    """Return the labels of lines, moved apart where they would overlap."""
    parts, below = [], -1e9
    for y, name, series, x in sorted(ends):
        y = max(y, below + 15)
        below = y
        parts.append(
            f'<text class="crc-halo crc-f{series % SERIES}" x="{x + 6:.1f}" y="{y + 4:.1f}">'
            f"{text(name, 20)}</text>"
        )
    return parts


def scatter(
    title: str, groups: Mapping[str, tuple[Any, Any]], *, x_label: str, y_label: str,
    diagonal: bool = False, caption: Text = "",
) -> Figure:  # fmt: skip
    """Return points in named groups, each with a shape and colour of its own."""
    sampled = {name: _sampled(x, y, len(groups)) for name, (x, y) in groups.items()}
    x_range, y_range = (
        (float(np.min(a, initial=np.inf)), float(np.max(a, initial=-np.inf)))
        for a in map(np.concatenate, zip(*sampled.values(), strict=True))
    )
    if diagonal:
        x_range = y_range = (min(x_range[0], y_range[0]), max(x_range[1], y_range[1]))
    shown = list(groups)
    below = 18.0 * len(shown) + 10 if len(groups) > 1 else 0.0
    frame = Frame(x_range, y_range, x_label, y_label)
    parts = [frame.axes()]
    if diagonal:
        parts.append(frame.line(x_range, x_range, 7, dashed=True))
    parts += [frame.points(x, y, i) for i, (x, y) in enumerate(sampled.values())]
    if len(groups) > 1:
        parts.append(legend(shown, 66.0, HEIGHT + 12))
    words = "; ".join(f"{name}: {len(x)} points" for name, (x, _) in groups.items())
    return figure(title, words, WIDTH, HEIGHT + below, parts, caption, words)


def _sampled(x: Any, y: Any, groups: int) -> tuple[Any, Any]:
    step = max(1, len(x) * groups // MOST_POINTS)
    x, y = np.asarray(x, np.float64)[::step], np.asarray(y, np.float64)[::step]
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known]


def named_points(
    title: str, x: Any, y: Any, names: Sequence[str], *, x_label: str, y_label: str,
    caption: Text = "",
) -> Figure:  # fmt: skip
    """Return points with their names, the first first; of names that would overlap, none."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    x_range, y_range = ((float(a.min()), float(a.max())) for a in (x, y))
    height = 1.4 * HEIGHT
    frame = Frame(x_range, y_range, x_label, y_label, height=height)
    parts = [frame.axes(), frame.points(x, y, 0)]
    taken: list[tuple[float, float, float, float]] = []
    for a, b, name in zip(frame.px(x), frame.py(y), names, strict=True):
        long = 7.5 * min(len(name), 18) + 6
        left, anchor = (a, "start") if a + long < WIDTH else (a - long, "end")
        box = (left, b - 9, left + long, b + 5)
        if any(box[0] < u and s < box[2] and box[1] < v and t < box[3] for s, t, u, v in taken):
            continue
        taken.append(box)
        start = a + 6 if anchor == "start" else a - 6
        place = f'x="{start:.1f}" y="{b + 4:.1f}" text-anchor="{anchor}"'
        parts.append(f'<text class="crc-halo" {place}>{text(name, 18)}</text>')
    words = ", ".join(names)
    return figure(title, words, WIDTH, height, parts, caption, words)


def bars(
    title: str, values: Mapping[str, float], *, x_label: str = "", caption: Text = ""
) -> Figure:
    """Return horizontal bars with their names and numbers, to both sides of zero."""
    row, left = 22.0, 170.0
    numbers = np.array(list(values.values()), np.float64)
    low, high = min(0.0, float(numbers.min())), max(0.0, float(numbers.max()))
    height = 30.0 + row * len(values) + 26
    frame = Frame((low, high), (0.0, 1.0), height=height, margins=(left, 66.0, 10.0, 26.0))
    zero = float(frame.px(0.0))
    parts = []
    for i, (name, value) in enumerate(values.items()):
        y, end = 14 + row * i, float(frame.px(value))
        parts.append(
            f'<text x="{left - 8:.1f}" y="{y + 13:.1f}" text-anchor="end"><title>'
            f"{text(name, 200)}</title>{text(name, 22)}</text>"
            f'<rect class="crc-f{0 if value >= 0 else 1}" x="{min(zero, end):.1f}" y="{y:.1f}" '
            f'width="{max(abs(end - zero), 0.5):.1f}" height="{row - 6:.1f}"/>'
            f'<text class="crc-faint" x="{max(zero, end) + 5:.1f}" y="{y + 13:.1f}">'
            f"{value:.3g}</text>"
        )
    foot = 14 + row * len(values)
    parts.append(
        f'<line class="crc-axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="8" y2="{foot:.1f}"/>'
        f'<text class="crc-faint" x="{zero:.1f}" y="{height - 8:.1f}">{text(x_label, 60)}</text>'
    )
    words = "\n".join(f"{name}: {value:.4g}" for name, value in values.items())
    return figure(title, words, WIDTH, height, parts, caption, words)


def histogram(title: str, values: Any, *, x_label: str, caption: Text = "") -> Figure:
    """Return how often numbers occur."""
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    counts, edges = np.histogram(array, bins=min(30, max(5, int(np.sqrt(max(len(array), 1))))))
    frame = Frame(
        (float(edges[0]), float(edges[-1])), (0.0, float(max(counts.max(), 1))), x_label, "rows",
    )  # fmt: skip
    parts = [frame.axes()]
    for count, a, b in zip(counts, edges, edges[1:], strict=False):
        x, y, end = float(frame.px(a)), float(frame.py(count)), float(frame.px(b))
        parts.append(
            f'<rect class="crc-f0" x="{x:.1f}" y="{y:.1f}" width="{end - x - 1:.1f}" '
            f'height="{float(frame.py(0)) - y:.1f}"/>'
        )
    words = ", ".join(f"{short_number(float(a))}: {n}" for a, n in zip(edges, counts, strict=False))
    return figure(title, words, WIDTH, HEIGHT, parts, caption, words)


def confusion(title: str, counts: Any, names: Sequence[str], caption: Text = "") -> Figure:
    """Return counts of actual against predicted classes, shaded by their share of the row."""
    table = np.asarray(counts, np.int64)
    n, left, top = len(table), 150.0, 64.0
    cell = max(24.0, min(52.0, 340.0 / n))
    width, height = left + cell * n + 16, top + cell * n + 16
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    parts = [
        f'<text class="crc-faint" x="{left:.0f}" y="16">predicted</text>',
        f'<text class="crc-faint" x="{left - 10:.0f}" y="{top - 8:.0f}" '
        'text-anchor="end">actual</text>',
    ]
    for i, name in enumerate(names):
        middle = top + cell * (i + 0.5) + 4
        parts.append(
            f'<text x="{left - 10:.0f}" y="{middle:.1f}" text-anchor="end">{text(name, 18)}</text>'
        )
        x = left + cell * (i + 0.5)
        parts.append(
            f'<text class="crc-faint" x="{x:.1f}" y="{top - 8:.0f}" text-anchor="start" '
            f'transform="rotate(-35 {x:.1f} {top - 8:.0f})">{text(name, 10)}</text>'
        )
    for i, j in np.ndindex(n, n):
        x, y, share = left + cell * j, top + cell * i, float(shares[i, j])
        look = "fill:var(--paper)" if share > 0.5 else "fill:var(--ink)"
        look += f";font-size:{min(13.0, 1.5 * cell / len(str(table[i, j]))):.3g}px"
        number = f'<text style="{look}" x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" ' + (
            f'text-anchor="middle">{table[i, j]}</text>' if table[i, j] else "/>"
        )
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2:.1f}" height="{cell - 2:.1f}" '
            f'style="fill:rgba(var(--heat),{0.06 + 0.9 * share:.2f})"/>' + number
        )
    worst = [(int(table[i, j]), names[i], names[j]) for i, j in np.ndindex(n, n) if i != j]
    worst = sorted((w for w in worst if w[0]), reverse=True)[:8]
    words = "; ".join(f"{c} of {a} taken for {b}" for c, a, b in worst) or "no confusions"
    return figure(title, words, width, height, parts, caption, words)


def reliability(title: str, bins: CalibrationBins, caption: Text = "") -> Figure:
    """Return how often answers of a confidence are right, with the number of rows in each bin."""
    frame = Frame((0.0, 1.0), (0.0, 1.0), "confidence", "share that is right")
    parts = [frame.axes(), frame.line([0, 1], [0, 1], 7, dashed=True)]
    parts.append(frame.line(bins.confidence, bins.right, 0))
    words = []
    for p, share, rows in zip(*bins, strict=True):
        words.append(f"{p:.2f}: {share:.2f} of {rows}")
        size = 2.5 + 6 * float(np.sqrt(rows / bins.rows.sum()))
        parts.append(marker(float(frame.px(p)), float(frame.py(share)), 0, size))
    return figure(title, "; ".join(words), WIDTH, HEIGHT, parts, caption, "; ".join(words))


def regions(
    title: str, x: Any, y: Any, values: Any, groups: Mapping[str, tuple[Any, Any]] | None = None,
    *, x_label: str = "", y_label: str = "", classes: int = 0, caption: Text = "",
    small: bool = False,
) -> Figure:  # fmt: skip
    """Return a plane coloured by a function of two inputs, with points on it.

    Parameters
    ----------
    title : str
    x, y : arrays
        Of the grid's columns and rows.
    values : array, shape (len(y), len(x))
        Numbers between 0 and 1, or numbers of classes.
    groups : mapping of str to (x, y), optional
        Points by name of their class.
    x_label, y_label : str
    classes : int
        0 for numbers.
    caption : Text
    small : bool
        Whether it is one of several.
    """
    width, height = (250.0, 210.0) if small else (WIDTH, 380.0)
    groups = groups or {}
    below = 18.0 * len(groups) + 10 if groups else 0.0
    frame = Frame((float(x[0]), float(x[-1])), (float(y[0]), float(y[-1])), x_label, y_label,
                  width=width, height=height, margins=(48.0, 12.0, 24.0, 40.0),
                  ticks=3 if small else 5)  # fmt: skip
    parts = _tiles(frame, x, y, np.asarray(values, np.float64), classes)
    parts.append(frame.axes().replace('class="crc-grid"', 'class="crc-grid" stroke-opacity="0.3"'))
    for i, (a, b) in enumerate(groups.values()):
        parts.append(frame.points(*_sampled(a, b, len(groups)), i))
    if groups:
        parts.append(legend(list(groups), 60.0, height + 12))
    words = f"{title}: from {np.min(values):.3g} to {np.max(values):.3g}"
    return figure(title, words, width, height + below, parts, caption, words)


def _tiles(frame: Frame, x: Any, y: Any, values: Any, classes: int) -> list[str]:
    """Return a grid as rectangles, neighbours of one shade as one."""
    dx = abs(float(frame.px(x[1]) - frame.px(x[0])))
    dy = abs(float(frame.py(y[1]) - frame.py(y[0])))
    shades = values if classes else np.round(np.clip(values, 0, 1) * _SHADES)
    parts = []
    for i, row in enumerate(shades):
        ends = [*(np.flatnonzero(np.diff(row)) + 1), len(row)]
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            value = float(row[start])
            fill = (
                f'class="crc-f{int(value) % SERIES}" fill-opacity="0.28"' if classes
                else f'style="fill:rgba(var(--heat),{0.05 + 0.85 * value / _SHADES:.2f})"'
            )  # fmt: skip
            parts.append(
                f'<rect {fill} x="{float(frame.px(x[start])) - dx / 2:.1f}" '
                f'y="{float(frame.py(y[i])) - dy / 2 - 0.2:.1f}" '
                f'width="{dx * (end - start) + 0.3:.1f}" height="{dy + 0.4:.1f}"/>'
            )
    return parts
