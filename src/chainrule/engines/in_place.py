"""Results that are written over the arguments they replace, as a step over its carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.engines.emit import Emitter
from chainrule.engines.plan import Layout, Plan, may_share
from chainrule.graph import Aval, Graph, Kind, Node
from chainrule.graph.ir import Value
from chainrule.ops.rows import put_rows


@dataclass
class Donations:
    """Which nodes write into the memory of inputs.

    Attributes
    ----------
    target : dict of int to int
        By the identity of a node, that of the input whose memory it writes into.
    choice : dict of int to Value
        By the identity of a node ``np.where(condition, new, old)`` that is written over `old`: its
        condition. Nothing happens if that is false.
    only_if : dict of int to Value
        By the identity of a node that nobody needs unless a condition is true: the condition.
    """

    target: dict[int, int] = field(default_factory=dict)
    choice: dict[int, Value] = field(default_factory=dict)
    only_if: dict[int, Value] = field(default_factory=dict)


def donations(graph: Graph, count: int, writable: set[int], layouts: Sequence[object]) -> Donations:
    """Return which of the first `count` outputs can be written over the inputs of their numbers.

    An input is overwritten when its last reader has read it: views of it read too, and what an
    output shares memory with is read forever.

    Parameters
    ----------
    graph : Graph
    count : int
    writable : set of int
        Nodes, by identity, that can write into a given array.
    layouts : sequence of Layout or None
        Of each node's result.
    """
    return _Search(graph, count, writable, layouts).found


class _Search:
    """One search, over the pairs of an output and the input that it replaces."""

    def __init__(
        self, graph: Graph, count: int, writable: set[int], layouts: Sequence[object]
    ) -> None:
        self.graph, self.writable, self.found = graph, writable, Donations()
        self.place = {id(node): i for i, node in enumerate(graph.nodes)}
        self.layouts = {id(n): layout for n, layout in zip(graph.nodes, layouts, strict=True)}
        self.readers: dict[int, list[Node]] = {}
        for node in graph.nodes:
            for x in node.inputs:
                self.readers.setdefault(id(x), []).append(node)
        self.outputs = [id(x) for x in graph.outputs]
        pairs = [
            (new, old)
            for old, new in zip(graph.inputs[:count], graph.outputs[:count], strict=True)
            if isinstance(new, Node) and self.outputs.count(id(new)) == 1
        ]
        for new, old in pairs:
            self._choose(new, old)
        self._mark()
        for new, old in pairs:
            if id(new) in self.found.choice:
                self._pass_on(new, old)

    def _choose(self, new: Node, old: Value) -> None:
        """Donate to ``np.where(condition, something, old)``, or to a node that needs no choice."""
        if _is_choice(new, old) and id(new) not in self.readers and self._free(old, new, new):
            self.found.target[id(new)] = id(old)
            self.found.choice[id(new)] = new.inputs[0]
        elif self._fits(new, old) and self._free(old, new):
            self.found.target[id(new)] = id(old)

    def _pass_on(self, choice: Node, old: Value) -> None:
        """Donate to what is chosen too, if nobody needs it unless it is."""
        condition, chosen, _ = choice.inputs
        if not isinstance(chosen, Node) or self.found.only_if.get(id(chosen)) is not condition:
            return
        if self._fits(chosen, old) and self._free(old, chosen, choice):
            self.found.target[id(chosen)] = id(old)

    def _fits(self, node: Node, old: Value) -> bool:
        """Return whether a node can write an array of just the shape, dtype and layout of `old`."""
        if id(node) not in self.writable or id(node) in self.found.target:
            return False
        assert isinstance(old.aval, Aval)
        shape = old.aval.shape
        return self.layouts[id(node)] == Layout(shape, old.aval.dtype, tuple(range(len(shape))))

    def _free(self, old: Value, new: Node, but: Node | None = None) -> bool:
        """Return whether nobody but one reads `old`, or a view of it, once `new` is computed."""
        if id(old) in self.outputs:
            return False
        waiting, last = [old], self.place[id(new)]
        while waiting:
            x = waiting.pop()
            for reader in self.readers.get(id(x), ()):
                if reader is but and x is old:
                    continue
                if reader is new:
                    if x is not old or not (_elementwise(new) or _puts_rows(new, old)):
                        return False
                    continue
                if may_share(reader):
                    if id(reader) in self.outputs:
                        return False
                    waiting.append(reader)
                if self.place[id(reader)] >= last:
                    return False
        return True

    def _mark(self) -> None:
        """Find the nodes that are needed only if the condition of a choice is true."""
        for node in reversed(self.graph.nodes):
            needs = [self._need(node, reader) for reader in self.readers.get(id(node), ())]
            condition = needs[0] if needs else None
            if condition is None or any(c is not condition for c in needs[1:]):
                continue
            known = self.place.get(id(condition), -1) < self.place[id(node)]
            if known and id(node) not in self.outputs:
                self.found.only_if[id(node)] = condition

    def _need(self, node: Node, reader: Node) -> Value | None:
        """Return the condition without which a reader has no use for a node."""
        choice = self.found.choice.get(id(reader))
        if choice is not None:
            return choice if node is reader.inputs[1] and node is not choice else None
        return self.found.only_if.get(id(reader))


def _is_choice(node: Node, old: Value) -> bool:
    """Return whether a node is ``np.where(condition, new, old)`` of one truth for all elements."""
    if node.op.forward is not np.where or node.inputs[2] is not old or node.inputs[1] is old:
        return False
    condition, new = node.inputs[0].aval, node.inputs[1].aval
    return isinstance(condition, Aval) and not condition.shape and new == old.aval == node.aval


def _elementwise(node: Node) -> bool:
    return node.op.kind is Kind.ELEMENTWISE and isinstance(node.op.forward, np.ufunc)


def _puts_rows(node: Node, table: Value) -> bool:
    """Return whether a node changes rows of a table, which it reads for nothing else."""
    return node.op is put_rows and all((x is table) == (i == 0) for i, x in enumerate(node.inputs))


class InPlaceEmitter(Emitter):
    """An emission of source that overwrites inputs."""

    def __init__(self, plan: Plan, found: Donations) -> None:
        self.found = found
        self.condition: Value | None = None
        super().__init__(plan)

    def line(self, i: int, node: Node) -> str:
        """Return the statement of one node, after an ``if`` where a condition begins to matter."""
        place = self.found.target.get(id(node))
        if place is not None:
            self.names[id(node)] = self.names[place]
        choice = self.found.choice.get(id(node))
        if choice is not None and self.found.target.get(id(node.inputs[1])) == place:
            return ""  # it was written where it belongs
        condition = choice or self.found.only_if.get(id(node))
        text = super().line(i, node)
        if condition is None:
            self.condition = None
            return text
        begins = condition is not self.condition
        self.condition = condition
        return f"    if {self.word(condition)}:\n" * begins + f"    {text}"

    def target(self, node: Node) -> list[str]:
        """Return the argument that names the memory a node writes into."""
        written = id(node) in self.found.target
        return [f"out={self.names[id(node)]}"] if written else super().target(node)

    def call(self, node: Node) -> str:
        """Return the call of an op's forward; of a choice, what is done if the condition holds."""
        if id(node) not in self.found.choice:
            return super().call(node)
        new, name = node.inputs[1], self.names[id(node)]
        return f"np.copyto({name}, {self.word(new)})"
