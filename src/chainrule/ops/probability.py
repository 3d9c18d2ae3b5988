"""Scores into probabilities, and the losses of scores: stable for scores of any size."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op
from chainrule.ops.activations import sigmoid
from chainrule.ops.broadcast import cast, spread

ROWS = [
    S((3, 4)),
    S((3, 4), axis=0),
    S((4,)),
    S((2, 3, 2), axis=1),
    S((0, 3)),
    S((2, 3), domain=(-40.0, 40.0), smooth=False),
]


def _shift(x: Any, axis: Any) -> Any:
    """Return the largest along an axis, or 0 where that is infinite, with the axis kept."""
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isinf(top), 0.0, top)


def _log_total(x: Any, axis: Any) -> tuple[Any, Any]:
    """Return the largest and what the logarithm of the sum of exponentials adds to it.

    The largest, which count 1 each, are left out of the sum, so that ``log1p`` sees the others
    in full: a sum that is nearly 1 has a logarithm that is nearly exact too.
    """
    top = _shift(x, axis)
    at_top = np.equal(x, top)
    n_top = np.sum(cast(at_top, top), axis=axis, keepdims=True)
    others = np.sum(np.where(at_top, 0.0, np.exp(x - top)), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        return top, np.log1p((n_top - 1.0) + others)


def _softmax(x: Any, *, axis: Any = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@op(_softmax, samples=ROWS)
def softmax(g: Any, y: Any, x: Any, *, axis: Any = -1) -> Any:
    """Exponentials divided by their sum: positive, and 1 together along `axis`.

    Parameters
    ----------
    x : array
        Scores; at least one along `axis`.
    axis : int or tuple of int

    Examples
    --------
    >>> import numpy as np
    >>> np.round(softmax(np.array([2.0, -1.99, -0.01])), 3)
    array([0.868, 0.016, 0.116])
    """
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(x: Any, *, axis: Any = -1) -> Any:
    top, rest = _log_total(x, axis)
    return (x - top) - rest


@op(_log_softmax, samples=ROWS)
def log_softmax(g: Any, y: Any, x: Any, *, axis: Any = -1) -> Any:
    """``log(softmax(x))`` without underflow.

    Parameters
    ----------
    x : array
        Scores.
    axis : int or tuple of int

    Examples
    --------
    >>> import numpy as np
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def _logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    top, rest = _log_total(x, axis)
    total = top + rest
    return total if keepdims else np.squeeze(total, axis)[()]


@op(
    _logsumexp,
    samples=[
        S((3, 4)), S((3, 4), axis=0), S((2, 3, 4), axis=(0, -1), keepdims=True), S(()),
        S((0, 3), axis=1), S((2, 3), axis=1, domain=(-40.0, 40.0), smooth=False),
    ],
    kink="of -inf alone: equal shares",
)  # fmt: skip
def logsumexp(g: Any, y: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` without overflow.

    Parameters
    ----------
    x : array
    axis : int, tuple of int or None
        All axes, if None.
    keepdims : bool

    Examples
    --------
    >>> import numpy as np
    >>> print(round(logsumexp(np.array([1000.0, 1000.0])), 6))
    1000.693147
    """
    nothing = np.equal(spread(y, x, axis=axis, keepdims=keepdims), -np.inf)
    share = softmax(np.where(nothing, 0.0, x), axis=axis)
    return spread(g, x, axis=axis, keepdims=keepdims) * share


def _softmax_cross_entropy(logits: Any, targets: Any, *, axis: int = -1) -> Any:
    top, rest = _log_total(logits, axis)
    shifted = logits - top
    # A class of score -inf costs nothing if it is not wanted at all.
    cost = targets * np.where(np.equal(targets, 0), 0.0, rest - shifted)
    return np.sum(cost, axis=axis)


def _distribution(rng: np.random.Generator) -> Any:
    return rng.dirichlet(np.ones(4), 3)


@op(_softmax_cross_entropy, samples=[
    S((3, 4), _distribution), S((3, 4), (3, 4)), S((4, 2), (4, 1), axis=0), S((3, 4), (4,)),
    S((0, 3), (0, 3)),
])  # fmt: skip
def softmax_cross_entropy(g: Any, y: Any, logits: Any, targets: Any, *, axis: int = -1) -> Any:
    """Cross-entropy of each row's softmax against a row of target probabilities.

    Parameters
    ----------
    logits : array
        Unnormalised scores, of classes along `axis`.
    targets : array
        Probabilities, or one 1 among zeros, of a shape that broadcasts with that of `logits`.
    axis : int
        The axis of the classes, which the result lacks.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> z, t = np.array([0.0, 0.0]), np.array([1.0, 0.0])
    >>> cr.value_and_grad(softmax_cross_entropy)(z, t)
    (np.float64(0.6931471805599453), array([-0.5,  0.5]))
    """
    both = logits + targets
    g, targets = spread(g, both, axis=axis), spread(targets, both)
    return (
        lambda: g * _surplus(logits, targets, axis),
        lambda: -g * log_softmax(logits, axis=axis),
    )


def _surplus(logits: Any, targets: Any, axis: int) -> Any:
    """Return how much more probability the scores give to each class than the targets."""
    return softmax(logits, axis=axis) * np.sum(targets, axis=axis, keepdims=True) - targets


def _sigmoid_cross_entropy(logits: Any, targets: Any) -> Any:
    return np.maximum(logits, 0.0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))


@op(_sigmoid_cross_entropy, kind=elementwise, samples=[
    S((3, 4), (3, 4)), S((3, 4), (4,)), S((), ()), S((0, 2), (0, 2)), S((3,), 1.0),
])  # fmt: skip
def sigmoid_cross_entropy(g: Any, y: Any, logits: Any, targets: Any) -> Any:
    """Cross-entropy of ``sigmoid(logits)`` against target probabilities, element by element.

    Parameters
    ----------
    logits : array
        Unnormalised scores.
    targets : array
        Probabilities from 0 to 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.value_and_grad(sigmoid_cross_entropy)(0.0, 1.0)
    (np.float64(0.6931471805599453), np.float64(-0.5))
    """
    return lambda: g * (sigmoid(logits) - targets), lambda: -g * logits
