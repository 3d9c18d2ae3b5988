"""Learning-rate schedules, with PyTorch's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.lazy import lazily

if TYPE_CHECKING:
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
    from chainrule.optim.schedules.registry import SCHEDULES, schedule_from_config
    from chainrule.optim.schedules.schedule import Schedule

_HOME = {
    "Chained": "chains", "Constant": "decays", "Cosine": "decays", "CosineWarmRestarts": "cycles",
    "Exponential": "decays", "InverseTime": "decays", "MultiStep": "decays", "OneCycle": "cycles",
    "Plateau": "plateau", "Polynomial": "decays", "SCHEDULES": "registry", "Schedule": "schedule",
    "Sequential": "chains", "Step": "decays", "WarmUp": "chains",
    "schedule_from_config": "registry",
}  # fmt: skip

__all__ = [
    "SCHEDULES",
    "Chained",
    "Constant",
    "Cosine",
    "CosineWarmRestarts",
    "Exponential",
    "InverseTime",
    "MultiStep",
    "OneCycle",
    "Plateau",
    "Polynomial",
    "Schedule",
    "Sequential",
    "Step",
    "WarmUp",
    "schedule_from_config",
]

__getattr__ = lazily(__name__, _HOME)
