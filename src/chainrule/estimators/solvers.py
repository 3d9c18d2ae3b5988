"""How `solver`, `learning_rate` and their parameters become an optimizer with a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.optim import SGD, Adam, Optimizer
from chainrule.optim.optimizer import Slots, weak

_SLOWEST, _DIVISOR = 1e-6, 5.0  # of learning_rate="adaptive"


@dataclass(frozen=True)
class ScaledSGD(SGD):
    """SGD whose velocity carries the learning rate: ``v = momentum * v - lr * g``.

    It is `SGD` as long as the rate is constant; when the rate falls, earlier steps go on with the
    rate that they were taken with. Sutskever, Martens, Dahl and Hinton (ICML 2013), equations 1
    to 4, and scikit-learn's form.

    Examples
    --------
    >>> opt = ScaledSGD(lr=0.1, momentum=0.9)
    >>> p, slots = opt.rule(1.0, 2.0, opt.start(1.0), step=1, lr=0.1)
    >>> float(p), float(slots["velocity"])
    (0.8, -0.2)
    """

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        if not self.momentum:
            return p - lr * g, slots
        velocity = self.momentum * slots["velocity"] - lr * g
        move = self.momentum * velocity - lr * g if self.nesterov else velocity
        return p + move, {"velocity": velocity}


@dataclass(frozen=True)
class OrderedAdam(Adam):
    """Adam with both corrections in the learning rate, so that `eps` is that of raw means.

    Kingma and Ba (ICLR 2015), end of section 2: the more efficient order, and scikit-learn's.

    Examples
    --------
    >>> opt = OrderedAdam(lr=0.1)
    >>> p, _ = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6)
    0.9
    """

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        beta1, beta2 = self.betas
        m = beta1 * slots["m"] + (1.0 - beta1) * g
        v = beta2 * slots["v"] + (1.0 - beta2) * (g * g)
        correction = np.sqrt(1.0 - np.power(beta2, step)) / (1.0 - np.power(beta1, step))
        move = lr * weak(correction, p)
        return p - move * m / (np.sqrt(v) + self.eps), {"m": m, "v": v}


class Solver:
    """An optimizer under way.

    Parameters
    ----------
    optimizer : Optimizer
    learning_rate : {"constant", "invscaling", "adaptive"} or callable
        A callable is a schedule: the factor of the learning rate by the step, counted from 0.
    power_t : float
        Exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        That of the next step, unless a schedule gives it.
    state : dict or None
        The optimizer's, once there is one.
    """

    def __init__(
        self, optimizer: Optimizer, learning_rate: str | Callable[[int], float], power_t: float
    ) -> None:
        self.optimizer, self.kind, self.power_t = optimizer, learning_rate, power_t
        self.learning_rate = float(optimizer.lr)
        self.state: dict[str, Any] | None = None

    @classmethod
    def of(cls, mlp: Any) -> Solver:
        """Return the solver that an estimator's arguments describe."""
        rate = mlp.learning_rate
        if isinstance(mlp.solver, Optimizer):
            return cls(mlp.solver, rate, mlp.power_t)
        lr = float(mlp.learning_rate_init)
        if mlp.solver == "sgd":
            nesterov = bool(mlp.nesterovs_momentum and mlp.momentum)
            return cls(
                ScaledSGD(lr, momentum=float(mlp.momentum), nesterov=nesterov), rate, mlp.power_t
            )
        # The words for learning_rate are of SGD alone, as in scikit-learn.
        rate = rate if callable(rate) else "constant"
        betas = float(mlp.beta_1), float(mlp.beta_2)
        return cls(OrderedAdam(lr, betas, float(mlp.epsilon)), rate, mlp.power_t)

    def factor(self, step: int) -> float:
        """Return what the optimizer's own learning rate is multiplied with at a step."""
        if callable(self.kind):
            return float(self.kind(step))
        return self.learning_rate / self.optimizer.lr

    def after_epoch(self, seen: int) -> None:
        """Change the learning rate, so many rows having been seen."""
        if self.kind == "invscaling":
            self.learning_rate = float(self.optimizer.lr) / (seen + 1) ** self.power_t

    def slow_down(self) -> bool:
        """Lower the learning rate where it adapts; return whether it did."""
        if self.kind != "adaptive" or self.learning_rate <= _SLOWEST:
            return False
        self.learning_rate /= _DIVISOR
        return True
