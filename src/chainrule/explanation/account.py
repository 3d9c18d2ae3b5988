"""The account of a backward pass: every variable, every gradient that arrived at it, and whence.

The walk is that of `chainrule.autodiff`: from the youngest variable to the oldest, each visited
when all that was computed from it has been. Here nothing is dropped on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import scalar
from chainrule.autodiff.reverse import Part, apply_rule, fitted
from chainrule.errors import NotDifferentiableError
from chainrule.graph import Op, Tensor
from chainrule.graph.tensor import pick
from chainrule.graph.trace import ancestors, carriers


@dataclass(eq=False, repr=False)
class Arrival:
    """A gradient that came to a variable from one of its uses.

    Attributes
    ----------
    use : Variable
        What was computed from the variable.
    position : int
        At which input of the use's op the variable stands.
    value : array
        prod(d use / d variable, delta of the use), of the variable's shape.
    """

    use: Variable
    position: int
    value: Any


@dataclass(eq=False, repr=False)
class Variable:
    """One variable of the graph: a leaf, or the result of an op.

    Attributes
    ----------
    tensor : Tensor
    name : str
        Unique in the account.
    named : bool
        Whether the name says something: the user's, or that of a layer's part or of the loss;
        otherwise it is a mere number.
    wanted : bool
        Whether it is a leaf whose gradient was asked for.
    operands : list
        A Variable, or a constant, for each input of the op.
    arrivals : list of Arrival
        In the order in which they came.
    delta : array or None
        Their sum: the derivative of the loss by this variable. None where nothing arrived.
    """

    tensor: Tensor
    name: str = ""
    named: bool = False
    wanted: bool = False
    operands: list[Any] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    delta: Any = None

    def __repr__(self) -> str:
        return f"Variable({self.name!r})"

    @property
    def value(self) -> Any:
        """The forward value."""
        return self.tensor._value

    @property
    def op(self) -> Op | None:
        """What computed it; None of a leaf."""
        return self.tensor.op

    @property
    def serial(self) -> int:
        """Its place in the order of computation."""
        return self.tensor.serial

    @cached_property
    def inputs(self) -> list[Variable]:
        """The operands that are variables, each once."""
        return list({x.serial: x for x in self.operands if isinstance(x, Variable)}.values())

    @property
    def is_bundle(self) -> bool:
        """Whether it holds the several results of an op, from which others pick."""
        return isinstance(self.value, tuple)


class Account:
    """A forward and a backward pass, written down.

    Parameters
    ----------
    loss : Tensor
        A single number.
    wanted : sequence of Tensor
        The leaves whose gradients are asked for; all leaves of floating-point numbers by default.

    Attributes
    ----------
    variables : list of Variable
        All that the loss was computed from, oldest first; the last is the loss.
    constants : dict of int to str
        Names by `id` of arrays that are constants of the graph.
    """

    constants: dict[int, str]

    def __init__(self, loss: Tensor, wanted: Sequence[Tensor] | None = None) -> None:
        tensors = ancestors([scalar(loss, "explain")], everything=True)
        self.constants = {}
        self._by_serial = {t.serial: Variable(t) for t in tensors}
        self.variables = list(self._by_serial.values())
        chosen = None if wanted is None else {t.serial for t in wanted}
        for v in self.variables:
            v.operands = [self.of(x) if isinstance(x, Tensor) else x for x in v.tensor.inputs]
            leaf = v.op is None and v.tensor.dtype.kind == "f"
            v.wanted = leaf and (chosen is None or v.serial in chosen)
        self._walk()
        if not any(v.wanted and v.delta is not None for v in self.variables):
            raise NotDifferentiableError(
                f"{loss.label()} depends on no variable of floating-point numbers"
            )

    @property
    def loss(self) -> Variable:
        """The last variable."""
        return self.variables[-1]

    def of(self, t: Tensor) -> Variable:
        """Return the variable of a Tensor."""
        return self._by_serial[t.serial]

    @cached_property
    def backward(self) -> list[Variable]:
        """The variables that a gradient arrived at, in the order in which they were visited."""
        return [v for v in reversed(self.variables) if v.delta is not None]

    @cached_property
    def wanted(self) -> list[Variable]:
        """The leaves whose gradients were asked for and exist, oldest first."""
        return [v for v in self.variables if v.wanted and v.delta is not None]

    @cached_property
    def uses(self) -> dict[int, list[Variable]]:
        """What was computed from each variable, by its serial, oldest first."""
        found: dict[int, list[Variable]] = {v.serial: [] for v in self.variables}
        for v in self.variables:
            for x in v.inputs:
                found[x.serial].append(v)
        return found

    def named(self, name: str) -> Variable:
        """Return the variable of a name.

        Raises
        ------
        KeyError
            If there is none; the message lists the names there are.
        """
        for v in self.variables:
            if v.name == name:
                return v
        known = ", ".join(v.name for v in self.variables if v.named)
        raise KeyError(f"there is no variable {name!r}; there are {known}")

    def _walk(self) -> None:
        self.loss.delta = np.ones_like(self.loss.value)[()]
        for v in reversed(self.variables):
            if v.delta is None or v.op is None:
                continue
            for position, g in pulled(v.tensor, v.delta):
                x = v.operands[position]
                x.arrivals.append(Arrival(v, position, g))
                x.delta = g if x.delta is None else x.delta + g


def pulled(t: Tensor, delta: Any) -> list[tuple[int, Any]]:
    """Return the gradients that a result sends to its inputs: pairs of position and gradient."""
    op = t.op
    assert op is not None
    _, gradients = apply_rule(op, t, delta, recording=False)
    found = []
    for position, g in zip(_active(t), gradients, strict=True):
        x = t.inputs[position]
        if not isinstance(x, Tensor):
            continue
        if isinstance(g, Part):
            found.append((position, g))
        elif x.op is not None or x.dtype.kind in "fc":
            found.append((position, fitted(g, x._value, op)))
    return found


def _active(t: Tensor) -> Sequence[int]:
    if t.op is pick:
        return (0,)
    assert t.op is not None
    return t.op.active(len(t.inputs)) if carriers(t) else ()
