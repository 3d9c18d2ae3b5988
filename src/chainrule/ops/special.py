"""SciPy's special functions, where SciPy is imported; chainrule does not import it by itself.

The registry loads this module at the first call of a function that it does not know, once
``scipy.special`` has been imported.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from chainrule.graph import REGISTRY, elementwise, op
from chainrule.graph import Sample as S
from chainrule.ops.activations import log_sigmoid, sigmoid
from chainrule.ops.arithmetic import ONE, POSITIVE, cbrt, limit_quotient
from chainrule.ops.error_function import erf, erfc
from chainrule.ops.exponential import LN10, exp2, expm1, log1p

PROBABILITY = [
    S((3, 4), domain=(0.05, 0.95)),
    S((), domain=(0.05, 0.95)),
    S((0, 2)),
]
POSITIVE_PAIRS = [
    S((3, 4), (4,), domain=(0.2, 3.0)),
    S((), (2,), domain=(0.2, 3.0)),
    S((2, 0), (1,), domain=(0.2, 3.0)),
]
ROOT_TAU = math.sqrt(2.0 * math.pi)

REGISTRY.by_function |= {
    sp.expit: sigmoid,
    sp.log_expit: log_sigmoid,
    sp.erf: erf,
    sp.erfc: erfc,
    sp.exp2: exp2,
    sp.expm1: expm1,
    sp.log1p: log1p,
    sp.cbrt: cbrt,
}


@op(sp.exp10, kind=elementwise, samples=ONE)
def exp10(g: Any, y: Any, x: Any) -> Any:
    """``10 ** x``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.exp10)(0.0), 9))
    2.302585093
    """
    return LN10 * g * y


@op(sp.cosm1, kind=elementwise, samples=ONE)
def cosm1(g: Any, y: Any, x: Any) -> Any:
    """``cos(x) - 1``, accurate near 0.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.cosm1)(1.0), 9))
    -0.841470985
    """
    return -g * np.sin(x)


@op(sp.logit, kind=elementwise, samples=PROBABILITY)
def logit(g: Any, y: Any, x: Any) -> Any:
    """``log(x / (1 - x))``, the inverse of the logistic function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.logit)(0.5), 9))
    4.0
    """
    return g / (x * (1.0 - x))


@op(sp.erfcx, kind=elementwise, samples=ONE)
def erfcx(g: Any, y: Any, x: Any) -> Any:
    """``exp(x**2) * erfc(x)``, scaled so that it does not underflow.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.erfcx)(0.0), 9))
    -1.128379167
    """
    return g * (2.0 * x * y - 2.0 / math.sqrt(math.pi))


@op(sp.erfinv, kind=elementwise, samples=PROBABILITY)
def erfinv(g: Any, y: Any, x: Any) -> Any:
    """Inverse of the error function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.erfinv)(0.0), 9))
    0.886226925
    """
    return g * (0.5 * math.sqrt(math.pi)) * np.exp(y * y)


@op(sp.erfcinv, kind=elementwise, samples=PROBABILITY)
def erfcinv(g: Any, y: Any, x: Any) -> Any:
    """Inverse of the complementary error function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.erfcinv)(1.0), 9))
    -0.886226925
    """
    return -g * (0.5 * math.sqrt(math.pi)) * np.exp(y * y)


@op(sp.dawsn, kind=elementwise, samples=ONE)
def dawsn(g: Any, y: Any, x: Any) -> Any:
    """Dawson's integral, ``exp(-x**2)`` times that of ``exp(t**2)`` from 0 to `x`.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.dawsn)(0.0), 9))
    1.0
    """
    return g * (1.0 - 2.0 * x * y)


@op(sp.ndtr, kind=elementwise, samples=ONE)
def ndtr(g: Any, y: Any, x: Any) -> Any:
    """Probability that a standard normal number is below `x`.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.ndtr)(0.0), 9))
    0.39894228
    """
    return g * np.exp(-0.5 * x * x) / ROOT_TAU


@op(sp.log_ndtr, kind=elementwise, samples=ONE)
def log_ndtr(g: Any, y: Any, x: Any) -> Any:
    """``log(ndtr(x))`` without underflow.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.log_ndtr)(0.0), 9))
    0.797884561
    """
    return g * math.sqrt(2.0 / math.pi) / sp.erfcx(x * -math.sqrt(0.5))


@op(sp.ndtri, kind=elementwise, samples=PROBABILITY)
def ndtri(g: Any, y: Any, x: Any) -> Any:
    """Quantile of the standard normal distribution.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.ndtri)(0.5), 9))
    2.506628275
    """
    return g * ROOT_TAU * np.exp(0.5 * y * y)


@op(sp.gamma, kind=elementwise, samples=POSITIVE)
def gamma(g: Any, y: Any, x: Any) -> Any:
    """Gamma function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.gamma)(3.0), 9))
    1.84556867
    """
    return g * y * sp.digamma(x)


@op(sp.gammaln, kind=elementwise, samples=POSITIVE)
def gammaln(g: Any, y: Any, x: Any) -> Any:
    """Logarithm of the absolute value of the gamma function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.gammaln)(3.0), 9))
    0.922784335
    """
    return g * sp.digamma(x)


@op(sp.rgamma, kind=elementwise, samples=[
    *POSITIVE, S((4,), domain=(-3.0, 0.4)), S(lambda rng: np.array([0.0, -1.0, -2.0, -3.0])),
])  # fmt: skip
def rgamma(g: Any, y: Any, x: Any) -> Any:
    """``1 / gamma(x)``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.rgamma)(3.0), 9))
    -0.461392168
    """
    # 1 / gamma(x) = gamma(1 - x) sin(pi x) / pi, whose derivative exists at the poles of gamma too.
    low = np.less(x, 0.5)
    turned, angle = 1.0 - np.where(low, x, 0.5), np.pi * np.where(low, x, 0.5)
    slope = np.cos(angle) - sp.digamma(turned) * np.sin(angle) / np.pi
    high = -y * sp.digamma(np.where(low, 1.0, x))
    return g * np.where(low, sp.gamma(turned) * slope, high)


@op(sp.digamma, kind=elementwise, samples=POSITIVE)
def digamma(g: Any, y: Any, x: Any) -> Any:
    """Derivative of `gammaln`; `scipy.special.psi` is the same.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.digamma)(1.0), 9))
    1.644934067
    """
    return g * polygamma(x, order=1)


def _polygamma(x: Any, *, order: int) -> Any:
    return sp.polygamma(order, x)[()]


@op(_polygamma, kind=elementwise, samples=[S((3, 4), order=1, domain=(0.5, 3.0))])
def polygamma(g: Any, y: Any, x: Any, *, order: int) -> Any:
    """Derivative of `digamma`, of a given order.

    Examples
    --------
    >>> print(round(polygamma(1.0, order=1), 9))
    1.644934067
    """
    return g * polygamma(x, order=order + 1)


@op(sp.beta, kind=elementwise, samples=POSITIVE_PAIRS)
def beta(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``gamma(a) * gamma(b) / gamma(a + b)``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.beta)(1.0, 2.0), 9))
    -0.75
    """
    g, total = g * y, sp.digamma(a + b)
    return lambda: g * (sp.digamma(a) - total), lambda: g * (sp.digamma(b) - total)


