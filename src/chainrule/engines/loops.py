"""`Loops`: which nodes share a loop, in which passes, and what must be stored between them.

A loop runs over the rows of its nodes: all axes but the last, or the only one. Within a row come
passes over the last axis. A node joins a loop if all that it reads there is of its own row; a sum
along a row is complete after its pass, a sum over rows after the loop.

Where several threads share the work, each has a part of the first axis of every loop. Then a sum
over rows is a step by itself, of which each thread has a part of the columns: in what order numbers
are added never depends on the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.engines.access import Access, Index, is_given, is_virtual, stored_operand
from chainrule.engines.axes import EMPTY, ONE, Axes, NoLoopsError, reduced_axes, shape_of
from chainrule.engines.bounds import Bounds
from chainrule.engines.formulas import is_elementwise
from chainrule.engines.plan import REDUCTIONS, ours
from chainrule.engines.prepare import is_transposing, update_rows
from chainrule.graph import Graph, Node
from chainrule.graph.ir import Value
from chainrule.ops.broadcast import cast, sum_to
from chainrule.ops.indexing import SLOT
from chainrule.ops.rows import sum_distinct, sum_equal_rows


@dataclass
class Step:
    """A loop with its nodes, or one node that is computed by itself.

    Attributes
    ----------
    outer : tuple of int or None
        The axes of the rows; None for a node by itself.
    nodes : list of Node
    """

    outer: tuple[int, ...] | None
    nodes: list[Node] = field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Whether it is one node by itself."""
        return self.outer is None


def is_sum(node: Node) -> bool:
    """Return whether a node joins elements along axes."""
    if node.op is sum_to:
        return bool(reduced_axes(node))
    return ours(node.op, {*REDUCTIONS, "mean"})


Read = tuple[Value, Index]
LENGTHS = frozenset({"extent", "length"})
"""Ops whose result follows from a shape."""
_CHEAP = frozenset({"add", "subtract", "multiply", "negative", "positive"})


