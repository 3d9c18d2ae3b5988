"""A graph of ops as a formula of matrix calculus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.explanation.derivation.normal import (
    gathers,
    is_new_axis,
    is_number,
    is_transpose,
    reduced_axes,
    shape,
)
from chainrule.graph import Constant, Input, Node
from chainrule.graph.ir import Value
from chainrule.ops.indexing import SLOT
from chainrule.pages.maths import (
    Fenced,
    Fraction,
    Maths,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Symbol,
    Words,
    row,
)

SUM, PRODUCT, PREFIX, POWER, ATOM = range(5)  # how tightly a formula holds together
Written = tuple[Maths, int]
ONE = Number("1")
EXAMPLE, EXAMPLES = Symbol("n"), Symbol("N")  # the index that counts the examples, their number

# What an op is called where it is applied to an argument.
FUNCTIONS: dict[str, Maths] = {
    "sigmoid": Symbol("sigma"), "softmax": Words("softmax"), "log_softmax": Words("log softmax"),
    "relu": Words("ReLU"), "tanh": Words("tanh"), "exp": Words("exp"), "log": Words("log"),
    "log1p": Words("log1p"), "expm1": Words("expm1"), "sin": Words("sin"), "cos": Words("cos"),
    "maximum": Words("max"), "minimum": Words("min"), "sign": Words("sign"),
    "softplus": Words("softplus"), "gelu": Words("GELU"), "silu": Words("SiLU"),
    "elu": Words("ELU"), "leaky_relu": Words("LeakyReLU"), "logsumexp": Words("log sum exp"),
}  # fmt: skip
# Ops that only fit shapes or dtypes: their operand is written alone.
UNSEEN = frozenset({
    "spread", "cast", "broadcast_to", "reshape", "reshape_like", "expand_dims", "squeeze",
    "positive", "identity", "stop_gradient", "copy",
})  # fmt: skip
_COMPARISONS = {
    "greater": ">", "greater_equal": "geq", "less": "<", "less_equal": "leq", "equal": "=",
    "not_equal": "neq",
}  # fmt: skip


class Printer:
    """Writes graphs as formulas.

    Parameters
    ----------
    symbol : callable
        Takes a key and returns its symbol.
    n : int
        Length of the axes that count the examples; 0 if there are none.
    columns : bool
        Whether a vector is a column.
    results : mapping of (op name, key) to key
        The symbol of an op's result on a symbol, such as that of ``softmax(z)``.
    """

    def __init__(
        self,
        symbol: Callable[[str], Maths],
        n: int,
        columns: bool,
        results: Mapping[tuple[str, str], str],
    ) -> None:
        self.symbol, self.n, self.columns, self.results = symbol, n, columns, results

    def maths(self, value: Value) -> Maths:
        """Return a value as a formula."""
        return self.write(value)[0]

    def write(self, value: Value) -> Written:
        """Return a value as a formula, and how tightly it holds together."""
        if isinstance(value, Input):
            symbol = self.symbol(value.name)
            return symbol, PREFIX if isinstance(symbol, Fraction | Row) else ATOM
        if isinstance(value, Constant):
            return _constant(value.value)
        return self._node(value)

    def held(self, value: Value, at_least: int) -> Maths:
        """Return a value as a formula, in brackets if it would come apart."""
        maths, strength = self.write(value)
        return maths if strength >= at_least else Fenced(maths)

    def _node(self, node: Node) -> Written:
        name = node.op.name
        if is_transpose(node) and len(shape(node)) == 2:
            return Script(self.held(node.inputs[0], ATOM), None, Sign("transpose")), POWER
        if name in UNSEEN or is_new_axis(node) or _undoes_new_axis(node):
            return self.write(node.inputs[0])
        if name in FORMS:
            return FORMS[name](self, node)
        if name in _COMPARISONS:
            a, b = (self.held(x, SUM) for x in node.inputs)
            return row(a, _COMPARISONS[name], b), SUM - 1
        return self.call(FUNCTIONS.get(name, Words(name)), node), PREFIX

    def call(self, function: Maths, node: Node) -> Maths:
        """Return a function of the formulas of a node's inputs."""
        settings = (
            Words(f"{name}={getattr(value, '__name__', repr(value))}")
            for name, value in node.params.items() if not self._usual(node, name, value)
        )  # fmt: skip
        return row(function, Fenced(listed([*map(self.maths, node.inputs), *settings])))

    def _usual(self, node: Node, name: str, value: Any) -> bool:
        """Return whether a param goes without saying: a default, or along an example's numbers."""
        default = node.op.defaults.get(name)
        if name != "axis" or default != -1 or not isinstance(value, int):
            return bool(value == default)
        lengths = shape(node.inputs[0])
        example = 0 if self.columns and lengths[1:] == (self.n,) else len(lengths) - 1
        return bool(value % len(lengths) == example)

    def summed(self, node: Node) -> list[Maths]:
        """Return the indices that a reduction sums over."""
        lengths = shape(node.inputs[0])
        return [self.index(lengths[a]) for a in reduced_axes(node)]

    def index(self, length: int) -> Maths:
        """Return the index of an axis."""
        return EXAMPLE if self.n and length == self.n else Symbol("k")


