"""A schedule that watches how training goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chainrule.constraints import NON_NEGATIVE, Constraint, Interval, OneOf
from chainrule.optim.schedules.decays import Constant
from chainrule.optim.schedules.schedule import FACTOR, SHARE, Measured, Schedule

_EPOCHS = Interval(0, math.inf, integer=True)


@dataclass(frozen=True)
class Plateau(Schedule):
    """`gamma` times less when a number has not improved for some epochs.

    With the rules of PyTorch's ``ReduceLROnPlateau``, whose ``factor`` is `gamma`, and whose
    ``min_lr`` is `minimum` times the learning rate. The factor of an epoch follows from what was
    measured in the epochs before, which `chainrule.training.fit` tells it by `after`.

    Parameters
    ----------
    gamma : float in (0, 1]
    patience : int >= 0
        Epochs without improvement that are waited for; the next one lowers the factor.
    monitor : str
        ``"validation_loss"``, ``"loss"`` or the name of a metric.
    mode : {"min", "max"}
        Whether smaller or larger is better.
    threshold : float >= 0
        A smaller change does not count as an improvement.
    threshold_mode : {"rel", "abs"}
        Whether the threshold is a part of the best number, which is to be positive then, or a
        number.
    cooldown : int >= 0
        Epochs after a reduction in which none is counted as bad.
    minimum : float in [0, 1]
        The factor falls no lower.

    Examples
    --------
    >>> plateau = Plateau(gamma=0.5, patience=1)
    >>> plateau.after({"validation_loss": [3.0, 2.0, 2.0]})(0)
    1.0
    >>> plateau.after({"validation_loss": [3.0, 2.0, 2.0, 2.0]})(0)
    0.5
    """

    gamma: float = 0.1
    patience: int = 10
    monitor: str = "validation_loss"
    mode: str = "min"
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    minimum: float = 0.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "gamma": FACTOR,
        "patience": _EPOCHS,
        "mode": OneOf(("min", "max")),
        "threshold": NON_NEGATIVE,
        "threshold_mode": OneOf(("rel", "abs")),
        "cooldown": _EPOCHS,
        "minimum": SHARE,
    }

    @property
    def monitored(self) -> tuple[str, ...]:
        """The name of the number that is watched."""
        return (self.monitor,)

    def factor(self, step: int) -> float:
        """Return 1: nothing has been measured."""
        return 1.0

    def after(self, measured: Measured) -> Schedule:
        """Return a constant, by what was measured in all epochs so far."""
        factor, waited, cooling = 1.0, 0, 0
        best = math.inf if self.mode == "min" else -math.inf
        for value in measured[self.monitor]:
            if value is None:
                continue
            better = self._improves(value, best)
            best = value if better else best
            waited = 0 if better or cooling else waited + 1
            cooling = max(0, cooling - 1)
            if waited > self.patience:
                factor, waited, cooling = max(factor * self.gamma, self.minimum), 0, self.cooldown
        return Constant(factor)

    def _improves(self, value: float, best: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if math.isinf(best):
            return sign * value < sign * best
        room = self.threshold * (best if self.threshold_mode == "rel" else 1.0)
        return sign * value < sign * best - room
