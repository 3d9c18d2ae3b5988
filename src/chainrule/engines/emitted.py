"""`Emitted`: a program of loops, compiled, with the memory that it needs."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.engines.axes import dtype_of, shape_of
from chainrule.engines.cache import module_of
from chainrule.engines.emit_loops import LoopEmitter
from chainrule.engines.frame import KERNELS, LINE, address
from chainrule.engines.numpy_engine import allocated
from chainrule.engines.plan import Buffer, Group, Layout, Plan, gap
from chainrule.engines.program import Cache, load
from chainrule.engines.schedule import EVERY, FIRST, OWNERS
from chainrule.engines.writer import padded
from chainrule.graph import Graph

Slot = tuple[Any, ...]
APART = 2**24
"""Bytes up to which buffers of a program for several threads share no memory.

What one processor wrote last takes another long to get.
"""


class Memory(NamedTuple):
    """Memory for one run at a time.

    Attributes
    ----------
    n_threads : int
        How many threads it is enough for.
    kept : list of arrays
    slots : dict of tuple to int
        What of a frame is known: kernels, constants, buffers.
    """

    n_threads: int
    kept: list[Any]
    slots: dict[Slot, int]


class Emitted:
    """A compiled function with the memory that it needs.

    Attributes
    ----------
    graph : Graph
    plan : Plan
    source : str
    """

    def __init__(self, graph: Graph, emitter: LoopEmitter, cache: Cache, entry: str = "") -> None:
        self.graph, self.emitter, self.frame = graph, emitter, emitter.frame
        self.plan = _assigned(emitter)
        self.source = _header() + emitter.source.text + entry
        self.function = cache.get(self.source) or _loaded(self.source)
        cache[self.source] = self.function
        if _calls_kernels(self.source):  # compiled while Numba compiles the program
            threading.Thread(target=_addresses, args=(self.source,), daemon=True).start()
            _compile(self.function)
        self._constants = [np.ascontiguousarray(x.value) for x in emitter.constants]
        self._idle: list[Memory] = []

    def memory(self, n_threads: int) -> Memory:
        """Return memory for what is stored and is no result."""
        packed = dict(zip(self.plan.buffers, allocated(self.plan), strict=True))
        slots = dict(zip(KERNELS, _addresses(self.source), strict=True))
        kept = [*packed.values(), *self._constants]
        for i, node in enumerate(self.graph.nodes):
            if i in packed:
                slots["stored", id(node)] = address(packed[i])
            elif id(node) in self.emitter.source.rows:
                kept.append(np.empty((n_threads, padded(node)), dtype_of(node)))
                slots["stored", id(node)] = address(kept[-1])
            elif id(node) in self.emitter.schedule.private:
                kept.append(np.empty((n_threads, *shape_of(node)), dtype_of(node)))
                slots["stored", id(node)] = address(kept[-1])
        for x, value in zip(self.emitter.constants, self._constants, strict=True):
            slots["given", id(x)] = address(value)
        return Memory(n_threads, kept, slots)

    def take(self, n_threads: int) -> Memory:
        """Return memory that nobody uses, to be given back to `idle`."""
        while self._idle:
            memory = self._idle.pop()
            if memory.n_threads >= n_threads:
                return memory
        return self.memory(n_threads)

    def idle(self, memory: Memory) -> None:
        """Keep memory for the next call."""
        self._idle.append(memory)

    def call(self, thread: int, n_threads: int, frame: Any) -> None:
        """Run the part of one thread."""
        self.function(frame, thread, n_threads)


def new_sync(n_threads: int) -> Any:
    """Return the counters by which threads meet."""
    return np.zeros(LINE * (1 + n_threads), np.int64)


def _assigned(emitter: LoopEmitter) -> Plan:
    """Return a plan with memory for what is stored and is no result."""
    graph, loops, source, schedule = emitter.graph, emitter.loops, emitter.source, emitter.schedule
    never = 2 + max([len(loops.steps), *schedule.number_phase.values()])
    last: dict[int, int] = {id(new): never for _, new in schedule.late}
    for node in graph.nodes:
        for base, _ in loops.reads.get(id(node), ()):
            number = schedule.number_phase.get(id(node), loops.place[id(node)])
            phase = number if loops.is_number(node) else schedule.phase[loops.place[id(node)]]
            last[id(base)] = max(last.get(id(base), 0), phase)
    outputs = set() if emitter.sweeping else {id(x) for x in graph.outputs}
    wanted: list[tuple[int, int, int, Layout]] = []
    own = {id(x) for x in source.stored} - outputs - source.rows - schedule.private
    for i, node in enumerate(graph.nodes):
        if id(node) in own:
            k = loops.place[id(node)]
            first = schedule.phase[k]
            end = max(first, last.get(id(node), 0))
            if k in schedule.before:
                first, end = -1, never
            wanted.append((i, first, end, _packed(shape_of(node), node)))
    if loops.parallel and sum(layout.nbytes for *_, layout in wanted) <= APART:
        wanted = [(i, -1, never, layout) for i, _, _, layout in wanted]
    buffers: dict[int, Buffer] = {}
    for i, first, end, layout in sorted(wanted, key=lambda w: w[1]):
        taken = [b for b in buffers.values() if b.last >= first and b.first <= end]
        buffers[i] = Buffer(gap(taken, layout.nbytes), layout, first, end)
    arena = max((b.offset + b.layout.nbytes for b in buffers.values()), default=0)
    return Plan(graph, dict(sorted(buffers.items())), arena, "numba", groups=_groups(emitter))


def _groups(emitter: LoopEmitter) -> tuple[Group, ...]:
    """Return which nodes are computed in which loop, and by whom."""
    schedule, steps, numbers = emitter.schedule, emitter.loops.steps, emitter.numbers
    words = {FIRST: "by the first thread", EVERY: "by every thread", OWNERS: "by rows of a table"}
    found = []
    for group in schedule.groups:
        nodes = tuple(numbers[id(node)] for k in group for node in steps[k].nodes)
        split = schedule.split[group[0]]
        work = words.get(split, "by columns" if group[0] in schedule.by_columns else "by rows")
        phase = schedule.phase[group[0]]
        found.append(Group(nodes, phase, work if emitter.parallel else "by one thread"))
    return tuple(found)


def _packed(shape: tuple[int, ...], like: Any) -> Layout:
    return Layout(shape, dtype_of(like), tuple(range(len(shape))))


def _calls_kernels(source: str) -> bool:
    return "product" in source or "transpose(" in source


def _compile(function: Callable[..., Any]) -> None:
    """Compile a program, if that is not done yet, for the only types that it is given."""
    if hasattr(function, "compile"):
        function.compile("void(int64[::1], int64, int64)")


def _addresses(source: str) -> tuple[int, ...]:
    """Return where the kernels are that a source calls."""
    if not _calls_kernels(source):
        return (0, 0, 0, 0)
    from chainrule.engines.kernels import addresses

    return tuple(addresses())


@functools.cache
def _header() -> str:
    """Return the first line of every module: the versions that its compiled form depends on."""
    from importlib.metadata import version

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