def _constant(value: Any) -> Written:
    if np.ndim(value):
        return Words(f"constant {'×'.join(map(str, np.shape(value)))}"), ATOM
    number = float(np.real(value))
    text = f"{abs(number):.6g}"
    if np.signbit(number) and number:
        return row("-", Number(text)), SUM
    return Number(text), ATOM


def listed(items: Sequence[Maths]) -> Row:
    """Return formulas with commas between them."""
    parts: list[Maths | str] = []
    for item in items:
        parts += [",", item] if parts else [item]
    return row(*parts)


def _undoes_new_axis(node: Node) -> bool:
    """Return whether a node takes away the axis that made a vector a factor of a product."""
    product = node.inputs[0]
    if not isinstance(product, Node) or product.op.forward is not np.matmul:
        return False
    a, b = product.inputs
    column = gathers(node, ..., 0) and gathers(b, ..., None)
    return column or (gathers(node, ..., 0, ":") and gathers(a, ..., None, ":"))


def scalar(value: Value) -> bool:
    """Return whether a value is a single number, repeated perhaps to fit a shape."""
    while isinstance(value, Node) and value.op.name in ("spread", "broadcast_to", "cast"):
        value = value.inputs[0]
    return not shape(value)


# Forms -----------------------------------------------------------------------------------------


