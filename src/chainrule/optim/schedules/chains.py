"""Schedules made of others."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from chainrule.constraints import COUNT, Constraint, check
from chainrule.errors import ArgumentError
from chainrule.optim.schedules.decays import Constant
from chainrule.optim.schedules.schedule import FACTOR, Schedule


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight line from `start_factor` to 1 over `total_iters` steps, then another schedule.

    Parameters
    ----------
    total_iters : int >= 1
    then : Schedule
        Its steps count from the end of the line.
    start_factor : float in (0, 1]

    Examples
    --------
    >>> from chainrule.optim import Exponential
    >>> [WarmUp(2, Exponential(0.5), start_factor=0.5)(t) for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    total_iters: int = 5
    then: Schedule = field(default_factory=Constant)
    start_factor: float = 1.0 / 3.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "total_iters": COUNT,
        "start_factor": FACTOR,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        if step >= self.total_iters:
            return self.then(step - self.total_iters)
        return self.start_factor + (1.0 - self.start_factor) * step / self.total_iters


@dataclass(frozen=True)
class Sequential(Schedule):
    """One schedule after another, as PyTorch's ``SequentialLR``.

    Parameters
    ----------
    schedules : sequence of Schedule
        Of each the steps count from where it begins.
    milestones : sequence of int >= 1
        The steps at which the second, third and so on begin; they rise.

    Examples
    --------
    >>> from chainrule.optim import Exponential
    >>> [Sequential((Constant(0.1), Exponential(0.5)), milestones=(2,))(t) for t in range(5)]
    [0.1, 0.1, 1.0, 0.5, 0.25]
    """

    schedules: tuple[Schedule, ...]
    milestones: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", _schedules("Sequential", self.schedules))
        object.__setattr__(self, "milestones", tuple(self.milestones))
        super().__post_init__()
        for milestone in self.milestones:
            check("Sequential", {"milestones": COUNT}, {"milestones": milestone})
        if len(self.milestones) != len(self.schedules) - 1:
            raise ArgumentError(
                f"Sequential: {len(self.schedules)} schedules have {len(self.schedules) - 1} "
                f"milestones between them, not {len(self.milestones)}"
            )
        if any(a >= b for a, b in pairwise(self.milestones)):
            raise ArgumentError(f"Sequential: milestones must rise: {self.milestones}")

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        place = bisect_right(self.milestones, step)
        return self.schedules[place](step - (0, *self.milestones)[place])


@dataclass(frozen=True)
class Chained(Schedule):
    """The product of schedules, as PyTorch's ``ChainedScheduler``.

    Parameters
    ----------
    schedules : sequence of Schedule

    Examples
    --------
    >>> from chainrule.optim import Exponential
    >>> Chained((Constant(0.5), Exponential(0.5)))(2)
    0.125
    """

    schedules: tuple[Schedule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", _schedules("Chained", self.schedules))
        super().__post_init__()

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return math.prod(schedule(step) for schedule in self.schedules)


def _schedules(owner: str, given: Any) -> tuple[Schedule, ...]:
    found = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    for schedule in found:
        if not isinstance(schedule, Schedule):
            raise ArgumentError(f"{owner}: schedules must be schedules, not {schedule!r:.60}")
    if not found:
        raise ArgumentError(f"{owner}: schedules must be one at least")
    return found
