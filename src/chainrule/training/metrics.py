"""How good predictions are: plain NumPy, arguments in scikit-learn's order and its numbers.

`y_true` holds what was to be predicted and `y_pred` the prediction. A classifier's network returns
logits; `of_labels` and `of_probabilities` make metrics of labels and of probabilities fit them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Array

Metric = Callable[..., float]


def accuracy(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the fraction of rows whose labels are all right.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,) or (n, k)
        Labels; of several columns all must agree.
    sample_weight : array_like, shape (n,), optional

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> accuracy(["a", "b", "b"], ["a", "b", "a"], sample_weight=[1, 1, 2])
    0.5
    """
    y_true, y_pred = _pair(y_true, y_pred)
    right = (y_true == y_pred).reshape(len(y_true), -1).all(axis=1)
    return float(np.average(right, weights=sample_weight))


def log_loss(y_true: Any, probabilities: Any, sample_weight: Any = None) -> float:
    """Return the mean negative logarithm of the probability of the true class.

    Probabilities are kept one machine epsilon away from 0, so that the loss is finite.

    Parameters
    ----------
    y_true : array_like of int, shape (n,)
        Classes from 0 to k - 1.
    probabilities : array_like, shape (n, k), or (n,) for those of class 1 of two
    sample_weight : array_like, shape (n,), optional

    Examples
    --------
    >>> round(log_loss([0, 1], [[0.9, 0.1], [0.5, 0.5]]), 4)
    0.3993
    """
    y_true, p = np.asarray(y_true), np.asarray(probabilities)
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
    _same_length(y_true, p)
    epsilon = np.finfo(p.dtype).eps
    chosen = np.clip(p, epsilon, 1 - epsilon)[np.arange(len(y_true)), y_true]
    return float(np.average(-np.log(chosen), weights=sample_weight))


def top_k_accuracy(y_true: Any, scores: Any, k: int = 5, sample_weight: Any = None) -> float:
    """Return the fraction of rows whose true class is among the k of the highest scores.

    Parameters
    ----------
    y_true : array_like of int, shape (n,)
        Classes from 0 to n_classes - 1.
    scores : array_like, shape (n, n_classes)
        Logits or probabilities; of equal scores the later class counts as higher.
    k : int, at least 1
    sample_weight : array_like, shape (n,), optional

    Examples
    --------
    >>> top_k_accuracy([0, 2], [[0.3, 0.2, 0.5], [0.6, 0.3, 0.1]], k=2)
    0.5
    """
    y_true, scores = np.asarray(y_true), np.asarray(scores)
    _same_length(y_true, scores)
    if k < 1:
        raise ArgumentError(f"k must be at least 1, not {k}")
    best = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]
    return float(np.average((best == y_true[:, None]).any(axis=1), weights=sample_weight))


def confusion_matrix(
    y_true: Any, y_pred: Any, labels: Any = None, sample_weight: Any = None
) -> Array:
    """Count the rows of each true label (matrix rows) predicted as each label (columns).

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)
    labels : array_like, optional
        The labels in order; all that occur, sorted, if left out. Rows with others are not counted.
    sample_weight : array_like, shape (n,), optional

    Returns
    -------
    array of int64, or of float64 with weights, shape (n_labels, n_labels)

    Examples
    --------
    >>> confusion_matrix([0, 0, 1], [0, 1, 1])
    array([[1, 1],
           [0, 1]])
    """
    y_true, y_pred = _pair(y_true, y_pred)
    names = np.unique(np.concatenate([y_true, y_pred])) if labels is None else np.asarray(labels)
    order = np.argsort(names, kind="stable")
    rows, known_rows = _places(y_true, names, order)
    columns, known_columns = _places(y_pred, names, order)
    both = known_rows & known_columns
    weights = None if sample_weight is None else np.asarray(sample_weight, float)[both]
    cells = rows[both] * len(names) + columns[both]
    counts = np.bincount(cells, weights, minlength=len(names) ** 2)
    return counts.reshape(len(names), len(names))


def _places(values: Array, names: Array, order: Array) -> tuple[Array, Array]:
    """Return the place of each value among the names, and whether it is there."""
    found = np.searchsorted(names, values, sorter=order)
    places = order[np.minimum(found, len(names) - 1)]
    return places, names[places] == values


