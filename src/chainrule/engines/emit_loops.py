"""From a graph to one flat function of explicit loops, for Numba to compile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.engines.access import Access, Index, stored_operand
from chainrule.engines.axes import ONE, NoLoopsError, dtype_of, reduced_axes, shape_of
from chainrule.engines.formulas import dtype_word, number
from chainrule.engines.loops import Loops, Step, is_sum, is_table
from chainrule.engines.names import input_names
from chainrule.engines.plan import ours
from chainrule.graph import Constant, Graph, Node
from chainrule.graph.ir import Value

# Products of fewer multiplications than this are loops: calling BLAS costs as much.
SMALL_PRODUCT = 20_000
_START = {"sum": 0, "sum_to": 0, "mean": 0, "prod": 1}
_HEAD = """\
import math

import numpy as np
from numba import njit

from chainrule.engines.functions import {functions}


@njit(cache=True, nogil=True, error_model="numpy", fastmath={{"reassoc", "contract"}})
def program(blas, {arguments}):
    before = flush_denormals()"""


@dataclass
class LoopSource:
    """Emitted loops and the arrays they take.

    Attributes
    ----------
    text : str
    given : list of Value
        Inputs and array constants, in the order of the arguments.
    stored : list of Node
        Nodes that are given an array to write to, in order: buffers and results.
    rows : set of int
        Those of them, by identity, that are given one row only.
    scratch : list of (int, shape, Value)
        Further arrays: the step that uses it, its shape, a value of its dtype.
    """

    text: str = ""
    given: list[Value] = field(default_factory=list)
    stored: list[Node] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    scratch: list[tuple[int, tuple[int, ...], Value]] = field(default_factory=list)


class LoopEmitter:
    """One emission.

    Raises
    ------
    NoLoopsError
        Saying what there are no loops for.
    """

    def __init__(self, graph: Graph) -> None:
        values: list[Value] = [*graph.inputs, *graph.nodes]
        if any(0 in shape_of(x) for x in values):
            raise NoLoopsError("arrays are empty")
        self.graph = graph
        self.source = LoopSource()
        self.names = self._given_names()
        self.loops = Loops(graph, self.names)
        self.axes = self.loops.axes
        self.access = Access(self.axes, self.names, self.read)
        self.numbers = {id(node): i for i, node in enumerate(graph.nodes)}
        self.source.stored = [n for n in graph.nodes if id(n) in self.loops.stored]
        self.source.rows = {k for k, kind in self.loops.stored.items() if kind == "row"}
        self.lines: list[str] = []
        self.depth = 1
        self.alive: set[int] = set()
        self.step = Step(None)
        self.functions = {"flush_denormals", "restore_denormals"}
        self._emit()

    def _given_names(self) -> dict[int, str]:
        words = dict(zip(map(id, self.graph.inputs), input_names(self.graph), strict=True))
        self.source.given = list(self.graph.inputs)
        for node in self.graph.nodes:
            for x in node.inputs:
                if isinstance(x, Constant) and np.ndim(x.value) and id(x) not in words:
                    words[id(x)] = f"c{len(words) - len(self.graph.inputs)}"
                    self.source.given.append(x)
        return words

    # Text -----------------------------------------------------------------------------------------

    def _emit(self) -> None:
        self._checks()
        for k, step in enumerate(self.loops.steps):
            self._single_numbers(k)
            self.step = step
            if step.outer is None:
                self._alone(k, step.nodes[0])
            else:
                self._loop(step)
        self._single_numbers(len(self.loops.steps))
        for x in self.graph.outputs:
            if isinstance(x, Node) and not shape_of(x):
                self.add(f"v{self.numbers[id(x)]}[()] = {self.word(x)}")
        self.add("restore_denormals(before)")
        words = [self.names[id(x)] for x in self.source.given]
        words += [f"v{self.numbers[id(n)]}" for n in self.source.stored]
        words += [f"w{i}" for i in range(len(self.source.scratch))]
        head = _HEAD.format(functions=", ".join(sorted(self.functions)), arguments=", ".join(words))
        sizes = [f"    {line}" for line in self.axes.definitions()]
        self.source.text = "\n".join([head, *sizes, *self.lines, ""])

    def add(self, text: str, node: Node | None = None) -> None:
        """Append a statement; the user's line is its comment."""
        comment = f"  # line {node.site[1]}" if node is not None and node.site else ""
        self.lines.append("    " * self.depth + text + comment)

    def over(self, index: str, axis: int) -> None:
        """Open a loop over an axis."""
        self.add(f"for {index} in range({self.axes.length(axis)}):")
        self.depth += 1

    def word(self, node: Node) -> str:
        """Return the local variable of a node."""
        return f"t{self.numbers[id(node)]}"

    def array(self, value: Value, index: Index) -> str:
        """Return an element of what is stored."""
        if not isinstance(value, Node):
            return f"{self.names[id(value)]}[{', '.join(index)}]"
        name = f"v{self.numbers[id(value)]}"
        if id(value) in self.source.rows:
            return f"{name}[{index[-1]}]"
        return f"{name}[{', '.join(index)}]"

    def read(self, node: Node, index: Index) -> str:
        """Return an element of a computed node: a local variable, or from memory."""
        if not shape_of(node):
            return self.word(node)
        local = self.loops.own_row(node, index, self.step.outer) and id(node) in self.alive
        inner = self.loops.is_inner(node) and not is_sum(node)
        if local and (not inner or index[-1] == "j0"):
            return self.word(node)
        return self.array(node, index)

    def formula(self, node: Node, index: Index) -> str:
        """Return an element's expression and note the functions that it calls."""
        text = self.access.formula(node, index)
        for name in ("exp", "log", "log1p", "tanh"):
            for bits in (32, 64):
                if f"{name}{bits}(" in text:
                    self.functions.add(f"{name}{bits}")
        return text

    def _checks(self) -> None:
        """Refuse positions out of bounds before anything is computed."""
        for places, length in self.loops.access.places:
            axes = self.axes.of(places)
            tokens = ["0" if axis == ONE else f"i{k}" for k, axis in enumerate(axes)]
            for token, axis in zip(tokens, axes, strict=True):
                if axis != ONE:
                    self.over(token, axis)
            self.add(f"if not -{length} <= {self.access.element(places, tokens)} < {length}:")
            self.depth += 1
            self.add("restore_denormals(before)")
            self.add('raise IndexError("out of bounds")')
            self.depth = 1

    def _single_numbers(self, k: int) -> None:
        for node in self.graph.nodes:
            if shape_of(node) or self.loops.place.get(id(node)) != k:
                continue
            if ours(node.op, {"extent"}):
                axes = self.axes.of(node.inputs[0])
                axes = (
                    axes
                    if node.params.get("axis") is None
                    else tuple(axes[i] for i in reduced_axes(node))
                )
                self.add(f"{self.word(node)} = {self.count(axes, dtype_of(node))}", node)
            elif not is_sum(node) and node.op.forward is not np.matmul:
                self.add(f"{self.word(node)} = {self.formula(node, [])}", node)

    def count(self, axes: Sequence[int], dtype: np.dtype[np.generic]) -> str:
        """Return the number of elements along axes, as a number of a dtype."""
        product = " * ".join(self.axes.length(a) for a in axes if a != ONE)
        return f"{dtype_word(dtype)}({product or 1})"

    # Loops ----------------------------------------------------------------------------------------

    def _loop(self, step: Step) -> None:
        assert step.outer is not None
        for node in step.nodes:
            if is_sum(node) and self.loops.along(node) != "row":
                self._start(node)
        self.alive = set()
        for k, axis in enumerate(step.outer):
            self.over(f"i{k}", axis)
        stages = range(1 + max(self._pass_of(node) for node in step.nodes))
        for stage in stages:
            now = [node for node in step.nodes if self._pass_of(node) == stage]
            for node in now:
                if not self.loops.is_inner(node):
                    self._row_statement(node)
            self._pass([node for node in now if self.loops.is_inner(node)])
        self.depth = 1
        for node in step.nodes:
            if is_sum(node) and node.op.name == "mean" and self.loops.along(node) != "row":
                self._divide(node)

    def _pass_of(self, node: Node) -> int:
        along_row = is_sum(node) and self.loops.is_inner(node) and self.loops.along(node) == "row"
        return self.loops.stage[id(node)] - along_row

    def _initial(self, node: Node) -> str:
        dtype = dtype_of(node)
        if node.op.name in _START:
            return number(_START[node.op.name], dtype)
        return number(-math.inf if node.op.name == "max" else math.inf, dtype)

    def _start(self, node: Node) -> None:
        """Give a sum over rows its first value."""
        if not shape_of(node):
            self.add(f"{self.word(node)} = {self._initial(node)}", node)
            return
        if self._is_vector(node):
            self.over("j0", self.axes.of(node.inputs[0])[-1])
        self.add(f"{self._total(node)} = {self._initial(node)}", node)
        self.depth = 1

    def _is_vector(self, node: Node) -> bool:
        """Return whether a sum over rows has an element for each place in a row."""
        over_rows = bool(shape_of(node)) and self.loops.along(node) == "rows"
        return over_rows and self.axes.of(node.inputs[0])[-1] != ONE

    def _total(self, node: Node) -> str:
        """Return where a sum is gathered: a local variable, or memory for a sum over rows."""
        if not shape_of(node) or self.loops.along(node) == "row":
            return self.word(node)
        last = "j0" if self._is_vector(node) else "0"
        return self.array(node, ["0"] * (len(shape_of(node)) - 1) + [last])

    def _gathered(self, node: Node) -> None:
        """Add the element at hand to a sum."""
        total, term = self._total(node), self._term(node)
        if node.op.name == "prod":
            self.add(f"{total} *= {term}", node)
        elif node.op.name in {"max", "min"}:
            sign = ">" if node.op.name == "max" else "<"
            self.add(f"{total} = {term} if {term} {sign} {total} or {term} != {term} else {total}")
        else:
            self.add(f"{total} += {term}", node)

    def _term(self, node: Node) -> str:
        operand = node.inputs[0]
        word = self.access.element(operand, self.loops.tokens(operand))
        if dtype_of(operand) != dtype_of(node):
            return f"{dtype_word(dtype_of(node))}({word})"
        return word

    def _divide(self, node: Node) -> None:
        """Turn a sum into a mean."""
        count = self.count(
            [self.axes.of(node.inputs[0])[i] for i in reduced_axes(node)], dtype_of(node)
        )
        if self._is_vector(node):
            self.over("j0", self.axes.of(node.inputs[0])[-1])
        self.add(f"{self._total(node)} /= {count}", node)
        self.depth -= self._is_vector(node)

    def _row_statement(self, node: Node) -> None:
        """Compute what a row has one of."""
        if is_sum(node) and self.loops.along(node) != "row":
            self._gathered(node)
            return
        text = self._term(node) if is_sum(node) else self.formula(node, self.loops.tokens(node))
        self.add(f"{self.word(node)} = {text}", node)
        self._keep(node)

    def _keep(self, node: Node) -> None:
        """Make a row's number known to what follows, and store it if that is wanted."""
        self.alive.add(id(node))
        if id(node) in self.loops.stored:
            ndim = len(shape_of(node))
            rows = [f"i{k}" for k in range(len(self.step.outer or ()))]
            tokens = self.loops.tokens(node) if not is_sum(node) else [*rows, "0"][:ndim]
            self.add(f"{self.array(node, tokens)} = {self.word(node)}")

    def _pass(self, nodes: Sequence[Node]) -> None:
        """Run over the last axis of a row."""
        if not nodes:
            return
        sums = [node for node in nodes if is_sum(node)]
        along = [node for node in sums if self.loops.along(node) == "row"]
        for node in along:
            self.add(f"{self.word(node)} = {self._initial(node)}", node)
        for axis in sorted({self.axes.of(self.loops.looped(node))[-1] for node in nodes}):
            own = [n for n in nodes if self.axes.of(self.loops.looped(n))[-1] == axis]
            self.over("j0", axis)
            for node in own:
                if is_sum(node):
                    self._gathered(node)
                else:
                    self._element(node)
            self.depth -= 1
            self.alive -= {id(node) for node in own if not is_sum(node)}
        for node in along:
            if node.op.name == "mean":
                self._divide(node)
            self._keep(node)

    def _element(self, node: Node) -> None:
        tokens = self.loops.tokens(node)
        self.add(f"{self.word(node)} = {self.formula(node, tokens)}", node)
        self.alive.add(id(node))
        if id(node) in self.loops.stored:
            self.add(f"{self.array(node, tokens)} = {self.word(node)}")

    # Nodes by themselves --------------------------------------------------------------------------

    def _alone(self, k: int, node: Node) -> None:
        if node.op.forward is np.matmul:
            self._product(k, node)
        elif is_table(node):
            self._table(node)
        else:
            self._words(node)
        self.depth = 1

    def _table(self, node: Node) -> None:
        """Add rows into a table of zeros, in order."""
        a, _, places = node.inputs
        tokens = [f"p{i}" for i in range(len(shape_of(a)))]
        rest = tokens[len(shape_of(places)) :]
        zeros = [f"p{i}" for i in range(len(shape_of(node)))]
        for token, axis in zip(zeros, self.axes.of(node), strict=True):
            self.over(token, axis)
        self.add(f"{self.array(node, zeros)} = {number(0, dtype_of(node))}", node)
        self.depth = 1
        for token, axis in zip(tokens, self.axes.of(a), strict=True):
            self.over(token, axis)
        row = self.access.broadcast(places, tokens[: len(shape_of(places))])
        length = self.axes.length(self.axes.of(node)[0])
        target = self.array(node, [f"{row} % {length}", *rest])
        self.add(f"{target} += {self.access.element(a, tokens)}", node)

    def _words(self, node: Node) -> None:
        """Put four series of random words into one array, word by word."""
        like = node.inputs[4]
        flat = f"u{self.numbers[id(node)]}"
        whole = f"v{self.numbers[id(node)]}"
        size = " * ".join(self.axes.length(a) for a in self.axes.of(like)) or "1"
        self.add(f"{flat} = {whole}.reshape({whole}.size)", node)
        for i, x in enumerate(node.inputs[:4]):
            self.add(f"for q0 in range(({size} - {i} + 3) // 4):")
            self.add(f"    {flat}[4 * q0 + {i}] = {self.access.element(x, ['q0'])}")

    def _product(self, k: int, node: Node) -> None:
        """Multiply matrices, by BLAS or, if they are small, by loops."""
        (a, ta), (b, tb) = (stored_operand(x) for x in node.inputs)
        if not shape_of(node):
            self.add(f"{self.word(node)} = {number(0, dtype_of(node))}", node)
            self.over("k0", self.axes.of(a)[0])
            self.add(f"{self.word(node)} += {self.array(a, ['k0'])} * {self.array(b, ['k0'])}")
            return
        shapes = [shape_of(x) for x in node.inputs]
        m, c, n = self._extents(node)
        multiplications = math.prod(shape_of(node)) * shapes[0][-1]
        one_dimensional = min(map(len, shapes)) < 2
        if multiplications < SMALL_PRODUCT and not one_dimensional:
            self._small_product(k, node, (a, ta), (b, tb), (m, c, n))
            return
        bits = 8 * dtype_of(node).itemsize
        self.functions.add(f"gemm{bits}")
        out = f"v{self.numbers[id(node)]}"
        # Row by row, what BLAS takes column by column is the transposed product.
        self.add(
            f"gemm{bits}(blas[{bits // 64}], {int(tb)}, {int(ta)}, {n}, {m}, {c}, "
            f"{self.name(b)}, max({c if tb else n}, 1), {self.name(a)}, "
            f"max({m if ta else c}, 1), {number(0, dtype_of(node))}, {out}, max({n}, 1))",
            node,
        )

    def name(self, value: Value) -> str:
        """Return the array of a value that is stored."""
        return self.names.get(id(value)) or f"v{self.numbers[id(value)]}"

    def _extents(self, node: Node) -> tuple[str, str, str]:
        a, b = map(self.axes.of, node.inputs)
        m = self.axes.length(a[0]) if len(a) == 2 else "1"
        n = self.axes.length(b[1]) if len(b) == 2 else "1"
        return m, self.axes.length(a[-1]), n

    def _small_product(
        self, k: int, node: Node, left: tuple[Value, bool], right: tuple[Value, bool],
        extents: tuple[str, str, str],
    ) -> None:  # fmt: skip
        """Multiply by three loops, the innermost over what is contiguous."""
        (a, ta), (b, tb), (m, c, n) = left, right, extents
        out, first, second = f"v{self.numbers[id(node)]}", self.name(a), self.name(b)
        if tb:
            wide = tuple(reversed(shape_of(b)))
            packed = f"w{len(self.source.scratch)}"
            self.source.scratch.append((k, wide, b))
            self.add(f"for k0 in range({c}):", node)
            self.add(f"    for j0 in range({n}):")
            self.add(f"        {packed}[k0, j0] = {second}[j0, k0]")
            second = packed
        zero = number(0, dtype_of(node))
        self.add(f"for i0 in range({m}):", node)
        self.add(f"    for j0 in range({n}):")
        self.add(f"        {out}[i0, j0] = {zero}")
        self.add(f"    for k0 in range({c}):")
        self.add(f"        x0 = {first}[{'k0, i0' if ta else 'i0, k0'}]")
        self.add(f"        for j0 in range({n}):")
        self.add(f"            {out}[i0, j0] += x0 * {second}[k0, j0]")


def emit_loops(graph: Graph) -> LoopSource:
    """Return the source of a function ``program(blas, *given, *stored, *scratch)``."""
    return LoopEmitter(graph).source
