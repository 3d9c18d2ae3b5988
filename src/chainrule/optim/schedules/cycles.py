"""Schedules along which the learning rate rises too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chainrule.constraints import COUNT, Constraint, Interval, OneOf
from chainrule.optim.schedules.decays import half_cosine
from chainrule.optim.schedules.schedule import SHARE, Schedule

_AT_LEAST_1 = Interval(1, math.inf)


@dataclass(frozen=True)
class CosineWarmRestarts(Schedule):
    """Half a cosine from 1 to `minimum`, again and again.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017),
    equation 5. PyTorch's ``eta_min`` is `minimum` times the learning rate.

    Parameters
    ----------
    t_0 : int >= 1
        Steps of the first cosine.
    t_mult : int >= 1
        How many times longer each is than the one before.
    minimum : float in [0, 1]

    Examples
    --------
    >>> [round(CosineWarmRestarts(2, t_mult=2)(t), 3) for t in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    t_0: int
    t_mult: int = 1
    minimum: float = 0.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "t_0": COUNT,
        "t_mult": COUNT,
        "minimum": SHARE,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        length = self.t_0
        if self.t_mult == 1:
            step %= length
        while step >= length:
            step, length = step - length, length * self.t_mult
        return half_cosine(1.0, self.minimum, step / length)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from a small factor to 1, down to a tiny one, and no further.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates" (2018), section 3. The optimizer's learning rate is PyTorch's ``max_lr``; momentum is
    not cycled.

    Parameters
    ----------
    total_steps : int >= 1
    pct_start : float in [0, 1]
        The part of the steps on which the factor rises.
    anneal_strategy : {"cos", "linear"}
        Whether it moves along half a cosine or a line.
    div_factor : float >= 1
        1 divided by the first factor.
    final_div_factor : float >= 1
        The first factor divided by the last.
    three_phase : bool
        Whether the fall to the first factor takes as long as the rise, and the rest of the steps
        lead from there to the last.

    Examples
    --------
    >>> cycle = OneCycle(10, div_factor=10.0, anneal_strategy="linear")
    >>> [round(cycle(t), 3) for t in range(10)]
    [0.1, 0.55, 1.0, 0.857, 0.714, 0.571, 0.429, 0.286, 0.143, 0.0]
    """

    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "total_steps": COUNT,
        "pct_start": SHARE,
        "anneal_strategy": OneOf(("cos", "linear")),
        "div_factor": _AT_LEAST_1,
        "final_div_factor": _AT_LEAST_1,
        "three_phase": OneOf((True, False)),
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        last = self.total_steps - 1
        first, rise = 1.0 / self.div_factor, self.pct_start * self.total_steps
        corners = [(0.0, first), (rise - 1.0, 1.0)]
        if self.three_phase:
            corners.append((2.0 * rise - 2.0, first))
        corners.append((float(last), first / self.final_div_factor))
        step = min(step, last)
        place = next(
            (i for i, (end, _) in enumerate(corners) if i and step <= end), len(corners) - 1
        )
        (start, a), (end, b) = corners[place - 1], corners[place]
        share = (step - start) / (end - start) if end != start else 1.0
        return half_cosine(a, b, share) if self.anneal_strategy == "cos" else a + (b - a) * share
