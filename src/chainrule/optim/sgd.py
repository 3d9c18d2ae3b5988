"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, POSITIVE, TRUTH, Interval
from chainrule.errors import ArgumentError
from chainrule.optim.common import after_zeros, with_l2
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots


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
    dampening : float in [0, 1]
    weight_decay : float >= 0
        Factor of the parameter that is added to its gradient: the gradient of
        ``weight_decay / 2 * p**2``.
    nesterov : bool
        Needs momentum, and no dampening.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

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

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "momentum": FRACTION,
        "dampening": Interval(0, 1, "both"),
        "weight_decay": NON_NEGATIVE,
        "nesterov": TRUTH,
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.05, "momentum": 0.9},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.9, "weight_decay": 0.01},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (not self.momentum or self.dampening):
            raise ArgumentError("SGD: nesterov=True needs momentum above 0 and dampening 0")

    def start(self, p: Any) -> Slots:
        """Return a velocity of zero, if there is momentum."""
        return {"velocity": np.zeros_like(p)} if self.momentum else {}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        g = with_l2(g, p, self.weight_decay)
        if not self.momentum:
            return p - lr * g, slots
        velocity = self.momentum * slots["velocity"] + (1.0 - self.dampening) * g
        if self.dampening:
            velocity = np.where(np.equal(step, 1), g, velocity)
        move = g + self.momentum * velocity if self.nesterov else velocity
        return p - lr * move, {"velocity": velocity}

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the velocity after updates by zero gradients."""
        if self.weight_decay:
            return None
        return {name: after_zeros(slot, self.momentum, count) for name, slot in slots.items()}
