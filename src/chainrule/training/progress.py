"""Showing on a terminal how training goes."""

from __future__ import annotations

import sys
import time
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.training.callbacks import Callback, State
from chainrule.training.history import Record

_INTERVAL = 0.1  # seconds between two drawings of the bar


def progress_callback(progress: str | bool | int) -> Callback | None:
    """Return what shows progress, on standard error.

    Parameters
    ----------
    progress : {"auto", 0, 1, 2}
        0 or False: nothing. 1 or True: a bar. 2: one line an epoch. "auto": a bar if standard
        error is a terminal, else nothing.
    """
    if progress == "auto":
        progress = 1 if sys.stderr is not None and sys.stderr.isatty() else 0
    kinds: dict[Any, type[Callback] | None] = {0: None, 1: Bar, 2: Lines}
    if progress not in kinds:
        raise ArgumentError(f"fit: progress must be 'auto', 0, 1 or 2, not {progress!r}")
    kind = kinds[progress]
    return kind() if kind else None


def describe(record: Record) -> str:
    """Return an epoch's loss and metrics as words.

    Examples
    --------
    >>> describe(Record(3, 0.25, 0.1, 1.0, 0.5, validation_loss=0.3, metrics={"accuracy": 0.9}))
    'loss 0.25, validation 0.3, accuracy 0.9'
    """
    words = [f"loss {record.loss:.4g}"]
    if record.validation_loss is not None:
        words.append(f"validation {record.validation_loss:.4g}")
    words += [f"{name} {value:.4g}" for name, value in record.metrics.items()]
    return ", ".join(words)


class Lines(Callback):
    """One line an epoch."""

    def on_epoch_end(self, state: State) -> None:
        """Write the line."""
        record = state.history[-1]
        sys.stderr.write(
            f"epoch {record.epoch}/{state.epochs}: {describe(record)} ({record.seconds:.2g} s)\n"
        )

    def on_end(self, state: State) -> None:
        """Say why training stopped early, if it did."""
        if state.history.stopped:
            sys.stderr.write(f"stopped after epoch {state.epoch}: {state.history.stopped}\n")


class Bar(Callback):
    """A bar that grows with the steps, the last epoch's numbers beside it."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0

    def on_start(self, state: State) -> None:
        """Draw the empty bar."""
        # Rich is slow to import, and most runs of the library show no bar.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._bar.start()
        self._task = self._bar.add_task(
            "",
            total=state.epochs * state.steps_per_epoch,
            completed=state.step,
            epoch=state.epoch,
            epochs=state.epochs,
            words="",
        )

    def on_progress(self, state: State) -> None:
        """Let the bar grow, a few times a second at most."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._bar.update(self._task, completed=state.step, epoch=state.epoch + 1, refresh=True)

    def on_epoch_end(self, state: State) -> None:
        """Show the epoch's numbers."""
        self._bar.update(self._task, completed=state.step, words=describe(state.history[-1]))

    def on_end(self, state: State) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.update(self._task, completed=state.step, epoch=state.epoch, refresh=True)
            self._bar.stop()
            self._bar = None
