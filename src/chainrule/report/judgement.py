"""What a report says of the held-out rows: scores, confusions, calibration, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph import Array
from chainrule.models import Result
from chainrule.pages import Block, Heading, Paragraph, Strong, Table, Text
from chainrule.report.charts import confusion, histogram, reliability, scatter
from chainrule.training.metrics import calibration_bins

_MOST_CLASSES = 20
_MEASURES = ("f1", "accuracy", "r2", "log_loss", "macro_f1", "exact_match", "unknown_accuracy")
_NAMES = {
    "f1": "F1 of entities", "accuracy": "accuracy", "r2": "R²", "log_loss": "log loss",
    "macro_f1": "macro F1", "exact_match": "all labels right",
    "unknown_accuracy": "accuracy on unknown words",
}  # fmt: skip
_MODELS = {
    "network": "the network", "linear": "the linear model",
    "constant": "the majority class or mean", "most_frequent": "each word's commonest tag",
}  # fmt: skip


def headline(metrics: dict[str, Any]) -> list[Block]:
    """Return the result in words, and a table of it beside the baselines."""
    scores = metrics["held_out"]
    measure = next(m for m in _MEASURES if m in scores["network"])
    other = next(key for key in ("linear", "most_frequent", "constant") if key in scores)
    own, beside = scores["network"][measure], scores[other][measure]
    words: list[Any] = ["On the held-out rows the network has "]
    words.append(Strong(f"{_NAMES[measure]} {_number(own)}", "good"))
    if own is not None and beside is not None:
        better = "above" if own > beside else "below" if own < beside else "the same as"
        words.append(f", {better} that of {_MODELS[other]}, {_number(beside)}.")
    shown = [m for m in _MEASURES if m in scores["network"]]
    rows: list[list[Text]] = [
        [name.removeprefix("the "), *(_number(scores[key].get(m)) for m in shown)]
        for key, name in _MODELS.items()
        if key in scores
    ]
    right = frozenset(range(1, len(shown) + 1))
    return [Paragraph(words), Table(["", *(_NAMES[m] for m in shown)], rows, right)]


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"


def judgement_section(result: Result, metrics: dict[str, Any], finished: Array) -> list[Block]:
    """Return what the held-out rows show, by the task."""
    target = result.trial.model.target
    scores = metrics["held_out"]["network"]
    actual = target.encode(result.trial.held_out)
    blocks: list[Block] = [Heading("On the held-out rows")]
    if target.task == "regression":
        return [*blocks, *_residuals(result, scores, finished)]
    if target.task == "multilabel":
        return [*blocks, *labels_judged(scores, finished, np.asarray(actual))]
    labels = np.asarray(actual).ravel().astype(int)
    return [*blocks, *classes_judged(scores, target.classes, finished, labels)]


def labels_judged(scores: dict[str, Any], finished: Array, actual: Array) -> list[Block]:
    """Return each label's scores, and how far probabilities, shape (n, k), can be trusted."""
    right = (finished >= 0.5) == (actual >= 0.5)
    sure = np.maximum(finished, 1 - finished)
    return [class_table(scores["labels"]), _calibration(sure.ravel(), right.ravel())]


def classes_judged(
    scores: dict[str, Any], names: Sequence[str], finished: Array, labels: Array
) -> list[Block]:
    """Return each class's scores, the confusions, and how far probabilities can be trusted."""
    right = finished.argmax(axis=1) == labels
    return [
        class_table(scores["classes"]),
        confusions(scores["confusion"], names),
        _calibration(finished.max(axis=1), right),
    ]


def confusions(counts: Any, names: Sequence[str]) -> Block:
    """Return actual against predicted classes, or the largest confusions of many."""
    if len(names) > _MOST_CLASSES:
        return _largest(counts, names)
    return confusion(
        "Confusions", counts, names,
        "Rows are actual classes, columns predicted ones; the shade is the share of a row.",
    )  # fmt: skip


def class_table(entries: list[dict[str, Any]], what: str = "class", of: str = "rows") -> Table:
    """Return precision, recall and F1 of classes, labels or tags, the hardest first."""
    rows: list[list[Text]] = [
        [e["name"], *(f"{e[k]:.3f}" for k in ("precision", "recall", "f1")), f"{e['rows']:,}"]
        for e in sorted(entries, key=lambda e: e["f1"])[:40]
    ]
    columns = [what, "precision", "recall", "F1", of]
    return Table(columns, rows, frozenset({1, 2, 3, 4}), "The hardest first")


def _largest(counts: Any, names: Any) -> Table:
    table = np.asarray(counts)
    pairs = [
        (int(table[i, j]), i, j) for i, j in np.ndindex(*table.shape) if i != j and table[i, j]
    ]
    rows: list[list[Text]] = [
        [names[i], names[j], f"{count:,}"] for count, i, j in sorted(pairs, reverse=True)[:20]
    ]
    return Table(["actual", "predicted", "rows"], rows, frozenset({2}), "The largest confusions")


def _calibration(confidence: Array, right: Array) -> Block:
    bins = calibration_bins(right, confidence)
    return reliability(
        "Calibration", bins,
        f"Of answers given with a confidence, the share that is right; on the line they agree. "
        f"The expected calibration error is {bins.error:.3f}.",
    )  # fmt: skip


def _residuals(result: Result, scores: dict[str, Any], finished: Array) -> list[Block]:
    blocks: list[Block] = []
    target, table = result.trial.model.target, result.trial.held_out
    actual = target.decode(np.asarray(target.encode(table)))
    for i, output in enumerate(scores["outputs"]):
        name = output["name"]
        words = (
            f"{name}: root mean square error {output['rmse']:.4g}, mean error {output['mae']:.4g}"
        )
        blocks += [
            scatter(
                f"Predicted and actual {name}", {name: (actual[:, i], finished[:, i])},
                x_label=f"actual {name}", y_label=f"predicted {name}", diagonal=True,
                caption=f"{words}. On the dashed line predictions are right.",
            ),
            histogram(
                f"Residuals of {name}", finished[:, i] - actual[:, i],
                x_label="predicted minus actual",
            ),
        ]  # fmt: skip
    return blocks