@op(sp.betaln, kind=elementwise, samples=POSITIVE_PAIRS)
def betaln(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Logarithm of the absolute value of the beta function.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.betaln)(1.0, 2.0), 9))
    -1.5
    """
    total = sp.digamma(a + b)
    return lambda: g * (sp.digamma(a) - total), lambda: g * (sp.digamma(b) - total)


def _unless_both_zero(a: Any, b: Any) -> Any:
    """Return `b`, and 1 where both are 0."""
    return np.where(np.logical_and(np.equal(a, 0), np.equal(b, 0)), 1.0, b)


@op(sp.xlogy, kind=elementwise, samples=POSITIVE_PAIRS, kink="at (0, 0): 0")
def xlogy(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a * log(b)``, and 0 where `a` is 0.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> cr.grad(scipy.special.xlogy, (0, 1))(0.0, 0.0)
    (np.float64(0.0), np.float64(0.0))
    """
    return lambda: g * np.log(_unless_both_zero(a, b)), lambda: limit_quotient(g * a, b)


@op(sp.xlog1py, kind=elementwise, samples=POSITIVE_PAIRS, kink="at (0, -1): 0")
def xlog1py(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a * log1p(b)``, and 0 where `a` is 0.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> cr.grad(scipy.special.xlog1py, (0, 1))(1.0, 0.0)
    (np.float64(0.0), np.float64(1.0))
    """
    pole = np.logical_and(np.equal(a, 0), np.equal(b, -1))
    return lambda: g * np.log1p(np.where(pole, 0.0, b)), lambda: limit_quotient(g * a, 1.0 + b)


@op(
    sp.entr,
    kind=elementwise,
    samples=POSITIVE,
    kink="at 0: infinite, the limit from the right; 0 where the incoming gradient is 0",
)
def entr(g: Any, y: Any, x: Any) -> Any:
    """``-x * log(x)``, a term of an entropy.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.entr)(1.0), 9))
    -1.0
    """
    return -g * (np.log(_unless_both_zero(g, x)) + 1.0)


@op(sp.rel_entr, kind=elementwise, samples=POSITIVE_PAIRS)
def rel_entr(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a * log(a / b)``, a term of a relative entropy.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> cr.grad(scipy.special.rel_entr, (0, 1))(1.0, 1.0)
    (np.float64(1.0), np.float64(-1.0))
    """
    return lambda: g * (np.log(a / b) + 1.0), lambda: -g * (a / b)


