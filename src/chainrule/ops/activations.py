"""Activation functions: each an op with a forward and a rule that are stable everywhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import constant, elementwise, linear, op
from chainrule.ops.arithmetic import ONE
from chainrule.ops.error_function import erfc

WIDE = [*ONE, S((2, 3), domain=(-60.0, 60.0), smooth=False)]


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(np.greater_equal(x, 0), 1.0, small)[()] / (1.0 + small)


@op(_sigmoid, kind=elementwise, samples=WIDE)
def sigmoid(g: Any, y: Any, x: Any) -> Any:
    """Logistic function ``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> import chainrule as cr
    >>> sigmoid(0.0), cr.grad(sigmoid)(0.0)
    (np.float64(0.5), np.float64(0.25))
    """
    return g * y * (1.0 - y)


def _log_sigmoid(x: Any) -> Any:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


@op(_log_sigmoid, kind=elementwise, samples=WIDE)
def log_sigmoid(g: Any, y: Any, x: Any) -> Any:
    """``log(sigmoid(x))`` without underflow.

    Examples
    --------
    >>> import chainrule as cr
    >>> log_sigmoid(-1000.0), cr.grad(log_sigmoid)(-1000.0)
    (np.float64(-1000.0), np.float64(1.0))
    """
    return g * sigmoid(-x)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@op(_softplus, kind=elementwise, samples=WIDE)
def softplus(g: Any, y: Any, x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow: a smooth ReLU.

    Examples
    --------
    >>> import chainrule as cr
    >>> softplus(1000.0), cr.grad(softplus)(0.0)
    (np.float64(1000.0), np.float64(0.5))
    """
    return g * sigmoid(x)


def _relu(x: Any, *, at_zero: float = 0.0) -> Any:
    return np.maximum(x, 0)


@op(
    _relu,
    kind=elementwise,
    samples=[*ONE, S((3,), at_zero=1.0)],
    kink="at 0: `at_zero`, 0 if not given",
)
def relu(g: Any, y: Any, x: Any, *, at_zero: float = 0.0) -> Any:
    """The positive part of `x`.

    Parameters
    ----------
    x : array
    at_zero : float
        The derivative at 0: 0 as in PyTorch, or 1 as some textbooks have it.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(relu)(0.0), cr.grad(lambda x: relu(x, at_zero=1.0))(0.0)
    (np.float64(0.0), np.float64(1.0))
    """
    if at_zero == 0:
        return np.where(x > 0, g, 0.0)
    return np.where(x > 0, g, np.where(x == 0, at_zero * g, 0.0))


def _leaky_relu(x: Any, *, negative_slope: float = 0.01) -> Any:
    return np.where(np.greater(x, 0), x, negative_slope * x)[()]


@op(
    _leaky_relu,
    kind=elementwise,
    samples=[*ONE, S((3,), negative_slope=0.2)],
    kink="at 0: `negative_slope`",
)
def leaky_relu(g: Any, y: Any, x: Any, *, negative_slope: float = 0.01) -> Any:
    """`x` where it is positive, ``negative_slope * x`` elsewhere.

    Examples
    --------
    >>> import chainrule as cr
    >>> leaky_relu(-2.0), cr.grad(leaky_relu)(-2.0)
    (np.float64(-0.02), np.float64(0.01))
    """
    return np.where(np.greater(x, 0), g, negative_slope * g)


def _elu(x: Any, *, alpha: float = 1.0) -> Any:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0)))[()]


@op(_elu, kind=elementwise, samples=[*WIDE, S((3,), alpha=0.5)], kink="at 0: `alpha`")
def elu(g: Any, y: Any, x: Any, *, alpha: float = 1.0) -> Any:
    """`x` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016, equation 15.

    Examples
    --------
    >>> import chainrule as cr
    >>> elu(-1000.0), cr.grad(elu)(1.0)
    (np.float64(-1.0), np.float64(1.0))
    """
    return np.where(np.greater(x, 0), g, g * (alpha * np.exp(np.minimum(x, 0.0))))


# Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, equation 14.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _selu(x: Any) -> Any:
    return SELU_SCALE * _elu(x, alpha=SELU_ALPHA)