class Loops:
    """The steps of a program.

    Attributes
    ----------
    steps : list of Step
    place : dict of int to int
        By identity of a node: the step that computes it. A single number is computed before it.
    stage : dict of int to int
        The pass, within its loop, before which a row's number is known, or in which an element is.
    stored : dict of int to str
        What must be in memory: ``"array"``, or ``"row"`` if for one row at a time.
    remade : set of int
        What is computed anew in a later pass, for that is cheaper than to store it.
    reads : dict of int to list of (Node, index)
        By identity of a node: the computed elements that it reads.
    given : dict of int to list of (Value, index)
        The elements of inputs and array constants that it reads.
    bounds : Bounds
        Of the positions that are computed.
    """

    def __init__(
        self,
        graph: Graph,
        names: dict[int, str],
        length: Callable[[Value, int], str],
        fixed: Mapping[int, int] = EMPTY,
        trusted: Collection[int] = (),
        changing: Collection[int] = (),
        parallel: bool = False,
    ) -> None:
        self.graph, self.changing, self.parallel = graph, changing, parallel
        self.axes = Axes(graph, length, fixed)
        self._found: list[tuple[Node, Index]] = []
        self._met: list[Read] = []
        self.access = Access(self.axes, names, self._note, self._note_given, trusted=trusted)
        self.steps: list[Step] = []
        self.place: dict[int, int] = {}
        self.stage: dict[int, int] = {}
        self.stored: dict[int, str] = {}
        self.remade: set[int] = set()
        self.reads: dict[int, list[tuple[Node, Index]]] = {}
        self.given: dict[int, list[Read]] = {}
        for node in graph.nodes:
            if not is_virtual(node):
                self.reads[id(node)] = self._reads_of(node)
                self.given[id(node)] = self._met
                if not self._waits(node):
                    self._put(node)
        for node in graph.nodes:
            if not is_virtual(node) and id(node) not in self.place:
                self._put(node)
        for step in self.steps:
            for node in step.nodes if step.outer is not None else ():
                self.stage[id(node)] = self._stage_of(node)
        self._store()
        computed = [(x, n) for x, _, n in self.access.places if not is_given(x)]
        self.bounds = Bounds(graph, computed)

    # What a node reads ----------------------------------------------------------------------------

    def _note(self, node: Node, index: Index) -> str:
        self._found.append((node, tuple(index)))
        return "x"

    def _note_given(self, value: Value, index: Index) -> None:
        self._met.append((value, tuple(index)))

    def _note_whole(self, node: Node, value: Value, second: bool = False) -> None:
        """Note that a product reads matrices: those, or rows, that are a thread's own, or all."""
        base, flipped = stored_operand(value)
        ndim = len(shape_of(base))
        index = ["whole"] * ndim
        plain = ndim == 2 and not flipped
        stack = ndim > 2 and len(shape_of(value)) == ndim
        if (stack or (plain and not second)) and self.axes.of(base)[0] == self.axes.of(node)[0]:
            index[0] = "i0"
        if plain and second:
            index[1] = "column"
        if isinstance(base, Node):
            self._note(base, index)
        else:
            self._note_given(base, index)

    def _reads_of(self, node: Node) -> list[tuple[Node, Index]]:
        """Return the computed nodes that a node reads, and at which index."""
        self._found, self._met = [], []
        if node.op.forward is np.matmul:
            self._note_whole(node, node.inputs[0])
            self._note_whole(node, node.inputs[1], second=True)
        elif is_transposing(node):
            self._note_whole(node, node.inputs[0])
        elif node.op is update_rows:
            self._reads_of_update(node)
        elif node.op in {sum_equal_rows, sum_distinct}:
            self._reads_of_rows_of(node)
        elif is_sum(node):
            self.access.element(node.inputs[0], self.tokens(node.inputs[0]))
        elif ours(node.op, {"scatter"}):
            self._reads_of_rows(node)
        elif ours(node.op, {"in_shape"}) and shape_of(node):
            for x in node.inputs[:4]:
                self.access.element(x, ["q0"])
        elif is_join(node):
            for x in node.inputs:
                self.access.element(x, self.join_tokens(node, x))
        elif ours(node.op, LENGTHS):
            pass
        elif is_elementwise(node) or node.op is cast:
            self.access.formula(node, self.tokens(node))
        else:
            raise NoLoopsError("there are no loops for one of the functions")
        return self._found

    def _reads_of_rows(self, node: Node) -> None:
        a, _, places = node.inputs
        if len(shape_of(a)) != len(shape_of(places)) + len(shape_of(node)) - 1:
            raise NoLoopsError("there are no loops for rows that are broadcast")
        self.access.element(a, [f"p{i}" for i in range(len(shape_of(a)))])
        self.access.broadcast(places, [f"p{i}" for i in range(len(shape_of(places)))])
        self.access.note_places(places, node, 0)

    def _reads_of_update(self, node: Node) -> None:
        table, a, places, *factors = node.inputs
        self._note_given(table, ["whole"] * len(shape_of(table)))
        for factor in factors:
            self.access.element(factor, [])
        if len(shape_of(a)) != len(shape_of(places)) + len(shape_of(node)) - 1:
            raise NoLoopsError("there are no loops for rows that are broadcast")
        self.access.element(a, [f"p{i}" for i in range(len(shape_of(a)))])
        self.access.broadcast(places, [f"p{i}" for i in range(len(shape_of(places)))])
        self.access.note_places(places, node, 0)

    def _reads_of_rows_of(self, node: Node) -> None:
        a, table, places = node.inputs
        n_places = len(shape_of(places))
        if not n_places or len(shape_of(a)) > n_places + 1:
            raise NoLoopsError("there are no loops for sums of rows of more axes than one")
        self.access.element(a, [f"p{i}" for i in range(len(shape_of(a)))])
        self.access.broadcast(places, [f"p{i}" for i in range(n_places)])
        self.access.note_places(places, table, 0)

    def tokens(self, value: Value) -> list[str]:
        """Return the index of a value's element in the loop over its rows."""
        axes = self.axes.of(value)
        if len(axes) < 2:
            return row_tokens(axes)
        return [*row_tokens(axes[:-1]), "0" if axes[-1] == ONE else "j0"]

    def join_tokens(self, node: Node, part: Value) -> list[str]:
        """Return the index of an element of a part of what is joined."""
        own = node.params["axis"] % len(shape_of(node)) != 0
        axes = enumerate(self.axes.of(part))
        return ["0" if axis == ONE else "i0" if own and not i else f"p{i}" for i, axis in axes]

    def rows(self, value: Value) -> tuple[int, ...]:
        """Return the axes of a value's rows."""
        axes = self.axes.of(value)
        return axes[:-1] if len(axes) > 1 else axes

    def looped(self, node: Node) -> Value:
        """Return the value over whose elements a node's loop runs."""
        return node.inputs[0] if is_sum(node) else node

    def along(self, node: Node) -> str:
        """Return what a sum runs along: a ``"row"``, the ``"rows"``, ``"inner"`` rows or ``"all"``.

        Inner rows are those along axes between the first and the last. Other axes are ``"some"``.
        """
        joined, ndim = reduced_axes(node), len(shape_of(node.inputs[0]))
        axes = self.axes.of(node.inputs[0])
        if len(joined) == ndim:
            return "all"
        if joined == (ndim - 1,):
            return "row"
        if joined == tuple(range(ndim - 1)) or (all(
            i in joined or axes[i] == ONE for i in range(ndim - 1)
        ) and ndim - 1 not in joined):  # fmt: skip
            return "rows"
        if 0 not in joined and ndim - 1 not in joined:
            return "inner"
        return "some"

    # Where it is computed -------------------------------------------------------------------------

    def _waits(self, node: Node) -> bool:
        """Return whether a node is computed where it is first read: it reads what is given only."""
        if not shape_of(self.looped(node)) or not (is_sum(node) or is_elementwise(node)):
            return False
        if is_sum(node) and self.along(node) != "row":
            return False
        outer = self.rows(self.looped(node))
        return all(
            self.is_number(x) if id(x) in self.place else self.own_row(x, index, outer)
            for x, index in self.reads[id(node)]
        )

    def _put(self, node: Node) -> None:
        """Choose the step that computes a node, and put what waited for it there."""
        reads, looped = self.reads[id(node)], self.looped(node)
        alone = self.is_alone(node)
        if not shape_of(looped) and is_sum(node):
            raise NoLoopsError("there are no loops for the sum of a single number")
        outer = self.rows(looped) if shape_of(looped) and not alone else None
        for base, index in reads:
            if id(base) not in self.place and not self.own_row(base, index, outer):
                self._put(base)
        placed = [read for read in reads if id(read[0]) in self.place]
        if not shape_of(looped) and not alone:
            self.place[id(node)] = max((self._after(base) for base, _ in placed), default=0)
            return
        earliest = max((self._ready(*read, outer) for read in placed), default=0)
        k = len(self.steps)
        if outer is not None:
            same = (i for i in range(earliest, k) if self.steps[i].outer == outer)
            k = next(same, k)
        if k == len(self.steps):
            self.steps.append(Step(outer))
        self._join(node, k)

    def _join(self, node: Node, k: int) -> None:
        for base, _ in self.reads[id(node)]:
            if id(base) not in self.place:
                self._join(base, k)
        self.steps[k].nodes.append(node)
        self.place[id(node)] = k

    def own_row(self, node: Node, index: Index, outer: tuple[int, ...] | None) -> bool:
        """Return whether an element is of the row at hand of a loop over the same rows."""
        if outer is None or not shape_of(node) or self.rows(self.looped(node)) != outer:
            return False
        if self.is_alone(node) or (is_sum(node) and self.along(node) != "row"):
            return False
        return list(index[: len(outer)]) == row_tokens(outer)

    def local(self, node: Node, index: Index, k: int) -> bool:
        """Return whether an element read in a step is known within the step's own row."""
        return self.place[id(node)] == k and self.own_row(node, index, self.steps[k].outer)

    def _ready(self, node: Node, index: Index, outer: tuple[int, ...] | None) -> int:
        """Return the first step that can read an element of a node."""
        return self.place[id(node)] if self.own_row(node, index, outer) else self._after(node)

    def _after(self, node: Node) -> int:
        return self.place[id(node)] + (0 if self.is_number(node) else 1)

    def is_number(self, node: Node) -> bool:
        """Return whether a node is a single number, computed between the steps."""
        joins = is_sum(node) or node.op is sum_distinct or node.op.forward is np.matmul
        return not shape_of(node) and not joins

    def is_inner(self, node: Node) -> bool:
        """Return whether a node is computed in a pass over the last axis."""
        axes = self.axes.of(self.looped(node))
        return len(axes) > 1 and axes[-1] != ONE

    def in_step(self, node: Node, base: Node, index: Index) -> bool:
        """Return whether passes over a row can compute an element and, with it, what reads it.

        A part of a row is read in a pass of another length.
        """
        if not self.is_inner(node) or index[-1] != "j0":
            return False
        return self.axes.of(base)[-1] == self.axes.of(self.looped(node))[-1]

    def _stage_of(self, node: Node) -> int:
        stage = 0
        for base, index in self.reads[id(node)]:
            if self.local(base, index, self.place[id(node)]):
                same_pass = self.in_step(node, base, index)
                summed = is_sum(base) or not self.is_inner(base)
                stage = max(stage, self.stage[id(base)] + (not summed and not same_pass))
        return stage + (is_sum(node) and self.is_inner(node) and self.along(node) == "row")

    # What is stored -------------------------------------------------------------------------------

    def _store(self) -> None:
        outputs = {id(x) for x in self.graph.outputs}
        for node in self.graph.nodes:
            if is_virtual(node):
                continue
            shape = shape_of(node)
            over_rows = is_sum(node) and shape and self.along(node) != "row"
            if shape and (id(node) in outputs or self.is_alone(node) or over_rows):
                self.stored[id(node)] = "array"
            for base, index in self.reads[id(node)]:
                self._read_by(node, base, index)
        for node in self.graph.nodes:
            if self.stored.get(id(node)) == "row" and self._is_cheap(node):
                del self.stored[id(node)]
                self.remade.add(id(node))

    def _is_cheap(self, node: Node) -> bool:
        """Return whether a node is a sum or the like of what is at hand in every pass."""
        if node.op.name not in _CHEAP or any(
            id(x) in self.changing for x, _ in self.given[id(node)]
        ):
            return False
        at_hand = {*self.stored, *self.remade}
        return all(
            id(base) in at_hand or not shape_of(base) or is_sum(base) or not self.is_inner(base)
            for base, _ in self.reads[id(node)]
        )

    def is_alone(self, node: Node) -> bool:
        """Return whether a node is a step by itself."""
        if node.op.forward is np.matmul or ours(node.op, {"scatter", "in_shape"}):
            return True
        alone = {update_rows, sum_equal_rows, sum_distinct}
        if node.op in alone or is_transposing(node) or is_join(node):
            return True
        if not is_sum(node) or not shape_of(self.looped(node)):
            return False
        along = self.along(node)
        return along == "some" or (self.parallel and along in {"rows", "all"})

    def _read_by(self, node: Node, base: Node, index: Index) -> None:
        """Note that a node reads an element of another."""
        k = self.place[id(node)]
        if not shape_of(base):
            return
        if not shape_of(self.looped(node)) or not self.local(base, index, k):
            self.stored[id(base)] = "array"
            return
        if is_sum(base) or not self.is_inner(base):
            return
        here = self.stage[id(node)] - (is_sum(node) and self.along(node) == "row")
        if here > self.stage[id(base)] or not self.in_step(node, base, index):
            self.stored.setdefault(id(base), "row")


def row_tokens(outer: tuple[int, ...]) -> list[str]:
    """Return the index of a row in a loop over rows."""
    return ["0" if axis == ONE else f"i{k}" for k, axis in enumerate(outer)]


def is_join(node: Node) -> bool:
    """Return whether a node puts arrays one behind the other."""
    return ours(node.op, {"concatenate"})


def is_table(node: Node) -> bool:
    """Return whether a node adds rows into a table of zeros."""
    return ours(node.op, {"scatter"}) and node.params["index"] == (SLOT,)
