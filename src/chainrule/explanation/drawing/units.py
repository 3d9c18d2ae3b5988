"""The diagram of a network: a circle for each unit, a line for each weight."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.explanation.account import Account
from chainrule.explanation.drawing.stack import found_layers, sources
from chainrule.explanation.drawing.svg import STYLE, text
from chainrule.explanation.layers import Layer
from chainrule.explanation.numbers import number

_MOST = 12  # units of a layer that are drawn; of more, the first and the last
_RADIUS, _STEP, _COLUMN, _MARGIN = 17.0, 46.0, 150.0, 56.0


def units_svg(account: Account, values: bool) -> str:
    """Return the diagram of a network as an ``<svg>`` element.

    Lines are as wide as weights are large, dashed where a weight is negative. Where there is one
    example, units show their activations.

    Raises
    ------
    ArgumentError
        If the computation has no layers, or they are no chain.
    """
    found = _chain(account)
    columns = [_inputs(found[0]), *(_outputs(layer) for layer in found)]
    tallest = max(len(_drawn(n)) for n, _, _ in columns)
    height = 2 * _MARGIN + (tallest - 1) * _STEP + 40
    width = 2 * _MARGIN + (len(columns) - 1) * _COLUMN
    places = [
        {unit: (_MARGIN + i * _COLUMN, height / 2 - 8 + (row - (len(_drawn(n)) - 1) / 2) * _STEP)
         for row, unit in enumerate(_drawn(n)) if unit is not None}
        for i, (n, _, _) in enumerate(columns)
    ]  # fmt: skip
    parts = [_weights(layer, places[i], places[i + 1]) for i, layer in enumerate(found)]
    parts += [_column(column, places[i], values) for i, column in enumerate(columns)]
    words = "; ".join(f"{title}: {n} units" for n, _, title in columns)
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return (
        f'<svg class="crd" xmlns="http://www.w3.org/2000/svg" role="img" {size}>'
        f"<title>Units of the network</title><desc>{text(words)}</desc>"
        f"<style>{STYLE}.crd .crd-pos{{stroke:var(--pos)}}"
        ".crd .crd-neg{stroke:var(--neg);stroke-dasharray:5 3}</style>" + "".join(parts) + "</svg>"
    )


def _chain(account: Account) -> list[Layer]:
    """Return the layers, each of which reads the one before it alone."""
    found = found_layers(account)
    outputs = {layer.a.serial: layer.a for layer in found}
    for before, layer in pairwise(found):
        fits = layer.units.shape[1] == before.units.shape[0]
        if not fits or sources(layer.product, outputs) != [before.a]:
            raise ArgumentError(
                f'draw: view="units" needs layers that follow each other, and layer {layer.number} '
                f'does not read layer {before.number} alone; view="layers" draws any network'
            )
    return found


Column = tuple[int, Any, str]  # number of units, their values or None, a title


def _inputs(layer: Layer) -> Column:
    n = layer.units.shape[1]
    if layer.x is None:
        return n, None, "inputs"
    return n, _single(layer.x.value, n), layer.x.name


def _outputs(layer: Layer) -> Column:
    n = layer.units.shape[0]
    return n, _single(layer.a.value, n), layer.ending


def _single(value: Any, n: int) -> Any:
    """Return the numbers of one example, one for each unit; None if there are several."""
    return np.ravel(value) if np.size(value) == n else None


def _drawn(n: int) -> list[int | None]:
    """Return the units that are drawn, None for those left out."""
    if n <= _MOST:
        return list(range(n))
    half = _MOST // 2
    return [*range(half), None, *range(n - half + 1, n)]


def _weights(layer: Layer, left: Any, right: Any) -> str:
    matrix = layer.units
    largest = float(np.max(np.abs(matrix), initial=0.0)) or 1.0
    lines = []
    for j, (x1, y1) in right.items():
        for i, (x0, y0) in left.items():
            w = float(matrix[j, i])
            kind = "pos" if w >= 0 else "neg"
            width = 0.4 + 2.6 * abs(w) / largest
            lines.append(
                f'<line class="crd-{kind}" x1="{x0 + _RADIUS:.1f}" y1="{y0:.1f}" '
                f'x2="{x1 - _RADIUS:.1f}" y2="{y1:.1f}" stroke-width="{width:.2f}" '
                f'stroke-opacity="0.75"><title>{text(number(w))}</title></line>'
            )
    return "".join(lines)


def _column(column: Column, places: Any, values: bool) -> str:
    n, numbers, title = column
    parts = []
    for unit, (x, y) in places.items():
        shown = number(numbers[unit], 2) if values and numbers is not None else ""
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"/>'
            f'<text class="crd-small" x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle">'
            f"{text(shown)}</text>"
        )
    x = next(iter(places.values()))[0]
    bottom = max(y for _, y in places.values()) + _RADIUS + 18
    if n > _MOST:
        gap = sorted(y for _, y in places.values())[_MOST // 2 - 1] + _STEP
        parts.append(f'<text x="{x:.1f}" y="{gap + 4:.1f}" text-anchor="middle">⋮</text>')
    parts.append(
        f'<text class="crd-small crd-faint" x="{x:.1f}" y="{bottom:.1f}" text-anchor="middle">'
        f"{text(title[:18])} ({n})</text>"
    )
    return "".join(parts)
