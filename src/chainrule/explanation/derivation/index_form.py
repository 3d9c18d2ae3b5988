"""Equations element by element: the same graphs, with an index for each axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.explanation.derivation.normal import is_new_axis, is_number, reduced_axes, shape
from chainrule.explanation.derivation.printing import (
    ATOM,
    EXAMPLE,
    FUNCTIONS,
    POWER,
    PREFIX,
    PRODUCT,
    SUM,
    Written,
    listed,
    one_over,
)
from chainrule.graph import Constant, Graph, Input, Kind, Node
from chainrule.graph.ir import Value
from chainrule.pages.maths import (
    Fenced,
    Fraction,
    Maths,
    Number,
    Root,
    Script,
    Sign,
    Symbol,
    Words,
    row,
)

Index = Maths | None  # None: an axis of length one, which needs no index
Element = Callable[[str, Sequence[Maths]], Maths]
_LETTERS = "ijklmpqrst"
_SCALED = frozenset({"spread", "broadcast_to", "cast", "reshape_like", "positive", "identity"})
_SIGNS = {"add": "+", "subtract": "-"}


def index_form(graph: Graph, element: Element, n: int) -> tuple[list[Maths], Maths]:
    """Return the indices of the left side and the formula of one of its elements.

    Parameters
    ----------
    graph : Graph
    element : callable
        Takes a key and indices, and returns the symbol of that element.
    n : int
        Length of the axes that count the examples, which have the index n; 0 if there are none.

    Raises
    ------
    UnsupportedError
        If an op has no index form here.
    """
    output = graph.outputs[0]
    writer = _Writer(element, n)
    indices = [writer.fresh(length) for length in shape(output)]
    return [i for i in indices if i is not None], writer.write(output, indices)[0]


class _Writer:
    def __init__(self, element: Element, n: int) -> None:
        self.element, self.n = element, n
        self.letters = iter(_LETTERS)

    def fresh(self, length: int) -> Index:
        """Return a new index for an axis."""
        if self.n and length == self.n:
            return EXAMPLE
        if length == 1:
            return None
        letter = next(self.letters, None)
        if letter is None:
            raise UnsupportedError("the formula needs more indices than there are letters")
        return Symbol(letter)

    def held(self, value: Value, indices: Sequence[Index], at_least: int) -> Maths:
        maths, strength = self.write(value, indices)
        return maths if strength >= at_least else Fenced(maths)

    def write(self, value: Value, indices: Sequence[Index]) -> Written:
        """Return one element of a value."""
        if isinstance(value, Input):
            return self.element(value.name, [i for i in indices if i is not None]), ATOM
        if isinstance(value, Constant):
            if np.ndim(value.value):
                raise UnsupportedError("a constant array has no index form")
            number = float(np.real(value.value))
            written = Number(f"{abs(number):.6g}")
            return (row("-", written), SUM) if number < 0 else (written, ATOM)
        if value.op.name in _FORMS:
            return _FORMS[value.op.name](self, value, indices)
        if value.op.kind is Kind.ELEMENTWISE or value.op.is_constant:
            return self._function(value, indices)
        raise UnsupportedError(f"{value.op.name} has no index form")

    def of(self, x: Value, node: Node, indices: Sequence[Index]) -> list[Index]:
        """Return the indices of an operand that is broadcast to the node's shape."""
        extra = len(shape(node)) - len(shape(x))
        return [
            None if length == 1 else i for length, i in zip(shape(x), indices[extra:], strict=True)
        ]

    def _function(self, node: Node, indices: Sequence[Index]) -> Written:
        name = FUNCTIONS.get(node.op.name, Words(node.op.name))
        arguments = [self.write(x, self.of(x, node, indices))[0] for x in node.inputs]
        return row(name, Fenced(listed(arguments))), PREFIX


