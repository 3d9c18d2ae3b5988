"""From a graph to straight-line source in `jax.numpy`: a pure function of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.engines.axes import dtype_of, shape_of
from chainrule.engines.emit import SIGNS, Emitter, called, wrapped
from chainrule.engines.names import op_name
from chainrule.engines.plan import Plan, ours
from chainrule.graph import Aval, Constant, Input, Node, Op
from chainrule.graph.ir import Value
from chainrule.graph.tensor import pick
from chainrule.ops.indexing import SLOT, Index, scatter

_VALUES = (Constant, Input, Node)
# Inputs, by number, that must be known for the shape of the result to be.
_KNOWN = {"kept": 1, "repeated": 1}
# Ops on rows of a table: which of the inputs are the table and the places.
_ROWS = {
    "sum_equal_rows": (1, 2), "sum_distinct": (1, 2), "put_rows": (0, 2),
    "is_first": (1, 0), "is_last": (1, 0),
}  # fmt: skip
# Ops that raise in NumPy where JAX gives what is not finite.
_RAISING = frozenset({
    "cholesky", "eigh", "inv", "least_squares", "pinv", "reduced_qr", "reduced_svd", "solve",
})  # fmt: skip


class NoJaxError(Exception):
    """A program that has no form in JAX."""


class JaxEmitter(Emitter):
    """An emission of ``program(inputs, constants)``.

    It returns the results, and what must be true for them to hold, such as that positions are
    inside of their arrays: where it is not, NumPy raises.

    Attributes
    ----------
    fixed : list of arrays
        What shapes depend on: known when JAX compiles.
    """

    opening = ("import jax.numpy as jnp", "", "", "def program(inputs, constants):")

    def __init__(self, plan: Plan, form_of: Callable[[Op], Any]) -> None:
        self.form_of = form_of
        self.fixed: list[Any] = []
        self.checks: dict[str, None] = {}
        super().__init__(plan)

    def tail(self) -> list[str]:
        """Return the last lines: the results and the checks."""
        results = wrapped("results = ", list(map(self.word, self.graph.outputs)), "")
        return [*results, *wrapped("return results, ", list(self.checks), "")]

    def known(self, value: Value) -> str:
        """Return the word for an array that is known when JAX compiles."""
        if not isinstance(value, Constant):
            raise NoJaxError("the shape of a result depends on numbers")
        self.fixed.append(value.value)
        return f"fixed[{len(self.fixed) - 1}]"

    def position(self, value: Value) -> str:
        """Return the word for an array in an index; how many a mask selects must be known."""
        return self.known(value) if dtype_of(value).kind == "b" else self.word(value)

    def converted(self, value: Value, dtype: np.dtype[Any], alone: bool = True) -> str:
        """Return the word for a value in a dtype; a number that is not alone adapts to others."""
        if isinstance(value, Constant) and type(value.value) in (bool, int, float):
            small = type(value.value) is not int or abs(value.value) < 2**31
            word = self.word(value)
            return word if small and not alone else f"{_dtype_word(dtype)}({word})"
        word = self.word(value)
        return word if dtype_of(value) == dtype else f"{word}.astype({_dtype_word(dtype)})"

    def ufunc(self, node: Node) -> str:
        """Return ``a + b`` or ``jnp.tanh(a)``, of operands in the dtypes that NumPy computes in."""
        forward: Any = node.op.forward
        given = [_promotable(x) for x in node.inputs]
        dtypes = forward.resolve_dtypes((*given, *(None,) * forward.nout))
        alone = all(isinstance(x, type) for x in given)
        words = [self.converted(x, d, alone) for x, d in zip(node.inputs, dtypes, strict=False)]
        sign = SIGNS.get(forward.__name__)
        return f"{words[0]} {sign} {words[1]}" if sign else self.formed(node, words)

    def reduction(self, node: Node) -> str:
        """Return ``jnp.sum(a, axis=0)``."""
        return self.call(node)

    def sum_to(self, node: Node) -> str:
        """Return the sum; its axes are found when JAX compiles."""
        return self.call(node)

    def spread(self, node: Node) -> str:
        """Return the array repeated."""
        return self.call(node)

    def cast(self, node: Node) -> str:
        """Return the conversion to a dtype."""
        (value, *_), dtype = node.inputs, dtype_of(node)
        if dtype_of(value).kind == "c" and dtype.kind != "c":
            return f"jnp.real({self.word(value)}).astype({_dtype_word(dtype)})"
        return self.converted(value, dtype)

    def gather(self, node: Node) -> str:
        """Return ``a[index]``, and check the index."""
        self.check_positions(node.inputs[0], node.params["index"], node.inputs[1:])
        return super().gather(node)

    def call(self, node: Node) -> str:
        """Return the call of an op's form."""
        if node.op is pick:
            return f"{self.word(node.inputs[0])}[{int(node.params['index'])}]"
        if ours(node.op, {"convert", "truncate"}):
            return self.cast(node)
        if node.op is scatter:
            self.check_positions(node.inputs[1], node.params["index"], node.inputs[2:])
        if ours(node.op, {"take_along_axis", "scatter_along_axis"}):
            whole = node.inputs[0 if node.op.name.startswith("take") else 2]
            self.check(node.inputs[1], whole, node.params["axis"])
        if ours(node.op, _ROWS):
            table, places = _ROWS[node.op.name]
            self.check(node.inputs[places], node.inputs[table], 0)
        text = self.formed(node, [self.operand(node, i) for i in range(len(node.inputs))])
        if node.op.name in _RAISING:
            self.checks[f"ops.finite({self.names[id(node)]})"] = None
        return text

    def operand(self, node: Node, i: int) -> str:
        """Return the word for an input of a call, in the dtype that NumPy computes in."""
        value = node.inputs[i]
        if ours(node.op, _KNOWN) and i == _KNOWN[node.op.name]:
            return self.known(value)
        if node.op is scatter and i > 1:
            return self.position(value)
        if node.op.is_constant or i not in node.op.active(len(node.inputs)):
            return self.word(value)
        if not isinstance(node.aval, Aval) or not _promotes(value, node.aval.dtype):
            return self.word(value)
        return self.converted(value, node.aval.dtype)

    def formed(self, node: Node, words: list[str]) -> str:
        """Return the call of an op's form."""
        form = self.form_of(node.op)
        if form is None:
            raise NoJaxError(f"there is no form of {node.op.name} in JAX")
        if isinstance(form, str):
            return called(f"jnp.{form}", words, self, node)
        name = op_name(node.op, self.own)
        self.source.ops[name] = node.op
        return called(f"ops.{name}", words, self, node)

    def check_positions(self, a: Value, index: Index, arrays: tuple[Value, ...]) -> None:
        """Check the integers of an index."""
        for value, axis in _positions(index, arrays, a):
            self.check(value, a, axis)

    def check(self, positions: Value, a: Value, axis: int) -> None:
        """Check that positions are inside of an array; those of a constant were, in the trace."""
        if not isinstance(positions, Constant):
            self.checks[f"ops.inside({self.word(positions)}, {self.word(a)}, {axis})"] = None