@op(sp.kl_div, kind=elementwise, samples=POSITIVE_PAIRS)
def kl_div(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a * log(a / b) - a + b``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> cr.grad(scipy.special.kl_div, (0, 1))(1.0, 1.0)
    (np.float64(0.0), np.float64(0.0))
    """
    return lambda: g * np.log(a / b), lambda: g * (1.0 - a / b)


def _over_argument(y: Any, x: Any) -> Any:
    """Return ``y / x`` of an odd Bessel function of order 1, whose limit at 0 is one half."""
    return np.where(np.equal(x, 0), 0.5, y / np.where(np.equal(x, 0), 1.0, x))


@op(sp.i0, kind=elementwise, samples=ONE)
def i0(g: Any, y: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind, of order 0.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.i0)(1.0), 9))
    0.565159104
    """
    return g * sp.i1(x)


@op(sp.i1, kind=elementwise, samples=ONE)
def i1(g: Any, y: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind, of order 1.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.i1)(0.0), 9))
    0.5
    """
    return g * (sp.i0(x) - _over_argument(y, x))


@op(sp.i0e, kind=elementwise, samples=ONE, kink="at 0: 0")
def i0e(g: Any, y: Any, x: Any) -> Any:
    """``exp(-|x|) * i0(x)``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.i0e)(1.0), 9))
    -0.257849192
    """
    return g * (sp.i1e(x) - np.sign(x) * y)


@op(sp.i1e, kind=elementwise, samples=ONE)
def i1e(g: Any, y: Any, x: Any) -> Any:
    """``exp(-|x|) * i1(x)``.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.i1e)(1.0), 9))
    0.049938777
    """
    return g * (sp.i0e(x) - np.sign(x) * y - _over_argument(y, x))


@op(sp.j0, kind=elementwise, samples=ONE)
def j0(g: Any, y: Any, x: Any) -> Any:
    """Bessel function of the first kind, of order 0.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.j0)(1.0), 9))
    -0.440050586
    """
    return -g * sp.j1(x)


@op(sp.j1, kind=elementwise, samples=ONE)
def j1(g: Any, y: Any, x: Any) -> Any:
    """Bessel function of the first kind, of order 1.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.j1)(0.0), 9))
    0.5
    """
    return g * (sp.j0(x) - _over_argument(y, x))


@op(sp.expi, kind=elementwise, samples=POSITIVE)
def expi(g: Any, y: Any, x: Any) -> Any:
    """Exponential integral Ei.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.expi)(1.0), 9))
    2.718281828
    """
    return g * np.exp(x) / x


@op(sp.exp1, kind=elementwise, samples=POSITIVE)
def exp1(g: Any, y: Any, x: Any) -> Any:
    """Exponential integral E1.

    Examples
    --------
    >>> import scipy.special, chainrule as cr
    >>> print(round(cr.grad(scipy.special.exp1)(1.0), 9))
    -0.367879441
    """
    return -g * np.exp(-x) / x
