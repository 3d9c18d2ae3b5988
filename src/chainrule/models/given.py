"""What a task gives: the activation of the outputs, the loss, and what outputs mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.data import Target
from chainrule.graph import Array
from chainrule.models import scores
from chainrule.ops import sigmoid, softmax

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Given:
    """All that follows from the task alone.

    Parameters
    ----------
    activation, loss : str
        The activation of the output units, and the name in `chainrule.nn.LOSSES` of the loss,
        which takes the outputs before that activation.
    finish : callable
        ``(target, outputs) -> array``: probabilities, (n, classes) or (n, labels), or numbers in
        the units of the data, (n, columns).
    constant : callable
        ``(target, y) -> array``: the best finished answer that is the same for every row, (1, k).
    score : callable
        ``(target, finished, y) -> dict``: measures of finished outputs, ready for JSON.
    decide : callable
        ``(target, finished) -> dict``: named columns of what is predicted, and probabilities.
    """

    activation: str
    loss: str
    finish: Callable[[Target, Array], Array]
    constant: Callable[[Target, Array], Array]
    score: Callable[[Target, Array, Array], dict[str, Any]]
    decide: Callable[[Target, Array], Columns]

    @property
    def loss_function(self) -> Callable[..., Any]:
        """The loss of a batch of outputs before their activation."""
        return nn.LOSSES[self.loss]


def _wide(values: Any) -> Array:
    return np.asarray(values, np.float64)


def _both(target: Target, outputs: Array) -> Array:
    """Return the probabilities of the first and the second class."""
    second = _wide(sigmoid(_wide(outputs)))
    return np.concatenate([1.0 - second, second], axis=1)


def _shares(target: Target, y: Array) -> Array:
    """Return how often each class occurs."""
    codes = y.reshape(-1).astype(np.int64)
    return np.bincount(codes, minlength=len(target.classes))[None] / len(codes)


def _numbers(target: Target, outputs: Array) -> Array:
    return target.decode(outputs)


def _classified(target: Target, finished: Array, y: Array) -> dict[str, Any]:
    return scores.classification(finished, y.reshape(-1).astype(np.int64), target.classes)


def _shares_of(column: Array) -> list[float]:
    """Return probabilities to six decimals: more than training can mean."""
    return [round(float(value), 6) for value in column]


def _numbers_of(column: Array) -> list[float]:
    """Return numbers to the seven digits that float32 has."""
    return [float(f"{value:.7g}") for value in column]


def _named_classes(target: Target, finished: Array) -> Columns:
    pairs = zip(target.classes, finished.T, strict=True)
    return {
        f"predicted {target.columns[0]}": [target.classes[i] for i in finished.argmax(axis=1)],
        **{f"p({name})": _shares_of(column) for name, column in pairs},
    }


def _named_labels(target: Target, finished: Array) -> Columns:
    columns: Columns = {}
    for name, column in zip(target.classes, finished.T, strict=True):
        columns[f"predicted {name}"] = (column >= 0.5).astype(int).tolist()
        columns[f"p({name})"] = _shares_of(column)
    return columns


def _named_numbers(target: Target, finished: Array) -> Columns:
    pairs = zip(target.columns, finished.T, strict=True)
    return {f"predicted {name}": _numbers_of(column) for name, column in pairs}


GIVEN: dict[str, Given] = {
    "binary": Given(
        activation="sigmoid",
        loss="binary_cross_entropy",
        finish=_both,
        constant=_shares,
        score=_classified,
        decide=_named_classes,
    ),
    "multiclass": Given(
        activation="softmax",
        loss="cross_entropy",
        finish=lambda target, outputs: _wide(softmax(_wide(outputs))),
        constant=_shares,
        score=_classified,
        decide=_named_classes,
    ),
    "multilabel": Given(
        activation="sigmoid",
        loss="binary_cross_entropy",
        finish=lambda target, outputs: _wide(sigmoid(_wide(outputs))),
        constant=lambda target, y: _wide(y).mean(axis=0, keepdims=True),
        score=lambda target, finished, y: scores.multilabel(finished, y, target.classes),
        decide=_named_labels,
    ),
    "regression": Given(
        activation="identity",
        loss="mse",
        finish=_numbers,
        constant=lambda target, y: _numbers(target, y).mean(axis=0, keepdims=True),
        score=lambda target, finished, y: scores.regression(
            finished, _numbers(target, y), target.columns
        ),
        decide=_named_numbers,
    ),
}
