"""Panels drawn with matplotlib: this module alone needs it.

No global setting is read that changes what is said, and none is changed. Names are text and never
mathematics or TeX, whatever they hold.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.pages.visible import visible
from chainrule.plots.colours import FAINT, MAPS, colour, shape
from chainrule.plots.panel import Axis, Line, Panel, Points, Rule, Shades, cut

_ALONE, _EACH = (6.4, 4.4), (3.0, 2.5)  # inches, of a panel alone and of each of several
_ACROSS = 4  # panels in a row
_MOST_NAMES, _LONGEST = 12, 22  # names in a legend, and characters of a name
_PLAIN: dict[str, Any] = {"parse_math": False, "usetex": False}
_STYLES = ("-", (0, (6, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))  # after each round of colours
_CONTOURS: dict[str, Any] = {
    "colors": "white", "linewidths": 0.6, "alpha": 0.7, "linestyles": "solid"
}  # fmt: skip
_DASHED = (0, (4, 2.5))
_SIDES: tuple[Literal["x", "y"], ...] = ("x", "y")


class ShownAxes(Axes):
    """Axes that show their figure in a notebook, where pyplot does not know it."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        _figure(self).savefig(file, format="png", dpi=100)
        return file.getvalue()


def checked(name: str, given: Any, several: bool) -> list[Axes] | Array:
    """Return the axes that a plot was given, as a sequence.

    Raises
    ------
    ArgumentError
        If they are something else.
    """
    axes = np.atleast_1d(np.asarray(given, object)).ravel()
    wanted = "an array of matplotlib Axes" if several else "one matplotlib Axes"
    if not all(isinstance(a, Axes) for a in axes) or (not several and len(axes) != 1):
        argument = "axes" if several else "ax"
        raise ArgumentError(f"{name}: {argument} must be {wanted}, not {type(given).__name__}")
    return axes


