"""Adagrad and its descendants: steps divided by the size of past gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, POSITIVE, TRUTH
from chainrule.optim.common import after_zeros, mean, with_l2
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots, weak


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad; with PyTorch's names, defaults and formulas.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (JMLR 2011), figure 1, with the diagonal alone: ``v = v + g**2``, and at step t
    ``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps)``.

    Parameters
    ----------
    lr : float > 0
    lr_decay : float >= 0
    weight_decay : float >= 0
        Added to the gradient, as in `SGD`.
    initial_accumulator_value : float >= 0
        What the sum of squares starts from.
    eps : float >= 0
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Adagrad(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6), float(slots["v"])
    (0.9, 25.0)
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "lr_decay": NON_NEGATIVE,
        "weight_decay": NON_NEGATIVE,
        "initial_accumulator_value": NON_NEGATIVE,
        "eps": NON_NEGATIVE,
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.3, "lr_decay": 0.01, "weight_decay": 0.1},
        {"lr": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3},
    )

    def start(self, p: Any) -> Slots:
        """Return the sum that is started from."""
        return {"v": np.full_like(p, self.initial_accumulator_value)}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        g = with_l2(g, p, self.weight_decay)
        if self.lr_decay:
            lr = lr * weak(1.0 / (1.0 + (step - 1) * self.lr_decay), p)
        v = slots["v"] + g * g
        return p - lr * g / (np.sqrt(v) + self.eps), {"v": v}

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the sum of squares, to which zero gradients add nothing."""
        return None if self.weight_decay else slots


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSProp; with PyTorch's names, defaults and formulas.

    Tieleman and Hinton, "Neural networks for machine learning", lecture 6e (2012): steps are
    divided by the root of a running mean of squares, ``v = alpha * v + (1 - alpha) * g**2``,
    ``p -= lr * g / (sqrt(v) + eps)``. With momentum what is divided adds up to a velocity,
    ``b = momentum * b + g / (sqrt(v) + eps)``, ``p -= lr * b``. Centred, ``v - m**2`` takes the
    place of ``v``, ``m`` being the running mean of the gradient (Graves, "Generating sequences with
    recurrent neural networks", 2013, equations 38 to 41); where rounding makes it negative it is
    taken as zero, so that no root is NaN.

    Parameters
    ----------
    lr : float > 0
    alpha : float in [0, 1)
        Decay of the means.
    eps : float >= 0
    weight_decay : float >= 0
        Added to the gradient, as in `SGD`.
    momentum : float in [0, 1)
    centered : bool
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = RMSprop(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6), round(float(slots["v"]), 6)
    (0.0, 0.25)
    """

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "alpha": FRACTION,
        "eps": NON_NEGATIVE,
        "weight_decay": NON_NEGATIVE,
        "momentum": FRACTION,
        "centered": TRUTH,
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.02, "alpha": 0.9, "weight_decay": 0.1},
        {"momentum": 0.9, "eps": 1e-3},
        {"lr": 0.02, "momentum": 0.5, "centered": True},
    )

    def start(self, p: Any) -> Slots:
        """Return means of zero, and a velocity of zero if there is momentum."""
        names = ["v", *["m"] * self.centered, *["velocity"] * bool(self.momentum)]
        return {name: np.zeros_like(p) for name in names}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        g = with_l2(g, p, self.weight_decay)
        v = mean(slots["v"], g * g, self.alpha)
        kept, size = {"v": v}, v
        if self.centered:
            kept["m"] = m = mean(slots["m"], g, self.alpha)
            size = np.maximum(v - m * m, 0.0)
        move = g / (np.sqrt(size) + self.eps)
        if self.momentum:
            kept["velocity"] = move = self.momentum * slots["velocity"] + move
        return p - lr * move, kept

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the means and the velocity after updates by zero gradients."""
        if self.weight_decay:
            return None
        decays = {"v": self.alpha, "m": self.alpha, "velocity": self.momentum}
        return {name: after_zeros(slot, decays[name], count) for name, slot in slots.items()}


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta; with PyTorch's names, defaults and formulas.

    Zeiler, "ADADELTA: an adaptive learning rate method" (2012), algorithm 1: a step has the units
    of the parameter, for it is the gradient times the ratio of two root mean squares, that of past
    steps and that of past gradients, ``v = rho * v + (1 - rho) * g**2``,
    ``d = g * sqrt(u + eps) / sqrt(v + eps)``, ``u = rho * u + (1 - rho) * d**2``, ``p -= lr * d``.

    Parameters
    ----------
    lr : float > 0
        A factor, which the paper does without.
    rho : float in [0, 1)
        Decay of both means.
    eps : float >= 0
    weight_decay : float >= 0
        Added to the gradient, as in `SGD`.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Adadelta()
    >>> p, _ = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=1.0)
    >>> round(float(p), 6)
    0.996838
    """

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "rho": FRACTION,
        "eps": NON_NEGATIVE,
        "weight_decay": NON_NEGATIVE,
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 2.0, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    )

    def start(self, p: Any) -> Slots:
        """Return means of zero."""
        return {"v": np.zeros_like(p), "u": np.zeros_like(p)}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        g = with_l2(g, p, self.weight_decay)
        v = mean(slots["v"], g * g, self.rho)
        move = np.sqrt(slots["u"] + self.eps) / np.sqrt(v + self.eps) * g
        return p - lr * move, {"v": v, "u": mean(slots["u"], move * move, self.rho)}

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the means after updates by zero gradients."""
        if self.weight_decay:
            return None
        return {name: after_zeros(slot, self.rho, count) for name, slot in slots.items()}
