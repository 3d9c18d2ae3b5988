"""`modes`: forward against reverse mode on the same graph, and which is cheaper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autodiff import jvp, vjp
from chainrule.autodiff.arguments import Which, positions
from chainrule.engines.plan import amount, node_flops
from chainrule.errors import NotDifferentiableError
from chainrule.explanation.numbers import dimensions, number
from chainrule.explanation.subject import default_positions
from chainrule.graph import Aval, Constant, Graph, trace
from chainrule.graph.trace import argument_names
from chainrule.graph.tree import flatten, is_container, paths, unflatten
from chainrule.pages import (
    Block,
    Code,
    Fold,
    Heading,
    Page,
    Paragraph,
    Shown,
    Strong,
    Table,
    Text,
)


@dataclass(frozen=True)
class Cost:
    """What one mode takes.

    Attributes
    ----------
    name : {"forward", "reverse"}
    passes : int
        One for each input number, or for each output number.
    graph : Graph
        The function together with one pass.
    own : Graph
        The function alone.
    """

    name: str
    passes: int
    graph: Graph
    own: Graph

    @property
    def operations(self) -> int:
        """Nodes of the function and of all passes, the function's own counted once."""
        return len(self.own.nodes) + self.passes * self.one_pass

    @property
    def one_pass(self) -> int:
        """Nodes of one pass."""
        return len(self.graph.nodes) - len(self.own.nodes)

    @property
    def flops(self) -> int:
        """Additions and multiplications of numbers, estimated from the shapes."""
        own, whole = (sum(map(node_flops, g.nodes)) for g in (self.own, self.graph))
        return own + self.passes * max(whole - own, 0)

    @property
    def kept(self) -> int:
        """Numbers held at a time beside inputs and outputs."""
        sizes = [int(np.prod(n.aval.shape)) for n in self.own.nodes if isinstance(n.aval, Aval)]
        return sum(sizes) if self.name == "reverse" else 2 * max(sizes, default=0)


def modes(function: Callable[..., Any], wrt: Which | None = None) -> Callable[..., Modes]:
    """Compare forward and reverse mode for a function's whole derivative.

    Forward mode takes one pass for each input number, reverse mode one for each output number.

    Parameters
    ----------
    function : callable or module
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.

    Returns
    -------
    callable
        Takes the function's arguments, returns `Modes`.

    Examples
    --------
    >>> import chainrule as cr
    >>> found = cr.modes(lambda a, b: (a + b) * (b + 1))(2.0, 1.0)
    >>> found.forward.passes, found.reverse.passes, found.cheaper
    (2, 1, 'reverse')
    """
    if is_container(function):
        return lambda *inputs: modes(lambda m, *x: m(*x), 0 if wrt is None else wrt)(
            function, *inputs
        )

    def compared(*args: Any) -> Modes:
        chosen = positions(function, default_positions(args) if wrt is None else wrt, len(args))

        def of_chosen(*some: Any) -> Any:
            filled = list(args)
            for i, value in zip(chosen, some, strict=True):
                filled[i] = value
            return function(*filled)

        names = argument_names(function, len(args))
        labels = [p for i in chosen for p in paths(flatten(args[i])[1], names[i])]
        return Modes(of_chosen, [args[i] for i in chosen], labels)

    return compared


