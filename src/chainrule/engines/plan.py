"""`Plan`: in what order a graph is computed, and in what memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph import Aval, Graph, Node, Op
from chainrule.graph.ir import Value
from chainrule.graph.op import Kind
from chainrule.ops.indexing import gather, where_true

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


class Layout(NamedTuple):
    """Shape and dtype of a value, and its axes from the slowest to the fastest in memory."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]

    @classmethod
    def of(cls, value: Any) -> Layout:
        """Return the layout of an array or a NumPy scalar."""
        strides = value.strides
        order = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))
        return cls(value.shape, value.dtype, tuple(order))

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def view(self, memory: Any) -> Any:
        """Return an array of this layout on bytes."""
        packed = memory.view(self.dtype).reshape([self.shape[axis] for axis in self.order])
        return packed.transpose([self.order.index(axis) for axis in range(len(self.order))])


class Buffer(NamedTuple):
    """Memory of one value.

    Attributes
    ----------
    offset : int
        Byte of the arena at which it starts.
    layout : Layout
    first, last : int
        The steps between which the memory is taken.
    """

    offset: int
    layout: Layout
    first: int
    last: int


class Group(NamedTuple):
    """Steps that are one loop, or one step by itself.

    Attributes
    ----------
    steps : tuple of int
    phase : int
        Threads wait for each other between phases.
    work : str
        Whose it is: of all threads by parts, or of one.
    """

    steps: tuple[int, ...]
    phase: int
    work: str


@dataclass(frozen=True)
class Plan:
    """The steps of a program and the memory they share.

    Attributes
    ----------
    graph : Graph
        Its nodes are the steps, in order.
    buffers : dict of int to Buffer
        By number of a step: the memory it writes to. Other steps return views, single numbers, or
        arrays of their own.
    arena : int
        Bytes of the memory that holds all buffers.
    engine : str
    note : str
        Why this engine and not the one that was asked for.
    groups : tuple of Group
        Which steps are fused, in the order in which they run; steps in no group are computed where
        they are read. Without groups each step runs by itself.
    shares : tuple of float
        The part of the time that each group took, or each step, where it was measured; what is
        missing to 1 is the waiting of threads.
    """

    graph: Graph
    buffers: dict[int, Buffer]
    arena: int
    engine: str = "numpy"
    note: str = ""
    groups: tuple[Group, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def flops(self) -> int:
        """Floating-point operations of one run, estimated: each function counts as one."""
        return sum(map(node_flops, self.graph.nodes))

    def __str__(self) -> str:
        without = sum(b.layout.nbytes for b in self.buffers.values())
        lines = [self.note] if self.note else []
        lines.append(
            f"{self.engine}: {len(self.graph.nodes)} steps, {amount(self.flops, 'FLOP')}; "
            f"{len(self.buffers)} buffers in {amount(self.arena, 'B')} "
            f"({amount(without, 'B')} if none were reused)"
        )
        lines.append(f"{'step':>5}  {'op':<20}{'result':<20}{'FLOP':>9}  {'line':>5}  buffer")
        if not self.groups:
            rows = [self._line(i, node) for i, node in enumerate(self.graph.nodes)]
            return "\n".join(lines + [row + self._share(i) for i, row in enumerate(rows)])
        for i, group in enumerate(self.groups):
            kind = "loop" if len(group.steps) > 1 else "step"
            lines.append(f"{kind} {i}, phase {group.phase}, {group.work}{self._share(i)}")
            lines += [self._line(k, self.graph.nodes[k]) for k in group.steps]
        grouped = {k for group in self.groups for k in group.steps}
        rest = [k for k in range(len(self.graph.nodes)) if k not in grouped]
        lines += ["computed where they are read"] * bool(rest)
        return "\n".join(lines + [self._line(k, self.graph.nodes[k]) for k in rest])

    def _share(self, i: int) -> str:
        return f", {self.shares[i]:.1%} of the time" if self.shares else ""

    def _line(self, i: int, node: Node) -> str:
        avals = node.aval if isinstance(node.aval, tuple) else (node.aval,)
        place = "-"
        if i in self.buffers:
            b = self.buffers[i]
            place = f"bytes {b.offset} to {b.offset + b.layout.nbytes}, until step {b.last}"
        line = node.site[1] if node.site else ""
        result = ", ".join(map(str, avals))
        return f"{i:>5}  {node.op.name:<20}{result:<20}{node_flops(node):>9}  {line:>5}  {place}"


def amount(number: float, unit: str) -> str:
    """Return a number with a prefix of its unit.

    Examples
    --------
    >>> amount(12_345, "B"), amount(12, "FLOP")
    ('12.3 kB', '12 FLOP')
    """
    prefixes = ["", "k", "M", "G", "T"]
    while number >= 1000 and len(prefixes) > 1:
        number /= 1000
        del prefixes[0]
    return f"{number:.3g} {prefixes[0]}{unit}"


def node_flops(node: Node) -> int:
    """Return an estimate of the floating-point operations of one node."""
    if not isinstance(node.aval, Aval) or any(isinstance(x.aval, tuple) for x in node.inputs):
        return 0
    size = math.prod(node.aval.shape)
    shapes = [x.aval.shape for x in node.inputs if isinstance(x.aval, Aval)]
    if node.op.forward is np.matmul:
        return 2 * size * shapes[0][-1]
    if node.op.kind is Kind.ELEMENTWISE or isinstance(node.op.forward, np.ufunc):
        return size
    if node.op.name in REDUCTIONS:
        return math.prod(shapes[0])
    return 0


REDUCTIONS = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}
_INDEXED = {"gather", "scatter", "take_along_axis", "scatter_along_axis", "in_shape", "blocks"}
# Their results are arrays of their own; those of other functions may be views of their inputs.
_FRESH = frozenset({
    *REDUCTIONS, "mean", "cast", "where", "scatter", "take_along_axis", "scatter_along_axis",
    "extent", "in_shape", "blocks", "ones_like", "zeros_like", "sum_equal_rows", "put_rows",
    "sum_distinct", "is_first", "is_last",
})  # fmt: skip


