"""How the threads of an emitted Numba program divide their work and wait for each other.

Importing this module needs Numba. Waiting is active, for the others are never far: passing the
work to the operating system's queue would cost more than a phase of a small step.
"""

from __future__ import annotations

import os
import platform
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba import njit, types  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.core import cgutils  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.extending import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    intrinsic,
)

from chainrule.engines.frame import LINE

tools: Any = cgutils
function: Any = njit(error_model="numpy", nogil=True)
_PATIENCE = 20_000  # rounds of waiting, about 1 ms, before the thread goes to sleep for a moment
_SLEEP = 20  # microseconds
_PAUSE = {"x86_64": "llvm.x86.sse2.pause", "amd64": "llvm.x86.sse2.pause"}
_ON_WINDOWS = os.name == "nt"


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _arrive(context: Any, counters: Any) -> Any:
    """Add one to the first counter, after all that was written before."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(counters)(context, builder, args[0]).data
        builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "acq_rel")
        return context.get_dummy_value()

    return types.void(counters), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _arrived(context: Any, counters: Any) -> Any:
    """Return the first counter; what is read after it was written before it was raised."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(counters)(context, builder, args[0]).data
        return builder.load_atomic(data, "acquire", 8)

    return types.int64(counters), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _pause(context: Any) -> Any:
    """Tell the processor that this is a loop of waiting."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = _PAUSE.get(platform.machine().lower())
        if name is not None:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(tools.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _give_way(context: Any) -> Any:
    """Let another thread have the processor: it may be the one that is waited for."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = ir.IntType(32)
        name, given = ("SwitchToThread", []) if _ON_WINDOWS else ("usleep", [whole])
        kind = ir.FunctionType(whole, given)
        function = tools.get_or_insert_function(builder.module, kind, name)
        builder.call(function, [ir.Constant(whole, _SLEEP) for _ in given])
        return context.get_dummy_value()

    return types.void(), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _cycles(context: Any) -> Any:
    """Return the processor's counter of time."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(64), [])
        name = "llvm.readcyclecounter"
        return builder.call(tools.get_or_insert_function(builder.module, kind, name), [])

    return types.int64(), build


cycles: Any = _cycles
arrive: Any = _arrive
arrived: Any = _arrived
pause: Any = _pause
give_way: Any = _give_way


@function
def wait(sync, thread, n_threads):  # type: ignore[no-untyped-def]
    """Wait until all threads have come here.

    `sync` holds zeros when a program starts: a counter of arrivals, and a counter of meetings for
    each thread, in cache lines of their own.
    """
    if n_threads == 1:
        return
    place = LINE * (1 + thread)
    sync[place] += 1
    wanted = sync[place] * n_threads
    arrive(sync)
    rounds = 0
    while arrived(sync) < wanted:
        rounds += 1
        if rounds < _PATIENCE:
            pause()
        else:
            give_way()


@function
def share(n, thread, n_threads):  # type: ignore[no-untyped-def]
    """Return where a thread's part of n things begins and ends; of many, in whole eights."""
    low, high = n * thread // n_threads, n * (thread + 1) // n_threads
    if n >= 32:
        low, high = (low + 4) // 8 * 8, (high + 4) // 8 * 8
    return low, n if thread == n_threads - 1 else high


@function
def owners(n_threads):  # type: ignore[no-untyped-def]
    """Return the mask of the last bits of a row's number that say which thread's row it is."""
    n = 1
    while 2 * n <= n_threads:
        n *= 2
    return n - 1
