"""The threads that run an emitted program together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_busy = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_size = 0


def n_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(n_threads: int, run: Callable[[int, int], None]) -> None:
    """Call ``run(thread, n_threads)`` once on each of so many threads, at the same time.

    If another program has the threads, this one is run by a single thread: its results are the
    same, and nobody waits for a thread that is waiting for him.
    """
    if n_threads == 1 or not _busy.acquire(blocking=False):
        run(0, 1)
        return
    try:
        others = [_threads(n_threads - 1).submit(run, i, n_threads) for i in range(1, n_threads)]
        run(0, n_threads)
        for other in others:
            other.result()
    finally:
        _busy.release()


def _threads(n: int) -> ThreadPoolExecutor:
    """Return a pool of at least so many threads."""
    global _pool, _size
    if _pool is None or _size < n:
        from concurrent.futures import ThreadPoolExecutor  # takes 3 ms that few programs need

        _pool, _size = ThreadPoolExecutor(n, thread_name_prefix="chainrule"), n
    return _pool


def _forget() -> None:
    """Start anew in a forked process, which has none of its parent's threads."""
    global _pool, _busy
    _pool, _busy = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
