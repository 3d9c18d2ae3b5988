"""From a plan to straight-line NumPy source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines.names import input_names, op_name
from chainrule.engines.plan import REDUCTIONS, Plan, ours, varying_shapes
from chainrule.graph import Aval, Constant, Graph, Node, Op
from chainrule.graph.ir import Value
from chainrule.ops.broadcast import cast, spread, sum_to
from chainrule.ops.indexing import SLOT, Span, gather
from chainrule.ops.rows import put_rows

SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<", "right_shift": ">>", "less": "<",
    "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
_COMMENT_COLUMN = 64


@dataclass
class Source:
    """Emitted NumPy source and what it refers to.

    Attributes
    ----------
    text : str
    ops : dict of str to Op
        What ``ops.name`` in it means.
    settings : list of dict
        Params that are no numbers.
    constants : list of arrays
    """

    text: str = ""
    ops: dict[str, Op] = field(default_factory=dict)
    settings: list[dict[str, Any]] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)


def writable(graph: Graph) -> set[int]:
    """Return the nodes, by identity, whose emitted statement can write into a given array."""
    varying = varying_shapes(graph)
    return {id(n) for n in graph.nodes if id(n) not in varying and _can_write(n)}


def _can_write(node: Node) -> bool:
    if not isinstance(node.aval, Aval) or not node.aval.shape:
        return False
    if node.op is cast:
        kinds = {_dtype(node.inputs[0]).kind, node.aval.dtype.kind}
        return kinds <= set("biuf")
    if node.op is sum_to:
        extra, stretched = _summed_axes(node)
        return bool(extra) != bool(stretched)
    if ours(node.op, REDUCTIONS) or node.op is put_rows:
        return True
    return isinstance(node.op.forward, np.ufunc) and node.op.outputs == 1 and not node.params


def _dtype(value: Value) -> np.dtype[Any]:
    assert isinstance(value.aval, Aval)
    return value.aval.dtype


def _shape(value: Value) -> tuple[int, ...]:
    return value.aval.shape if isinstance(value.aval, Aval) else ()


def _summed_axes(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes that `sum_to` sums away, and then those it keeps with length one."""
    shape, wanted = _shape(node.inputs[0]), _shape(node)
    extra = len(shape) - len(wanted)
    rest = shape[extra:]
    stretched = tuple(i for i, n in enumerate(wanted) if n == 1 and rest[i] != 1)
    return tuple(range(extra)), stretched


