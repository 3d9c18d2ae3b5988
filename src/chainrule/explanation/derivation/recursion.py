"""The recursion of backpropagation: equations that are the same in every hidden layer, once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainrule.errors import UnsupportedError
from chainrule.explanation.derivation.combine import put_in
from chainrule.explanation.derivation.equations import DELTA, Equation
from chainrule.explanation.derivation.lines import Setting
from chainrule.explanation.derivation.orient import as_columns
from chainrule.explanation.derivation.printing import Printer
from chainrule.explanation.derivation.symbols import Letter
from chainrule.explanation.layers import Layer
from chainrule.graph import Graph
from chainrule.pages.maths import Maths, Number, Symbol, row


@dataclass(frozen=True)
class Recursion:
    """Equations that hold in every hidden layer.

    Attributes
    ----------
    formulas : list of Maths
        In the layer's number l.
    first, last : int
        The layers that they were found in; each was compared.
    """

    formulas: list[Maths]
    first: int
    last: int


def recursion(s: Setting) -> Recursion | None:
    """Return the equations that all hidden layers share; None if there are fewer than two."""
    hidden = s.layers[:-1]
    if len(hidden) < 2 or not all(_chained(s, i) for i in range(len(s.layers))):
        return None
    try:
        found = [_formulas(s, layer) for layer in hidden]
    except (KeyError, UnsupportedError):
        return None
    if any(other != found[0] for other in found[1:]):
        return None
    return Recursion(list(found[0]), hidden[0].number, hidden[-1].number)


def _chained(s: Setting, i: int) -> bool:
    """Return whether a layer's input is the output of the layer before."""
    return i == 0 or s.layers[i].x is s.layers[i - 1].a


def _formulas(s: Setting, layer: Layer) -> tuple[Maths, ...]:
    by_key = {e.key: e for e in s.system.backward}
    delta = by_key[DELTA + layer.z.name]
    if layer.a is not layer.z:
        inner = by_key[DELTA + layer.a.name]
        delta = replace(delta, graph=put_in(delta.graph, inner.key, inner.graph))
    parts = [p for p in (layer.weight, layer.bias) if p is not None]
    equations = [delta, *(by_key[DELTA + p.name] for p in parts)]
    return tuple(_relative(s, e, layer.number) for e in equations)


def _relative(s: Setting, equation: Equation, number: int) -> Maths:
    graph: Graph = equation.graph
    if s.columns:
        graph = as_columns(graph, s.batched, equation.key in s.batched)

    def symbol(key: str) -> Maths:
        return s.symbol(key, lambda letter: _set_relative(_numbered(s, letter), number))

    printer = Printer(symbol, s.system.counted, s.notation.columns, {})
    return row(symbol(equation.key), "=", printer.maths(graph.outputs[0]))


def _numbered(s: Setting, letter: Letter) -> Letter:
    """Return a letter, of the network's input that of the output of layer 0."""
    first = s.layers[0]
    if first.x is not None and letter is s.symbols.letter(first.x.name):
        return replace(s.symbols.letter(first.a.name), layer=0)
    return letter


def _set_relative(letter: Letter, number: int) -> Maths:
    """Return a symbol with l, l + 1 or l - 1 for its layer's number."""
    if not letter.brackets:
        return letter.set()
    offset = letter.layer - number
    if not offset:
        return letter.set(Symbol("l"))
    sign = "+" if offset > 0 else "-"
    return letter.set(row(Symbol("l"), sign, Number(str(abs(offset)))))
