"""A placed picture as SVG, light and dark, with text for those who cannot see it."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from chainrule.explanation.drawing.model import Box, Picture, Wire
from chainrule.explanation.drawing.place import label_width
from chainrule.pages.visible import visible

_STRENGTHS = 5
STYLE = """
.crd{--ink:#22211f;--faint:#6b6862;--paper:#fdfcfa;--op:#f3f0ea;--par:#e3ecf7;--in:#fdfcfa;
--end:#e6f2e9;--line:#8a867e;--m0:#b9c3cf;--m1:#8fa5c0;--m2:#6386b3;--m3:#3a68a3;--m4:#1c4a8a;
--pos:#2b5a94;--neg:#b0532a;
font:12px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){.crd{--ink:#e6e3dd;--faint:#a19d95;--paper:#191a1b;--op:#2a2b2d;
--par:#20324a;--in:#191a1b;--end:#1f3527;--line:#77736b;--m0:#4a525c;--m1:#5d748f;--m2:#7095bf;
--m3:#8db6e8;--m4:#c2ddff;--pos:#8db6e8;--neg:#e8a07d}}
.crd text{fill:var(--ink)}.crd .crd-small{font-size:10.3px}.crd .crd-delta{fill:var(--pos)}
.crd .crd-faint{fill:var(--faint)}
.crd rect,.crd circle{fill:var(--op);stroke:var(--line)}
.crd .crd-parameter rect{fill:var(--par)}.crd .crd-input rect{fill:var(--in);stroke-dasharray:3 2}
.crd .crd-loss rect{fill:var(--end)}.crd .crd-fork circle{fill:var(--ink);stroke:none}
.crd path{fill:none}
.crd .crd-label{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
"""


def svg(picture: Picture) -> str:
    """Return a whole ``<svg>`` element."""
    width, height = round(picture.width), round(picture.height)
    words = "; ".join(box.title for box in picture.boxes if box.title)
    parts = [
        f'<svg class="crd" xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" style="max-width:none">',
        f"<title>{text(picture.title)}</title><desc>{text(words[:4000])}</desc>",
        f"<style>{STYLE}{_strengths()}</style>",
        *(_wire(picture, wire) for wire in picture.wires),
        *(_box(box) for box in picture.boxes),
        *(_labels(picture, wire) for wire in picture.wires),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def text(words: object) -> str:
    """Return text for XML, in which nothing is markup."""
    return escape(visible(words))


def _strengths() -> str:
    return "".join(
        f".crd .crd-m{i}{{stroke:var(--m{i});stroke-width:{1 + 0.55 * i:.4g}}}"
        for i in range(_STRENGTHS)
    )


def _box(box: Box) -> str:
    title = f"<title>{text(box.title)}</title>" if box.title else ""
    if box.kind == "fork":
        return f'<g class="crd-fork">{title}<circle cx="{box.x:.1f}" cy="{box.y:.1f}" r="4"/></g>'
    left, top = box.x - box.width / 2, box.y - box.height / 2
    corner = 4 if box.kind in ("op", "layer") else min(15.0, box.height / 2)
    middle = box.y + 4 - 7 * len(box.lines)
    lines = "".join(
        f'<text class="crd-small crd-faint" x="{box.x:.1f}" y="{middle + 15 * (i + 1):.1f}" '
        f'text-anchor="middle">{text(line)}</text>'
        for i, line in enumerate(box.lines)
    )
    return (
        f'<g class="crd-{box.kind}">{title}<rect x="{left:.1f}" y="{top:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner:.3g}"/>'
        f'<text x="{box.x:.1f}" y="{middle:.1f}" text-anchor="middle">{text(box.label)}</text>'
        f"{lines}</g>"
    )


def _ends(picture: Picture, wire: Wire) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where a wire leaves its source and where it enters its target."""
    a, b = wire.source, wire.target
    if picture.downwards:
        return (a.x, a.y + a.height / 2), (_port(b, wire, b.x, b.width), b.y - b.height / 2)
    return (a.x + a.width / 2, a.y), (b.x - b.width / 2, _port(b, wire, b.y, b.height))


def _port(box: Box, wire: Wire, centre: float, size: float) -> float:
    """Return the place of a wire among those that enter a box, in the order they come from."""
    if len(box.inputs) < 2:
        return centre
    order = sorted(box.inputs, key=lambda w: (w.bends[-1] if w.bends else w.source).place)
    step = size / (len(order) + 1)
    return centre - size / 2 + step * (order.index(wire) + 1)


def _points(picture: Picture, wire: Wire) -> list[tuple[float, float]]:
    start, end = _ends(picture, wire)
    return [start, *((bend.x, bend.y) for bend in wire.bends), end]


def _wire(picture: Picture, wire: Wire) -> str:
    points = _points(picture, wire)
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        if picture.downwards:
            middle = (y0 + y1) / 2
            path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
        else:
            middle = (x0 + x1) / 2
            path += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    strength = min(_STRENGTHS - 1, int(wire.weight * _STRENGTHS))
    return f'<path class="crd-m{strength}" d="{path}"><title>{text(wire.title)}</title></path>'


def label_place(picture: Picture, wire: Wire) -> tuple[float, float]:
    """Return the left end of the line between a wire's two labels."""
    start, end = _ends(picture, wire)
    if wire.source.kind == "fork":  # near the use that the wire leads to
        if picture.downwards:
            return end[0] + 5, end[1] - 10
        return end[0] - label_width(wire) - 5, end[1]
    if picture.downwards:
        return start[0] + 6, start[1] + 18
    return start[0] + 6, start[1]


def _labels(picture: Picture, wire: Wire) -> str:
    x, y = label_place(picture, wire)
    found = ""
    for words, shift, kind in ((wire.above, -4, ""), (wire.below, 12, " crd-delta")):
        if words:
            place = f'x="{x:.1f}" y="{y + shift:.1f}"'
            found += f'<text class="crd-small crd-label{kind}" {place}>{text(words)}</text>'
    return found