class Scores(NamedTuple):
    """Precision, recall, F1 and the number of rows of a class, or averages of them."""

    precision: Any
    recall: Any
    f1: Any
    support: Any


def precision_recall_f1(
    y_true: Any,
    y_pred: Any,
    labels: Any = None,
    average: str | None = None,
    sample_weight: Any = None,
) -> Scores:
    """Return precision TP/(TP+FP), recall TP/(TP+FN) and F1 2TP/(2TP+FP+FN); 0 where undefined.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)
    labels : array_like, optional
        The labels in order; all that occur, sorted, if left out.
    average : {None, "macro", "weighted", "micro"}
        None: one value a label. "macro": their mean. "weighted": weighted by the rows of each
        label. "micro": from the counts of all labels together.
    sample_weight : array_like, shape (n,), optional

    Returns
    -------
    Scores
        Arrays, or floats if averaged.

    Examples
    --------
    >>> scores = precision_recall_f1([0, 0, 1], [0, 1, 1])
    >>> scores.precision, scores.recall
    (array([1. , 0.5]), array([0.5, 1. ]))
    """
    if average not in (None, "macro", "weighted", "micro"):
        raise ArgumentError(f"average is None, 'macro', 'weighted' or 'micro', not {average!r}")
    y_true, y_pred = _pair(y_true, y_pred)
    occurring = np.unique(np.concatenate([y_true, y_pred]))
    names = occurring if labels is None else np.asarray(labels)
    others = occurring[~np.isin(occurring, names)]
    table = confusion_matrix(y_true, y_pred, np.concatenate([names, others]), sample_weight)
    kept = len(names)
    hits = np.diagonal(table)[:kept]
    predicted, support = table.sum(axis=0)[:kept], table.sum(axis=1)[:kept]
    if average == "micro":
        hits, predicted, support = hits.sum(), predicted.sum(), support.sum()
    precision, recall = _ratio(hits, predicted), _ratio(hits, support)
    f1 = _ratio(2 * hits, predicted + support)
    if average is None:
        return Scores(precision, recall, f1, support)
    weights = support if average == "weighted" and np.any(support) else None
    means = [float(np.average(values, weights=weights)) for values in (precision, recall, f1)]
    return Scores(means[0], means[1], means[2], np.sum(support))


def _ratio(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.zeros(np.shape(b)), where=np.not_equal(b, 0))


class CalibrationBins(NamedTuple):
    """Rows by their confidence: its mean, the share that is right, and the rows of each bin."""

    confidence: Array
    right: Array
    rows: Array

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap of both, weighted by rows; in [0, 1].

        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (ICML 2017),
        equation 3.
        """
        return float(np.average(np.abs(self.right - self.confidence), weights=self.rows))


def calibration_bins(right: Any, confidence: Any, bins: int = 10) -> CalibrationBins:
    """Return how often answers are right, by the confidence with which they were given.

    Parameters
    ----------
    right : array_like of bool or of 0 and 1, shape (n,)
        Whether an answer is right, or whether the event came about.
    confidence : array_like, shape (n,)
        The probability that was given to it, in [0, 1].
    bins : int >= 1
        Parts of equal width that [0, 1] is divided into, each with its upper end; those without
        rows are left out.

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes differ, there are no rows, or a confidence is outside [0, 1].

    Examples
    --------
    >>> found = calibration_bins([1, 0, 1, 1], [0.52, 0.58, 0.9, 1.0])
    >>> found.rows.tolist(), found.right.tolist(), round(found.error, 3)
    ([2, 1, 1], [0.5, 1.0, 1.0], 0.05)
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ArgumentError(f"bins must be a whole number of at least 1, not {bins!r}")
    hits, p = (x.astype(np.float64) for x in _pair(right, confidence))
    if not np.all((p >= 0) & (p <= 1)):
        row = int(np.flatnonzero(~((p >= 0) & (p <= 1)))[0])
        raise ArgumentError(f"confidence holds {p[row]} at row {row}: expected numbers in [0, 1]")
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    rows = np.bincount(places, minlength=bins)
    kept = rows > 0
    means = [np.bincount(places, x, minlength=bins)[kept] / rows[kept] for x in (p, hits)]
    return CalibrationBins(means[0], means[1], rows[kept])


