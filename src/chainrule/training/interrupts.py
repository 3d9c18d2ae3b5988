"""Ctrl-C, let in only where the state of training is whole."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]


class Interrupts:
    """Holds Ctrl-C back within its ``with`` block, except within `allowed` and `finishing`.

    An update of the parameters and the books kept about it belong together: between the two, a
    checkpoint would be wrong. They take little time; what takes long runs within `allowed`, so
    that Ctrl-C acts at once, or within `finishing`, so that the second one does. In other threads
    than the main one, and where Ctrl-C is ignored, nothing is changed.
    """

    def __init__(self) -> None:
        self._previous: Handler | None = None
        self._act_at = math.inf  # so many that wait are not held back any longer
        self._waiting: list[tuple[int, FrameType | None]] = []

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            if error is None:
                self._deliver()
            self._previous = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let Ctrl-C act at once; one that was held back acts now."""
        with self._acting_at(1):
            yield

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Hold the first Ctrl-C back and let the second act: for what must be done, or hangs."""
        with self._acting_at(2):
            yield

    @contextmanager
    def _acting_at(self, count: int) -> Iterator[None]:
        self._act_at = count
        try:
            self._act()
            yield
        finally:
            self._act_at = math.inf

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._waiting.append((number, frame))
        self._act()

    def _act(self) -> None:
        if len(self._waiting) >= self._act_at:
            self._deliver()

    def _deliver(self) -> None:
        if self._waiting and self._previous is not None:
            number, frame = self._waiting.pop()
            self._waiting.clear()
            self._previous(number, frame)
