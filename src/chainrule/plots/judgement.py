"""How good predictions are: confusion matrix and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.graph import Array
from chainrule.pages import Table
from chainrule.plots.panel import Axis, Line, Mark, Panel, Points, Shades, counted
from chainrule.plots.plot import plot
from chainrule.plots.subject import class_names, is_text, labels, matrix
from chainrule.training import metrics

_BOTH, _COUNTS, _TABLE = 8, 20, 9  # classes up to which counts and rates, counts, all are written
_LARGEST = 15  # confusions that text names where there are more classes


@plot
def confusion_matrix(
    y_true: Any, y_pred: Any, *, classes: Any = None, names: Sequence[str] | None = None
) -> Panel:
    r"""Draw how many rows of each class (rows) are taken for each class (columns).

    The shade of a cell is its rate: the share of the actual class, so that each row of rates sums
    to 1. What never happened is left empty.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)
        Actual and predicted labels.
    classes : array_like, optional
        The labels in order; all that occur, sorted, if left out. Others are not counted.
    names : sequence of str, optional
        Of the classes, in their order; the labels themselves if left out.

    Raises
    ------
    ShapeError, DataError
        If there is not one label a row, or one is NaN.
    ArgumentError
        If there are not as many names as classes.

    Examples
    --------
    >>> from chainrule import plots
    >>> panel = plots.confusion_matrix.data(["cat", "cat", "dog"], ["cat", "dog", "dog"])
    >>> panel.marks[0].words
    [['1\n50 %', '1\n50 %'], ['', '1\n100 %']]
    """
    owner = "confusion_matrix"
    actual = labels(owner, y_true, name="y_true")
    predicted = labels(owner, y_pred, name="y_pred")
    if len(actual) != len(predicted):
        raise ShapeError(f"{owner}: y_true has {len(actual)} rows and y_pred {len(predicted)}")
    if is_text(actual) != is_text(predicted):
        kinds = f"y_true holds {actual.dtype} and y_pred {predicted.dtype}"
        raise DataError(f"{owner}: {kinds}: give labels of one kind")
    order = np.unique([*actual, *predicted]) if classes is None else labels(owner, classes)
    shown = class_names(order) if names is None else [str(name) for name in names]
    if len(shown) != len(order):
        raise ArgumentError(f"{owner}: {len(shown)} names for {len(order)} classes")
    counts = metrics.confusion_matrix(actual, predicted, order)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ticks = list(enumerate(shown))
    places = np.arange(len(order), dtype=float)
    cells = Shades(
        places, places, rates, name="share of the actual class", limits=(0.0, 1.0),
        words=_cell_words(counts, rates),
    )  # fmt: skip
    right = np.trace(counts) / max(counts.sum(), 1)
    return Panel(
        "Confusion matrix", Axis("predicted", ticks=ticks),
        Axis("actual", ticks=ticks, reversed=True), [cells],
        [f"{counted(counts.sum(), 'row')}, {100 * right:.1f} % right"],
        _whole(counts, shown) if len(order) <= _TABLE else _largest(counts, rates, shown),
    )  # fmt: skip


def _cell_words(counts: Array, rates: Array) -> list[list[str]]:
    if len(counts) > _COUNTS:
        return []
    with_rates = len(counts) <= _BOTH
    return [
        [
            "" if not c else f"{c}\n{100 * r:.0f} %" if with_rates else str(c)
            for c, r in zip(*row, strict=True)
        ]
        for row in zip(counts.tolist(), rates.tolist(), strict=True)
    ]


def _whole(counts: Array, names: Sequence[str]) -> Table:
    rows = [
        [name, *map(str, row), f"{100 * row[i] / max(sum(row), 1):.1f} %"]
        for i, (name, row) in enumerate(zip(names, counts.tolist(), strict=True))
    ]
    columns = ["actual", *(_short(name) for name in names), "right"]
    return Table(columns, rows, frozenset(range(1, len(columns))))


def _short(name: str) -> str:
    return name if len(name) <= 10 else name[:9] + "…"


def _largest(counts: Array, rates: Array, names: Sequence[str]) -> Table:
    wrong = [(int(counts[i, j]), i, j) for i, j in np.argwhere(counts) if i != j]
    rows = [
        [names[i], names[j], str(count), f"{100 * rates[i, j]:.1f} %"]
        for count, i, j in sorted(wrong, key=lambda w: (-w[0], w[1:]))[:_LARGEST]
    ]
    return Table(
        ["actual", "predicted", "rows", "of the actual class"], rows, frozenset({2, 3}),
        "The largest confusions",
    )  # fmt: skip


@plot
def calibration(y_true: Any, probabilities: Any, *, classes: Any = None, bins: int = 10) -> Panel:
    """Draw how often predictions come true, by the probability that was given to them.

    On the dashed line they are as often right as they say. The number at each point, and its size,
    is that of its rows.

    Parameters
    ----------
    y_true : array_like, shape (n,)
        Actual labels.
    probabilities : array_like, shape (n,) or (n, k)
        That of the second of two classes; or those of all classes, of which the largest is the
        prediction's.
    classes : array_like, shape (k,), optional
        The labels in the order of the columns; all that occur, sorted, if left out.
    bins : int >= 1
        Parts of equal width that [0, 1] is divided into.

    Raises
    ------
    ShapeError, DataError
        If the rows are not as many, or hold NaN.
    ArgumentError
        If there are not as many classes as columns, or a probability is outside [0, 1].

    Examples
    --------
    >>> from chainrule import plots
    >>> panel = plots.calibration.data([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> panel.marks[1].x.tolist(), panel.marks[1].y.tolist()
    ([0.1, 0.375, 0.8], [0.0, 0.5, 1.0])
    """
    owner = "calibration"
    p = matrix(owner, probabilities, "probabilities")
    actual = labels(owner, y_true, len(p), "y_true")
    order = np.unique(actual) if classes is None else labels(owner, classes, name="classes")
    alone = p.shape[1] == 1
    if classes is None and alone and set(order.tolist()) <= {0, 1}:
        order = np.array([0, 1])
    if len(order) != (2 if alone else p.shape[1]):
        columns = "one column is for two classes" if alone else f"there are {p.shape[1]} columns"
        raise ArgumentError(f"{owner}: {columns}, and {len(order)} classes: give classes=")
    if alone:
        right, confidence = actual == order[1], p[:, 0]
    else:
        right, confidence = actual == order[p.argmax(axis=1)], p.max(axis=1)
    found = metrics.calibration_bins(right, confidence, bins)
    ends = np.array([0.0, 1.0])
    marks: list[Mark] = [
        Line(ends, ends, "perfect", series=6, dashed=True),
        Line(found.confidence, found.right, "measured"),
        Points(
            found.confidence, found.right, sizes=found.rows / found.rows.max(),
            words=[f"{n:,}" for n in found.rows],
        ),
    ]  # fmt: skip
    rows = [
        [f"{c:.4f}", f"{r:.4f}", f"{n:,}"] for c, r, n in zip(*found, strict=True)
    ]  # fmt: skip
    mean = f"mean probability of {class_names(order)[1]}" if alone else "mean confidence"
    return Panel(
        "Calibration", Axis(mean, limits=(-0.02, 1.02)),
        Axis("share of the rows in which it came true", limits=(-0.04, 1.16)), marks,
        [f"{counted(len(p), 'row')}; expected calibration error {found.error:.4f}"],
        Table([mean, "came true", "rows"], rows, frozenset({0, 1, 2})),
    )  # fmt: skip
