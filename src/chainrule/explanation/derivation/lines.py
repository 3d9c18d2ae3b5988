"""The lines of a derivation: equations set as formulas, each evaluated before it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.explanation.account import Variable
from chainrule.explanation.derivation.combine import combined
from chainrule.explanation.derivation.equations import DELTA, Equation, System
from chainrule.explanation.derivation.normal import N
from chainrule.explanation.derivation.notations import Notation
from chainrule.explanation.derivation.orient import as_columns
from chainrule.explanation.derivation.printing import EXAMPLES, Printer
from chainrule.explanation.derivation.symbols import Letter, Symbols, quotient
from chainrule.explanation.layers import Layer, layers
from chainrule.graph import Graph
from chainrule.pages.maths import Fenced, Maths, Row, Script, Sign, Symbol, Words, row

LOCAL = {
    "sigmoid": "σ′(z) = σ(z) (1 − σ(z))",
    "tanh": "tanh′(z) = 1 − tanh²(z)",
    "relu": "ReLU′(z) = 1 where z > 0, else 0",
    "softmax": "∂softmax/∂z = diag(p) − p pᵀ",
    "exp": "exp′ = exp",
    "log": "log′(x) = 1 / x",
    "square": "(x²)′ = 2 x",
    "softplus": "softplus′(z) = σ(z)",
}
_TOLERANCE = {16: 1e-2, 32: 1e-4, 64: 1e-9}  # by the bits of a real number


@dataclass(eq=False)
class Line:
    """One line of a derivation.

    Attributes
    ----------
    equation : Equation
    left : Maths
    right : list of Maths
        Equal to each other and to the left: the chain rule, the formula, its short form.
    graphs : list of Graph
        What the formulas of `right` compute, those of the chain rule left out.
    reasons : list of str
    shape : tuple of int
        Of both sides, as they are written.
    error : float
        How far the formulas are from the gradient, relative to its size; NaN if that could not
        be evaluated.
    layer : int
        The layer that it belongs to; 0 if to none.
    """

    equation: Equation
    left: Maths
    right: list[Maths]
    graphs: list[Graph]
    reasons: list[str]
    shape: tuple[int, ...]
    error: float
    layer: int = 0

    @property
    def ok(self) -> bool:
        """Whether the formulas, evaluated, give the gradient."""
        floating = np.result_type(np.asarray(self.equation.value), np.float16)
        return bool(self.error <= _TOLERANCE.get(np.finfo(floating).bits, 1e-9))

    @property
    def maths(self) -> Row:
        """The whole line."""
        items: list[Maths | str] = [self.left]
        for part in self.right:
            items += ["=", part]
        return row(*items)


@dataclass(eq=False)
class Setting:
    """Everything that the lines of one derivation are set with."""

    system: System
    notation: Notation
    layers: list[Layer]
    symbols: Symbols
    columns: bool
    batched: frozenset[str]
    printer: Printer = field(init=False)

    def __post_init__(self) -> None:
        system = self.system
        self.printer = Printer(self.symbol, system.counted, self.notation.columns, system.aliases)

    def symbol(self, key: str, set_letter: Callable[[Letter], Maths] = Letter.set) -> Maths:
        """Return the symbol of a key of the equations; `set_letter` gives a letter its scripts."""
        if key == N:
            return EXAMPLES
        if key.startswith(DELTA):
            return self.symbols.gradient(self.symbol(key.removeprefix(DELTA), set_letter))
        if key == self.system.account.loss.name:
            return self.symbols.loss
        return set_letter(self.symbols.letter(key))

    def turned(self, key: str, value: Any) -> Any:
        """Return the value that a symbol has as it is written."""
        wide = _wide(value)
        return wide.T if self.columns and key in self.batched and wide.ndim == 2 else wide


def setting(system: System, notation: Notation) -> Setting:
    """Return how the equations of a system are set in a notation."""
    found = layers(system.account)
    if notation.own_names:  # the code says whether vectors are columns
        notation = replace(notation, columns=any(layer.weight_first for layer in found))
    batched = frozenset(_batched(system))
    extra = {
        output: _output_letter(system.values[scores]) for output, scores in system.outputs.items()
    }
    symbols = Symbols(notation, found, system.values, batched, extra)
    columns = bool(notation.columns and system.n)
    return Setting(system, notation, found, symbols, columns, batched)


def _output_letter(value: Any) -> Letter:
    ndim = np.ndim(value)
    return Letter("Y" if ndim > 1 else "y", accent="hat", ndim=ndim)


def _batched(system: System) -> list[str]:
    """Return the keys whose first axis counts the examples, deltas included."""
    if not system.n:
        return []
    leaves = {v.name for v in system.account.variables if v.wanted}
    return [
        key for key, value in system.values.items()
        if key.removeprefix(DELTA) not in leaves and np.shape(value)[:1] == (system.n,)
    ]  # fmt: skip


def lines(s: Setting) -> tuple[list[Line], list[Line]]:
    """Return the lines of the forward and of the backward pass."""
    forward = [_line(s, e) for e in s.system.forward]
    short = {id(e): other for e, other in combined(s.system)}
    backward = [_line(s, e, short.get(id(e))) for e in s.system.backward]
    return forward, backward


def _line(s: Setting, equation: Equation, short: Equation | None = None) -> Line:
    is_batch = equation.key in s.batched
    graphs, errors, reasons = [], [], list(equation.reasons)
    for e in (equation, short):
        if e is not None:
            graph, turned = _oriented(s, e.graph, is_batch, reasons)
            graphs.append(graph)
            errors.append(_error(s, graph, equation, turned))
    formulas = [s.printer.maths(graph.outputs[0]) for graph in graphs]
    if equation.is_delta:
        uses = [use.op.name for use in equation.terms if use.op is not None]
        reasons = [*(LOCAL[name] for name in uses if name in LOCAL), *reasons]
        chain = chain_rule(s, equation)
        formulas = [*([] if chain == s.symbol(equation.key) else [chain]), *formulas]
    if short is not None:
        reasons += short.reasons
    return Line(
        equation, s.symbol(equation.key), formulas, graphs, list(dict.fromkeys(reasons)),
        s.turned(equation.key, equation.value).shape, float(np.max(errors)),
        layer_of(s, equation.variable),
    )  # fmt: skip


def _oriented(s: Setting, graph: Graph, is_batch: bool, reasons: list[str]) -> tuple[Graph, bool]:
    """Return a graph with examples as they are written, and whether its batches were turned."""
    if not s.columns:
        return graph, False
    try:
        return as_columns(graph, s.batched, is_batch), True
    except UnsupportedError as error:
        reasons.append(f"examples as rows here: {error}")
        return graph, False


def _error(s: Setting, graph: Graph, equation: Equation, turned: bool) -> float:
    """Return how far a formula is from the gradient, each evaluated from its own symbols."""

    def written(key: str, value: Any) -> Any:
        return s.turned(key, value) if turned else _wide(value)

    known = [written(x.name, s.system.values[x.name]) for x in graph.inputs]
    value = written(equation.key, equation.value)
    try:
        with np.errstate(all="ignore"):
            found = _wide(graph.evaluate(known)[0])
    except (ValueError, TypeError):
        return float("nan")
    if found.shape != value.shape:
        return float("nan")
    with np.errstate(all="ignore"):
        same = (found == value) | (np.isnan(found) & np.isnan(value))
        gap = np.where(same, 0.0, np.abs(found - value))
        size = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
    return float(np.max(gap, initial=0.0)) / (size or 1.0)


def _wide(value: Any) -> Any:
    """Return numbers in double precision, complex ones as such, and whole ones, maybe indices."""
    array = np.asarray(value)
    return array if array.dtype.kind in "iub" else array.astype(np.result_type(array, np.float64))


def chain_rule(s: Setting, equation: Equation) -> Maths:
    """Return the chain rule for a delta, before anything is put in."""
    symbol = s.symbol(equation.variable.name)
    uses = dict.fromkeys(s.system.next_symbol(use) for use in equation.terms)
    terms = [_chain_term(s, symbol, use) for use in uses]
    items: list[Maths | str] = [terms[0]]
    for term in terms[1:]:
        items += ["+", term]
    return row(*items) if len(items) > 1 else terms[0]


def _chain_term(s: Setting, symbol: Maths, use: Variable) -> Maths:
    inner = s.symbol(use.name)
    is_loss = use is s.system.account.loss
    outer = s.symbols.gradient(inner)
    if s.notation.jacobians:
        jacobian = row(Symbol("J"), _pair(inner, symbol))
        if is_loss:
            return row(Script(Sign("nabla"), symbol), inner)
        return row(Script(jacobian, None, Sign("transpose")), outer)
    local = quotient(inner, symbol)
    if is_loss:
        return local
    if s.notation.gradient == "delta":
        return row(Words("prod"), _pair(local, outer))
    return row(outer, "thin", local)


def _pair(first: Maths, second: Maths) -> Maths:
    return Fenced(row(first, ",", second))


def layer_of(s: Setting, v: Variable) -> int:
    """Return the number of the layer that a variable is part of; 0 if of none."""
    for layer in s.layers:
        if v in (layer.weight, layer.bias, layer.z, layer.a):
            return layer.number
    return 0