def _add(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    if isinstance(b, Node) and b.op.name == "negative":
        return row(p.held(a, SUM), "-", p.held(b.inputs[0], PRODUCT)), SUM
    return row(p.held(a, SUM), "+", p.held(b, SUM)), SUM


def _subtract(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    return row(p.held(a, SUM), "-", p.held(b, PRODUCT)), SUM


def _negative(p: Printer, node: Node) -> Written:
    return row("-", p.held(node.inputs[0], PRODUCT)), SUM


def _multiply(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    if gathers(a, ..., None) and len(shape(b)) == 1:  # an outer product, as broadcasting has it
        return _outer(p, a.inputs[0], b)  # type: ignore[union-attr]
    if gathers(a, ":", None) and gathers(b, ..., None, ":"):
        return _outer(p, a.inputs[0], b.inputs[0])  # type: ignore[union-attr]
    sign: list[Maths | str] = [] if scalar(a) or scalar(b) else ["hadamard"]
    if not sign and _needs_dot(a, b):
        sign = ["cdot"]
    return row(p.held(a, PRODUCT), *sign, p.held(b, PRODUCT)), PRODUCT


def _needs_dot(a: Value, b: Value) -> bool:
    """Return whether two factors would run together, as two numbers do."""
    return isinstance(b, Constant) or (isinstance(a, Node) and a.op.name in FUNCTIONS)


def _outer(p: Printer, a: Value, b: Value) -> Written:
    if p.columns:
        return row(p.held(a, PREFIX), turned(p, b)), PRODUCT
    return row(turned(p, a), p.held(b, PREFIX)), PRODUCT


def turned(p: Printer, value: Value) -> Maths:
    """Return the transpose of a value as a formula."""
    if is_transpose(value):
        return p.held(value.inputs[0], POWER)  # type: ignore[union-attr]
    return Script(p.held(value, ATOM), None, Sign("transpose"))


def _divide(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    if isinstance(a, Node) and a.op.name == "negative":
        return row("-", Fraction(p.maths(a.inputs[0]), p.maths(b))), SUM
    return Fraction(p.maths(a), p.maths(b)), PREFIX


def _power(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    return Script(p.held(a, ATOM), None, p.maths(b)), POWER


def _square(p: Printer, node: Node) -> Written:
    return Script(p.held(node.inputs[0], ATOM), None, Number("2")), POWER


def _matmul(p: Printer, node: Node) -> Written:
    a, b = node.inputs
    if len(shape(a)) == 1 and p.columns:
        if len(shape(b)) == 1:
            return row(turned(p, a), p.held(b, PREFIX)), PRODUCT
        return row(turned(p, b), p.held(a, PREFIX)), PRODUCT
    if len(shape(b)) == 1 and not p.columns:
        if len(shape(a)) == 1:
            return row(p.held(a, PREFIX), turned(p, b)), PRODUCT
        return row(p.held(b, PREFIX), turned(p, a)), PRODUCT
    return row(p.held(a, PREFIX), p.held(b, PREFIX)), PRODUCT


def _sum(p: Printer, node: Node) -> Written:
    if not shape(node.inputs[0]):
        return p.write(node.inputs[0])
    return _summed(p, [_sigma(k) for k in p.summed(node)], node.inputs[0])


def _sigma(index: Maths) -> Maths:
    return Script(Sign("sum"), index)


def _summed(p: Printer, signs: list[Maths], value: Value) -> Written:
    """Return the sum of a value, with a minus before the sign rather than after it."""
    if isinstance(value, Node) and value.op.name == "negative":
        return row("-", *signs, p.held(value.inputs[0], PRODUCT)), SUM
    if isinstance(value, Node) and value.op.name == "softmax_cross_entropy":
        return row("-", *signs, _cross_entropy(p, value)), SUM
    return row(*signs, p.held(value, PRODUCT)), PRODUCT


def _sum_to(p: Printer, node: Node) -> Written:
    lengths, kept = shape(node.inputs[0]), shape(node)
    extra = len(lengths) - len(kept)
    gone = [a for a in range(len(lengths)) if a < extra or kept[a - extra] < lengths[a]]
    return _summed(p, [_sigma(p.index(lengths[a])) for a in gone], node.inputs[0])


def one_over(lengths: Sequence[int], n: int) -> Maths:
    """Return what a mean over axes multiplies with; `n` is the number of examples."""
    counts = [EXAMPLES if n and length == n else Number(str(length)) for length in lengths]
    times: list[Maths | str] = []
    for count in counts[1:]:
        times += ["cdot", count]
    return Fraction(ONE, row(counts[0], *times) if times else counts[0])


def _mean(p: Printer, node: Node) -> Written:
    x = node.inputs[0]
    lengths = [shape(x)[a] for a in reduced_axes(node)]
    if not lengths:
        return p.write(x)
    return _summed(p, [one_over(lengths, p.n), *(_sigma(k) for k in p.summed(node))], x)


def _gather(p: Printer, node: Node) -> Written:
    x, *arrays = node.inputs
    places = iter(arrays)
    index = [
        Sign("dots")
        if item is ...
        else p.maths(next(places))
        if item is SLOT
        else Words(repr(item))
        for item in node.params["index"]
    ]
    return Script(p.held(x, ATOM), listed(index)), ATOM


def _absolute(p: Printer, node: Node) -> Written:
    return Fenced(p.maths(node.inputs[0]), "||"), ATOM


def _sqrt(p: Printer, node: Node) -> Written:
    return Root(p.maths(node.inputs[0])), ATOM


def _reciprocal(p: Printer, node: Node) -> Written:
    return Fraction(ONE, p.maths(node.inputs[0])), PREFIX


def _where(p: Printer, node: Node) -> Written:
    condition, a, b = node.inputs
    if is_number(b, 0):
        mask = Script(Symbol("1", "upright"), Fenced(p.maths(condition), "[]"))
        if is_number(a, 1):
            return mask, ATOM
        return row(p.held(a, PRODUCT), "hadamard", mask), PRODUCT
    words: Row = row(p.maths(a), Words(" where "), p.maths(condition), Words(", else "), p.maths(b))
    return Fenced(words, "{}"), ATOM


def _softmax_cross_entropy(p: Printer, node: Node) -> Written:
    return row("-", _cross_entropy(p, node)), SUM


def _cross_entropy(p: Printer, node: Node) -> Maths:
    """Return the sum over classes of a target times the log of a probability."""
    z, y = node.inputs
    sign = Script(Sign("sum"), Symbol("k"))
    return row(sign, p.held(y, PRODUCT), "hadamard", Words("log"), _result(p, "softmax", z))


def _result(p: Printer, function: str, x: Value) -> Maths:
    """Return the symbol of a function's result, or the function of its argument."""
    if isinstance(x, Input) and (function, x.name) in p.results:
        return p.symbol(p.results[function, x.name])
    return row(FUNCTIONS[function], Fenced(p.maths(x)))


def _sigmoid_cross_entropy(p: Printer, node: Node) -> Written:
    z, y = node.inputs
    probability, target = _result(p, "sigmoid", z), p.held(y, PRODUCT)
    first = row(target, "hadamard", Words("log"), probability)
    others = Fenced(row(ONE, "-", target)), Fenced(row(ONE, "-", probability))
    return row("-", first, "-", others[0], "hadamard", Words("log"), others[1]), SUM


FORMS: dict[str, Callable[[Printer, Node], Written]] = {
    "add": _add,
    "subtract": _subtract,
    "negative": _negative,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "square": _square,
    "matmul": _matmul,
    "sum": _sum,
    "sum_to": _sum_to,
    "mean": _mean,
    "gather": _gather,
    "absolute": _absolute,
    "sqrt": _sqrt,
    "reciprocal": _reciprocal,
    "where": _where,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "sigmoid_cross_entropy": _sigmoid_cross_entropy,
}
