"""From a graph to one flat function of explicit loops, for Numba to compile.

The function computes the graph once, or, as a *sweep*, for one batch of rows after another, with
what it hands on written over what it was given. Several threads may run it together: each has its
part of every loop, and they wait for each other between phases.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.engines.access import is_given
from chainrule.engines.axes import ONE, NoLoopsError, dtype_of, reduced_axes, shape_of
from chainrule.engines.emit_alone import emit_alone
from chainrule.engines.emit_rows import emit_rows
from chainrule.engines.emit_tables import note_rows
from chainrule.engines.frame import LINE, Frame
from chainrule.engines.loops import LENGTHS, Loops, Step
from chainrule.engines.names import input_names
from chainrule.engines.parts import Parts
from chainrule.engines.plan import ours
from chainrule.engines.schedule import FIRST, Schedule
from chainrule.engines.sweep import Sweeping
from chainrule.engines.writer import OWN_FUNCTIONS, Writer, padded
from chainrule.graph import Constant, Graph, Input, Node
from chainrule.graph.ir import Value

HOMES = {
    "calls": {"pointer", "stay_apart", "product32", "product64", "transpose"},
    "functions": {
        "flush_denormals", "restore_denormals",
        *(f"{name}{bits}" for name in OWN_FUNCTIONS for bits in (32, 64)),
    },
    "meeting": {"cycles", "owners", "share", "wait"},
}  # fmt: skip
"""The modules of what emitted programs call."""
_HEAD = """\
import math

import numpy as np
from numba import carray, njit

{imports}


