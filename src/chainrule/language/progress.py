"""How training on text goes: tokens a second, the loss, what was held out."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from chainrule.training import Callback
from chainrule.training.callbacks import State
from chainrule.training.progress import describe

_INTERVAL = 0.2  # seconds between two looks of a line


class TokenProgress(Callback):
    """A line for each epoch, with the tokens read in a second.

    On a terminal the line is there from the epoch's beginning and is written anew as training goes;
    anywhere else it is written once, at the end.

    Parameters
    ----------
    n_tokens : int
        Read in an epoch.
    stream : text stream, optional
        Standard error by default.
    """

    def __init__(self, n_tokens: int, stream: TextIO | None = None) -> None:
        self.n_tokens, self.stream = n_tokens, stream or sys.stderr
        self._next, self._width = 0.0, 0

    def on_progress(self, state: State) -> None:
        """Write the line anew, a few times a second at most."""
        now, sums = time.monotonic(), state.totals
        if now < self._next or not sums.seconds or not self.stream.isatty():
            return
        self._next = now + _INTERVAL
        share = state.batch / state.steps_per_epoch
        loss = sums.loss / (sums.weight or 1.0)
        self._write(state, state.epoch + 1, f"{share:.0%}, loss {loss:.4g}", share, sums.seconds)

    def on_epoch_end(self, state: State) -> None:
        """Write the line to stay."""
        last = state.history[-1]
        self._write(state, last.epoch, describe(last), 1.0, last.seconds)
        self._close()

    def on_end(self, state: State) -> None:
        """Leave a line that training broke off, and say why it stopped early, if it did."""
        if self._width:
            self._close()
        if state.history.stopped:
            self.stream.write(f"stopped after epoch {state.epoch}: {state.history.stopped}\n")

    def _write(self, state: State, epoch: int, words: str, share: float, seconds: float) -> None:
        rate = share * self.n_tokens / max(seconds, 1e-9)
        line = f"epoch {epoch}/{state.epochs}: {words}, {rate:,.0f} tokens/s"
        before = "\r" if self._width else ""
        self.stream.write(f"{before}{line:{self._width}}")
        self.stream.flush()
        self._width = len(line)

    def _close(self) -> None:
        self.stream.write("\n")
        self._width = 0
