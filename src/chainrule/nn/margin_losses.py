"""Losses of margins: how far a score is on the right side; part of `chainrule.nn.LOSSES`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.nn.targets import check_range, check_same_shape, classes, reduced, same_kind
from chainrule.ops.activations import relu


def hinge(outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """Hinge loss of two classes, ``max(0, 1 - targets * outputs)``; its derivative at 1 is 0.

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
        Targets are -1 or 1.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose target is neither -1 nor 1.

    Examples
    --------
    >>> import numpy as np
    >>> hinge(np.array([0.5, 3.0]), np.array([1, 1]), reduction="none")
    array([0.5, 0. ])
    """
    costs = relu(1.0 - _margins("hinge", outputs, targets))
    return reduced("hinge", costs, reduction, sample_weight)


def perceptron(
    outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Perceptron loss of two classes, ``max(0, -targets * outputs)``.

    Its derivative at 0 is that of an error: a network of zeros learns. So one step of gradient
    descent on one row, with learning rate 1, is the perceptron's own rule (Rosenblatt, "The
    perceptron", 1958): where ``targets * outputs <= 0``, add ``targets * x`` to the weights.

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
        Targets are -1 or 1.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose target is neither -1 nor 1.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> perceptron(np.array([-0.5, 3.0]), np.array([1, 1]), reduction="none")
    array([0.5, 0. ])
    >>> x, y = np.array([[2.0, 1.0]]), np.array([-1.0])
    >>> cr.grad(lambda w: perceptron(x @ w, y))(np.zeros(2))
    array([2., 1.])
    """
    costs = relu(-_margins("perceptron", outputs, targets), at_zero=1.0)
    return reduced("perceptron", costs, reduction, sample_weight)


def _margins(loss: str, outputs: Any, targets: Any) -> Any:
    check_same_shape(loss, outputs, targets)
    words = "-1 or 1 (2 * t - 1 makes them of 0 or 1)"
    check_range(loss, targets, lambda t: np.abs(t) == 1, words)
    return same_kind(targets, outputs) * outputs


def multiclass_hinge(
    outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Hinge loss of several classes: ``max(0, 1 + best wrong score - score of the target)``.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector
    machines" (JMLR 2001). PyTorch's ``multi_margin_loss`` is another, that of Weston and Watkins.

    Parameters
    ----------
    outputs : array of shape (n, ..., classes)
        Scores of at least two classes.
    targets : integer array of shape (n, ...)
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np
    >>> multiclass_hinge(np.array([[0.0, 0.5, 2.0]]), np.array([1]))
    np.float64(2.5)
    """
    column = classes("multiclass_hinge", outputs, targets)[..., None]
    wrong = np.where(np.equal(column, np.arange(np.shape(outputs)[-1])), -np.inf, outputs)
    own = np.take_along_axis(outputs, column, axis=-1)[..., 0]
    costs = relu(1.0 + np.max(wrong, axis=-1) - own)
    return reduced("multiclass_hinge", costs, reduction, sample_weight)
