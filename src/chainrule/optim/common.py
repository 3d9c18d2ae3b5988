"""What update rules have in common: decay of weights, running means, their correction."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.optim.optimizer import weak


def with_l2(g: Any, p: Any, weight_decay: float) -> Any:
    """Return the gradient with that of ``weight_decay / 2 * p**2``."""
    return g + weight_decay * p if weight_decay else g


def shrunk(p: Any, lr: Any, weight_decay: float) -> Any:
    """Return the parameter less ``lr * weight_decay`` of itself.

    Weight decay apart from the gradient: Loshchilov and Hutter, "Decoupled weight decay
    regularization" (ICLR 2019).
    """
    return p - (lr * weight_decay) * p if weight_decay else p


def mean(old: Any, new: Any, decay: float) -> Any:
    """Return the exponential running mean after one more value."""
    return decay * old + (1.0 - decay) * new


def weight_of_mean(decay: float, step: Any) -> Any:
    """Return the sum of the weights of a running mean that began at zero: ``1 - decay**step``.

    Divided by it the mean has no bias towards zero (Kingma and Ba, ICLR 2015, section 3). It is
    computed in float64: in float32, 1 - 0.999 has but four correct digits.
    """
    return 1.0 - np.power(decay, step)


def norm(x: Any) -> Any:
    """Return the Euclidean norm of all elements."""
    return np.sqrt(np.sum(np.square(x)))


def is_whole(number: Any) -> Any:
    """Return whether a number is whole, such as a quotient of steps whose division is exact."""
    return np.equal(number, np.floor(number))


def after_zeros(old: Any, decay: float, count: Any) -> Any:
    """Return a running mean, or a sum that decays, after more values that are zero."""
    return old * weak(np.power(decay, count), old)
