"""Losses: functions of a network's outputs and the targets; outputs come first.

Each takes ``sample_weight``, one weight a row, and ``reduction``: ``"mean"`` divides by the sum of
the weights, ``"sum"`` does not divide, ``"none"`` returns the costs. Losses of scores take logits:
what the last linear layer gives, without sigmoid or softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.constraints import FRACTION, POSITIVE, Interval, check
from chainrule.errors import ArgumentError, ShapeError
from chainrule.nn.arrays import lookup
from chainrule.nn.margin_losses import hinge, multiclass_hinge, perceptron
from chainrule.nn.targets import (
    check_range,
    check_same_shape,
    classes,
    known,
    reduced,
    same_kind,
)
from chainrule.ops.activations import softplus
from chainrule.ops.broadcast import cast
from chainrule.ops.probability import log_softmax, sigmoid_cross_entropy, softmax_cross_entropy


def mse(outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """Squared error, ``(outputs - targets)**2``.

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    np.float64(2.0)
    """
    error = _error("mse", outputs, targets)
    return reduced("mse", error * error, reduction, sample_weight)


def mae(outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """Absolute error, ``|outputs - targets|``; its derivative at 0 is 0. See `mse`.

    Examples
    --------
    >>> import numpy as np
    >>> mae(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    np.float64(1.0)
    """
    error = _error("mae", outputs, targets)
    return reduced("mae", np.abs(error), reduction, sample_weight)


def huber(
    outputs: Any,
    targets: Any,
    *,
    delta: float = 1.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Half the squared error up to `delta`, and linear beyond. See `mse`.

    Huber, "Robust estimation of a location parameter" (1964); scaled as PyTorch's ``HuberLoss``.

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
    delta : float > 0
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np
    >>> huber(np.array([1.0, 2.0]), np.array([1.0, 5.0]), reduction="none")
    array([0. , 2.5])
    """
    check("huber", {"delta": POSITIVE}, {"delta": delta})
    size = np.abs(_error("huber", outputs, targets))
    small = np.where(size <= delta, size, delta)
    return reduced("huber", small * (size - 0.5 * small), reduction, sample_weight)


def _error(loss: str, outputs: Any, targets: Any) -> Any:
    check_same_shape(loss, outputs, targets)
    return outputs - same_kind(targets, outputs)


def binary_cross_entropy(
    logits: Any,
    targets: Any,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy of the sigmoid of logits, element by element.

    Give the scores themselves: probabilities, such as the output of a sigmoid layer, would pass a
    second sigmoid, and the network would learn slowly and to the wrong values.

    Parameters
    ----------
    logits, targets : arrays of equal shape (n, ...)
        Targets are 0, 1 or probabilities between. Several columns are several labels.
    pos_weight : float > 0, or array of them of the shape of a row, optional
        Factor of the costs of positive targets, as in PyTorch; of several labels each may have
        its own.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose target is not in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> binary_cross_entropy(np.array([0.0, 0.0]), np.array([1, 0])).round(3)
    np.float64(0.693)
    """
    name = "binary_cross_entropy"
    check_same_shape(name, logits, targets)
    check_range(name, targets, lambda t: (t >= 0) & (t <= 1), "between 0 and 1")
    targets = same_kind(targets, logits)
    costs = sigmoid_cross_entropy(logits, targets)
    if pos_weight is not None:
        more = _positive_weights(name, pos_weight, logits) - 1.0
        costs = costs + more * targets * softplus(-logits)
    return reduced(name, costs, reduction, sample_weight)


def _positive_weights(loss: str, pos_weight: Any, logits: Any) -> Any:
    """Return a number, or numbers of the shape of a row in the dtype of the logits."""
    shape = np.shape(pos_weight)
    if not shape:
        check(loss, {"pos_weight": POSITIVE}, {"pos_weight": pos_weight})
        return float(pos_weight)
    if shape != np.shape(logits)[1:]:
        raise ShapeError(
            f"{loss}: pos_weight has shape {shape}, and a row of logits {np.shape(logits)[1:]}"
        )
    for weight in np.ravel(pos_weight).tolist():
        check(loss, {"pos_weight": POSITIVE}, {"pos_weight": weight})
    return same_kind(np.asarray(pos_weight, np.float64), logits)


def cross_entropy(
    logits: Any,
    targets: Any,
    *,
    class_weight: Any = None,
    sample_weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy of the softmax of logits.

    Give the scores themselves: probabilities, such as the output of a softmax layer, would pass a
    second softmax, whose result can never be near 0 or 1.

    Parameters
    ----------
    logits : array of shape (n, ..., classes)
    targets : array
        Either classes, integers of shape (n, ...), or for each row a distribution over the
        classes, of the shape of `logits`; one-hot rows are such.
    class_weight : array of shape (classes,), optional
        Factors of the costs. With classes as targets the mean divides by the sum of the targets'
        weights; with distributions it does not. So it is in PyTorch.
    sample_weight : array of shape (n,), optional
    label_smoothing : float in [0, 1)
        The part of each target that is spread evenly over all classes (Szegedy et al., 2016,
        section 7).
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose class does not exist, and the number of classes.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[2.0, -1.99, -0.01]])
    >>> round(float(cross_entropy(logits, np.array([0]))), 3)
    0.142
    >>> round(float(cross_entropy(logits, np.array([[1.0, 0.0, 0.0]]))), 3)
    0.142
    """
    name = "cross_entropy"
    check(name, {"label_smoothing": FRACTION}, {"label_smoothing": label_smoothing})
    weights = _class_weights(name, logits, class_weight)
    if np.shape(targets) != np.shape(logits):
        costs, own = _picked(name, log_softmax(logits), targets, weights, label_smoothing)
        return reduced(name, costs, reduction, sample_weight, own)
    check_range(name, targets, lambda t: t >= 0, "classes, or distributions without negative parts")
    smoothed = same_kind(targets, logits)
    if label_smoothing:
        share = label_smoothing / np.shape(logits)[-1]
        smoothed = (1.0 - label_smoothing) * smoothed + share
    if weights is not None:
        smoothed = smoothed * weights
    return reduced(name, softmax_cross_entropy(logits, smoothed), reduction, sample_weight)


def nll(
    log_probabilities: Any,
    targets: Any,
    *,
    class_weight: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood of classes, from log-probabilities such as ``log_softmax`` gives.

    Parameters
    ----------
    log_probabilities : array of shape (n, ..., classes)
    targets : integer array of shape (n, ...)
    class_weight, sample_weight, reduction
        See `cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> nll(np.log(np.array([[0.25, 0.75]])), np.array([1])).round(3)
    np.float64(0.288)
    """
    weights = _class_weights("nll", log_probabilities, class_weight)
    costs, own = _picked("nll", log_probabilities, targets, weights, 0.0)
    return reduced("nll", costs, reduction, sample_weight, own)


def _class_weights(loss: str, outputs: Any, class_weight: Any) -> Any:
    if class_weight is None:
        return None
    n_classes = np.shape(outputs)[-1]
    if np.shape(class_weight) != (n_classes,):
        raise ShapeError(
            f"{loss}: class_weight has shape {np.shape(class_weight)}, and there are {n_classes} "
            "classes"
        )
    values = known(class_weight)
    if values is not None and not np.all(values >= 0):
        raise ArgumentError(f"{loss}: class_weight must not be negative or NaN")
    return same_kind(class_weight, outputs)


def _picked(
    loss: str, log_probabilities: Any, targets: Any, weights: Any, smoothing: float
) -> tuple[Any, Any]:
    """Return the costs of classes, and the weights of the targets' classes or None."""
    targets = classes(loss, log_probabilities, targets)
    chosen = np.take_along_axis(log_probabilities, targets[..., None], axis=-1)[..., 0]
    own = None if weights is None else lookup(weights, targets)
    costs = -chosen if own is None else -chosen * own
    if smoothing:
        every = log_probabilities if weights is None else log_probabilities * weights
        costs = (1.0 - smoothing) * costs - smoothing * np.mean(every, axis=-1)
    return costs, own


def kl_div(
    log_probabilities: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Kullback-Leibler divergence of distributions q from targets p: the sum of ``p log(p / q)``.

    Each row's sum is a cost, so that the mean is over rows: PyTorch's ``"batchmean"``, whose
    ``"mean"`` divides by the number of classes too.

    Parameters
    ----------
    log_probabilities : array of shape (n, ..., classes)
        log q, such as ``log_softmax`` gives.
    targets : array of the same shape
        Probabilities p.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np
    >>> kl_div(np.log(np.array([[0.5, 0.5]])), np.array([[1.0, 0.0]])).round(3)
    np.float64(0.693)
    """
    check_same_shape("kl_div", log_probabilities, targets)
    check_range("kl_div", targets, lambda t: (t >= 0) & (t <= 1), "probabilities")
    p = same_kind(targets, log_probabilities)
    positive = p > 0
    gap = np.log(np.where(positive, p, 1.0)) - np.where(positive, log_probabilities, 0.0)
    return reduced("kl_div", np.sum(p * gap, axis=-1), reduction, sample_weight)


def quantile(
    outputs: Any,
    targets: Any,
    *,
    level: float = 0.5,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Pinball loss, which the quantile of the targets minimises. See `mse`.

    ``level * e`` where the error ``e = targets - outputs`` is positive, else ``(level - 1) * e``;
    its derivative at 0 is the mean of those of both sides. Koenker and Bassett, "Regression
    quantiles" (Econometrica 1978).

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
    level : float in (0, 1)
        Share of the targets that is to lie below the outputs; at 1/2 it is half of `mae`.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np
    >>> quantile(np.array([1.0, 1.0]), np.array([3.0, -1.0]), level=0.9, reduction="none")
    array([1.8, 0.2])
    """
    check("quantile", {"level": Interval(0, 1, "neither")}, {"level": level})
    error = -_error("quantile", outputs, targets)
    costs = np.maximum(float(level) * error, (float(level) - 1.0) * error)
    return reduced("quantile", costs, reduction, sample_weight)


def poisson(
    outputs: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Half the Poisson deviance of targets from rates whose logarithms the outputs are.

    It is ``exp(outputs) - targets * outputs`` less its least value over the outputs, so that 0 is
    a perfect fit; PyTorch's ``PoissonNLLLoss`` does not subtract. McCullagh and Nelder,
    "Generalized linear models" (1989), section 2.3.

    Parameters
    ----------
    outputs, targets : arrays of equal shape (n, ...)
        Targets are not negative: counts, or rates.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose target is negative.

    Examples
    --------
    >>> import numpy as np
    >>> poisson(np.log([2.0, 2.0]), np.array([2, 0]), reduction="none")
    array([0., 2.])
    """
    check_same_shape("poisson", outputs, targets)
    check_range("poisson", targets, lambda t: t >= 0, "counts or rates, not negative")
    t = same_kind(targets, outputs)
    gap = np.log(np.where(np.greater(t, 0), t, 1.0)) - outputs
    return reduced("poisson", np.exp(outputs) - t + t * gap, reduction, sample_weight)


def ordinal(
    logits: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Cross-entropies of the questions whether an ordered class is above 0, above 1, and so on.

    Of each row they are added up. The expected class is that number of questions which are likelier
    to be answered by yes. Cheng, Wang and Pollastri, "A neural network approach to ordinal
    regression" (IJCNN 2008), with a sigmoid and cross-entropy for each question.

    Parameters
    ----------
    logits : array of shape (n, ..., classes - 1)
        Of the answers yes.
    targets : integer array of shape (n, ...)
        Classes from 0, in their order.
    sample_weight : array of shape (n,), optional
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ArgumentError
        Naming the first row whose class does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[3.0, -3.0]])  # surely above 0, surely not above 1
    >>> [ordinal(logits, np.array([t])).round(1) for t in (0, 1, 2)]
    [np.float64(3.1), np.float64(0.1), np.float64(3.1)]
    """
    targets = classes("ordinal", logits, targets, more=1)
    above = np.greater(targets[..., None], np.arange(np.shape(logits)[-1]))
    costs = np.sum(sigmoid_cross_entropy(logits, cast(above, logits)), axis=-1)
    return reduced("ordinal", costs, reduction, sample_weight)


LOSSES: dict[str, Callable[..., Any]] = {
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
    "hinge": hinge,
    "huber": huber,
    "kl_div": kl_div,
    "mae": mae,
    "mse": mse,
    "multiclass_hinge": multiclass_hinge,
    "nll": nll,
    "ordinal": ordinal,
    "perceptron": perceptron,
    "poisson": poisson,
    "quantile": quantile,
}