def rmse(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the root of the mean squared error; of several outputs, the mean of theirs.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,) or (n, k)
    sample_weight : array_like, shape (n,), optional

    Examples
    --------
    >>> rmse([0.0, 0.0], [3.0, 4.0])
    3.5355339059327378
    """
    error = _error(y_true, y_pred)
    return float(np.mean(np.sqrt(np.average(error**2, axis=0, weights=sample_weight))))


def mae(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the mean absolute error; see `rmse`."""
    return float(np.mean(np.average(np.abs(_error(y_true, y_pred)), axis=0, weights=sample_weight)))


def r2(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the coefficient of determination; of several outputs, the mean of theirs.

    It is 1 minus the ratio of the squared error to that of predicting the mean. Where the target
    is constant it is 1 for a perfect prediction and else 0. Of fewer than two rows it is NaN.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,) or (n, k)
    sample_weight : array_like, shape (n,), optional

    Examples
    --------
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    error = _error(y_true, y_pred)
    if len(error) < 2:
        return float("nan")
    target = np.asarray(y_true, np.float64).reshape(error.shape)
    spread = target - np.average(target, axis=0, weights=sample_weight)
    residual = np.average(error**2, axis=0, weights=sample_weight)
    total = np.average(spread**2, axis=0, weights=sample_weight)
    fraction = np.divide(residual, total, out=np.ones(total.shape), where=total != 0)
    return float(np.mean(np.where((total == 0) & (residual == 0), 1.0, 1 - fraction)))


def error_quantiles(
    y_true: Any, y_pred: Any, quantiles: Sequence[float] = (0.5, 0.9, 0.99, 1.0)
) -> dict[float, float]:
    """Return how large the absolute error is at most, in each of several fractions of the rows.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,) or (n, k)
    quantiles : sequence of float in [0, 1]

    Returns
    -------
    dict of float to float
        By quantile; of several outputs, over all of them.

    Examples
    --------
    >>> error_quantiles([0.0, 0.0, 0.0], [1.0, -2.0, 3.0], [0.5, 1.0])
    {0.5: 2.0, 1.0: 3.0}
    """
    found = np.quantile(np.abs(_error(y_true, y_pred)), quantiles)
    return dict(zip(quantiles, found.tolist(), strict=True))


def of_labels(metric: Metric) -> Metric:
    """Make a metric of labels one of logits: the class of the largest, or 1 where one is over 0.

    Examples
    --------
    >>> of_labels(accuracy)([0, 1], [[2.0, -1.0], [0.5, 3.0]])
    1.0
    >>> of_labels(accuracy)([0, 1], [-0.3, 0.2])
    1.0
    """

    def measured(y_true: Any, logits: Any, **options: Any) -> float:
        z, y = _column(logits), np.asarray(y_true)
        if y.shape == z.shape:
            return metric(y, (z > 0).astype(int), **options)
        return metric(y, z.argmax(axis=-1), **options)

    return measured


def of_probabilities(metric: Metric) -> Metric:
    """Make a metric of probabilities one of logits, by the softmax or the sigmoid function.

    Examples
    --------
    >>> round(of_probabilities(log_loss)([1, 0], [0.0, 0.0]), 4)
    0.6931
    """

    def measured(y_true: Any, logits: Any, **options: Any) -> float:
        z, y = _column(logits), np.asarray(y_true)
        if y.shape == z.shape:
            return metric(y, 0.5 * (1 + np.tanh(0.5 * z)), **options)
        exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
        return metric(y, exponentials / exponentials.sum(axis=-1, keepdims=True), **options)

    return measured


def _pair(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise ShapeError(f"y_true has shape {y_true.shape} and y_pred {y_pred.shape}")
    if not len(y_true):
        raise ShapeError("there are no rows to measure on")
    return y_true, y_pred


def _same_length(y_true: Array, scores: Array) -> None:
    if y_true.ndim != 1 or scores.ndim != 2 or len(y_true) != len(scores):
        raise ShapeError(f"y_true has shape {y_true.shape} and the scores {scores.shape}")
    if not len(y_true):
        raise ShapeError("there are no rows to measure on")


def _error(y_true: Any, y_pred: Any) -> Array:
    y_true, y_pred = _pair(_column(y_true), _column(y_pred))
    error: Array = y_pred - y_true
    return error


def _column(values: Any) -> Array:
    """Return numbers as float64; a single column counts as none, as networks return (n, 1)."""
    y = np.asarray(values, np.float64)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