def fresh(panels: Sequence[Panel]) -> Array:
    """Return new axes for panels, in a figure that is known to them alone."""
    n = len(panels)
    across = min(_ACROSS, n)
    down = -(-n // across)
    size = _alone(panels[0]) if n == 1 else (_EACH[0] * across, _EACH[1] * down)
    figure = Figure(figsize=size, layout="constrained")
    made = np.empty(n, object)
    for i in range(n):
        made[i] = figure.add_subplot(down, across, i + 1, axes_class=ShownAxes)
    return made


def _alone(panel: Panel) -> tuple[float, float]:
    """Return the size of a figure for one panel: that of pictures follows their shape."""
    width, height = _ALONE
    shades = [mark for mark in panel.marks if isinstance(mark, Shades)]
    if panel.square and shades:
        left, right, low, high = shades[0].edges()
        height = 0.6 + (width - 1) * (high - low) / (right - left)
    return width, min(max(height, 1.2), 1.2 * width)


def draw(panel: Panel, ax: Axes) -> None:
    """Draw a panel in axes."""
    size = _font_size(ax)
    names = [item for mark in panel.marks for item in _MARKS[type(mark)](mark, ax, size)]
    for side in _SIDES:
        _axis(ax, side, getattr(panel, side), size)
    ax.set_aspect("equal" if panel.square else "auto")
    _title(ax, panel, size)
    if panel.square:
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_facecolor(FAINT)  # between the pictures
    if panel.legend and names:
        _legend(ax, names, size)


def _font_size(ax: Axes) -> float:
    """Return a size of letters that leaves room for the picture, in points."""
    return float(np.clip(2.2 * _width(ax), 6.5, 10.0))


def _figure(ax: Axes) -> Figure:
    """Return the outermost figure; ``get_figure(root=True)`` says so from matplotlib 3.10 on."""
    return ax.figure.figure


def _width(ax: Axes) -> float:
    """Return the width of axes in inches."""
    return float(ax.get_position(original=True).width * _figure(ax).get_size_inches()[0])


def _title(ax: Axes, panel: Panel, size: float) -> None:
    letters = max(8, int(_width(ax) * 130 / size))
    notes = [line for note in panel.notes for line in textwrap.wrap(visible(note), letters)]
    room = 5 + 1.35 * (size - 1) * len(notes)
    title = textwrap.fill(visible(panel.title), max(letters - 8, 8))
    ax.set_title(title, fontsize=size + 1, loc="left", pad=room, **_PLAIN)
    if notes:
        ax.annotate(
            "\n".join(notes), (0, 1), xytext=(0, 4), xycoords="axes fraction",
            textcoords="offset points", va="bottom", ha="left", fontsize=size - 1, color=FAINT,
            annotation_clip=False, in_layout=False, **_PLAIN,
        )  # fmt: skip


def _axis(ax: Axes, side: Literal["x", "y"], axis: Axis, size: float) -> None:
    small = size - 1
    ax.tick_params(axis=side, labelsize=small)
    getattr(ax, f"set_{side}label")(visible(axis.label), fontsize=size, **_PLAIN)
    if axis.log:
        getattr(ax, f"set_{side}scale")("log")
        ax.tick_params(axis=side, which="minor", labelsize=small)
    getattr(ax, f"{side}axis").get_offset_text().set_fontsize(small)
    if axis.whole:
        getattr(ax, f"{side}axis").set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if axis.ticks is not None:
        _ticks(ax, side, axis.ticks, size)
    if axis.limits is not None:
        getattr(ax, f"set_{side}lim")(*axis.limits)
    if axis.reversed and not getattr(ax, f"{side}axis").get_inverted():
        getattr(ax, f"{side}axis").set_inverted(True)


def _ticks(ax: Axes, side: str, ticks: Sequence[tuple[float, str]], size: float) -> None:
    """Write names at places, smaller or fewer or aslant where there is little room."""
    if not ticks:
        getattr(ax, f"set_{side}ticks")([])
        return
    box, across = ax.get_position(original=True), side == "x"
    length = _figure(ax).get_size_inches() * 72 * 0.8 * (box.width, box.height)
    room = length[0 if across else 1] / len(ticks)
    letters = float(np.clip(0.8 * room, 5.0, size - 1))
    kept = ticks[:: max(1, int(np.ceil(1.2 * letters / room)))]
    longest = int(np.clip(_width(ax) * 36 / size, 8 if across else 14, _LONGEST))
    names = [cut(name, longest) for _, name in kept]
    options: dict[str, Any] = {"fontsize": letters}
    if across and max(map(len, names)) * 0.65 * letters * len(kept) > length[0]:
        options |= {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    getattr(ax, f"set_{side}ticks")([place for place, _ in kept], names, **options, **_PLAIN)


def _legend(ax: Axes, names: Sequence[tuple[Any, str]], size: float) -> None:
    """Name the lines and the classes: within the axes if they are few, else beside them."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        shown.append((Line2D([], [], linestyle=""), f"and {len(names) - _MOST_NAMES} more"))
    options: dict[str, Any] = {"loc": "best", "framealpha": 0.8}
    if len(shown) > 5:
        options = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    legend = ax.legend(
        [handle for handle, _ in shown], [""] * len(shown), fontsize=size - 1, **options
    )
    for label, (_, name) in zip(legend.get_texts(), shown, strict=True):
        label.set(text=cut(name, _LONGEST), **_PLAIN)


Named = list[tuple[Any, str]]


def _line(mark: Line, ax: Axes, size: float) -> Named:
    (drawn,) = ax.plot(
        *mark.drawn(), color=colour(mark.series), linewidth=1.6,
        linestyle=_DASHED if mark.dashed else _STYLES[mark.series // 7 % len(_STYLES)],
        marker=shape(mark.series) if mark.dots else "", markersize=4,
    )  # fmt: skip
    return [(drawn, mark.name)] if mark.name else []


def _points(mark: Points, ax: Axes, size: float) -> Named:
    area = 22.0 if mark.sizes is None else 24 + 160 * np.asarray(mark.sizes)
    options: dict[str, Any] = {"color": colour(mark.series)}
    if mark.values is not None:
        options = {"c": mark.values, "cmap": MAPS["sequential"]}
    drawn = ax.scatter(
        mark.x, mark.y, s=area * (size / 10) ** 2, marker=shape(mark.series), edgecolors="white",
        linewidths=0.4, zorder=3, **options,
    )  # fmt: skip
    if mark.values is not None:
        _bar(ax, drawn, mark.name, size)
        return []
    halo = withStroke(linewidth=2.5, foreground=ax.get_facecolor())
    for x, y, words in zip(mark.x, mark.y, mark.words, strict=False):
        ax.annotate(
            visible(words), (x, y), xytext=(0, 0.7 * size), textcoords="offset points",
            ha="center", fontsize=size - 1, zorder=4, path_effects=[halo], **_PLAIN,
        )  # fmt: skip
    return [(drawn, mark.name)] if mark.name else []


def _rule(mark: Rule, ax: Axes, size: float) -> Named:
    across = ax.axvline if mark.upright else ax.axhline
    drawn = across(mark.at, color=FAINT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    return [(drawn, mark.name)] if mark.name else []


def _shades(mark: Shades, ax: Axes, size: float) -> Named:
    if mark.scale == "classes":
        return _classes(mark, ax)
    low, high = mark.ends()
    norm = (LogNorm if mark.log else Normalize)(low, high)
    values = np.ma.masked_invalid(mark.values)
    image = ax.imshow(
        values, cmap=MAPS[mark.scale], norm=norm, extent=mark.edges(), origin="lower",
        aspect="auto", interpolation="nearest", zorder=0,
    )  # fmt: skip
    if mark.contours and values.count() and values.min() < values.max():
        space = np.geomspace if mark.log else np.linspace
        levels = space(values.min(), values.max(), 12)[1:-1]
        ax.contour(mark.x, mark.y, values, levels, **_CONTOURS)
    _cell_words(mark, ax, norm, size)
    if mark.bar:
        _bar(ax, image, mark.name, size)
    return []


def _classes(mark: Shades, ax: Axes) -> Named:
    """Draw classes as tints, with a line where one meets another."""
    found = np.unique(mark.values).astype(int)
    tints = np.array([0.35 * np.array(to_rgb(colour(c))) + 0.65 for c in range(max(found) + 1)])
    ax.imshow(
        tints[mark.values.astype(int)], extent=mark.edges(), origin="lower", aspect="auto",
        interpolation="nearest", zorder=0,
    )  # fmt: skip
    if len(found) > 1:
        for c in found:
            inside = (mark.values == c).astype(float)
            ax.contour(mark.x, mark.y, inside, [0.5], colors="#55524d", linewidths=0.7)
    return [
        (Patch(facecolor=tuple(tints[c]), edgecolor="#55524d"), mark.names[c])
        for c in found
        if mark.names
    ]


def _cell_words(mark: Shades, ax: Axes, norm: Normalize, size: float) -> None:
    """Write in each cell, dark on bright and bright on dark."""
    colours = colormaps[MAPS[mark.scale]](norm(np.nan_to_num(mark.values)))
    bright = colours[..., :3] @ [0.299, 0.587, 0.114] > 0.5
    longest = max(
        (len(part) for row in mark.words for w in row for part in w.split("\n")), default=1
    )
    fits = 72 * _width(ax) / max(len(mark.x), 1) / (0.65 * longest + 0.6)
    for i, row in enumerate(mark.words):
        for j, words in enumerate(row):
            ax.text(
                mark.x[j], mark.y[i], words, ha="center", va="center", clip_on=True,
                fontsize=min(size - 1, fits), color="black" if bright[i, j] else "white",
                **_PLAIN,
            )  # fmt: skip


def _bar(ax: Axes, drawn: ScalarMappable, name: str, size: float) -> None:
    """Say which shade is which number, in axes that belong to these."""
    bar = _figure(ax).colorbar(drawn, cax=ax.inset_axes((1.02, 0.0, 0.035, 1.0)))
    bar.ax.tick_params(labelsize=size - 1)
    bar.set_label(visible(name), fontsize=size - 1, **_PLAIN)


_MARKS: dict[type, Callable[[Any, Axes, float], Named]] = {
    Line: _line,
    Points: _points,
    Rule: _rule,
    Shades: _shades,
}