def _positions(index: Index, arrays: tuple[Value, ...], a: Value) -> Iterator[tuple[Value, int]]:
    """Yield the arrays of integers in an index, and the axes that they select along."""
    source = iter(arrays)
    items = [next(source) if item is SLOT else item for item in index]
    rest, axis = len(shape_of(a)) - sum(map(_width, items)), 0
    for item in items:
        if isinstance(item, _VALUES) and dtype_of(item).kind != "b":
            yield item, axis
        axis += rest if item is ... else _width(item)


def _width(item: Any) -> int:
    """Return how many axes an item of an index selects along."""
    if item is None or item is ...:
        return 0
    mask = isinstance(item, _VALUES) and dtype_of(item).kind == "b"
    return len(shape_of(item)) if mask else 1


def _promotable(value: Value) -> Any:
    """Return a dtype, or the type of a Python number, as NumPy's rules of promotion take it."""
    number = value.value if isinstance(value, Constant) else None
    return type(number) if type(number) in (int, float, complex) else dtype_of(value)


def _promotes(value: Value, dtype: np.dtype[Any]) -> bool:
    """Return whether an operand is converted to the dtype of a result, not the other way."""
    if isinstance(value, Constant) and value.value is None:
        return False
    kinds = {"f": "biuf", "i": "biu", "u": "bu", "b": "b"}
    return dtype_of(value).kind in kinds.get(dtype.kind, "")


def _dtype_word(dtype: np.dtype[Any]) -> str:
    return f"jnp.{'bool_' if dtype.kind == 'b' else dtype.name}"