{parts}@njit(cache=True, nogil=True, error_model="numpy", fastmath={{"reassoc", "contract"}})
def program(frame, thread, n_threads):
    before = flush_denormals()"""


class LoopEmitter(Writer):
    """One emission.

    Parameters
    ----------
    graph : Graph
        As `prepare` leaves it.
    sweeping : Sweeping, optional
    parallel : bool
        Whether several threads may share the work.
    timed : bool
        Whether the time of each step is measured, in the frame's array of ticks, whose rows are
        for threads, and whose columns for steps; the last is for waiting.

    Attributes
    ----------
    frame : Frame
        What the program must be given.
    constants : list of Constant
        Arrays that are part of the graph.

    Raises
    ------
    NoLoopsError
        Saying what there are no loops for.
    """

    def __init__(
        self,
        graph: Graph,
        sweeping: Sweeping | None = None,
        parallel: bool = False,
        timed: bool = False,
    ) -> None:
        values: list[Value] = [*graph.inputs, *graph.nodes]
        if any(0 in shape_of(x) for x in values):
            raise NoLoopsError("arrays are empty")
        self.sweeping, self.timed = sweeping, timed
        frame = self.frame = Frame()
        self.arguments: dict[int, str] = {}
        self.constants: list[Constant] = []
        names = self._given_names(graph)
        n_carry = sweeping.n_carry if sweeping else 0
        self.carry = list(zip(graph.inputs[:n_carry], graph.outputs[:n_carry], strict=True))
        loops = self._loops(graph, names, parallel)
        super().__init__(graph, names, loops, Schedule(loops, self.carry), frame)
        self.parts = Parts(self.lines)
        self._choose_memory()
        self._bind()
        self._emit()

    # What is given ------------------------------------------------------------------------------

    def _given_names(self, graph: Graph) -> dict[int, str]:
        """Name inputs and array constants as they are read; `arguments` as they are passed."""
        words = dict(zip(map(id, graph.inputs), input_names(graph), strict=True))
        for node in graph.nodes:
            for x in node.inputs:
                if isinstance(x, Constant) and np.ndim(x.value) and id(x) not in words:
                    words[id(x)] = f"c{len(self.constants)}"
                    self.constants.append(x)
        self.arguments = dict(words)
        n = len(graph.inputs)
        first = n
        if self.sweeping:
            places = graph.inputs[-1]
            self.arguments[id(places)] = "places"
            words[id(places)] = "rows" if shape_of(places) else "row"
            n, first = n - 1, self.sweeping.n_carry + self.sweeping.n_data
        for i, x in enumerate(graph.inputs[:n]):
            if i >= first or not shape_of(x):
                words[id(x)] = f"x{i}"
        return words

    def _loops(self, graph: Graph, names: dict[int, str], parallel: bool) -> Loops:
        lengths = self._length
        if self.sweeping is None:
            return Loops(graph, names, lengths, parallel=parallel)
        *others, places = graph.inputs
        rows = range(self.sweeping.n_carry, self.sweeping.n_carry + self.sweeping.n_data)
        few = {id(places): 0} if self.sweeping.few else {}
        return Loops(
            graph,
            names,
            lengths,
            fixed={id(x): int(i in rows) for i, x in enumerate(others)} | few,
            trusted={id(places)},
            changing={id(old) for old, new in self.carry if new is not old},
            parallel=parallel,
        )

    def _length(self, value: Value, axis: int) -> str:
        """Return where the length of an input's axis is found."""
        return self.frame.slot("length", id(value), axis)

    def _each(self) -> list[Input]:
        """Return the inputs of a sweep that have an element for each step."""
        kinds = self.sweeping
        return list(self.graph.inputs[kinds.n_carry + kinds.n_data : -1]) if kinds else []

    def _choose_memory(self) -> None:
        """List what needs memory of its own, what is put where inputs lie, what is a result."""
        loops, source = self.loops, self.source
        n = len(self.carry)
        beside = self.graph.outputs[n:] if self.sweeping else ()
        source.outputs = list(beside)
        taken = {id(x) for x in beside if shape_of(x)} | set(self.schedule.over)
        single = set() if self.sweeping else {id(x) for x in self.graph.outputs if not shape_of(x)}
        kept = (set(loops.stored) | single) - taken
        source.stored = [node for node in self.graph.nodes if id(node) in kept]
        source.rows = {k for k, kind in loops.stored.items() if kind == "row"}
        self.places = {id(x): f"o{i}" for i, x in enumerate(beside) if shape_of(x)}
        self.places |= {k: self.names[id(x)] for k, x in self.schedule.over.items()}

    def _bind(self) -> None:
        """Say where each array is found."""
        slot, bind = self.frame.slot, self.frame.bind
        self.moving: list[str] = []
        divided = [*self._each(), *self.graph.inputs[-1:]] if self.sweeping else []
        each = {id(x) for x in divided}
        values: list[Value] = [*self.graph.inputs, *self.constants]
        for x in values:
            shape = self._lengths_of(x)
            if id(x) in each:
                shape = [slot("steps"), *shape]
            name = self.arguments[id(x)]
            bind(name, slot("given", id(x)), shape or ["1"], dtype_of(x))
        for node in self.source.stored:
            at, shape = slot("stored", id(node)), self._lengths_of(node)
            if id(node) in self.source.rows:
                shape = shape[-1:]
                at += f" + {padded(node) * dtype_of(node).itemsize} * thread"
            elif id(node) in self.schedule.private:
                at += f" + thread * ({' * '.join([*shape, str(dtype_of(node).itemsize)])})"
            bind(f"v{self.numbers[id(node)]}", at, shape or ["1"], dtype_of(node))
            self._bind_rows(node, shape)
        for i, output in enumerate(self.source.outputs):
            shape, item = self._lengths_of(output), dtype_of(output).itemsize
            if shape:
                at = f"{slot('output', i)} + s * {' * '.join([*shape, str(item)])}"
                bind(f"o{i}", at, shape, dtype_of(output))
                self.moving.append(f"o{i}")
            else:
                bind(f"outputs_{i}", slot("output", i), [slot("steps")], dtype_of(output))
        ticks = ["n_threads", str(len(self.loops.steps) + 1)]
        bind("ticks", slot("ticks"), ticks, np.dtype(np.int64))
        bind("sync", slot("sync"), [f"{LINE} * (1 + n_threads)"], np.dtype(np.int64))

    def _bind_rows(self, node: Node, shape: list[str]) -> None:
        """Name what is stored for distinct rows as an array of rows, one after the other."""
        group = self.schedule.distinct.stored.get(id(node))
        if group is not None:
            n_places, k = len(shape_of(group.places)), self.numbers[id(node)]
            rows = [" * ".join(shape[:n_places]), *shape[n_places:]]
            self.scratch.append(f"u{k} = v{k}.reshape(({', '.join(rows)},))")

    def _lengths_of(self, value: Value) -> list[str]:
        if isinstance(value, Constant):
            return list(map(str, shape_of(value)))
        return [self.axes.length(axis) for axis in self.axes.of(value)]

    # Text -----------------------------------------------------------------------------------------

    def _emit(self) -> None:
        self._take_numbers()
        if self.sweeping is None:
            self._checks()
        waiting = [node for node in self.graph.nodes if self.loops.is_number(node)
                   and id(node) in self.loops.place]  # fmt: skip
        groups, before = self.schedule.groups, self.schedule.before
        self._run([group for group in groups if group[0] in before], [])
        if before and self.parallel:
            self._wait()
        if self.sweeping:
            self._open_sweep()
        self._run([group for group in groups if group[0] not in before], waiting)
        if self.sweeping:
            self._close_sweep()
        else:
            self._single_results()
        self.add("restore_denormals(before)")
        self._finish()

    def _finish(self) -> None:
        parts = self.parts.taken_out(self.frame)
        if parts:
            self.functions.add("stay_apart")
        arrays = self.frame.made(
            [x for x in self.frame.used([*self.scratch, *self.lines]) if x not in self.moving]
        )
        self.functions.add("pointer")
        head = _HEAD.format(imports="\n".join(self._imports()), parts=parts)
        bounds = [
            f"    lo{i}, hi{i} = share({length}, thread, n_threads)"
            for i, length in enumerate(self.divided)
        ]
        if "owners" in self.functions:
            bounds.append("    mask = owners(n_threads)")
        sizes = [f"    {line}" for line in self.axes.definitions()]
        arrays = [f"    {line}" for line in (*arrays, *self.scratch)]
        self.source.text = "\n".join([head, *sizes, *bounds, *arrays, *self.lines, ""])

    def _imports(self) -> list[str]:
        found = []
        for home, names in HOMES.items():
            used = sorted(self.functions & names)
            if used:
                found.append(f"from chainrule.engines.{home} import {', '.join(used)}")
        return found

    def _run(self, groups: Sequence[list[int]], waiting: list[Node]) -> None:
        """Emit steps in phases, and single numbers as soon as they can be known."""
        done: set[int] = set()
        phase = min((self.schedule.phase[k] for group in groups for k in group), default=0)
        for group in groups:
            if self.schedule.phase[group[0]] > phase:
                self._numbers(waiting, done, phase)
                phase = self._advance(self.schedule.phase[group[0]])
            self._numbers(waiting, done, phase)
            self._one_group(group)
            done.update(group)
        while waiting:
            self._numbers(waiting, done, phase)
            if waiting:
                phase = self._advance(phase + 1)

    def _advance(self, phase: int) -> int:
        if self.parallel:
            self._wait()
        return phase

    def _wait(self) -> None:
        self.functions.add("wait")
        self._start_clock()
        self.add("wait(sync, thread, n_threads)")
        self._stop_clock(len(self.loops.steps))

    def _start_clock(self) -> None:
        if self.timed:
            self.functions.add("cycles")
            self.add("z0 = cycles()")

    def _stop_clock(self, k: int) -> None:
        if self.timed:
            self.add(f"ticks[thread, {k}] += cycles() - z0")

    def _one_group(self, group: list[int]) -> None:
        steps = [self.loops.steps[k] for k in group]
        rows = self.schedule.distinct.group_of_step(group[0])
        self._start_clock()
        if rows is not None:
            note_rows(self, rows)
        first, depth = len(self.lines), self.depth
        self._group_lines(group[0], steps)
        if rows is None and all(map(self.parts.may_share, steps)):
            self.parts.note(first, len(self.lines), depth)
        self._stop_clock(group[0])

    def _group_lines(self, k: int, steps: Sequence[Step]) -> None:
        self.step, self.split = steps[0], self.schedule.split[k]
        self.by_columns = k in self.schedule.by_columns
        base = self.depth
        if self.parallel and self.split == FIRST:
            self.add("if thread == 0:")
            self.depth += 1
        if steps[0].alone:
            emit_alone(self, steps[0].nodes[0])
        else:
            emit_rows(self, steps, self.schedule.distinct.of_step.get(k))
        self.depth = base

    def _numbers(self, waiting: list[Node], done: set[int], phase: int) -> None:
        """Emit the single numbers whose operands are known."""
        loops = self.loops
        for node in list(waiting):
            known = all(
                (base not in waiting)
                if loops.is_number(base)
                else loops.place[id(base)] in done or loops.place[id(base)] in self.schedule.before
                for base, _ in loops.reads[id(node)]
            )
            if known and (not self.parallel or self.schedule.number_phase[id(node)] <= phase):
                waiting.remove(node)
                self._number(node)

    def _number(self, node: Node) -> None:
        self.step = Step(None)
        if not ours(node.op, LENGTHS):
            self.add(f"{self.word(node)} = {self.formula(node, [])}", node)
            return
        axes = self.axes.of(node.inputs[0])
        if node.params.get("axis") is not None:
            axes = tuple(axes[i] for i in reduced_axes(node))
        self.add(f"{self.word(node)} = {self.count(axes, dtype_of(node))}", node)

    def _take_numbers(self) -> None:
        """Take single numbers among what is given."""
        each = {id(x) for x in self._each()}
        for x in self.graph.inputs[: -1 if self.sweeping else None]:
            if not shape_of(x) and id(x) not in each:
                self.add(f"{self.names[id(x)]} = {self.arguments[id(x)]}[0]")

    def _open_sweep(self) -> None:
        """Open the loop over steps and take what belongs to one."""
        self.add(f"for s in range({self.frame.slot('steps')}):")
        self.depth += 1
        for x in (self.graph.inputs[-1], *self._each()):
            self.add(f"{self.names[id(x)]} = {self.arguments[id(x)]}[s]")
        for line in self.frame.made(self.moving):
            self.add(line)

    def _close_sweep(self) -> None:
        """Hand on what a step gave, and put away what it returned beside."""
        if self.schedule.late and self.parallel:
            self._wait()
        for old, new in self.schedule.late:
            self._copy_whole(old, new)
        numbers = [(old, new) for old, new in self.carry if not shape_of(old) and new is not old]
        beside = [(i, x) for i, x in enumerate(self.source.outputs) if not shape_of(x)]
        words = [self.access.element(new, []) for _, new in numbers]
        if beside:
            self.add("if thread == 0:")
            for i, x in beside:
                self.add(f"    outputs_{i}[s] = {self.access.element(x, [])}")
        if numbers:
            olds = ", ".join(self.names[id(old)] for old, _ in numbers)
            self.add(f"{olds} = {', '.join(words)}")
        if self.parallel:
            self._wait()
        self.depth = 1
        if numbers:
            self.add("if thread == 0:")
            for old, _ in numbers:
                self.add(f"    {self.arguments[id(old)]}[0] = {self.names[id(old)]}")

    def _copy_whole(self, old: Input, new: Node) -> None:
        base = self.depth
        if self.parallel:
            self.add("if thread == 0:")
            self.depth += 1
        tokens = [f"q{i}" for i in range(len(shape_of(new)))]
        for token, axis in zip(tokens, self.axes.of(new), strict=True):
            self.over(token, axis)
        index = ", ".join(tokens)
        self.add(f"{self.names[id(old)]}[{index}] = {self.name(new)}[{index}]")
        self.depth = base

    def _single_results(self) -> None:
        for x in self.graph.outputs:
            if isinstance(x, Node) and not shape_of(x):
                self.add("if thread == 0:")
                self.add(f"    v{self.numbers[id(x)]}[0] = {self.word(x)}")

    def _checks(self) -> None:
        """Refuse given positions out of bounds before anything is computed."""
        for places, length, _ in self.loops.access.places:
            if not is_given(places):
                continue
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
