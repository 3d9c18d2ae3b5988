"""`Schedule`: the factor by which the learning rate of a step is multiplied.

Steps count from 0; whether they are updates or epochs is the caller's choice. PyTorch's numbers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from chainrule.constraints import Constraint, Interval, check

FACTOR = Interval(0, 1, "right")
SHARE = Interval(0, 1, "both")
Measured = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Schedule(ABC):
    """Base of the schedules: ``schedule(step)`` is a factor.

    A subclass declares its parameters as fields, their ranges in `allowed`, and implements
    `factor`. Fields may hold schedules, or tuples of them.
    """

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

    @property
    def monitored(self) -> tuple[str, ...]:
        """Names of the numbers that it depends on besides the step, such as a validation loss."""
        inner: list[Schedule] = []
        self._fields(inner.append)
        return tuple(dict.fromkeys(name for schedule in inner for name in schedule.monitored))

    def after(self, measured: Measured) -> Schedule:
        """Return the schedule of the epoch that follows, which depends on the step alone.

        Parameters
        ----------
        measured : mapping of str to sequence of float
            For each name in `monitored` the numbers of all epochs so far; None where an epoch has
            none.
        """
        return replace(self, **self._fields(lambda schedule: schedule.after(measured)))

    def config(self) -> dict[str, Any]:
        """Return the name and the parameters, JSON-able."""
        values = self._fields(lambda schedule: schedule.config())
        return {
            "schedule": type(self).__name__,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()},
        }

    def _fields(self, function: Callable[[Schedule], Any]) -> dict[str, Any]:
        """Return the fields by name, with a function applied to the schedules among them."""

        def applied(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(applied, value))
            return function(value) if isinstance(value, Schedule) else value

        return {field.name: applied(getattr(self, field.name)) for field in fields(self)}