class Modes(Shown):
    """Both modes side by side.

    Attributes
    ----------
    forward, reverse : Cost
    """

    def __init__(
        self, function: Callable[..., Any], args: Sequence[Any], labels: Sequence[str]
    ) -> None:
        self.labels = labels
        leaves, structure = flatten(tuple(args))
        leaves = [x if hasattr(x, "dtype") else np.float64(x) for x in leaves]
        point = unflatten(structure, leaves)
        own = trace(function)(*point)
        results = [x for x in own.outputs if isinstance(x.aval, Aval)]
        if not own.nodes:
            raise NotDifferentiableError("modes: the function computes nothing from its arguments")
        n_in = sum(int(np.size(x)) for x in leaves)
        n_out = sum(int(np.prod(x.aval.shape)) for x in results if isinstance(x.aval, Aval))
        direction = unflatten(structure, [np.ones_like(x) for x in leaves])
        incoming = unflatten(own.gives, [np.ones_like(y) for y in own.evaluate(leaves)])
        forwards = trace(lambda point, tangent: jvp(function, point, tangent))(point, direction)
        backwards = trace(lambda point, g: _pulled(function, point, g))(point, incoming)
        self.forward = Cost("forward", n_in, forwards, own)
        self.reverse = Cost("reverse", n_out, backwards, own)

    @property
    def cheaper(self) -> str:
        """The mode that takes fewer operations, weighted by the sizes of the arrays."""
        costs = [(c.flops or c.operations, c.operations, c.name) for c in self._both]
        return min(costs)[2]

    @property
    def _both(self) -> tuple[Cost, Cost]:
        return self.forward, self.reverse

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON-able values."""
        return {
            "cheaper": self.cheaper,
            **{
                c.name: {
                    "passes": c.passes,
                    "operations": c.operations,
                    "flops": c.flops,
                    "numbers_kept": c.kept,
                }
                for c in self._both
            },
        }

    def page(self) -> Page:
        """Return the comparison as a page."""
        a, b = self._both
        rows: list[list[Text]] = [
            ["passes", str(a.passes), str(b.passes)],
            ["operations of the function", str(len(a.own.nodes)), str(len(b.own.nodes))],
            ["operations of one pass", *(str(c.one_pass) for c in (a, b))],
            [[Strong("operations in all")], *([Strong(f"{c.operations:,}")] for c in (a, b))],
            ["arithmetic in all", *(amount(c.flops, "FLOP") for c in (a, b))],
            ["numbers kept at a time", *(f"{c.kept:,}" for c in (a, b))],
        ]  # fmt: skip
        worse = a if self.cheaper == "reverse" else b
        best = b if self.cheaper == "reverse" else a
        factor = (worse.flops or worse.operations) / max(best.flops or best.operations, 1)
        blocks: list[Block] = [
            Heading("Forward against reverse mode", 1),
            Paragraph([
                "Forward mode carries the derivative by one input number along, reverse mode that "
                "of one output number back. ",
                Strong(f"Here {self.cheaper} mode is cheaper, {factor:.3g} times.", "good"),
            ]),
            Table(["", "forward", "reverse"], rows, frozenset({1, 2})),
            Fold("Operation by operation", [self._steps(c) for c in self._both]),
        ]  # fmt: skip
        return Page("Forward against reverse mode", blocks)

    def _steps(self, cost: Cost) -> Table:
        """Return the function and one pass, operation by operation."""
        names = cost.graph.names()
        other = "d{}" if cost.name == "forward" else "δ"
        words = [*self.labels, *(other.format(label) for label in self.labels)]
        names |= {id(x): word for x, word in zip(cost.graph.inputs, words, strict=False)}
        rows: list[list[Text]] = []
        for node in cost.graph.nodes:
            shape = dimensions(node.aval.example()) if isinstance(node.aval, Aval) else ""
            inputs = [
                number(x.value) if isinstance(x, Constant) and not np.ndim(x.value)
                else names.get(id(x), "constant") for x in node.inputs
            ]  # fmt: skip
            shown = f"{node.op.name}({', '.join(inputs)})"
            rows.append([[Code(names[id(node)])], [Code(shown)], shape, str(node_flops(node))])
        caption = f"{cost.name} mode: the function and one pass"
        return Table(["", "operation", "shape", "FLOP"], rows, frozenset({3}), caption)


def _pulled(function: Callable[..., Any], point: Any, g: Any) -> Any:
    value, pullback = vjp(function, *point)
    return value, pullback(g)
