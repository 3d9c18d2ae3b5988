"""A line an epoch with how many tokens a second it took."""

from __future__ import annotations

import sys
from typing import TextIO

from chainrule.training import Callback
from chainrule.training.callbacks import State
from chainrule.training.progress import describe


class TokenProgress(Callback):
    """Write a line after each epoch, with the tokens read in a second.

    Parameters
    ----------
    n_tokens : int
        Read in an epoch.
    stream : text stream, optional
        Standard error by default.
    """

    def __init__(self, n_tokens: int, stream: TextIO | None = None) -> None:
        self.n_tokens, self.stream = n_tokens, stream

    def on_epoch_end(self, state: State) -> None:
        """Write the line."""
        record = state.history[-1]
        rate = self.n_tokens / max(record.seconds, 1e-9)
        print(
            f"epoch {record.epoch}/{state.epochs}: {describe(record)}, {rate:,.0f} tokens/s",
            file=self.stream or sys.stderr,
        )
