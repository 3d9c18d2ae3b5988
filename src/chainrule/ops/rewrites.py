"""Named rules that replace a pattern of ops by one that is simpler or safer, with the same value.

A rule is two plain NumPy functions of the same arguments; see `chainrule.graph.Rewrite`. The rules
of the group *simplify* leave out what does nothing. Those of the group *stabilise* compute the same
without overflow, underflow or cancellation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.graph import Rewrite
from chainrule.graph.rewrite import ANY_AXIS
from chainrule.ops.activations import log_sigmoid, sigmoid, softplus
from chainrule.ops.broadcast import cast, spread, sum_to
from chainrule.ops.probability import log_softmax, logsumexp, softmax
from chainrule.ops.shapes import reshape_like

ANY: Any = ANY_AXIS
Function = Callable[..., Any]


def _simplify(name: str, before: Function, after: Function, **settings: Any) -> Rewrite:
    return Rewrite(name, "simplify", before, after, **settings)


def _stabilise(name: str, before: Function, after: Function) -> Rewrite:
    return Rewrite(name, "stabilise", before, after)


SIMPLIFY = (
    _simplify("times one", lambda x: x * 1, lambda x: x),
    _simplify("one times", lambda x: 1 * x, lambda x: x),
    _simplify("over one", lambda x: x / 1, lambda x: x),
    _simplify("plus zero", lambda x: x + 0, lambda x: x),
    _simplify("zero plus", lambda x: 0 + x, lambda x: x),
    _simplify("minus zero", lambda x: x - 0, lambda x: x),
    _simplify("zero minus", lambda x: 0 - x, lambda x: -x),
    _simplify("times minus one", lambda x: x * -1, lambda x: -x),
    _simplify("minus one times", lambda x: -1 * x, lambda x: -x),
    _simplify("size of a negative", lambda x: np.abs(-x), lambda x: np.abs(x)),
    _simplify("double negation", lambda x: np.negative(-x), lambda x: x),
    _simplify("plus a negative", lambda x, y: x + (-y), lambda x, y: x - y),
    _simplify("minus a negative", lambda x, y: x - (-y), lambda x, y: x + y),
    _simplify("first power", lambda x: x**1, lambda x: x),
    _simplify("second power", lambda x: x**2, lambda x: np.square(x)),
    _simplify("times itself", lambda x: x * x, lambda x: np.square(x)),
    _simplify("transpose of a transpose", lambda x: x.T.T, lambda x: x),
    _simplify(
        "reshape of a reshape",
        lambda x: x.reshape(4).reshape(2, 2),
        lambda x, shape: x.reshape(shape),
        free=("shape",),
    ),
    _simplify(
        "reshape there and back",
        lambda x: reshape_like(x.reshape(4), x),
        lambda x: x,
        free=("shape",),
    ),
    _simplify("reshape to its own shape", lambda x: reshape_like(x, x), lambda x: x),
    _simplify("cast to its own dtype", lambda x, like: cast(x, like), lambda x, like: x),
    _simplify("sum to its own shape", lambda x: sum_to(x, x), lambda x: x),
    _simplify("spread to its own shape", lambda x: spread(x, x), lambda x: x),
    _simplify("log of exp", lambda x: np.log(np.exp(x)), lambda x: x),
)

STABILISE = (
    _stabilise(
        "log of softmax",
        lambda x: np.log(softmax(x, axis=ANY)),
        lambda x, axis: log_softmax(x, axis=axis),
    ),
    _stabilise(
        "exp of log_softmax",
        lambda x: np.exp(log_softmax(x, axis=ANY)),
        lambda x, axis: softmax(x, axis=axis),
    ),
    _stabilise(
        "exponentials over their sum",
        lambda x: np.exp(x) / np.sum(np.exp(x), axis=ANY, keepdims=True),
        lambda x, axis: softmax(x, axis=axis),
    ),
    _stabilise(
        "log of a sum of exp",
        lambda x: np.log(np.sum(np.exp(x), axis=ANY, keepdims=ANY)),
        lambda x, axis, keepdims: logsumexp(x, axis=axis, keepdims=keepdims),
    ),
    _stabilise("log of sigmoid", lambda x: np.log(sigmoid(x)), lambda x: log_sigmoid(x)),
    _stabilise("1 - sigmoid", lambda x: 1 - sigmoid(x), lambda x: sigmoid(-x)),
    _stabilise("1 / (1 + exp(-x))", lambda x: 1 / (1 + np.exp(-x)), lambda x: sigmoid(x)),
    _stabilise("1 / (exp(-x) + 1)", lambda x: 1 / (np.exp(-x) + 1), lambda x: sigmoid(x)),
    _stabilise("log(1 + exp(x))", lambda x: np.log(1 + np.exp(x)), lambda x: softplus(x)),
    _stabilise("log(exp(x) + 1)", lambda x: np.log(np.exp(x) + 1), lambda x: softplus(x)),
    _stabilise("log1p of exp", lambda x: np.log1p(np.exp(x)), lambda x: softplus(x)),
    _stabilise(
        "log(exp(x) + exp(y))",
        lambda x, y: np.log(np.exp(x) + np.exp(y)),
        lambda x, y: np.logaddexp(x, y),
    ),
    _stabilise("log(1 + x)", lambda x: np.log(1 + x), lambda x: np.log1p(x)),
    _stabilise("log(x + 1)", lambda x: np.log(x + 1), lambda x: np.log1p(x)),
    _stabilise("exp(x) - 1", lambda x: np.exp(x) - 1, lambda x: np.expm1(x)),
    _stabilise("root of a square", lambda x: np.sqrt(np.square(x)), lambda x: np.abs(x)),
    _stabilise(
        "root of a sum of squares",
        lambda x, y: np.sqrt(np.square(x) + np.square(y)),
        lambda x, y: np.hypot(x, y),
    ),
)

RULES = SIMPLIFY + STABILISE
