"""`Schedule`: in which phases steps run, which thread has which part, what is written in place.

Threads meet between phases and nowhere else. A step reads, of what others of its phase write, only
the part of its own thread; so it does not matter when each thread comes to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.engines.access import Index
from chainrule.engines.axes import ONE, shape_of
from chainrule.engines.distinct import Distinct
from chainrule.engines.loops import Loops, Step, is_sum
from chainrule.engines.plan import ours
from chainrule.engines.prepare import is_transposing, update_rows
from chainrule.graph import Constant, Input, Node
from chainrule.graph.ir import Value

FIRST, EVERY, OWNERS = -1, -2, -3
"""Whose work a step is that is not divided along an axis: the first thread's; every thread's, for
itself; divided by the numbers of a table's rows."""


FEWEST_COLUMNS = 32


class Schedule:
    """The order of a program's steps.

    Parameters
    ----------
    loops : Loops
    carry : sequence of (Input, Value)
        What a step is given and what takes its place.

    Attributes
    ----------
    distinct : Distinct
        Which steps run over distinct rows of tables alone.
    split : list of int
        For each step the axis of which each thread has a part, or one of the constants above.
    by_columns : set of int
        Products, and the transposes that they read, of which each thread has a part of the columns.
    private : set of int
        Copies of given rows, by identity, that every thread makes for itself, for all of it is read
        by each: that is quicker than to get the other half from another processor's cache.
    phase : list of int
        For each step. Without threads every step is a phase.
    order : list of int
        The steps as they run.
    groups : list of list of int
        The same, but loops that can be one over their first axis are together.
    before : set of int
        Steps that need to be run but once, for nothing changes what they read.
    over : dict of int to Input
        By identity of a node: the input in whose memory its result is put.
    late : list of (Input, Node)
        What must be copied there when all steps are done.
    """

    def __init__(self, loops: Loops, carry: Sequence[tuple[Input, Value]] = ()) -> None:
        self.loops, self.distinct = loops, Distinct(loops)
        self.by_columns = self._columned() if loops.parallel else set()
        self.private = self._privately_copied()
        self.split = [self._split_of(k, step) for k, step in enumerate(loops.steps)]
        self.before = self._unchanging({id(old) for old, new in carry if new is old})
        self.number_phase: dict[int, int] = {}
        self.phase = self._phases()
        updates = self._updates()
        steps = [k for k in range(len(loops.steps)) if k not in updates]
        self.order = sorted(steps, key=lambda k: (k not in self.before, self.phase[k], k))
        self.order += updates
        self._position = {k: i for i, k in enumerate(self.order)}
        self.over: dict[int, Input] = {}
        self.late: list[tuple[Input, Node]] = []
        for old, new in carry:
            if isinstance(new, Node) and shape_of(new):
                if self._may_overwrite(new, old):
                    self.over[id(new)] = old
                else:
                    self.late.append((old, new))
        self.groups = self._groups()
        if not loops.parallel:
            for i, group in enumerate(self.groups):
                for k in group:
                    self.phase[k] = i

    # Loops that are one --------------------------------------------------------------------------

    def _groups(self) -> list[list[int]]:
        """Join loops over the same first axis that read of each other only what is of its place.

        What one makes is then still in the cache when the next reads it.
        """
        groups: list[list[int]] = []
        for k in self.order:
            if groups and self._joins(groups[-1], k):
                groups[-1].append(k)
            else:
                groups.append([k])
        return groups

    def _joins(self, group: list[int], k: int) -> bool:
        loops = self.loops
        step, first = loops.steps[k], loops.steps[group[0]]
        if OWNERS in (self.split[k], self.split[group[0]]):
            return False
        if step.alone or first.alone or (k in self.before) != (group[0] in self.before):
            return False
        assert step.outer is not None
        assert first.outer is not None
        if step.outer[0] != first.outer[0] or step.outer[0] == ONE:
            return False
        if self.split[k] != self.split[group[0]]:
            return False
        if loops.parallel and self.phase[k] != self.phase[group[0]]:
            return False
        if len({len(loops.steps[i].outer or ()) for i in (*group, k)}) == 1:
            return False  # these would have been one from the start
        nodes = [n for i in (*group, k) for n in loops.steps[i].nodes]
        if any(id(n) in self.over for n in nodes):
            return False
        for node in step.nodes:
            for base, index in loops.reads[id(node)]:
                if loops.is_number(base):
                    if self._late_number(base, group):
                        return False
                elif loops.place[id(base)] in group and not self._at_place(base, index):
                    return False
        return True

    def _at_place(self, base: Node, index: Index) -> bool:
        loops = self.loops
        if is_sum(base) and loops.along(base) in {"rows", "all"}:
            return False
        axes = loops.axes.of(base)
        return bool(axes) and index[0] == "i0" and axes[0] == (
            loops.steps[loops.place[id(base)]].outer or (ONE,))[0]  # fmt: skip

    def _late_number(self, node: Node, group: list[int]) -> bool:
        """Return whether a single number is known only when a group is done."""
        loops = self.loops
        for base, _ in loops.reads[id(node)]:
            if loops.is_number(base):
                if self._late_number(base, group):
                    return True
            elif loops.place[id(base)] in group:
                return True
        return False

    def _columned(self) -> set[int]:
        """Return the products that are divided by columns, with the transposes that they read.

        A weight's rows are then read, transposed and updated by the same thread: they stay in the
        cache of its processor. It pays where the weight is larger than the product.
        """
        loops = self.loops
        found: set[int] = set()
        for k, step in enumerate(loops.steps):
            node = step.nodes[0]
            if not (step.alone and _is_product(node)) or len(shape_of(node)) != 2:
                continue
            b = node.inputs[1]
            if len(shape_of(b)) != 2:
                continue
            (m, n), terms = shape_of(node), shape_of(b)[0]
            if isinstance(b, Node) and is_transposing(b) and m < terms and n >= FEWEST_COLUMNS:
                found |= {k, loops.place[id(b)]}
        return found

    def _privately_copied(self) -> set[int]:
        """Return the copies of given rows that products divided by columns read."""
        loops = self.loops
        found: set[int] = set()
        for k in self.by_columns:
            a = loops.steps[k].nodes[0].inputs[0]
            if id(a) in loops.place and isinstance(a, Node) and not loops.reads[id(a)]:
                step = loops.steps[loops.place[id(a)]]
                if not step.alone and len(step.nodes) == 1:
                    found.add(id(a))
        return found

    def _split_of(self, k: int, step: Step) -> int:
        node, loops = step.nodes[0], self.loops
        if k in self.by_columns:
            return loops.axes.of(node)[1]
        if id(node) in self.private:
            return EVERY
        if self.distinct.group_of_step(k) and shape_of(node):
            return OWNERS
        if step.outer is not None:
            return step.outer[0] if step.outer[0] != ONE else FIRST
        if is_sum(node):
            if not shape_of(node):
                return EVERY
            axes = loops.axes.of(node.inputs[0])
            single = [x for x in loops.axes.long(node) if axes.count(x) == 1]
            return single[-1] if single else FIRST
        if ours(node.op, {"in_shape"}) or not shape_of(node):
            return EVERY if not shape_of(node) else FIRST
        rows = len(shape_of(node)) > 1 or not _is_product(node) or _of_matrix(node)
        first = loops.axes.of(node)[0]
        return first if rows and first != ONE else FIRST

    # What nothing changes -------------------------------------------------------------------------

    def _unchanging(self, kept: set[int]) -> set[int]:
        """Return the steps that read only constants, and inputs that are kept as they are."""
        loops = self.loops
        found: set[int] = set()

        def is_fixed(x: Value) -> bool:
            if isinstance(x, Node):
                return bool(shape_of(x)) and loops.place[id(x)] in found
            return isinstance(x, Constant) or id(x) in kept

        for k, step in enumerate(loops.steps):
            node = step.nodes[0]
            read = [x for x, _ in (*loops.reads[id(node)], *loops.given[id(node)])]
            if step.alone and shape_of(node) and kept and read and all(map(is_fixed, read)):
                found.add(k)
        return found

    # Updates of rows ------------------------------------------------------------------------------

    def _updates(self) -> list[int]:
        """Return the updates of rows, last of all, each after those that read its table.

        Each has a phase of its own if another reads its table.
        """
        loops = self.loops
        read = {id(base) for reads in loops.reads.values() for base, _ in reads}
        waiting = [
            k
            for k, step in enumerate(loops.steps)
            if step.nodes[0].op is update_rows and id(step.nodes[0]) not in read
        ]
        last = max((self.phase[k] for k in range(len(loops.steps))), default=0)
        found: list[int] = []
        while waiting:
            free = [k for k in waiting if not any(self._reads_table(i, k) for i in waiting)]
            chosen = free or waiting
            if loops.parallel:
                for k in chosen:
                    self.phase[k] = last
                last += 1
            found += chosen
            waiting = [k for k in waiting if k not in chosen]
        return found

    def _reads_table(self, reader: int, k: int) -> bool:
        """Return whether a step reads the table that another one updates."""
        table = self.loops.steps[k].nodes[0].inputs[0]
        given = self.loops.given[id(self.loops.steps[reader].nodes[0])]
        return reader != k and any(x is table for x, _ in given)

    # Phases ---------------------------------------------------------------------------------------

    def _phases(self) -> list[int]:
        if not self.loops.parallel:
            return list(range(len(self.loops.steps)))
        found: list[int] = []
        for k, step in enumerate(self.loops.steps):
            self._place_numbers(k, found)
            needed = [self._needed(node, k, found) for node in step.nodes]
            found.append(-1 if k in self.before else max(needed, default=0))
        self._place_numbers(len(found), found)
        return found

    def _place_numbers(self, k: int, phases: list[int]) -> None:
        """Find the phases of the single numbers that are known before a step."""
        loops = self.loops
        for node in loops.graph.nodes:
            if loops.place.get(id(node)) != k or not loops.is_number(node):
                continue
            found = 0
            for base, _ in loops.reads[id(node)]:
                if loops.is_number(base):
                    found = max(found, self.number_phase.get(id(base), 0))
                else:
                    own = not shape_of(base)
                    found = max(found, phases[loops.place[id(base)]] + (not own))
            self.number_phase[id(node)] = found

    def _needed(self, node: Node, k: int, phases: list[int]) -> int:
        """Return the first phase in which all that a node reads is there."""
        loops, found = self.loops, 0
        for base, index in loops.reads[id(node)]:
            if loops.is_number(base):
                found = max(found, self.number_phase.get(id(base), 0))
                continue
            inner = loops.place[id(base)]
            if inner != k:
                own = not shape_of(base) or id(base) in self.private
                own = own or self._own(inner, base, index, k)
                found = max(found, phases[inner] + (not own))
        return found

    def _own(self, inner: int, base: Node, index: Index, k: int) -> bool:
        """Return whether an element read in a step was written by the same thread."""
        split = self.split[k]
        if self.split[inner] != split:
            return False
        if split == OWNERS:
            distinct = self.distinct
            return distinct.group_of_step(inner) is distinct.group_of_step(k)
        if split == FIRST:
            return True
        if inner in self.by_columns:
            return k in self.by_columns and index[-1] == "column"
        return index[0] == "i0" and self.loops.axes.of(base)[0] == split

    # In place -------------------------------------------------------------------------------------

    def _may_overwrite(self, new: Node, old: Input) -> bool:
        """Return whether a result may be put where the input that it replaces lies."""
        loops, k = self.loops, self.loops.place[id(new)]
        for node in loops.graph.nodes:
            for value, index in loops.given.get(id(node), ()):
                if value is old and not self._read_in_time(node, index, new, k):
                    return False
        return True

    def _read_in_time(self, node: Node, index: Index, new: Node, k: int) -> bool:
        loops = self.loops
        if loops.is_number(node):
            return loops.parallel and self.number_phase[id(node)] < self.phase[k]
        reader = loops.place[id(node)]
        if reader == k:
            if new.op is update_rows:
                return node is new
            same = list(index) == loops.tokens(new) and not loops.steps[k].alone
            return same and loops.stage[id(node)] <= loops.stage[id(new)]
        if self._position[reader] > self._position[k]:
            return False
        if not loops.parallel or self.phase[reader] < self.phase[k]:
            return True
        split = self.split[k]
        if reader in self.by_columns:
            return False
        return self.split[reader] == split and (split == FIRST or (split >= 0 and index[0] == "i0"))


def _is_product(node: Node) -> bool:
    return node.op.forward is np.matmul


def _of_matrix(node: Node) -> bool:
    return len(shape_of(node.inputs[0])) == 2 or is_transposing(node)
