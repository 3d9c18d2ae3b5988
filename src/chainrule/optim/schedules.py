"""Learning-rate schedules: the factor by which the learning rate of a step is multiplied.

Steps count from 0; whether they are updates or epochs is the caller's choice. PyTorch's numbers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from chainrule.constraints import COUNT, NON_NEGATIVE, Constraint, Interval, check
from chainrule.errors import ArgumentError

_FACTOR = Interval(0, 1, "right")


@dataclass(frozen=True)
class Schedule(ABC):
    """Base of the schedules: ``schedule(step)`` is a factor."""

    allowed: ClassVar[Mapping[str, Constraint]] = {}

    def __post_init__(self) -> None:
        check(type(self).__name__, self.allowed, vars(self))

    def __call__(self, step: int) -> float:
        """Return the factor of a step, counted from 0."""
        check(type(self).__name__, {"step": Interval(0, math.inf, integer=True)}, {"step": step})
        return float(self.factor(int(step)))

    @abstractmethod
    def factor(self, step: int) -> float:
        """Return the factor of a step."""

    def config(self) -> dict[str, Any]:
        """Return the name and the parameters, JSON-able."""
        return {"schedule": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class Constant(Schedule):
    """1 at every step.

    Examples
    --------
    >>> Constant()(100)
    1.0
    """

    def factor(self, step: int) -> float:
        """Return 1."""
        return 1.0


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
    allowed: ClassVar[Mapping[str, Constraint]] = {"step_size": COUNT, "gamma": _FACTOR}

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
    allowed: ClassVar[Mapping[str, Constraint]] = {"gamma": _FACTOR}

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
    allowed: ClassVar[Mapping[str, Constraint]] = {"gamma": _FACTOR}

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
        "minimum": Interval(0, 1, "both"),
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        angle = math.pi * min(step, self.t_max) / self.t_max
        return self.minimum + (1.0 - self.minimum) * (1.0 + math.cos(angle)) / 2.0


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
    >>> [WarmUp(2, Exponential(0.5), start_factor=0.5)(t) for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    total_iters: int = 5
    then: Schedule = field(default_factory=Constant)
    start_factor: float = 1.0 / 3.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "total_iters": COUNT,
        "start_factor": _FACTOR,
    }

    def factor(self, step: int) -> float:
        """Return the factor of a step."""
        if step >= self.total_iters:
            return self.then(step - self.total_iters)
        return self.start_factor + (1.0 - self.start_factor) * step / self.total_iters

    def config(self) -> dict[str, Any]:
        """Return the name and the parameters, JSON-able."""
        return {**super().config(), "then": self.then.config()}


SCHEDULES: dict[str, type[Schedule]] = {
    cls.__name__: cls
    for cls in (Constant, Cosine, Exponential, InverseTime, MultiStep, Polynomial, Step, WarmUp)
}


def schedule_from_config(config: Mapping[str, Any]) -> Schedule:
    """Rebuild a schedule from its configuration.

    Raises
    ------
    ArgumentError
        If it names a schedule that is not in `SCHEDULES`, or parameters that it does not have.

    Examples
    --------
    >>> schedule_from_config(WarmUp(3, Step(2)).config()) == WarmUp(3, Step(2))
    True
    """
    arguments = dict(config)
    name = arguments.pop("schedule", None)
    if not isinstance(name, str) or name not in SCHEDULES:
        raise ArgumentError(f"there is no schedule {name!r}; there are {list(SCHEDULES)}")
    if isinstance(arguments.get("then"), Mapping):
        arguments["then"] = schedule_from_config(arguments["then"])
    try:
        return SCHEDULES[name](**arguments)
    except TypeError as error:
        raise ArgumentError(f"the configuration of {name} is not valid: {error}") from error
