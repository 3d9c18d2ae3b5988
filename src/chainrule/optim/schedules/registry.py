"""Schedules by name, and back from their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.optim.schedules.chains import Chained, Sequential, WarmUp
from chainrule.optim.schedules.cycles import CosineWarmRestarts, OneCycle
from chainrule.optim.schedules.decays import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    MultiStep,
    Polynomial,
    Step,
)
from chainrule.optim.schedules.plateau import Plateau
from chainrule.optim.schedules.schedule import Schedule

SCHEDULES: dict[str, type[Schedule]] = {
    cls.__name__: cls
    for cls in (
        Chained, Constant, Cosine, CosineWarmRestarts, Exponential, InverseTime, MultiStep,
        OneCycle, Plateau, Polynomial, Sequential, Step, WarmUp,
    )
}  # fmt: skip


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
    try:
        return SCHEDULES[name](**{key: _built(value) for key, value in arguments.items()})
    except TypeError as error:
        raise ArgumentError(f"the configuration of {name} is not valid: {error}") from error


def _built(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(map(_built, value))
    return schedule_from_config(value) if isinstance(value, Mapping) else value
