"""What engines make of a step that is run over batches: a `Sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule.engines.program import Made, Program

Arrays = Sequence[Any]


@dataclass(frozen=True)
class Sweeping:
    """How the inputs and outputs of a step are used.

    Attributes
    ----------
    n_carry, n_data : int
        The first inputs are handed on by the first outputs; the next are rows to choose from;
        others have an element for each step.
    batched : bool
        Whether a step is given several rows, along an axis, or a single one without it.
    few : bool
        Whether batches are so small that their length is better known when compiling.
    """

    n_carry: int
    n_data: int
    batched: bool = True
    few: bool = False


class Sweep(Protocol):
    """A step made ready to be run over batches of one size."""

    @property
    def program(self) -> Made:
        """What is run: its `graph`, its `plan`, its `source`."""

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order.

        Parameters
        ----------
        carry : list of arrays
            Contiguous, and overwritten.
        data : list of arrays
            The rows to choose from.
        places : int64 array of shape (steps, rows) or (steps,)
            The rows that each step takes; where it has one axis, single rows without theirs.
        each : list of arrays
            Of first axis (steps,).
        outputs : list of arrays
            Of first axis (steps,): what each step returns beside the carry is written here.
        """


class Stepwise:
    """A sweep by a program of one step, called again and again."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order."""
        state: Arrays = carry
        for i, rows in enumerate(places):
            results = self.program([*state, *(x[rows] for x in data), *(x[i] for x in each)])
            state = results[: len(carry)]
            for kept, found in zip(outputs, results[len(carry) :], strict=True):
                kept[i] = found
        for old, new in zip(carry, state, strict=True):
            if new is not old:
                np.copyto(old, new)
