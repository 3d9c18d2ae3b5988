"""Optimizers, learning-rate schedules and gradient clipping, in plain NumPy.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.lazy import lazily

if TYPE_CHECKING:
    from chainrule.optim.adagrad import Adadelta, Adagrad, RMSprop
    from chainrule.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
    from chainrule.optim.clipping import clip_grad_norm, clip_grad_value
    from chainrule.optim.conjugate import ConjugateGradient
    from chainrule.optim.full_batch import FullBatch, Minimum
    from chainrule.optim.layerwise import LAMB, Muon
    from chainrule.optim.lbfgs import LBFGS
    from chainrule.optim.line_search import strong_wolfe
    from chainrule.optim.optimizer import Optimizer
    from chainrule.optim.registry import FULL_BATCH, OPTIMIZERS, WRAPPERS, optimizer_from_config
    from chainrule.optim.schedules import (
        SCHEDULES,
        Chained,
        Constant,
        Cosine,
        CosineWarmRestarts,
        Exponential,
        InverseTime,
        MultiStep,
        OneCycle,
        Plateau,
        Polynomial,
        Schedule,
        Sequential,
        Step,
        WarmUp,
        schedule_from_config,
    )
    from chainrule.optim.sgd import SGD
    from chainrule.optim.signs import Lion, Rprop
    from chainrule.optim.wrappers import EMA, SWA, Lookahead, Wrapper

_HOME = {
    "Adadelta": "adagrad", "Adagrad": "adagrad", "Adam": "adam", "AdamW": "adam", "Adamax": "adam",
    "Chained": "schedules", "ConjugateGradient": "conjugate", "Constant": "schedules",
    "Cosine": "schedules", "CosineWarmRestarts": "schedules", "EMA": "wrappers",
    "Exponential": "schedules", "FULL_BATCH": "registry", "FullBatch": "full_batch",
    "InverseTime": "schedules", "LAMB": "layerwise", "LBFGS": "lbfgs", "Lion": "signs",
    "Lookahead": "wrappers", "Minimum": "full_batch", "MultiStep": "schedules", "Muon": "layerwise",
    "NAdam": "adam", "OPTIMIZERS": "registry", "OneCycle": "schedules", "Optimizer": "optimizer",
    "Plateau": "schedules", "Polynomial": "schedules", "RAdam": "adam", "RMSprop": "adagrad",
    "Rprop": "signs", "SCHEDULES": "schedules", "SGD": "sgd", "SWA": "wrappers",
    "Schedule": "schedules", "Sequential": "schedules", "Step": "schedules", "WRAPPERS": "registry",
    "WarmUp": "schedules", "Wrapper": "wrappers", "clip_grad_norm": "clipping",
    "clip_grad_value": "clipping", "optimizer_from_config": "registry",
    "schedule_from_config": "schedules", "strong_wolfe": "line_search",
}  # fmt: skip

__all__ = [
    "EMA",
    "FULL_BATCH",
    "LAMB",
    "LBFGS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "SWA",
    "WRAPPERS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Chained",
    "ConjugateGradient",
    "Constant",
    "Cosine",
    "CosineWarmRestarts",
    "Exponential",
    "FullBatch",
    "InverseTime",
    "Lion",
    "Lookahead",
    "Minimum",
    "MultiStep",
    "Muon",
    "NAdam",
    "OneCycle",
    "Optimizer",
    "Plateau",
    "Polynomial",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Schedule",
    "Sequential",
    "Step",
    "WarmUp",
    "Wrapper",
    "clip_grad_norm",
    "clip_grad_value",
    "optimizer_from_config",
    "schedule_from_config",
    "strong_wolfe",
]

__getattr__ = lazily(__name__, _HOME)