def _binary(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    a, b = (w.held(x, w.of(x, node, indices), SUM + i) for i, x in enumerate(node.inputs))
    return row(a, _SIGNS[node.op.name], b), SUM


def _multiply(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    a, b = (w.held(x, w.of(x, node, indices), PRODUCT) for x in node.inputs)
    return row(a, "thin", b), PRODUCT


def _divide(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    a, b = (w.write(x, w.of(x, node, indices))[0] for x in node.inputs)
    return Fraction(a, b), PREFIX


def _negative(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    return row("-", w.held(node.inputs[0], indices, PRODUCT)), SUM


def _square(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    return Script(Fenced(w.write(node.inputs[0], indices)[0]), None, Number("2")), POWER


def _power(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    a, b = node.inputs
    base = w.held(a, w.of(a, node, indices), ATOM)
    return Script(base, None, w.write(b, w.of(b, node, indices))[0]), POWER


def _sqrt(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    return Root(w.write(node.inputs[0], indices)[0]), ATOM


def _transpose(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    if node.params.get("axes") is not None:
        raise UnsupportedError("an exchange of more than two axes has no index form")
    return w.write(node.inputs[0], list(indices)[::-1])


def _same(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    x = node.inputs[0]
    axis = node.params.get("axis")
    if axis is not None and not node.params.get("keepdims"):
        gone = {a % len(indices) for a in (axis if isinstance(axis, tuple) else (axis,))}
        return w.write(x, [i for a, i in enumerate(indices) if a not in gone])
    return w.write(x, w.of(x, node, indices))


def _gather(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    index, x = node.params["index"], node.inputs[0]
    if not is_new_axis(node) or len(shape(x)) + 1 != len(shape(node)):
        raise UnsupportedError("a selection has no index form")
    place = index.index(None)
    axis = place if ... not in index[:place] else len(shape(node)) - (len(index) - place)
    return w.write(x, [i for a, i in enumerate(indices) if a != axis])


def _matmul(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    a, b = node.inputs
    if len(shape(a)) > 2 or len(shape(b)) > 2:
        raise UnsupportedError("a product of stacks of matrices has no index form")
    inner = w.fresh(shape(a)[-1])
    rest = list(indices)
    left = [rest.pop(0), inner] if len(shape(a)) == 2 else [inner]
    right = [inner, rest.pop(0)] if len(shape(b)) == 2 else [inner]
    product = row(w.held(a, left, PRODUCT), "thin", w.held(b, right, PRODUCT))
    return (product if inner is None else row(_sigma(inner), product)), PRODUCT


def _sigma(index: Maths) -> Maths:
    return Script(Sign("sum"), index)


def _reduced(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    x, gone = node.inputs[0], reduced_axes(node)
    lengths = shape(x)
    inner = list(indices)
    for a in gone:
        inner[a : a + bool(node.params.get("keepdims"))] = [w.fresh(lengths[a])]
    signs: list[Maths] = [_sigma(i) for a in gone if (i := inner[a]) is not None]
    if signs and node.op.name == "mean":
        signs.insert(0, one_over([lengths[a] for a in gone], w.n))
    return row(*signs, w.held(x, inner, PRODUCT)), PRODUCT


def _sum_to(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    x = node.inputs[0]
    extra = len(shape(x)) - len(shape(node))
    inner = [w.fresh(length) for length in shape(x)[:extra]]
    signs = [_sigma(i) for i in inner if i is not None]
    for a, (length, whole) in enumerate(zip(shape(node), shape(x)[extra:], strict=True)):
        i = w.fresh(whole) if length == 1 < whole else indices[a]
        inner.append(i)
        if length == 1 < whole and i is not None:
            signs.append(_sigma(i))
    return row(*signs, w.held(x, inner, PRODUCT)), PRODUCT


def _softmax(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    axis = node.params.get("axis", -1) % len(indices)
    x = node.inputs[0]
    k = w.fresh(shape(x)[axis])
    others = [k if a == axis else i for a, i in enumerate(indices)]
    top = Script(Symbol("e"), None, w.write(x, indices)[0])
    bottom = Script(Symbol("e"), None, w.write(x, others)[0])
    return Fraction(top, row(*([] if k is None else [_sigma(k)]), bottom)), PREFIX


def _where(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    condition, a, b = node.inputs
    if not is_number(b, 0):
        raise UnsupportedError("a choice has no index form")
    mask = Script(
        Symbol("1", "upright"), Fenced(w.write(condition, w.of(condition, node, indices))[0], "[]")
    )
    if is_number(a, 1):
        return mask, ATOM
    return row(w.held(a, w.of(a, node, indices), PRODUCT), "thin", mask), PRODUCT


def _compared(sign: str) -> Callable[[_Writer, Node, Sequence[Index]], Written]:
    def form(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
        a, b = (w.held(x, w.of(x, node, indices), SUM) for x in node.inputs)
        return row(a, sign, b), SUM - 1

    return form


def _cross_entropy(w: _Writer, node: Node, indices: Sequence[Index]) -> Written:
    z, y = node.inputs
    axis = node.params.get("axis", -1) % len(shape(z))
    k = w.fresh(shape(z)[axis])
    inner = list(indices)
    inner.insert(axis, k)
    scores: Any = w.write(z, inner)[0]
    log = row(Words("log"), Script(Words("softmax"), k), Fenced(scores))
    return row(
        "-", *([] if k is None else [_sigma(k)]), w.held(y, inner, PRODUCT), "thin", log
    ), SUM


_FORMS: dict[str, Callable[[_Writer, Node, Sequence[Index]], Written]] = {
    "add": _binary, "subtract": _binary, "multiply": _multiply, "divide": _divide,
    "negative": _negative, "square": _square, "power": _power, "sqrt": _sqrt,
    "transpose": _transpose, "gather": _gather, "matmul": _matmul, "sum": _reduced,
    "mean": _reduced, "sum_to": _sum_to, "softmax": _softmax, "where": _where,
    "greater": _compared(">"), "greater_equal": _compared("geq"), "less": _compared("<"),
    "less_equal": _compared("leq"), "softmax_cross_entropy": _cross_entropy,
    **dict.fromkeys(_SCALED, _same),
}  # fmt: skip
