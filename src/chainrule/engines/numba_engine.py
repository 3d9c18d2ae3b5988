"""The numba engine: one flat function of explicit loops, compiled by LLVM."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.engines import prepare, quick
from chainrule.engines.access import is_virtual
from chainrule.engines.axes import NoLoopsError, dtype_of, shape_of
from chainrule.engines.cache import module_of
from chainrule.engines.emit_loops import LoopEmitter
from chainrule.engines.lower import lowered
from chainrule.engines.numpy_engine import NumpyProgram, allocated
from chainrule.engines.plan import Buffer, Layout, Plan, gap
from chainrule.engines.program import Cache, Program, load
from chainrule.engines.sweep import Arrays, Stepwise, Sweep, Sweeping
from chainrule.engines.threads import n_processors, together
from chainrule.errors import MissingExtraError
from chainrule.graph import Aval, Constant, Graph, Input, Node
from chainrule.graph.ir import Value

# Work of one run, in nanoseconds of one thread, from which on it is shared: below, the threads'
# meetings cost as much as they save.
SHARED_STEP, SHARED_CALL = 10_000, 500_000
_LINE = 8  # integers a cache line


def numba_program(graph: Graph, arrays: Sequence[Any], cache: Cache) -> Program:
    """Return a compiled program; one of the numpy engine, where there are no loops for an op.

    The plan of the latter says why.

    Raises
    ------
    MissingExtraError
        If Numba or SciPy is not installed.
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
        return NumbaSweep(graph, sweeping, cache)
    except NoLoopsError as reason:
        return Stepwise(_without(reason, NumpyProgram(graph, arrays, cache)))


def _check_installed() -> None:
    for package in ("numba", "scipy"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "fast")


def _without(reason: NoLoopsError, program: NumpyProgram) -> NumpyProgram:
    program.plan = replace(program.plan, note=f"numpy instead of numba: {reason}")
    return program


def work(graph: Graph) -> float:
    """Return about how many nanoseconds one thread needs for a graph."""
    total = 0.0
    for node in graph.nodes:
        if not isinstance(node.aval, Aval) or is_virtual(node):
            continue
        operands = [math.prod(x.aval.shape) for x in node.inputs if isinstance(x.aval, Aval)]
        if node.op.forward is np.matmul:
            terms = shape_of(node.inputs[0])[-1]
            total += math.prod(node.aval.shape) * terms / 60
        else:
            total += max([math.prod(node.aval.shape), *operands]) / 4
    return total


def prepared(graph: Graph, shared: bool, sweeping: Sweeping | None = None) -> Graph:
    """Return a lowered graph as loops are made of it."""
    graph = prepare.with_known_sums(prepare.with_one_exponential(graph))
    graph = prepare.with_outer_products(prepare.folded(graph))
    graph = prepare.with_turned_outputs(graph)
    if sweeping:
        graph = prepare.swept(graph, sweeping)
        graph = prepare.with_row_updates(graph)
    if shared:
        graph = prepare.with_short_sums(graph)
    return prepare.with_copies(graph, sweeping.n_carry if sweeping else None)


class Emitted:
    """A compiled function with the memory that it needs.

    Attributes
    ----------
    graph : Graph
    plan : Plan
    source : str
    """

    def __init__(self, graph: Graph, emitter: LoopEmitter, cache: Cache) -> None:
        self.graph, self.emitter = graph, emitter
        self.plan = _assigned(emitter)
        self.source = _header() + self.text()
        self.function = cache.get(self.source) or _loaded(self.source)
        cache[self.source] = self.function
        self.kernels = _addresses(self.source)
        self._idle: list[Any] = []

    def text(self) -> str:
        """Return the source but for its first line."""
        return self.emitter.source.text

    def constants(self) -> list[Any]:
        """Return the array constants, in the order of the arguments."""
        given = self.emitter.source.given[len(self.graph.inputs) :]
        return [np.ascontiguousarray(x.value) for x in given if isinstance(x, Constant)]

    def memory(self, n_threads: int) -> dict[int, Any]:
        """Return arrays for what is stored and is no result, by identity of the node."""
        source = self.emitter.source
        packed = dict(zip(self.plan.buffers, allocated(self.plan), strict=True))
        found: dict[int, Any] = {}
        for i, node in enumerate(self.graph.nodes):
            if i in packed:
                found[id(node)] = packed[i]
            elif id(node) in source.rows:
                found[id(node)] = np.empty((n_threads, _padded(node)), dtype_of(node))
        return found

    def take(self, n_threads: int) -> Any:
        """Return memory that nobody uses, to be given back to `idle`."""
        while self._idle:
            threads, memory = self._idle.pop()
            if threads >= n_threads:
                return threads, memory
        return n_threads, self.memory(n_threads)

    def idle(self, memory: Any) -> None:
        """Keep memory for the next call."""
        self._idle.append(memory)


