"""Schedules along which the learning rate falls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chainrule.constraints import COUNT, NON_NEGATIVE, Constraint, check
from chainrule.optim.schedules.schedule import FACTOR, SHARE, Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    """The same at every step.

    Parameters
    ----------
    value : float in [0, 1]

    Examples
    --------
    >>> Constant()(100)
    1.0
    """

    value: float = 1.0
    allowed: ClassVar[Mapping[str, Constraint]] = {"value": SHARE}

    def factor(self, step: int) -> float:
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Step(Schedule):
    """`gamma` times less every `step_size` steps.

    Parameters
    ----------
    step_size : int >= 1
    gamma : float in (0, 1]

    Examples
    --------
    >>> [Step(2, gamma=0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    step_size: int
    gamma: float = 0.1
    allowed: ClassVar[Mapping[str, Constraint]] = {"step_size": COUNT, "gamma": FACTOR}

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return float(self.gamma ** (step // self.step_size))


@dataclass(frozen=True)
class MultiStep(Schedule):
    """`gamma` times less at each milestone.

    Parameters
    ----------
    milestones : sequence of int >= 1
    gamma : float in (0, 1]

    Examples
    --------
    >>> [MultiStep((1, 3), gamma=0.5)(t) for t in range(4)]
    [1.0, 0.5, 0.5, 0.25]
    """

    milestones: tuple[int, ...]
    gamma: float = 0.1
    allowed: ClassVar[Mapping[str, Constraint]] = {"gamma": FACTOR}

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        super().__post_init__()
        for milestone in self.milestones:
            check("MultiStep", {"milestones": COUNT}, {"milestones": milestone})

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return float(self.gamma ** sum(step >= milestone for milestone in self.milestones))


@dataclass(frozen=True)
class Exponential(Schedule):
    """``gamma**step``.

    Parameters
    ----------
    gamma : float in (0, 1]

    Examples
    --------
    >>> Exponential(0.5)(3)
    0.125
    """

    gamma: float
    allowed: ClassVar[Mapping[str, Constraint]] = {"gamma": FACTOR}

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return float(self.gamma**step)


@dataclass(frozen=True)
class InverseTime(Schedule):
    """``1 / (1 + rate * step)**power``.

    With power 1 its sum diverges and the sum of its squares does not: the conditions of Robbins
    and Monro (1951) for stochastic approximation.

    Parameters
    ----------
    rate : float >= 0
    power : float >= 0

    Examples
    --------
    >>> InverseTime(0.5)(2)
    0.5
    """

    rate: float
    power: float = 1.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "rate": NON_NEGATIVE,
        "power": NON_NEGATIVE,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return float((1.0 + self.rate * step) ** -self.power)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """``(1 - step / total_iters)**power``, and 0 from `total_iters` on.

    Parameters
    ----------
    total_iters : int >= 1
    power : float >= 0

    Examples
    --------
    >>> [Polynomial(4)(t) for t in range(5)]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    total_iters: int = 5
    power: float = 1.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "total_iters": COUNT,
        "power": NON_NEGATIVE,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        done = min(step, self.total_iters) / self.total_iters
        return 0.0 if done == 1.0 else float((1.0 - done) ** self.power)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 to `minimum`, and `minimum` from `t_max` on.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017),
    equation 5, without restarts. PyTorch's ``eta_min`` is `minimum` times the learning rate.

    Parameters
    ----------
    t_max : int >= 1
    minimum : float in [0, 1]

    Examples
    --------
    >>> [round(Cosine(4)(t), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    t_max: int
    minimum: float = 0.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "t_max": COUNT,
        "minimum": SHARE,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        return half_cosine(1.0, self.minimum, min(step, self.t_max) / self.t_max)


def half_cosine(start: float, end: float, share: float) -> float:
    """Return what lies between two numbers, a share of the way along half a cosine."""
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0
