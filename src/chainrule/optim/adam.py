"""Adam and its kin: running means of the gradient and of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, POSITIVE, TRUTH
from chainrule.optim.common import after_zeros, mean, shrunk, weight_of_mean, with_l2
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots, weak


@dataclass(frozen=True)
class Moments(Optimizer):
    """Base of the rules that keep a running mean ``m`` of the gradient, and ``v`` of its size."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "betas": (FRACTION, FRACTION),
        "eps": NON_NEGATIVE,
        "weight_decay": NON_NEGATIVE,
    }

    def start(self, p: Any) -> Slots:
        """Return means of zero."""
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def moments(self, g: Any, slots: Slots) -> tuple[Any, Any]:
        """Return the running means of the gradient and of its square."""
        beta1, beta2 = self.betas
        return mean(slots["m"], g, beta1), mean(slots["v"], g * g, beta2)

    def decayed(self, p: Any, g: Any, lr: Any, decoupled: bool) -> tuple[Any, Any]:
        """Return the parameter and its gradient, one of which has the decay of the weights."""
        if decoupled:
            return shrunk(p, lr, self.weight_decay), g
        return p, with_l2(g, p, self.weight_decay)


@dataclass(frozen=True)
class AdamRule(Moments):
    """What Adam and AdamW share: all but the decay of the weights."""

    amsgrad: bool = False
    allowed: ClassVar[Allowed] = {**Moments.allowed, "amsgrad": TRUTH}

    def start(self, p: Any) -> Slots:
        """Return means of zero, and with `amsgrad` a largest one of zero."""
        largest = {"v_max": np.zeros_like(p)} if self.amsgrad else {}
        return super().start(p) | largest

    def moved(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update without decay."""
        beta1, beta2 = self.betas
        m, v = self.moments(g, slots)
        kept, size = {"m": m, "v": v}, v
        if self.amsgrad:
            kept["v_max"] = size = np.maximum(slots["v_max"], v)
        move = lr * weak(1.0 / weight_of_mean(beta1, step), p)
        root = np.sqrt(size) * weak(1.0 / np.sqrt(weight_of_mean(beta2, step)), p)
        return p - move * m / (root + self.eps), kept

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return the means after updates by zero gradients.

        A step is ``m / sqrt(v)`` times what varies little: it shrinks if ``beta1**2 <= beta2``. The
        largest ``v`` stays what it is.
        """
        beta1, beta2 = self.betas
        if self.weight_decay or beta1 * beta1 > beta2:
            return None
        return slots | {
            "m": after_zeros(slots["m"], beta1, count),
            "v": after_zeros(slots["v"], beta2, count),
        }


@dataclass(frozen=True)
class Adam(AdamRule):
    """Adam; with PyTorch's names, defaults and formulas.

    Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1: running
    means of the gradient and of its square, corrected for their start at zero,

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g**2``,
    ``p -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)``.

    Parameters
    ----------
    lr : float > 0
    betas : two floats in [0, 1)
        Decay of the mean of the gradient, and of that of its square.
    eps : float >= 0
    weight_decay : float >= 0
        As in `SGD`, added to the gradient; it passes through the means.
    amsgrad : bool
        Whether the largest ``v`` so far takes the place of ``v``, so that no step size grows:
        AMSGrad, of Reddi, Kale and Kumar, "On the convergence of Adam and beyond" (ICLR 2018),
        algorithm 2. As in PyTorch the largest is taken before the correction.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

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

    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1},
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "betas": (0.0, 0.0)},
        {"lr": 0.1, "betas": (0.9, 0.5), "amsgrad": True},
    )

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        return self.moved(*self.decayed(p, g, lr, decoupled=False), slots, step, lr)


@dataclass(frozen=True)
class AdamW(AdamRule):
    """Adam with weight decay apart from the gradient; with PyTorch's names and defaults.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019), algorithm 2: the
    parameter shrinks by the same part whatever the size of its gradients,

    ``p -= lr * weight_decay * p``, then as `Adam`.

    Parameters
    ----------
    lr, betas, eps, amsgrad
        As in `Adam`.
    weight_decay : float >= 0
        Part of the parameter, times the learning rate, that an update takes away.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = AdamW(lr=0.1, weight_decay=0.5)
    >>> p, _ = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6)
    0.85
    """

    weight_decay: float = 1e-2
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.0, "amsgrad": True},
    )

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        return self.moved(*self.decayed(p, g, lr, decoupled=True), slots, step, lr)


@dataclass(frozen=True)
class Adamax(Moments):
    """Adam with the largest gradient in place of the mean square; PyTorch's names and defaults.

    Kingma and Ba (ICLR 2015), algorithm 2: ``m`` as in `Adam`, ``u = max(beta2 * u, |g| + eps)``,
    ``p -= lr / (1 - beta1**t) * m / u``. The `eps`, which the paper does without, is PyTorch's.

    Parameters
    ----------
    lr : float > 0
    betas : two floats in [0, 1)
        Decay of the mean of the gradient, and of its largest size.
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
    >>> opt = Adamax(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6), round(float(slots["v"]), 6)
    (0.9, 5.0)
    """

    lr: float = 2e-3
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1},
    )

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        beta1, beta2 = self.betas
        g = with_l2(g, p, self.weight_decay)
        m = mean(slots["m"], g, beta1)
        largest = np.maximum(beta2 * slots["v"], np.abs(g) + self.eps)
        move = lr * weak(1.0 / weight_of_mean(beta1, step), p)
        return p - move * m / largest, {"m": m, "v": largest}


@dataclass(frozen=True)
class NAdam(Moments):
    """Adam with Nesterov's momentum; with PyTorch's names, defaults and formulas.

    Dozat, "Incorporating Nesterov momentum into Adam" (ICLR 2016 workshop), algorithm 2. The decay
    of the mean rises with the step t, ``mu(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)``, and
    with ``M = mu(1) * ... * mu(t)``

    ``p -= lr * ((1 - mu(t)) / (1 - M) * g + mu(t + 1) / (1 - M * mu(t + 1)) * m) / (sqrt(v /
    (1 - beta2**t)) + eps)``.

    As in PyTorch the mean ``m`` itself decays by `beta1`, where the paper has ``mu(t)``.

    Parameters
    ----------
    lr, betas, eps
        As in `Adam`.
    weight_decay : float >= 0
    momentum_decay : float >= 0
        How fast the decay rises from half of `beta1` to `beta1`; 0 keeps it at half.
    decoupled_weight_decay : bool
        Whether the decay is apart from the gradient, as in `AdamW`.
    lazy : {False, True}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`. Not "exact",
        for M is a number of the whole parameter.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = NAdam(lr=0.1)
    >>> p, slots = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 4), round(float(slots["mu_product"]), 4)
    (0.8944, 0.4501)
    """

    lr: float = 2e-3
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    allowed: ClassVar[Allowed] = {
        **Moments.allowed,
        "momentum_decay": NON_NEGATIVE,
        "decoupled_weight_decay": TRUTH,
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    )

    def start(self, p: Any) -> Slots:
        """Return means of zero, and a product of no decays."""
        return super().start(p) | {"mu_product": np.ones((), np.result_type(p))}

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        p, g = self.decayed(p, g, lr, self.decoupled_weight_decay)
        m, v = self.moments(g, slots)
        mu, mu_next = weak(self._mu(step), p), weak(self._mu(step + 1), p)
        product = slots["mu_product"] * mu
        root = np.sqrt(v * weak(1.0 / weight_of_mean(self.betas[1], step), p)) + self.eps
        ahead = lr * mu_next / (1.0 - product * mu_next)
        moved = p - (lr * (1.0 - mu) / (1.0 - product) * g + ahead * m) / root
        return moved, {"m": m, "v": v, "mu_product": product}

    def _mu(self, step: Any) -> Any:
        return self.betas[0] * (1.0 - 0.5 * np.power(0.96, step * self.momentum_decay))


@dataclass(frozen=True)
class RAdam(Moments):
    """Rectified Adam; with PyTorch's names, defaults and formulas.

    Liu, Jiang, He, Chen, Liu, Gao and Han, "On the variance of the adaptive learning rate and
    beyond" (ICLR 2020), algorithm 2. The mean of squares at step t is worth about
    ``n = n_max - 2 * t * beta2**t / (1 - beta2**t)`` gradients, ``n_max = 2 / (1 - beta2) - 1``. Up
    to 5, too few to divide by, ``p -= lr * m / (1 - beta1**t)``; beyond, `Adam`'s step times

    ``sqrt((n - 4) * (n - 2) * n_max / ((n_max - 4) * (n_max - 2) * n))``.

    As in PyTorch the bound is 5, where the paper has 4, and `eps` is added to ``sqrt(v)`` before
    the correction.

    Parameters
    ----------
    lr, betas, eps
        As in `Adam`.
    weight_decay : float >= 0
    decoupled_weight_decay : bool
        Whether the decay is apart from the gradient, as in `AdamW`.
    lazy : {False, True, "exact"}
        Of tables of which rows are looked up, which rows are updated: see `Optimizer`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = RAdam(lr=0.1)
    >>> p, _ = opt.rule(1.0, 5.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6)
    0.5
    """

    decoupled_weight_decay: bool = False
    allowed: ClassVar[Allowed] = {**Moments.allowed, "decoupled_weight_decay": TRUTH}
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        {"lr": 0.05, "betas": (0.9, 0.6)},
    )

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        p, g = self.decayed(p, g, lr, self.decoupled_weight_decay)
        m, v = self.moments(g, slots)
        move = lr * weak(1.0 / weight_of_mean(self.betas[0], step), p) * m
        longest = 2.0 / (1.0 - self.betas[1]) - 1.0
        if longest > 5.0:
            weight = weight_of_mean(self.betas[1], step)
            length = longest - 2.0 * step * (1.0 - weight) / weight
            scale = weak(np.sqrt(weight) * _rectified(length, longest), p)
            move = move * np.where(np.greater(length, 5.0), scale / (np.sqrt(v) + self.eps), 1.0)
        return p - move, {"m": m, "v": v}


def _rectified(length: Any, longest: float) -> Any:
    """Return the factor that gives a step the variance that it has in the long run."""
    enough = np.maximum(length, 5.0)  # for fewer it is not asked
    ratio = (enough - 4.0) * (enough - 2.0) * longest
    return np.sqrt(ratio / ((longest - 4.0) * (longest - 2.0) * enough))