def ours(op: Op, names: Any) -> bool:
    """Return whether an op is one of chainrule's own that has one of these names."""
    return op.name in names and op.__module__.startswith("chainrule.")


def may_share(node: Node) -> bool:
    """Return whether a node's result may be a view of its inputs."""
    arrays = node.inputs[1:] if node.op is gather else ()
    if any(isinstance(x.aval, Aval) and x.aval.shape for x in arrays):
        return False  # what arrays select is copied
    return not isinstance(node.op.forward, np.ufunc) and not ours(node.op, _FRESH)


def varying_shapes(graph: Graph) -> set[int]:
    """Return the nodes, by identity, whose shape may depend on numbers and not on shapes alone."""
    found: set[int] = set()
    for node in graph.nodes:
        if any(id(x) in found for x in node.inputs) or _shaped_by_numbers(node):
            found.add(id(node))
    return found


def _shaped_by_numbers(node: Node) -> bool:
    if node.op is where_true:
        return True
    kinds = [_kind(x) for x in node.inputs]
    if node.op is gather:
        return "b" in kinds[1:]
    known = node.op.kind is Kind.ELEMENTWISE or isinstance(node.op.forward, np.ufunc)
    if known or ours(node.op, {*_FRESH, *_INDEXED}):
        return False
    names = [node.op.input_name(i) for i in range(len(kinds))]
    return any(kind in "biu" and name != "like" for kind, name in zip(kinds, names, strict=True))


def _kind(value: Value) -> str:
    return value.aval.dtype.kind if isinstance(value.aval, Aval) else "f"


def assign(graph: Graph, writable: set[int], layouts: Sequence[Layout | None]) -> Plan:
    """Return a plan with memory for the nodes that can write into a given array.

    Parameters
    ----------
    graph : Graph
    writable : set of int
        Nodes, by identity, that can. Those that outputs share memory with are left out.
    layouts : sequence of Layout or None
        Of each node's result.
    """
    roots, last = _lifetimes(graph, writable)
    escaping = {r for x in graph.outputs for r in roots.get(id(x), ())}
    buffers: dict[int, Buffer] = {}
    live: list[Buffer] = []
    arena = 0
    for i, node in enumerate(graph.nodes):
        layout = layouts[i]
        if id(node) not in writable or i in escaping or layout is None:
            continue
        live = [b for b in live if b.last >= i]
        reused = _in_place(node, i, layout, live, buffers, roots, graph)
        offset = gap(live, layout.nbytes) if reused is None else reused.offset
        buffers[i] = Buffer(offset, layout, i, last[i])
        live = [b for b in live if b is not reused] + [buffers[i]]
        arena = max(arena, offset + layout.nbytes)
    return Plan(graph, buffers, arena)


def _lifetimes(graph: Graph, writable: set[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    """Return the steps whose memory each value may share, and the last step that reads it."""
    roots: dict[int, set[int]] = {}
    last: dict[int, int] = {}
    for i, node in enumerate(graph.nodes):
        shared = {r for x in node.inputs for r in roots.get(id(x), ())}
        last.update(dict.fromkeys(shared, i))
        last[i] = i
        roots[id(node)] = {i} if id(node) in writable else shared if may_share(node) else set()
    return roots, last


def _in_place(
    node: Node,
    i: int,
    layout: Layout,
    live: list[Buffer],
    buffers: dict[int, Buffer],
    roots: dict[int, set[int]],
    graph: Graph,
) -> Buffer | None:
    """Return the memory of an operand that an elementwise node may overwrite."""
    if node.op.kind is not Kind.ELEMENTWISE and not node.op.is_constant:
        return None
    if not isinstance(node.op.forward, np.ufunc):
        return None
    for x in node.inputs:
        for r in roots.get(id(x), ()):
            b = buffers.get(r)
            if b is None or b not in live or b.last != i or b.layout != layout:
                continue
            readers = [z for z in node.inputs if r in roots.get(id(z), ())]
            if all(z is graph.nodes[r] for z in readers):
                return b
    return None


def gap(live: list[Buffer], nbytes: int) -> int:
    """Return the lowest aligned offset at which so many bytes are free."""
    offset = 0
    for b in sorted(live):
        if b.offset >= offset + nbytes:
            break
        end = b.offset + b.layout.nbytes
        offset = max(offset, -(-end // ALIGNMENT) * ALIGNMENT)
    return offset
