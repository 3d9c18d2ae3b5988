"""The numba engine: one flat function of explicit loops, compiled by LLVM."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.engines import prepare, quick
from chainrule.engines.access import is_given, is_virtual
from chainrule.engines.axes import NoLoopsError, dtype_of, shape_of
from chainrule.engines.bounds import measure, whole
from chainrule.engines.emit_loops import LoopEmitter
from chainrule.engines.emitted import Emitted, Memory, Slot, new_sync
from chainrule.engines.frame import address
from chainrule.engines.interpreter import InterpreterProgram
from chainrule.engines.lower import lowered, straightened
from chainrule.engines.numpy_engine import NumpyProgram
from chainrule.engines.plan import Plan
from chainrule.engines.program import Cache, Program
from chainrule.engines.sweep import Arrays, Stepwise, Sweep, Sweeping
from chainrule.engines.threads import Crew, n_processors, together
from chainrule.errors import MissingExtraError
from chainrule.graph import Aval, Constant, Graph, Input, Node
from chainrule.ops.rows import sum_distinct, sum_equal_rows

# Work of one run, in nanoseconds of one thread, from which on it is shared: below, the threads'
# meetings cost as much as they save.
SHARED_STEP, SHARED_CALL = 10_000, 500_000
# Where rows of tables are updated, they go from one processor to another.
SHARED_ROWS = 100_000


def numba_program(graph: Graph, arrays: Sequence[Any], cache: Cache) -> Program:
    """Return a compiled program; one of the numpy engine, where there are no loops for an op.

    The plan of the latter says why.

    Raises
    ------
    MissingExtraError
        If Numba is not installed.
    """
    _check_installed()
    try:
        return NumbaProgram(graph, arrays, cache)
    except NoLoopsError as reason:
        return _without(reason, NumpyProgram(graph, arrays, cache))


def numba_sweep(graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> Sweep:
    """Return a compiled sweep; one by the numpy engine, where there are no loops for an op."""
    _check_installed()
    try:
        return NumbaSweep(graph, arrays, sweeping, cache)
    except NoLoopsError as reason:
        return Stepwise(_without(reason, NumpyProgram(graph, arrays, cache)))


def _check_installed() -> None:
    if importlib.util.find_spec("numba") is None:
        raise MissingExtraError("numba", "fast")


def _without(reason: NoLoopsError, program: NumpyProgram) -> NumpyProgram:
    program.plan = replace(program.plan, note=f"numpy instead of numba: {reason}")
    return program


def work(graph: Graph) -> float:
    """Return about how many nanoseconds one thread needs for a graph."""
    total = 0.0
    for node in graph.nodes:
        if not isinstance(node.aval, Aval) or is_virtual(node):
            continue
        inputs = {
            prepare.update_rows: node.inputs[1:2],
            sum_equal_rows: node.inputs[:1],
            sum_distinct: node.inputs[:1],
        }.get(node.op, node.inputs)
        operands = [math.prod(x.aval.shape) for x in inputs if isinstance(x.aval, Aval)]
        if node.op is prepare.update_rows:
            total += max(operands) / 4
        elif node.op.forward is np.matmul:
            terms = shape_of(node.inputs[0])[-1]
            total += math.prod(node.aval.shape) * terms / 60
        else:
            total += max([math.prod(node.aval.shape), *operands]) / 4
    return total


def prepared(
    graph: Graph, sweeping: Sweeping | None = None, shared: bool | None = None
) -> tuple[Graph, bool]:
    """Return a lowered graph as loops are made of it, and whether threads share its work."""
    graph = straightened(prepare.with_plain_products(graph))
    graph = prepare.with_known_sums(prepare.with_one_exponential(graph))
    graph = prepare.with_outer_products(prepare.folded(graph))
    graph = prepare.with_distinct_rows(prepare.with_turned_outputs(graph))
    least = SHARED_CALL
    if sweeping:
        graph = prepare.with_row_updates(prepare.swept(graph, sweeping))
        rows = any(node.op is prepare.update_rows for node in graph.nodes)
        least = SHARED_ROWS if rows else SHARED_STEP
    if shared is None:
        shared = work(graph) >= least
    if shared:
        graph = prepare.with_short_sums(graph)
    return prepare.with_copies(graph, sweeping.n_carry if sweeping else None), shared


def _is_plain(graph: Graph, arrays: Sequence[Any]) -> bool:
    """Return whether a program takes one array and returns another."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or not np.ndim(arrays[0]):
        return False
    packed = np.ascontiguousarray(arrays[0]) is arrays[0]
    return packed and isinstance(graph.outputs[0], Node) and bool(shape_of(graph.outputs[0]))