def _is_plain(graph: Graph, arrays: Sequence[Any]) -> bool:
    """Return whether a program takes one array and returns another."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or not np.ndim(arrays[0]):
        return False
    packed = np.ascontiguousarray(arrays[0]) is arrays[0]
    return packed and isinstance(graph.outputs[0], Node) and bool(shape_of(graph.outputs[0]))


def _padded(node: Value) -> int:
    """Return the length of a row so that rows of different threads share no cache line."""
    return -(-shape_of(node)[-1] // 32) * 32


class NumbaProgram(Emitted):
    """A graph as loops, with buffers for one set of shapes.

    The results are those of the interpreter to rounding. It may run in several threads at once;
    each has its own buffers, and the interpreter lock is released. Denormal numbers are zero.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        graph = lowered(graph)
        needed = work(graph)
        shared = needed >= SHARED_CALL
        graph = prepared(graph, shared)
        outputs = {id(x) for x in graph.outputs}
        self._short = needed <= quick.LONGEST and _is_plain(graph, arrays)
        super().__init__(graph, LoopEmitter(graph, None, shared), cache)
        self.n_threads = n_processors() if shared else 1
        stored = self.emitter.source.stored
        self._results = {
            id(x): Layout(shape_of(x), dtype_of(x), ()) for x in stored if id(x) in outputs
        }
        self._stored = [id(x) for x in stored]
        self._takes = [self._take(x, arrays) for x in self.emitter.source.given]

    def text(self) -> str:
        """Return the source, for small work with an entry of its own."""
        if not self._short:
            return super().text()
        return self.emitter.with_entry(quick.entry_source(self._framed()))

    def _framed(self) -> list[Any | None]:
        """Return what an entry finds in its frame: constants, buffers, None for the result."""
        memory, (output,) = self.memory(1), self.graph.outputs
        stored = self.emitter.source.stored
        return [*self.constants(), *(None if x is output else memory[id(x)] for x in stored)]

    def quick(self, example: Any) -> quick.Quick | None:
        """Return a quick way from one array to one, where there is."""
        if not self._short:
            return None
        (result,) = self._results.values()
        entry = sys.modules[self.function.__module__].__dict__.get("entry")
        made = np.empty(result.shape, result.dtype)
        return entry and quick.Quick(entry, self.kernels, self._framed(), example, made)

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        given = [take(arrays) for take in self._takes]
        memory = self.take(self.n_threads)
        results = {k: np.empty(y.shape, y.dtype) for k, y in self._results.items()}
        own = memory[1]
        stored = [results[k] if k in results else own[k] for k in self._stored]
        sync = np.zeros(_LINE * (1 + self.n_threads), np.int64)

        def run(thread: int, n_threads: int) -> None:
            self.function(self.kernels, sync, thread, n_threads, *given, *stored)

        try:
            together(self.n_threads, run)
        except IndexError:
            return self.graph.evaluate(arrays)  # whose error says which index
        self.idle(memory)
        return [self._result(x, arrays, results) for x in self.graph.outputs]

    def _take(self, value: Any, arrays: Sequence[Any]) -> Callable[[Sequence[Any]], Any]:
        """Return what gets an argument: contiguous arrays, plain numbers, constants."""
        if isinstance(value, Constant):
            constant = np.ascontiguousarray(value.value)
            return lambda _: constant
        i = self.graph.inputs.index(value)
        if not np.ndim(arrays[i]):
            return lambda given: given[i][()]
        if np.ascontiguousarray(arrays[i]) is arrays[i]:  # strides are the same at every call
            return operator.itemgetter(i)
        return lambda given: np.ascontiguousarray(given[i])

    def _result(self, value: Any, arrays: Sequence[Any], results: dict[int, Any]) -> Any:
        if isinstance(value, Constant):
            return value.value
        if isinstance(value, Input):
            return arrays[self.graph.inputs.index(value)]
        return results[id(value)][()]


