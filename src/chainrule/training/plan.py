"""What training is asked to do, checked, and described for checkpoints."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

from chainrule import optim
from chainrule.constraints import COUNT, Interval, OneOf, check
from chainrule.engines import registry
from chainrule.errors import ArgumentError
from chainrule.graph.tree import flatten
from chainrule.optim import FullBatch, Optimizer
from chainrule.training.callbacks import Callback
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.evaluate import Loss, Metric
from chainrule.training.history import History
from chainrule.training.practice import Practice
from chainrule.training.rows import Rows

Schedule = Callable[[int], float]
Order = Callable[[int], Any]
ENGINES = ("auto", "eager", *registry.ENGINES)


@dataclass(frozen=True)
class Plan:
    """What training is asked to do; see `fit`."""

    loss: Loss
    optimizer: Optimizer | FullBatch
    epochs: int
    batch_size: int
    seed: int
    validation: Rows | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    schedule: Schedule | None = None
    practice: Practice = field(default_factory=Practice)
    early_stopping: EarlyStopping | None = None
    callbacks: tuple[Callback, ...] = ()
    checkpoint: Checkpoint | None = None
    engine: str = "auto"
    order: Order | None = None

    allowed: ClassVar[Mapping[str, Any]] = {
        "epochs": Interval(0, math.inf, integer=True),
        "batch_size": COUNT,
        "seed": Interval(0, 2**64, integer=True),
        "engine": OneOf(ENGINES),
    }

    def __post_init__(self) -> None:
        check("fit", self.allowed, vars(self))
        self._check_full_batch()
        if self.metrics and self.validation is None:
            raise ArgumentError("fit: metrics are measured on validation data: give validation=")
        taken = {"epoch", "loss", "lr", "gradient_norm", "seconds", "validation_loss"}
        if taken & set(self.metrics):
            raise ArgumentError(
                f"fit: a metric cannot be called {min(taken & set(self.metrics))!r}"
            )
        if self.early_stopping is not None:
            self._check_monitor("EarlyStopping", self.early_stopping.monitor)
        if isinstance(self.schedule, optim.Schedule):
            for name in self.schedule.monitored:
                self._check_monitor(type(self.schedule).__name__, name)

    def _check_monitor(self, owner: str, name: str) -> None:
        """Refuse a number that no epoch will have."""
        validates = self.validation is not None
        known = ["loss", *(["validation_loss", *self.metrics] if validates else [])]
        if name not in known:
            remedy = "" if validates else "; give validation data for more"
            raise ArgumentError(f"{owner}: monitor must be one of {known}, not {name!r}{remedy}")

    @property
    def rows_a_step(self) -> int:
        """Rows of a step, of all its batches together."""
        return self.batch_size * self.practice.accumulate

    def _check_full_batch(self) -> None:
        """Refuse what would spoil a search along lines."""
        if not isinstance(self.optimizer, FullBatch):
            return
        name = type(self.optimizer).__name__
        if self.schedule is not None:
            raise ArgumentError(f"fit: {name} searches for the length of each step: no schedule=")
        for argument in ("clip_norm", "clip_value", "max_norm"):
            if getattr(self.practice, argument) is not None:
                raise ArgumentError(
                    f"fit: {name} needs the gradients and the steps as they are: no {argument}="
                )
        if self.practice.accumulate > 1:
            raise ArgumentError(f"fit: {name} takes all rows at once: no accumulate=")

    def schedule_after(self, history: History) -> Schedule | None:
        """Return the schedule of the epoch that follows, which depends on the step alone."""
        schedule = self.schedule
        if not isinstance(schedule, optim.Schedule) or not schedule.monitored:
            return schedule
        names = schedule.monitored
        return schedule.after({name: [r.measured(name) for r in history] for name in names})

    def rates(self, schedule: Schedule | None, first: int, count: int) -> list[float]:
        """Return the learning rates of steps counted from 0; NaN where they are searched for."""
        if isinstance(self.optimizer, FullBatch):
            return [math.nan] * count
        if schedule is None:
            return [self.optimizer.lr] * count
        return [self.optimizer.lr * float(schedule(i)) for i in range(first, first + count)]

    def settings(self, rows: Rows) -> dict[str, Any]:
        """Return what decides the course of training, JSON-able."""
        return {
            "epochs": int(self.epochs),
            "batch_size": int(self.batch_size),
            "seed": int(self.seed),
            **self.practice.settings(),
            "loss": _named(self.loss),
            "optimizer": self.optimizer.config(),
            "schedule": _named(self.schedule),
            "order": _named(self.order),
            "engine": self.engine,
            "rows": len(rows),
            "checksum of the data": _checksum(rows),
        }


def _named(function: Any) -> Any:
    """Return a description of a function that is the same in every process."""
    if function is None:
        return None
    if isinstance(function, partial):
        options = sorted(function.keywords.items())
        return [_named(function.func), repr(function.args), repr(options)]
    if hasattr(function, "config"):
        return function.config()
    return getattr(function, "__qualname__", type(function).__qualname__)


def _checksum(rows: Rows) -> int:
    """Return the CRC-32 of all arrays, read block by block."""
    total = 0
    for batch in rows.in_order(4096):
        for array in flatten((batch.X, batch.y, batch.weight))[0]:
            total = zlib.crc32(np.ascontiguousarray(array).data.cast("B"), total)
    return total