class NumbaProgram(Emitted):
    """A graph as loops, with buffers for one set of shapes.

    The results are those of the interpreter to rounding. It may run in several threads at once;
    each has its own buffers, and the interpreter lock is released. Denormal numbers are zero.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        graph = lowered(graph)
        needed = work(graph)
        graph, shared = prepared(graph)
        emitter = LoopEmitter(graph, None, shared)
        plain = _is_plain(graph, arrays) and not emitter.loops.bounds.places
        self._short = needed <= quick.LONGEST and plain
        entry = self._entry(emitter) if self._short else ""
        super().__init__(graph, emitter, cache, entry)
        self.n_threads = n_processors() if shared else 1
        outputs = {id(x) for x in graph.outputs}
        self._results = {
            ("stored", id(x)): (shape_of(x), dtype_of(x))
            for x in emitter.source.stored
            if id(x) in outputs
        }

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        given = [np.ascontiguousarray(x) if np.ndim(x) else np.asarray(x) for x in arrays]
        bounds = self.emitter.loops.bounds
        pairs = zip(self.graph.inputs, given, strict=True)
        if not bounds.hold({id(x): measure(array) for x, array in pairs if x in bounds.inputs}):
            return self.graph.evaluate(arrays)
        memory, sync = self.take(self.n_threads), new_sync(self.n_threads)
        results = {slot: np.empty(*kind) for slot, kind in self._results.items()}
        slots = memory.slots | {slot: address(y) for slot, y in results.items()}
        slots |= self._given(given) | {("sync",): address(sync)}
        frame = self.frame.filled(slots)
        try:
            together(self.n_threads, lambda i, n: self.call(i, n, frame))
        except IndexError:
            return self.graph.evaluate(arrays)  # whose error says which index
        self.idle(memory)
        return [self._result(x, arrays, results) for x in self.graph.outputs]

    def _given(self, arrays: Sequence[Any]) -> dict[Slot, int]:
        """Return the addresses and the lengths of inputs."""
        found: dict[Slot, int] = {}
        for x, array in zip(self.graph.inputs, arrays, strict=True):
            found["given", id(x)] = address(array)
            found |= {("length", id(x), i): n for i, n in enumerate(array.shape)}
        return found

    def _result(self, value: Any, arrays: Sequence[Any], results: dict[Slot, Any]) -> Any:
        if isinstance(value, Constant):
            return value.value
        if isinstance(value, Input):
            return arrays[self.graph.inputs.index(value)]
        return results["stored", id(value)][()]

    # The quick way ------------------------------------------------------------------------------

    def _entry(self, emitter: LoopEmitter) -> str:
        (given,), (result,) = emitter.graph.inputs, emitter.graph.outputs
        places = emitter.frame.place("given", id(given)), emitter.frame.place("stored", id(result))
        assert None not in places
        return quick.entry_source(*places)  # type: ignore[arg-type]

    def quick(self, example: Any) -> quick.Quick | None:
        """Return a quick way from one array to one, where there is."""
        entry = getattr(sys.modules.get(self.function.__module__), "entry", None)
        if not self._short or entry is None:
            return None
        memory = self.memory(1)
        frame = self.frame.filled(memory.slots | self._given([example]))
        (kind,) = self._results.values()
        return quick.Quick(entry, frame, memory, example, np.empty(*kind))


class NumbaSweep:
    """A step over batch after batch as loops, with buffers for batches of one size.

    The carry is updated where it lies. Threads share each step, or, if no step changes the carry,
    the steps. The bits of the results do not depend on how many they are.
    """

    def __init__(self, graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> None:
        self._slowly = partial(InterpreterProgram, graph, arrays, cache)
        graph = lowered(graph)
        pairs = zip(graph.inputs, graph.outputs[: sweeping.n_carry], strict=False)
        self.apart = all(new is old for old, new in pairs)
        graph, shared = prepared(graph, sweeping, False if self.apart else None)
        self._how = sweeping, shared
        self.program = Emitted(graph, LoopEmitter(graph, *self._how), cache)
        self.n_threads = n_processors() if shared or self.apart else 1
        self._crew = Crew(1 if self.apart else self.n_threads)

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order."""
        self._check_positions([*carry, *data], places)
        if not self._are_within([*carry, *data, *each]):
            Stepwise(self._slowly())(carry, data, places, each, outputs)
            return
        data, each = ([np.ascontiguousarray(x) for x in arrays] for arrays in (data, each))
        given = self._given([*carry, *data], [*each, places], outputs)
        if self.apart:
            self._each_its_steps(given, [*each, places], outputs)
            return
        n_threads, start = self._crew.size(), perf_counter()
        self._together(self.program, given, n_threads)
        self._crew.took(n_threads, len(places), perf_counter() - start)

    def measured(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> Plan:
        """Run the steps, by another program that takes the time of each loop; return the plan."""
        emitter = LoopEmitter(self.program.graph, *self._how, timed=True)
        program = Emitted(self.program.graph, emitter, {})
        ticks = np.zeros((self.n_threads, len(emitter.loops.steps) + 1), np.int64)
        given = self._given([*carry, *data], [*each, places], outputs)
        n_threads = 1 if self.apart else self.n_threads
        self._together(program, given | {("ticks",): address(ticks)}, n_threads)
        of_group = [ticks[:, group[0]].sum() / ticks.sum() for group in emitter.schedule.groups]
        return replace(program.plan, shares=tuple(map(float, of_group)))

    def _together(self, program: Emitted, given: dict[Slot, int], n_threads: int) -> None:
        """Run a program by some threads."""
        memory = program.take(self.n_threads)
        frame, _kept = _framed(program, memory, given)
        together(n_threads, lambda i, n: program.call(i, n, frame))
        program.idle(memory)

    def _each_its_steps(self, given: dict[Slot, int], each: Arrays, outputs: Arrays) -> None:
        """Give each thread some of the steps, with memory of its own."""
        n = len(each[-1])

        def run(thread: int, n_threads: int) -> None:
            part = slice(n * thread // n_threads, n * (thread + 1) // n_threads)
            own = given | self._given((), [x[part] for x in each], [x[part] for x in outputs])
            memory = self.program.take(1)
            frame, _kept = _framed(self.program, memory, own)
            self.program.call(0, 1, frame)
            self.program.idle(memory)

        together(min(self.n_threads, n), run)

    def _given(self, whole: Arrays, each: Arrays, outputs: Arrays) -> dict[Slot, int]:
        """Return what a frame says of inputs, the last of which have parts for the steps."""
        inputs = self.program.graph.inputs
        found: dict[Slot, int] = {("steps",): len(each[-1])}
        for x, array in zip(inputs[: len(whole)], whole, strict=True):
            found["given", id(x)] = address(array)
            found |= {("length", id(x), i): n for i, n in enumerate(array.shape)}
        for x, array in zip(inputs[len(inputs) - len(each) :], each, strict=True):
            found["given", id(x)] = address(array)
            found |= {("length", id(x), i): n for i, n in enumerate(array.shape[1:])}
        return found | {("output", i): address(y) for i, y in enumerate(outputs)}

    def _check_positions(self, arrays: Sequence[Any], places: Any) -> None:
        """Refuse rows that say a position that is not there, before anything is changed."""
        for value, _, n in self.program.emitter.loops.access.places:
            if not is_given(value):
                continue
            root = value
            while not isinstance(root, (Input, Constant)):
                root = root.inputs[0]
            found = root.value if isinstance(root, Constant) else arrays[
                self.program.graph.inputs.index(root)]  # fmt: skip
            low, high = np.min(found), np.max(found)
            if low < -n or high >= n:
                used = found if isinstance(root, Constant) else found[np.unique(places)]
                wrong = used[(used < -n) | (used >= n)]
                if wrong.size:
                    raise IndexError(f"position {wrong[0]} is out of bounds for {n} rows")

    def _are_within(self, arrays: Sequence[Any]) -> bool:
        """Return whether the positions that steps compute are known to be there."""
        bounds, graph = self.program.emitter.loops.bounds, self.program.graph
        changing = {id(old) for old, new in self.program.emitter.carry if new is not old}
        known = {
            id(x): whole(dtype_of(x)) if id(x) in changing else measure(array)
            for x, array in zip(graph.inputs, arrays, strict=False)
            if x in bounds.inputs
        }
        return bounds.hold(known)


def _framed(program: Emitted, memory: Memory, given: dict[Slot, int]) -> tuple[Any, Any]:
    """Return a frame, and counters that must be kept as long as it is used."""
    sync = new_sync(memory.n_threads)
    return program.frame.filled(memory.slots | given | {("sync",): address(sync)}), sync
