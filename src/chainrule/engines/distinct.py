"""Rows of a table that a step meets several times: noted once, and computed once.

What is known of rows that were looked up stands there as often as a row was met, each time with the
sum. Where nothing but updates of the table and sums over distinct rows read it, the first of them
is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.engines.access import Index
from chainrule.engines.axes import shape_of
from chainrule.engines.formulas import is_elementwise
from chainrule.engines.loops import Loops, Step, is_sum
from chainrule.engines.plan import ours
from chainrule.engines.prepare import update_rows
from chainrule.graph import Node
from chainrule.graph.ir import Value
from chainrule.ops.broadcast import cast
from chainrule.ops.indexing import SLOT
from chainrule.ops.rows import sum_distinct, sum_equal_rows


@dataclass(frozen=True, eq=False)
class Group:
    """Look-ups of one array of places in tables of one length.

    Attributes
    ----------
    number : int
    table, places : Value
    """

    number: int
    table: Value
    places: Value


def table_and_places(node: Node) -> tuple[Value, Value] | None:
    """Return the table and the places of an op on rows that were looked up."""
    if node.op is update_rows:
        return node.inputs[0], node.inputs[2]
    if node.op in {sum_equal_rows, sum_distinct}:
        return node.inputs[1], node.inputs[2]
    return None


class Distinct:
    """What is computed for the first row alone of those that are equal.

    Parameters
    ----------
    loops : Loops
        Whose steps are made.

    Attributes
    ----------
    of_step : dict of int to Group
        By number of a loop that runs over the first rows alone.
    updates : set of int
        By identity of an update: that the first rows are enough for it.
    stored : dict of int to Group
        By identity of a node: that of its rows the first alone are stored, one after the other.
    """

    def __init__(self, loops: Loops) -> None:
        self.loops = loops
        self._groups: dict[tuple[int, str], Group] = {}
        self.of_step: dict[int, Group] = {}
        self.updates: set[int] = set()
        self.stored: dict[int, Group] = {}
        self._readers: dict[int, list[tuple[Node, Index]]] = {}
        for node in loops.graph.nodes:
            for base, index in loops.reads.get(id(node), ()):
                self._readers.setdefault(id(base), []).append((node, index))
        for node in loops.graph.nodes:
            if node.op is update_rows and self._once(node):
                self.updates.add(id(node))
        for k in reversed(range(len(loops.steps))):
            self._look_at(k, loops.steps[k])

    def group(self, node: Node) -> Group | None:
        """Return the group of an op on rows that were looked up."""
        found = table_and_places(node)
        if found is None:
            return None
        table, places = found
        key = id(places), self._length(table)
        return self._groups.setdefault(key, Group(len(self._groups), table, places))

    def group_of_step(self, k: int) -> Group | None:
        """Return the group of a step whose rows have owners among the threads."""
        step = self.loops.steps[k]
        return self.group(step.nodes[0]) if step.alone else self.of_step.get(k)

    def _length(self, table: Value) -> str:
        axes = self.loops.axes
        return axes.length(axes.of(table)[0])

    def _once(self, update: Node) -> bool:
        """Return whether an update is the same by the first of equal rows as by all of them."""
        group, n_rest = self.group(update), len(shape_of(update)) - 1
        assert group is not None
        return bool(update.params["once"]) and self._is_equal(update.inputs[1], group, n_rest)

    def _is_equal(self, value: Value, group: Group, n_rest: int) -> bool:
        """Return whether rows of so many axes are equal in a value where their places are."""
        if len(shape_of(value)) <= n_rest:
            return True
        if not isinstance(value, Node):
            return False
        if value.op is sum_equal_rows:
            return self.group(value) is group
        if ours(value.op, {"gather"}) and value.params["index"] == (SLOT,):
            table, places = value.inputs
            return places is group.places and self._length(table) == self._length(group.table)
        if is_elementwise(value) or value.op is cast:
            return all(self._is_equal(x, group, n_rest) for x in value.inputs)
        return False

    def _look_at(self, k: int, step: Step) -> None:
        """Note whether a step may be made of first rows, by those that read it."""
        if step.alone:
            (node,) = step.nodes
            group = self.group(node)
            if group and node.op is sum_equal_rows and self._readers_of(k) == {group}:
                self.stored[id(node)] = group
            return
        found = self._readers_of(k)
        group = found.pop() if len(found) == 1 else None
        if group is None or step.outer != self.loops.axes.of(group.places):
            return
        if all(self.loops.along(node) == "row" for node in step.nodes if is_sum(node)):
            self.of_step[k] = group
            kept = [id(x) for x in step.nodes if self.loops.stored.get(id(x)) == "array"]
            self.stored |= dict.fromkeys(kept, group)

    def _readers_of(self, k: int) -> set[Group | None]:
        """Return the groups of whose first rows something reads what a step makes."""
        return set(self._found(k))

    def _found(self, k: int) -> Iterator[Group | None]:
        loops = self.loops
        outputs = {id(x) for x in loops.graph.outputs}
        for node in loops.steps[k].nodes:
            if id(node) in outputs:
                yield None
            for reader, index in self._readers.get(id(node), ()):
                at, group = loops.place[id(reader)], None
                if at == k:
                    continue
                if reader.op is sum_distinct or id(reader) in self.updates:
                    group = self.group(reader)
                else:
                    group = self.of_step.get(at)
                yield group if group and _in_order(index, group) else None


def _in_order(index: Index, group: Group) -> bool:
    """Return whether an index of places is that of the row at hand."""
    return all(
        item == "0" or item[1:] == str(i)
        for i, item in enumerate(index[: len(shape_of(group.places))])
    )
