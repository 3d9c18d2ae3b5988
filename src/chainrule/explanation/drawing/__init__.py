"""`draw`: a computation as a picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from chainrule.autodiff.arguments import Which
from chainrule.constraints import OneOf, check
from chainrule.explanation.account import Account
from chainrule.explanation.drawing import exports
from chainrule.explanation.drawing.model import Picture, picture
from chainrule.explanation.drawing.place import place
from chainrule.explanation.drawing.ranks import arrange
from chainrule.explanation.drawing.stack import stack
from chainrule.explanation.drawing.svg import svg
from chainrule.explanation.drawing.units import units_svg
from chainrule.explanation.subject import about
from chainrule.pages import FORMATS, Figure, Heading, Page, Shown

__all__ = ["Drawing", "draw"]

VIEWS = OneOf(("graph", "units", "layers"))
_WIDEST = 14  # ranks up to which a picture runs from left to right


def draw(
    subject: Any,
    wrt: Which | None = None,
    *,
    view: str = "graph",
    values: bool = True,
    folded: bool = True,
) -> Any:
    """Draw a computation with its forward values and its deltas.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed: its drawing is returned at once. Of a function, a
        function of its arguments is returned; so it is with a module, which stands for the
        function of itself and its inputs.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.
    view : {"graph", "units", "layers"}
        Operations as nodes and variables as edges; a network as its units and weights; or a box
        for each layer.
    values : bool
        Whether numbers are shown.
    folded : bool
        Whether equal layers that follow each other are one box in the view of layers.

    Returns
    -------
    Drawing, or a function that returns one

    Examples
    --------
    >>> import chainrule as cr
    >>> drawing = cr.draw(lambda a, b: (a + b) * (b + 1))(2.0, 1.0)
    >>> print(drawing.text())
    loss = v1 * v2   6   δ 1
    ├─ v1 = a + b   3   δ 2
    │  ├─ a   2   δ 2
    │  └─ b   1   δ 5  ⑂2
    └─ v2 = b + 1   2   δ 3
       └─ b   1   δ 5  ⑂2
    """
    check("draw", {"view": VIEWS}, {"view": view})
    return about(subject, wrt, lambda account: Drawing(account, view, values, folded))


class Drawing(Shown):
    """A picture of a computation.

    Attributes
    ----------
    svg : str
        A whole ``<svg>`` element.
    """

    def __init__(
        self, account: Account, view: str = "graph", values: bool = True, folded: bool = True
    ) -> None:
        self.account, self.view, self.values = account, view, values
        if view == "graph":
            self.picture = picture(account, values)
        else:
            self.picture = stack(account, values, folded and view == "layers")
        self.svg = units_svg(account, values) if view == "units" else _laid_out(self.picture)

    def text(self) -> str:
        """Return the computation as an indented tree of lines; of a network a line a layer."""
        if self.view == "graph":
            return exports.tree(self.account, self.values)
        return exports.listing(self.picture)

    def to_mermaid(self) -> str:
        """Return a Mermaid flow chart."""
        return exports.mermaid(self.picture)

    def to_dot(self) -> str:
        """Return the graph in the DOT language of Graphviz."""
        return exports.dot(self.picture)

    def facts(self) -> dict[str, Any]:
        """Return boxes and wires as JSON-able values."""
        number = {box: i for i, box in enumerate(self.picture.boxes)}
        return {
            "view": self.view,
            "nodes": [
                {"kind": b.kind, "label": b.label, "title": b.title} for b in self.picture.boxes
            ],
            "edges": [
                {"from": number[w.source], "to": number[w.target], "name": w.title,
                 "above": w.above, "below": w.below}
                for w in self.picture.wires
            ],
        }  # fmt: skip

    def figure(self) -> Figure:
        """Return the picture as a block of a page, its text with it."""
        captions = {
            "graph": "Operations are boxes, variables the wires between them: above a wire its "
            "value, below it its delta, the derivative of the loss by it. The stronger a wire, "
            "the larger its delta. A dot is a fork.",
            "units": "Circles are units. The wider a line, the larger its weight; dashed lines "
            "are negative weights.",
            "layers": "Boxes are layers, with the shapes of what passes between them.",
        }
        return Figure(self.svg, self.text(), captions[self.view])

    def page(self) -> Page:
        """Return the picture as a page."""
        return Page(self.picture.title, [Heading(self.picture.title, 1), self.figure()])

    @classmethod
    def formats(cls) -> dict[str, Callable[[Any], str]]:
        """Return what makes a file of each suffix."""
        return {
            **FORMATS,
            ".svg": lambda drawing: str(drawing.svg),
            ".mmd": cls.to_mermaid,
            ".dot": cls.to_dot,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file; beside the formats of every page .svg, .mmd (Mermaid) and .dot.

        Raises
        ------
        ArgumentError
            If the suffix is none of them.
        OSError
            If the file cannot be written.
        """
        super().save(path)

    def _repr_svg_(self) -> str:
        return self.svg


def _laid_out(drawn: Picture) -> str:
    ranks = arrange(drawn)
    drawn.downwards = len(ranks.columns) > _WIDEST
    place(drawn, ranks)
    return svg(drawn)