class NumbaSweep:
    """A step over batch after batch as loops, with buffers for batches of one size.

    The carry is updated where it lies. Threads share each step, or, if no step changes the carry,
    the steps. The bits of the results do not depend on how many they are.
    """

    def __init__(self, graph: Graph, sweeping: Sweeping, cache: Cache) -> None:
        graph = lowered(graph)
        pairs = zip(graph.inputs, graph.outputs[: sweeping.n_carry], strict=False)
        self.apart = all(new is old for old, new in pairs)
        shared = work(graph) >= SHARED_STEP and not self.apart
        graph = prepared(graph, shared, sweeping)
        emitter = LoopEmitter(graph, sweeping, shared)
        self.program = Emitted(graph, emitter, cache)
        self.n_threads = n_processors() if shared or self.apart else 1
        self._constants = self.program.constants()
        self._stored = [id(x) for x in emitter.source.stored]

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order."""
        self._check_positions([*carry, *data], places)
        carry = [x if np.ndim(x) else x.reshape(1) for x in carry]
        data, each = ([np.ascontiguousarray(x) for x in arrays] for arrays in (data, each))
        if self.apart:
            self._each_its_steps(carry, data, places, each, outputs)
            return
        memory = self.program.take(self.n_threads)
        sync = np.zeros(_LINE * (1 + self.n_threads), np.int64)
        given = [*carry, *data, *each, places]
        together(self.n_threads, lambda i, n: self._run(i, n, sync, given, memory, outputs))
        self.program.idle(memory)

    def _each_its_steps(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Give each thread some of the steps, with memory of its own."""

        def run(thread: int, n_threads: int) -> None:
            part = slice(len(places) * thread // n_threads, len(places) * (thread + 1) // n_threads)
            memory, sync = self.program.take(1), np.zeros(2 * _LINE, np.int64)
            given = [*carry, *data, *(x[part] for x in each), places[part]]
            self._run(0, 1, sync, given, memory, [x[part] for x in outputs])
            self.program.idle(memory)

        together(min(self.n_threads, len(places)), run)

    def _run(
        self, thread: int, n_threads: int, sync: Any, given: Arrays, memory: Any, outputs: Arrays
    ) -> None:
        stored = [memory[1][k] for k in self._stored]
        self.program.function(
            self.program.kernels, sync, thread, n_threads, *given, *self._constants, *stored,
            *outputs,
        )  # fmt: skip

    def _check_positions(self, arrays: Sequence[Any], places: Any) -> None:
        """Refuse rows that say a position that is not there, before anything is changed."""
        for value, length in self.program.emitter.loops.access.places:
            root = value
            while not isinstance(root, (Input, Constant)):
                root = root.inputs[0]
            found = root.value if isinstance(root, Constant) else arrays[
                self.program.graph.inputs.index(root)]  # fmt: skip
            low, high = np.min(found), np.max(found)
            n = int(length)
            if low < -n or high >= n:
                used = found if isinstance(root, Constant) else found[np.unique(places)]
                wrong = used[(used < -n) | (used >= n)]
                if wrong.size:
                    raise IndexError(f"position {wrong[0]} is out of bounds for {n} rows")


def _assigned(emitter: LoopEmitter) -> Plan:
    """Return a plan with memory for what is stored and is no result."""
    graph, loops, source, schedule = emitter.graph, emitter.loops, emitter.source, emitter.schedule
    never = 1 + max([*schedule.phase, *schedule.number_phase.values()], default=0)
    last: dict[int, int] = {id(new): never for _, new in schedule.late}
    for node in graph.nodes:
        for base, _ in loops.reads.get(id(node), ()):
            number = schedule.number_phase.get(id(node), loops.place[id(node)])
            phase = number if loops.is_number(node) else schedule.phase[loops.place[id(node)]]
            last[id(base)] = max(last.get(id(base), 0), phase)
    outputs = set() if emitter.sweeping else {id(x) for x in graph.outputs}
    wanted: list[tuple[int, int, int, Layout]] = []
    own = {id(x) for x in source.stored} - outputs - source.rows
    for i, node in enumerate(graph.nodes):
        if id(node) in own:
            k = loops.place[id(node)]
            first = schedule.phase[k]
            end = max(first, last.get(id(node), 0))
            if k in schedule.before:
                first, end = -1, never
            wanted.append((i, first, end, _packed(shape_of(node), node)))
    buffers: dict[int, Buffer] = {}
    for i, first, end, layout in sorted(wanted, key=lambda w: w[1]):
        taken = [b for b in buffers.values() if b.last >= first and b.first <= end]
        buffers[i] = Buffer(gap(taken, layout.nbytes), layout, first, end)
    arena = max((b.offset + b.layout.nbytes for b in buffers.values()), default=0)
    return Plan(graph, dict(sorted(buffers.items())), arena, "numba")


def _packed(shape: tuple[int, ...], like: Any) -> Layout:
    return Layout(shape, dtype_of(like), tuple(range(len(shape))))


def _addresses(source: str) -> tuple[int, ...]:
    """Return where the kernels are that a source calls."""
    if "product" not in source and "transpose" not in source:
        return (0, 0, 0, 0)
    from chainrule.engines.kernels import addresses

    return tuple(addresses())


@functools.cache
def _header() -> str:
    """Return the first line of every module: the versions that its compiled form depends on."""
    digest = hashlib.sha256()
    for name in ("functions.py", "calls.py", "meeting.py"):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return f"# numba {version('numba')}, functions {digest.hexdigest()[:16]}\n"


def _loaded(source: str) -> Callable[..., Any]:
    """Return the compiled function of a source, from the cache if there is one."""
    module = module_of(source)
    if module is not None:
        program: Callable[..., Any] = module.program
        return program
    return load(source.replace("cache=True, ", ""))