class Emitter:
    """One emission: the source of a function ``program(inputs, constants, buffers)``.

    Names come from the graph's inputs through `identifier`; no other string of a user's enters.

    Attributes
    ----------
    opening : sequence of str
        The lines up to the function's first.
    """

    opening = ("import numpy as np", "", "", "def program(inputs, constants, buffers):")

    def __init__(self, plan: Plan) -> None:
        self.plan, self.graph = plan, plan.graph
        self.source = Source()
        self.own: list[Op] = []
        self.uses: dict[int, list[Node]] = {}
        for node in self.graph.nodes:
            for x in node.inputs:
                self.uses.setdefault(id(x), []).append(node)
        self.outputs = {id(x) for x in self.graph.outputs}
        self.names = dict(zip(map(id, self.graph.inputs), input_names(self.graph), strict=True))
        self.names |= {id(node): f"v{i}" for i, node in enumerate(self.graph.nodes)}
        self.numbers = {id(node): i for i, node in enumerate(self.graph.nodes)}
        body = filter(None, [self.line(i, node) for i, node in enumerate(self.graph.nodes)])
        tail = self.tail()
        self.source.text = "\n".join([*self.head(), *body, *tail, ""])

    def head(self) -> list[str]:
        """Return the first lines: where inputs, constants and buffers get their names."""
        given = [self.names[id(x)] for x in self.graph.inputs]
        constants = [f"c{i}" for i in range(len(self.source.constants))]
        buffers = [f"v{i}" for i in self.plan.buffers]
        pairs = (("inputs", given), ("constants", constants), ("buffers", buffers))
        return [
            *self.opening,
            *(
                line
                for source, names in pairs
                if names
                for line in wrapped("", names, f" = {source}")
            ),
        ]

    def tail(self) -> list[str]:
        """Return the last lines: what the function returns."""
        return wrapped("return ", list(map(self.word, self.graph.outputs)), "")

    def line(self, i: int, node: Node) -> str:
        """Return the statement of one node, with its mathematics and the user's line."""
        name, value, written = self.names[id(node)], self.expression(node), self.target(node)
        statement = value if written else f"{name} = {value}"
        comment = f"line {node.site[1]}" if node.site else ""
        if written:
            meaning = self.meaning(node)
            comment = f"{comment}: {name} = {meaning}" if comment and meaning else comment
        return f"    {statement:<{_COMMENT_COLUMN}}  # {comment}".rstrip(" #")

    def meaning(self, node: Node) -> str:
        """Return a node's mathematics in infix notation, where it has one."""
        sign = SIGNS.get(node.op.name)
        if sign is None or len(node.inputs) != 2 or not isinstance(node.op.forward, np.ufunc):
            return ""
        return f" {sign} ".join(map(self.word, node.inputs))

    def word(self, value: Value) -> str:
        """Return a name or a number that stands for a value."""
        if not isinstance(value, Constant):
            return self.names[id(value)]
        number = value.value
        if type(number) in (bool, int, float) and math.isfinite(number):
            return f"({number!r})" if number < 0 else repr(number)
        if id(value) not in self.names:
            self.names[id(value)] = f"c{len(self.source.constants)}"
            self.source.constants.append(number)
        return self.names[id(value)]

    def expression(self, node: Node) -> str:
        """Return the call that computes a node; it writes into its buffer, if it has one."""
        if node.op is cast and isinstance(node.aval, Aval):
            return self.cast(node)
        if node.op is sum_to:
            return self.sum_to(node)
        if node.op is spread:
            return self.spread(node)
        if node.op is gather:
            return self.gather(node)
        if ours(node.op, {"transpose"}) and node.params.get("axes") is None:
            return f"{self.word(node.inputs[0])}.T"
        if ours(node.op, REDUCTIONS):
            return self.reduction(node)
        forward = node.op.forward
        if isinstance(forward, np.ufunc) and getattr(np, forward.__name__, None) is forward:
            return self.ufunc(node)
        return self.call(node)

    def target(self, node: Node) -> list[str]:
        """Return the argument that names a node's buffer."""
        written = self.numbers[id(node)] in self.plan.buffers
        return [f"out={self.names[id(node)]}"] if written else []

    def ufunc(self, node: Node) -> str:
        """Return ``np.add(a, b, out=v)``; for single numbers ``a + b``."""
        words = list(map(self.word, node.inputs))
        sign = SIGNS.get(node.op.name)
        if sign and sign != "@" and len(words) == 2 and not _shape(node) and not node.params:
            return f"{words[0]} {sign} {words[1]}"
        return called(f"np.{node.op.forward.__name__}", words + self.target(node), self, node)

    def reduction(self, node: Node) -> str:
        """Return ``np.add.reduce(a, axis, keepdims=True, out=v)``."""
        axis, keepdims = node.params.get("axis"), node.params.get("keepdims", False)
        words = [self.word(node.inputs[0]), f"axis={axis!r}"] + ["keepdims=True"] * bool(keepdims)
        return f"np.{REDUCTIONS[node.op.name]}.reduce({', '.join(words + self.target(node))})"

    def cast(self, node: Node) -> str:
        """Return the conversion to a dtype; a single number is converted by calling the dtype."""
        word, dtype = self.word(node.inputs[0]), _dtype(node)
        if self.target(node):
            return f'np.copyto({self.names[id(node)]}, {word}, casting="unsafe")'
        if _shape(node) or {dtype.kind, _dtype(node.inputs[0]).kind} - set("biuf"):
            return self.call(node)
        return f"np.{dtype.type.__name__}({word})"

    def sum_to(self, node: Node) -> str:
        """Return the sum over the axes that these shapes call for."""
        word, (extra, stretched) = self.word(node.inputs[0]), _summed_axes(node)
        if (extra and stretched) or not _shape(node):
            return self.call(node)
        if not extra and not stretched:
            return word
        axes = [f"axis={extra}"] if extra else [f"axis={stretched}", "keepdims=True"]
        return f"np.add.reduce({', '.join([word, *axes, *self.target(node)])})"

    def spread(self, node: Node) -> str:
        """Return the array repeated; unrepeated, if all who read it broadcast it themselves."""
        a, like = node.inputs
        thin, axis = self.word(a), node.params.get("axis")
        if axis is not None and not node.params.get("keepdims"):
            thin = f"np.expand_dims({thin}, {axis!r})"
        if id(node) not in self.outputs and all(map(self.broadcasts, self.uses[id(node)])):
            return thin
        return f"np.broadcast_to({thin}, np.shape({self.word(like)}))"

    def broadcasts(self, node: Node) -> bool:
        """Return whether a node's statement broadcasts its operands to its buffer's shape."""
        elementwise = isinstance(node.op.forward, np.ufunc) and node.op.forward.signature is None
        return elementwise and bool(self.target(node))

    def gather(self, node: Node) -> str:
        """Return ``a[index]``."""
        a, source = self.word(node.inputs[0]), map(self.position, node.inputs[1:])
        items = [next(source) if item is SLOT else _item(item) for item in node.params["index"]]
        return f"{a}[{', '.join(items) + ',' * (len(items) == 1) if items else '()'}]"

    def position(self, value: Value) -> str:
        """Return the word for an array among the items of an index."""
        return self.word(value)

    def call(self, node: Node) -> str:
        """Return the call of an op's forward."""
        if node.op.forward is np.where:
            return f"np.where({', '.join(map(self.word, node.inputs))})"
        name = op_name(node.op, self.own)
        self.source.ops[name] = node.op
        words = [*map(self.word, node.inputs), *(self.target(node) if node.op is put_rows else ())]
        return called(f"ops.{name}", words, self, node)


