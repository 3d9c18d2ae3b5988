"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import NON_NEGATIVE, POSITIVE, Constraint, Interval, OneOf
from chainrule.errors import ArgumentError
from chainrule.optim.optimizer import Optimizer, Slots


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent; with PyTorch's names, defaults and formulas.

    With momentum the velocity is ``v = momentum * v + (1 - dampening) * g``, at the first update
    ``v = g``, and the parameter moves by ``-lr * v``; with Nesterov's by ``-lr * (g + momentum *
    v)`` (Sutskever, Martens, Dahl and Hinton, ICML 2013).

    Parameters
    ----------
    lr : float > 0
    momentum : float in [0, 1)
    nesterov : bool
        Needs momentum, and no dampening.
    weight_decay : float >= 0
        Factor of the parameter that is added to its gradient: the gradient of
        ``weight_decay / 2 * p**2``.
    dampening : float in [0, 1]

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = SGD(lr=0.1, momentum=0.9)
    >>> p, slots = opt.rule(1.0, 2.0, opt.start(1.0), step=1, lr=0.1)
    >>> float(p), float(slots["velocity"])
    (0.8, 2.0)
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    dampening: float = 0.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "lr": POSITIVE,
        "momentum": Interval(0, 1),
        "nesterov": OneOf((True, False)),
        "weight_decay": NON_NEGATIVE,
        "dampening": Interval(0, 1, "both"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (not self.momentum or self.dampening):
            raise ArgumentError("SGD: nesterov=True needs momentum above 0 and dampening 0")

    def start(self, p: Any) -> Slots:
        """Return a velocity of zero, if there is momentum."""
        return {"velocity": np.zeros_like(p)} if self.momentum else {}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        if self.weight_decay:
            g = g + self.weight_decay * p
        if not self.momentum:
            return p - lr * g, slots
        velocity = self.momentum * slots["velocity"] + (1.0 - self.dampening) * g
        if self.dampening:
            velocity = np.where(np.equal(step, 1), g, velocity)
        move = g + self.momentum * velocity if self.nesterov else velocity
        return p - lr * move, {"velocity": velocity}
