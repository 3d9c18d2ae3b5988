"""Optimizers, learning-rate schedules and gradient clipping, in plain NumPy."""

from collections.abc import Mapping
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.optim.adam import Adam
from chainrule.optim.clipping import clip_grad_norm, clip_grad_value
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    MultiStep,
    Polynomial,
    Schedule,
    Step,
    WarmUp,
    schedule_from_config,
)
from chainrule.optim.sgd import SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {"Adam": Adam, "SGD": SGD}


def optimizer_from_config(config: Mapping[str, Any]) -> Optimizer:
    """Rebuild an optimizer from its configuration.

    Raises
    ------
    ArgumentError
        If it names an optimizer that is not in `OPTIMIZERS`, or parameters that it does not have.

    Examples
    --------
    >>> optimizer_from_config(Adam(lr=0.1).config()) == Adam(lr=0.1)
    True
    """
    arguments = dict(config)
    name = arguments.pop("optimizer", None)
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise ArgumentError(f"there is no optimizer {name!r}; there are {list(OPTIMIZERS)}")
    try:
        return OPTIMIZERS[name](**arguments)
    except TypeError as error:
        raise ArgumentError(f"the configuration of {name} is not valid: {error}") from error


__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseTime",
    "MultiStep",
    "Optimizer",
    "Polynomial",
    "Schedule",
    "Step",
    "WarmUp",
    "clip_grad_norm",
    "clip_grad_value",
    "optimizer_from_config",
    "schedule_from_config",
]
