"""From a graph to one flat function of explicit loops, for Numba to compile.

The function computes the graph once, or, as a *sweep*, for one batch of rows after another, with
what it hands on written over what it was given. Several threads may run it together: each has its
part of every loop, and they wait for each other between phases.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from chainrule.engines.axes import ONE, NoLoopsError, dtype_of, reduced_axes, shape_of
from chainrule.engines.emit_alone import emit_alone
from chainrule.engines.emit_rows import emit_rows
from chainrule.engines.loops import Loops, Step
from chainrule.engines.names import input_names
from chainrule.engines.parts import Parts
from chainrule.engines.plan import ours
from chainrule.engines.schedule import FIRST, Schedule
from chainrule.engines.sweep import Sweeping
from chainrule.engines.writer import OWN_FUNCTIONS, Writer
from chainrule.graph import Constant, Graph, Input, Node
from chainrule.graph.ir import Value

HOMES = {
    "calls": {"product32", "product64", "transpose32", "transpose64"},
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
from numba import njit

{imports}


{parts}@njit(cache=True, nogil=True, error_model="numpy", fastmath={{"reassoc", "contract"}})
def program(
{arguments}
):
    before = flush_denormals()"""


def _wrapped(words: Sequence[str]) -> str:
    """Return parameters as lines of moderate length."""
    return textwrap.fill(", ".join(words) + ",", 96, initial_indent="    ",
                         subsequent_indent="    ", break_long_words=False)  # fmt: skip


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
        Whether the time of each step is measured, for a further argument: an array whose rows are
        for threads, and whose columns for steps; the last is for waiting.

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
        self.given: list[Value] = list(graph.inputs)
        self.arguments: dict[int, str] = {}
        names = self._given_names(graph)
        n_carry = sweeping.n_carry if sweeping else 0
        self.carry = list(zip(graph.inputs[:n_carry], graph.outputs[:n_carry], strict=True))
        loops = self._loops(graph, names, parallel)
        super().__init__(graph, names, loops, Schedule(loops, self.carry))
        self.source.given = self.given
        self.parts = Parts(self.lines)
        self._choose_memory()
        self._emit()

    # What is given ------------------------------------------------------------------------------

    def _given_names(self, graph: Graph) -> dict[int, str]:
        """Name inputs and array constants as they are read; `arguments` as they are passed."""
        words = dict(zip(map(id, graph.inputs), input_names(graph), strict=True))
        for node in graph.nodes:
            for x in node.inputs:
                if isinstance(x, Constant) and np.ndim(x.value) and id(x) not in words:
                    words[id(x)] = f"c{len(words) - len(graph.inputs)}"
                    self.given.append(x)
        self.arguments = dict(words)
        if self.sweeping:
            *others, places = graph.inputs
            self.arguments[id(places)] = "places"
            words[id(places)] = "rows" if shape_of(places) else "row"
            first = self.sweeping.n_carry + self.sweeping.n_data
            for i, x in enumerate(others):
                if i >= first or (i < self.sweeping.n_carry and not shape_of(x)):
                    words[id(x)] = f"x{i}"
        return words

    def _loops(self, graph: Graph, names: dict[int, str], parallel: bool) -> Loops:
        if self.sweeping is None:
            return Loops(graph, names, parallel=parallel)
        *others, places = graph.inputs
        rows = range(self.sweeping.n_carry, self.sweeping.n_carry + self.sweeping.n_data)
        return Loops(
            graph,
            names | {id(places): "places[0]"},
            fixed={id(x): int(i in rows) for i, x in enumerate(others)},
            trusted={id(places)},
            changing={id(old) for old, new in self.carry if new is not old},
            parallel=parallel,
        )

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

    # Text -----------------------------------------------------------------------------------------

    def _emit(self) -> None:
        if self.sweeping is None:
            self._checks()
        waiting = [node for node in self.graph.nodes if self.loops.is_number(node)
                   and id(node) in self.loops.place]  # fmt: skip
        steps, before = self.schedule.order, self.schedule.before
        self._run([k for k in steps if k in before], [])
        if before and self.parallel:
            self._wait()
        if self.sweeping:
            self._open_sweep()
        self._run([k for k in steps if k not in before], waiting)
        if self.sweeping:
            self._close_sweep()
        else:
            self._single_results()
        self.add("restore_denormals(before)")
        self._finish()

    def _finish(self) -> None:
        words = [self.arguments[id(x)] for x in self.source.given]
        words += [self.stored_word(n) for n in self.source.stored]
        words += [f"outputs_{i}" for i in range(len(self.source.outputs))]
        words = ["kernels", "sync", "thread", "n_threads", *words, *["ticks"] * self.timed]
        parts = self.parts.taken_out()
        head = _HEAD.format(
            imports="\n".join(self._imports()), parts=parts, arguments=_wrapped(words)
        )
        own = [
            f"    v{self.numbers[id(x)]} = {self.stored_word(x)}[thread]"
            for x in self.source.stored
            if id(x) in self.source.rows
        ]
        bounds = [
            f"    lo{i}, hi{i} = share({length}, thread, n_threads)"
            for i, length in enumerate(self.divided)
        ]
        if "owners" in self.functions:
            bounds.append("    mask = owners(n_threads)")
        sizes = [f"    {line}" for line in self.axes.definitions()]
        self.source.text = "\n".join([head, *sizes, *bounds, *own, *self.lines, ""])

    def with_entry(self, text: str) -> str:
        """Return the source with an entry to the program added."""
        head, body = self.source.text.split("from numba import njit\n\n", 1)
        imports = "from numba import carray, njit\n\nfrom chainrule.engines.calls import pointer\n"
        return f"{head}{imports}{body}{text}"

    def _imports(self) -> list[str]:
        found = []
        for home, names in HOMES.items():
            used = sorted(self.functions & names)
            if used:
                found.append(f"from chainrule.engines.{home} import {', '.join(used)}")
        return found

    def stored_word(self, node: Node) -> str:
        """Return the argument that brings a node's memory."""
        return f"{'r' if id(node) in self.source.rows else 'v'}{self.numbers[id(node)]}"

    def _run(self, steps: Sequence[int], waiting: list[Node]) -> None:
        """Emit steps in phases, and single numbers as soon as they can be known."""
        done: set[int] = set()
        phase = min((self.schedule.phase[k] for k in steps), default=0)
        for k in steps:
            if self.schedule.phase[k] > phase:
                self._numbers(waiting, done, phase)
                phase = self._advance(self.schedule.phase[k])
            self._numbers(waiting, done, phase)
            self._one_step(k)
            done.add(k)
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

    def _one_step(self, k: int) -> None:
        self._start_clock()
        first, depth = len(self.lines), self.depth
        self._step_lines(k)
        if self.parts.may_share(self.loops.steps[k]):
            self.parts.note(first, len(self.lines), depth)
        self._stop_clock(k)

    def _step_lines(self, k: int) -> None:
        step = self.loops.steps[k]
        self.step, self.split = step, self.schedule.split[k]
        base = self.depth
        if self.parallel and self.split == FIRST:
            self.add("if thread == 0:")
            self.depth += 1
        if step.alone:
            emit_alone(self, step.nodes[0])
        else:
            emit_rows(self, step)
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
        if not ours(node.op, {"extent"}):
            self.add(f"{self.word(node)} = {self.formula(node, [])}", node)
            return
        axes = self.axes.of(node.inputs[0])
        if node.params.get("axis") is not None:
            axes = tuple(axes[i] for i in reduced_axes(node))
        self.add(f"{self.word(node)} = {self.count(axes, dtype_of(node))}", node)

    def _open_sweep(self) -> None:
        """Open the loop over steps and take what belongs to one."""
        for x, _ in self.carry:
            if not shape_of(x):
                self.add(f"{self.names[id(x)]} = {self.arguments[id(x)]}[0]")
        self.add("for s in range(places.shape[0]):")
        self.depth += 1
        places = self.graph.inputs[-1]
        self.add(f"{self.names[id(places)]} = places[s]")
        for x in self._each():
            self.add(f"{self.names[id(x)]} = {self.arguments[id(x)]}[s]")
        for i, output in enumerate(self.source.outputs):
            if shape_of(output):
                self.add(f"o{i} = outputs_{i}[s]")

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
                self.add(f"    v{self.numbers[id(x)]}[()] = {self.word(x)}")

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
