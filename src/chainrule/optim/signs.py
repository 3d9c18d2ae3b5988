"""Rules that follow the sign of the gradient alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, POSITIVE, Interval
from chainrule.optim.common import mean, shrunk
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots


@dataclass(frozen=True)
class Rprop(Optimizer):
    """Resilient propagation, for full batches; with PyTorch's names, defaults and formulas.

    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm" (ICNN 1993). Each element has a step size of its own, which grows while its gradient
    keeps its sign and shrinks when that turns, and moves by ``-sign(g) * size``. As in PyTorch an
    element whose sign has turned waits for one update, where the paper takes its last move back
    (the variant iRprop- of Igel and Hüsken, 2000).

    Parameters
    ----------
    lr : float > 0
        The step size of the first update; that of a later update is not used, so that a schedule
        changes nothing.
    etas : two floats, in (0, 1) and above 1
        Factors by which a step size shrinks and grows.
    step_sizes : two floats > 0
        The smallest step size and the largest.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Rprop(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> p, slots = opt.rule(p, 3.0, slots, step=2, lr=0.1)
    >>> round(float(p), 6), round(float(slots["size"]), 6)
    (0.78, 0.12)
    """

    lr: float = 1e-2
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50.0)
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "etas": (Interval(0, 1, "neither"), Interval(1, math.inf, "neither")),
        "step_sizes": (POSITIVE, POSITIVE),
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)},
    )

    def start(self, p: Any) -> Slots:
        """Return step sizes and a gradient of zero before the first."""
        return {"size": np.zeros_like(p), "before": np.zeros_like(p)}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        turns = np.sign(g) * np.sign(slots["before"])  # the product of tiny numbers might be 0
        factor = np.where(turns < 0.0, self.etas[0], np.where(turns > 0.0, self.etas[1], 1.0))
        size = np.where(np.equal(slots["size"], 0.0), lr, slots["size"]) * factor
        size = np.clip(size, *self.step_sizes)
        g = np.where(turns < 0.0, 0.0, g)
        return p - np.sign(g) * size, {"size": size, "before": g}

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the step sizes, which zero gradients leave as they are, and such a gradient."""
        return slots | {"before": np.zeros_like(slots["before"])}


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion, the sign of an interpolated momentum.

    Chen, Liang, Huang, Real, Wang, Liu, Pham, Dong, Luong, Hsieh, Lu and Le, "Symbolic discovery
    of optimization algorithms" (NeurIPS 2023), algorithm 2:

    ``p -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p)``, then
    ``m = beta2 * m + (1 - beta2) * g``.

    Every element moves by `lr`, so that the paper advises a third to a tenth of AdamW's learning
    rate, and the weight decay as many times larger. Defaults are those of the authors' program.

    Parameters
    ----------
    lr : float > 0
    betas : two floats in [0, 1)
        The share of the momentum in the move, and its decay.
    weight_decay : float >= 0
        Apart from the gradient, as in `AdamW`.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Lion(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> float(p), round(float(slots["m"]), 6)
    (0.9, 0.05)
    """

    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "betas": (FRACTION, FRACTION),
        "weight_decay": NON_NEGATIVE,
    }
    samples: ClassVar[Samples] = ({}, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1})

    def start(self, p: Any) -> Slots:
        """Return a momentum of zero."""
        return {"m": np.zeros_like(p)}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        share, decay = self.betas
        move = np.sign(mean(slots["m"], g, share))
        return shrunk(p, lr, self.weight_decay) - lr * move, {"m": mean(slots["m"], g, decay)}
