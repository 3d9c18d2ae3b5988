"""The simplifications of a derivation, each with the reason that is given for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Rewrite
from chainrule.graph.rewrite import ANY_AXIS
from chainrule.ops.activations import sigmoid
from chainrule.ops.broadcast import cast, spread
from chainrule.ops.probability import log_softmax, softmax
from chainrule.ops.rewrites import SIMPLIFY

ANY: Any = ANY_AXIS


def _rule(name: str, before: Any, after: Any, **settings: Any) -> Rewrite:
    return Rewrite(name, "derivation", before, after, **settings)


_LEFT_OUT = {"second power", "times itself"}

OWN = (
    _rule("1 − (1 − x) = x", lambda x: 1.0 - (1.0 - x), lambda x: x),
    _rule("x · (a / x) = a", lambda x, a: x * (a / x), lambda x, a: spread(a, x)),
    _rule("(a / x) · x = a", lambda x, a: (a / x) * x, lambda x, a: spread(a, x)),
    _rule("−(a · b) = (−a) · b", lambda a, b: np.negative(a) * b, lambda a, b: -(a * b)),
    _rule("a · (−b) = −(a · b)", lambda a, b: a * np.negative(b), lambda a, b: -(a * b)),
    _rule("−(a − b) / c", lambda a, b, c: np.negative((a - b) / c), lambda a, b, c: (b - a) / c),
    _rule("(−a) / b", lambda a, b: np.negative(a) / b, lambda a, b: -(a / b)),
    _rule("2 · (x / b)", lambda b, x: 2.0 * ((1.0 / b) * x), lambda b, x: (2.0 / b) * x),
    _rule("x + x", lambda x: x + x, lambda x: 2.0 * x),
    _rule("−(a − b) = b − a", lambda a, b: np.negative(a - b), lambda a, b: b - a),
    _rule("x − (−a) = x + a", lambda x, a: x - np.negative(a), lambda x, a: x + a),
    _rule(
        "exp(log softmax) = softmax",
        lambda x: np.exp(log_softmax(x, axis=ANY)),
        lambda x, axis: softmax(x, axis=axis),
    ),
    _rule("σ(−z) = 1 − σ(z)", lambda x: sigmoid(np.negative(x)), lambda x: 1.0 - sigmoid(x)),
    _rule("cast", lambda x, like: cast(x, like), lambda x, like: x),
)

DERIVATION_RULES = tuple(r for r in SIMPLIFY if r.name not in _LEFT_OUT) + OWN

_TELLING = {"exp(log softmax) = softmax", "σ(−z) = 1 − σ(z)"}


def reason(line: str) -> str:
    """Return what a line of the log gives as a reason; empty if it goes without saying."""
    name = line.partition(": ")[2]
    return name if name in _TELLING else ""