def called(function: str, words: list[str], emitter: Emitter, node: Node) -> str:
    """Return a call with a node's params: numbers as they are, others from `settings`."""
    params = node.params
    if all(map(_literal, params.values())) and all(map(_plain_name, params)):
        words = words + [f"{name}={value!r}" for name, value in params.items()]
    else:
        words = [*words, f"**settings[{len(emitter.source.settings)}]"]
        emitter.source.settings.append(dict(params))
    return f"{function}({', '.join(words)})"


def _plain_name(name: str) -> bool:
    return name in {"axis", "axes", "keepdims", "shape", "k", "offset", "decimals"}


def _literal(value: Any) -> bool:
    if isinstance(value, tuple):
        return type(value) is tuple and all(map(_literal, value))
    return value is None or type(value) in (bool, int)


def _item(item: Any) -> str:
    if item is ...:
        return "..."
    if isinstance(item, Span):
        ends = ["" if x is None else str(int(x)) for x in item]
        return ":".join(ends if item.step is not None else ends[:2])
    return "None" if item is None else str(int(item))


def wrapped(before: str, words: Sequence[str], after: str) -> list[str]:
    """Return ``before (a, b) after`` as statements' lines of moderate length."""
    whole = f"    {before}({', '.join(words)}{',' * (len(words) == 1)}){after}"
    if len(whole) < 100:
        return [whole]
    lines, row = [f"    {before}("], "       "
    for word in words:
        if len(row) + len(word) > 96:
            lines.append(row)
            row = "       "
        row += f" {word},"
    return [*lines, row, f"    ){after}"]