@op(_selu, kind=elementwise, samples=WIDE, kink="at 0: that of the left side, 1.758...")
def selu(g: Any, y: Any, x: Any) -> Any:
    """Scaled ELU that keeps mean 0 and variance 1 through layers (Klambauer et al., 2017).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(selu)(1.0)
    np.float64(1.0507009873554805)
    """
    below = SELU_ALPHA * np.exp(np.minimum(x, 0.0))
    return SELU_SCALE * np.where(np.greater(x, 0), g, g * below)


def _silu(x: Any) -> Any:
    return x * _sigmoid(x)


@op(_silu, kind=elementwise, samples=WIDE)
def silu(g: Any, y: Any, x: Any) -> Any:
    """``x * sigmoid(x)``, also called swish.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(silu)(0.0)
    np.float64(0.5)
    """
    s = sigmoid(x)
    return g * (s + x * (s * (1.0 - s)))


def _mish(x: Any) -> Any:
    return x * np.tanh(_softplus(x))


@op(_mish, kind=elementwise, samples=WIDE)
def mish(g: Any, y: Any, x: Any) -> Any:
    """``x * tanh(softplus(x))`` (Misra, BMVC 2020).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(mish)(0.0)
    np.float64(0.6)
    """
    t = np.tanh(softplus(x))
    return g * (t + x * (sigmoid(x) * (1.0 - t * t)))


# Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2.
TANH_SCALE, CUBIC = math.sqrt(2.0 / math.pi), 0.044715


def _gelu(x: Any, *, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1.0 + np.tanh(TANH_SCALE * (x + CUBIC * x * x * x)))
    if approximate != "none":
        raise UnsupportedError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")
    return 0.5 * x * erfc(x * -math.sqrt(0.5))


@op(_gelu, kind=elementwise, samples=[*WIDE, S((3, 4), approximate="tanh")])
def gelu(g: Any, y: Any, x: Any, *, approximate: str = "none") -> Any:
    """`x` times the probability that a standard normal number is below `x`.

    Parameters
    ----------
    x : array
    approximate : {"none", "tanh"}
        Exact, or the faster approximation by tanh (Hendrycks and Gimpel, 2016, section 2).

    Examples
    --------
    >>> import chainrule as cr
    >>> print(round(gelu(1.0), 12), cr.grad(gelu)(0.0))
    0.841344746069 0.5
    """
    if approximate == "tanh":
        t = np.tanh(TANH_SCALE * (x + CUBIC * x * x * x))
        inner = TANH_SCALE * (1.0 + 3.0 * CUBIC * x * x)
        return g * (0.5 * (1.0 + t) + 0.5 * x * ((1.0 - t * t) * inner))
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return g * (0.5 * erfc(x * -math.sqrt(0.5)) + x * density)


def _softsign(x: Any) -> Any:
    return x / (1.0 + np.abs(x))


@op(_softsign, kind=elementwise, samples=WIDE)
def softsign(g: Any, y: Any, x: Any) -> Any:
    """``x / (1 + |x|)``.

    Examples
    --------
    >>> import chainrule as cr
    >>> softsign(1.0), cr.grad(softsign)(0.0)
    (np.float64(0.5), np.float64(1.0))
    """
    slope = 1.0 - np.abs(y)
    return g * slope * slope


def _hard_tanh(x: Any) -> Any:
    return np.clip(x, -1.0, 1.0)


@op(_hard_tanh, kind=elementwise, samples=ONE, kink="at -1 and 1: 0, as PyTorch has it")
def hard_tanh(g: Any, y: Any, x: Any) -> Any:
    """`x` between -1 and 1, and those beyond.

    Examples
    --------
    >>> import chainrule as cr
    >>> hard_tanh(2.0), cr.grad(hard_tanh)(0.5)
    (np.float64(1.0), np.float64(1.0))
    """
    return np.where(np.less(np.abs(x), 1.0), g, 0.0)


def _identity(x: Any) -> Any:
    return x


@op(_identity, kind=linear, samples=ONE)
def identity(g: Any, y: Any, x: Any) -> Any:
    """`x` itself: the activation of a linear layer.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(identity)(3.0)
    np.float64(1.0)
    """
    return g


def _step(x: Any) -> Any:
    """1 where `x` is positive, 0 elsewhere: the perceptron's, which has no derivative.

    Examples
    --------
    >>> import numpy as np
    >>> step(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return np.heaviside(x, 0.0)


step = constant(_step, name="step", samples=ONE)
