"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, POSITIVE, Constraint
from chainrule.errors import ArgumentError
from chainrule.optim.optimizer import Optimizer, Slots, weak


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam; with PyTorch's names, defaults and formulas.

    Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1: running
    means of the gradient and of its square, corrected for their start at zero.

    Parameters
    ----------
    lr : float > 0
    betas : two floats in [0, 1)
        Decay of the mean of the gradient, and of that of its square.
    eps : float >= 0
    weight_decay : float >= 0
        As in `SGD`, added to the gradient; it passes through the means.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Adam(lr=0.1)
    >>> p, _ = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6)
    0.9
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "lr": POSITIVE,
        "betas": FRACTION,
        "eps": NON_NEGATIVE,
        "weight_decay": NON_NEGATIVE,
    }

    def __post_init__(self) -> None:
        if not isinstance(self.betas, (tuple, list)) or len(self.betas) != 2:
            raise ArgumentError(f"Adam: betas must be two numbers in [0, 1), not {self.betas!r}")
        super().__post_init__()

    def start(self, p: Any) -> Slots:
        """Return means of zero."""
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        beta1, beta2 = self.betas
        if self.weight_decay:
            g = g + self.weight_decay * p
        m = beta1 * slots["m"] + (1.0 - beta1) * g
        v = beta2 * slots["v"] + (1.0 - beta2) * (g * g)
        # The powers are taken in float64: in float32, 1 - 0.999 has but four correct digits.
        move = lr * weak(1.0 / (1.0 - np.power(beta1, step)), p)
        root = np.sqrt(v) * weak(1.0 / np.sqrt(1.0 - np.power(beta2, step)), p)
        return p - move * m / (root + self.eps), {"m": m, "v": v}
