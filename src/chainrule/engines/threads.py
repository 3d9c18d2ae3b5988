"""The threads that run an emitted program together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_FEWEST_STEPS, _SHORTEST = 8, 2e-4  # of a call that is told by
_PATIENCE = 8  # calls until a way that is as quick is tried again

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


class Crew:
    """How many threads run a program's steps: all of them, or one where that is quicker.

    Threads that meet after every few microseconds cost more than they save where other programs
    keep the processors busy, or where what one thread writes is slow to reach another. Calls tell:
    both ways are tried, and the slower one again after a while, the later the slower it was. The
    results are the same.

    Parameters
    ----------
    n_threads : int

    Examples
    --------
    >>> crew = Crew(4)
    >>> for seconds in (3.0, 2.0):
    ...     crew.took(crew.size(), 100, seconds)
    >>> crew.size()
    1
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._seconds: dict[int, float] = {}  # of a step
        self._before_trial = 0

    def size(self) -> int:
        """Return how many threads the next call should have."""
        for n in (self.n_threads, 1):
            if n not in self._seconds:
                return n
        quick, *slow = sorted(self._seconds, key=self._seconds.__getitem__)
        return slow[0] if slow and self._before_trial <= 0 else quick

    def took(self, n_threads: int, n_steps: int, seconds: float) -> None:
        """Note how long a call took; few steps, or a short time, tell nothing."""
        self._before_trial -= 1
        if n_steps < _FEWEST_STEPS or seconds < _SHORTEST:
            return
        self._seconds[n_threads] = seconds / n_steps
        if len(self._seconds) > 1 and self._before_trial < 0:
            quick, slow = sorted(self._seconds.values())
            self._before_trial = int(_PATIENCE * (slow / quick) ** 2)


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
