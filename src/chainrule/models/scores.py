"""What is measured on the held-out part, for each kind of task, as dicts ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph import Array
from chainrule.training import metrics

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def classification(probabilities: Array, actual: Array, classes: Sequence[str]) -> dict[str, Any]:
    """Measure the probabilities of classes against the actual classes.

    Parameters
    ----------
    probabilities : array, shape (n, k)
        Rows that sum to one; the predicted class is the most probable.
    actual : array of int, shape (n,)
        Class numbers.
    classes : sequence of str, length k
        Names of the classes.

    Returns
    -------
    dict
        ``accuracy``, ``log_loss``, ``macro_f1`` (over the classes that occur), ``classes`` (name,
        precision, recall, f1, rows of each) and ``confusion`` (rows actual, columns predicted).

    Examples
    --------
    >>> import numpy as np
    >>> found = classification(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ["a", "b"])
    >>> found["accuracy"], found["confusion"]
    (0.5, [[1, 0], [1, 0]])
    """
    predicted, labels = probabilities.argmax(axis=1), np.arange(len(classes))
    scores = metrics.precision_recall_f1(actual, predicted, labels)
    counts = metrics.confusion_matrix(actual, predicted, labels)
    return {
        "accuracy": metrics.accuracy(actual, predicted),
        "log_loss": metrics.log_loss(actual, probabilities),
        "macro_f1": float(np.mean(scores.f1[scores.support > 0])),
        "classes": by_name(classes, scores),
        "confusion": counts.tolist(),
    }


def by_name(names: Sequence[str], scores: metrics.Scores) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and rows of each class, with its name."""
    columns = [np.asarray(column).tolist() for column in scores]
    return [
        {"name": name, "precision": p, "recall": r, "f1": f, "rows": n}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    ]


def regression(predicted: Array, actual: Array, names: Sequence[str]) -> dict[str, Any]:
    """Measure predicted numbers against the actual ones.

    Parameters
    ----------
    predicted, actual : array, shape (n, k)
        One column for each output, in the units of the data.
    names : sequence of str, length k
        Names of the outputs.

    Returns
    -------
    dict
        ``r2`` (mean over the outputs) and ``outputs``: for each its name, ``rmse``, ``mae``,
        ``r2`` and ``error_quantiles`` of predicted minus actual. ``r2`` is None for a single row.

    Examples
    --------
    >>> import numpy as np
    >>> found = regression(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), ["price"])
    >>> found["outputs"][0]["mae"]
    0.5
    """
    outputs = []
    for name, guess, truth in zip(names, predicted.T, actual.T, strict=True):
        quantiles = np.quantile(guess - truth, QUANTILES).tolist()
        outputs.append({
            "name": name,
            "rmse": metrics.rmse(truth, guess),
            "mae": metrics.mae(truth, guess),
            "r2": _number(metrics.r2(truth, guess)),
            "error_quantiles": dict(zip(map(str, QUANTILES), quantiles, strict=True)),
        })  # fmt: skip
    return {"r2": _number(metrics.r2(actual, predicted)), "outputs": outputs}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def multilabel(probabilities: Array, actual: Array, names: Sequence[str]) -> dict[str, Any]:
    """Measure the probabilities of independent yes/no labels.

    Parameters
    ----------
    probabilities : array, shape (n, k)
        Probability of each label; a label is predicted from one half on.
    actual : array, shape (n, k)
        1 where the label holds, else 0.
    names : sequence of str, length k
        Names of the labels.

    Returns
    -------
    dict
        ``accuracy`` (over all labels of all rows), ``exact_match`` (rows with every label right),
        ``macro_f1`` and ``labels``: for each its name, precision, recall, f1 and the rows where
        it holds.

    Examples
    --------
    >>> import numpy as np
    >>> found = multilabel(np.array([[0.9, 0.2]]), np.array([[1, 1]]), ["red", "round"])
    >>> found["accuracy"], found["exact_match"]
    (0.5, 0.0)
    """
    predicted, holds = (probabilities >= 0.5).astype(int), (actual > 0.5).astype(int)
    each = [
        metrics.precision_recall_f1(truth, guess, [1])
        for truth, guess in zip(holds.T, predicted.T, strict=True)
    ]
    scores = metrics.Scores(*(np.concatenate(column) for column in zip(*each, strict=True)))
    return {
        "accuracy": metrics.accuracy(holds.ravel(), predicted.ravel()),
        "exact_match": metrics.accuracy(holds, predicted),
        "macro_f1": float(np.mean(scores.f1)),
        "labels": by_name(names, scores),
    }


def headline(scores: dict[str, Any]) -> tuple[str, float | None]:
    """Return the name and value of the measure that a task is judged by."""
    return next((name, scores[name]) for name in ("accuracy", "r2") if name in scores)
