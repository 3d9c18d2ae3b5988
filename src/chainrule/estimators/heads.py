"""Heads: what the outputs of a network mean, by the loss that trains them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.ops import sigmoid, softmax

Loss = Callable[..., Any]
# By the names that scikit-learn has for them; "squared_error" is half the square.
LOSSES: dict[str, Loss] = {
    "absolute_error": nn.mae,
    "huber": nn.huber,
    "ordinal": nn.ordinal,
    "poisson": nn.poisson,
    "quantile": nn.quantile,
    "squared_error": nn.mse,
}


@dataclass(frozen=True)
class Head:
    """Some outputs of a network, side by side.

    Parameters
    ----------
    loss : callable
        ``loss(outputs, targets)``: costs, one a row or one an output. A loss of
        `chainrule.nn` is asked for them by ``reduction="none"``; a single number is taken for
        the mean over the rows.
    width : int
        How many outputs.
    factor : float
        Of the costs.
    link : {"identity", "exp", "logistic", "softmax", "ordinal"}
        From outputs to what is predicted.
    levels : array, optional
        The ordered values of the target of an ordinal loss.
    """

    loss: Loss
    width: int
    factor: float = 1.0
    link: str = "identity"
    levels: Array | None = None

    def costs(self, outputs: Any, targets: Any) -> Any:
        """Return the cost of each row, shape (n,), or the mean of all."""
        options = {"reduction": "none"} if _reduces(self.loss) else {}
        costs = self.loss(outputs, targets, **options)
        if np.ndim(costs) > 1:
            costs = np.sum(costs, axis=tuple(range(1, np.ndim(costs))))
        return costs if self.factor == 1.0 else self.factor * costs

    def finish(self, outputs: Array) -> Array:
        """Return predicted numbers or probabilities, (n, k)."""
        if self.link == "exp":
            return np.exp(outputs)
        if self.link == "logistic":
            return np.asarray(sigmoid(outputs))
        if self.link == "softmax":
            return np.asarray(softmax(outputs))
        if self.link == "ordinal":
            assert self.levels is not None
            return np.asarray(self.levels[(outputs > 0).sum(axis=1)])[:, None]
        return outputs


class Heads:
    """All outputs of a network.

    Parameters
    ----------
    parts : sequence of Head
    """

    def __init__(self, parts: Sequence[Head]) -> None:
        self.parts = tuple(parts)
        self.width = sum(head.width for head in parts)

    @property
    def activation(self) -> str:
        """The link of all heads, or "mixed"."""
        links = {head.link for head in self.parts}
        return links.pop() if len(links) == 1 else "mixed"

    def costs(self, outputs: Any, targets: Any) -> Any:
        """Return the cost of each row, or the mean of all.

        Parameters
        ----------
        outputs : array of shape (n, width)
        targets : list of array
            One for each head.
        """
        if len(self.parts) == 1:
            return self.parts[0].costs(outputs, targets[0])
        total: Any = 0.0
        first = 0
        for head, target in zip(self.parts, targets, strict=True):
            total = total + head.costs(outputs[:, first : first + head.width], target)
            first += head.width
        return total

    def finish(self, outputs: Array) -> Array:
        """Return predicted numbers or probabilities, (n, k)."""
        places = np.cumsum([head.width for head in self.parts])[:-1]
        slices = np.split(outputs, places, axis=1)
        found = [head.finish(part) for head, part in zip(self.parts, slices, strict=True)]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def _reduces(loss: Loss) -> bool:
    try:
        return "reduction" in inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return False


def class_heads(loss: str | Loss, n_classes: int, labels: int) -> Heads:
    """Return the head of a classifier.

    Parameters
    ----------
    loss : "log_loss" or callable
    n_classes : int
        One or two have one output.
    labels : int
        Number of independent labels, 0 for classes.
    """
    many = not labels and n_classes > 2
    own: Loss = nn.cross_entropy if many else nn.binary_cross_entropy
    if callable(loss):
        own = loss
    elif loss != "log_loss":
        raise ArgumentError(f"loss must be 'log_loss' or a function, not {loss!r}")
    width = n_classes if many else max(labels, 1)
    return Heads([Head(own, width, link="softmax" if many else "logistic")])


def number_heads(loss: Any, y: Array, names: Sequence[str] | None = None) -> Heads:
    """Return the heads of a regressor.

    Parameters
    ----------
    loss : str, callable, or a sequence or mapping of them
        One for all columns of the targets, or one for each: in order, or by name or position.
    y : array of shape (n, k)
    names : sequence of str, optional
        Of the columns.
    """
    if not isinstance(loss, (list, tuple, dict)):
        function = _function(loss)
        if _plain(function) is not nn.ordinal:
            return Heads([_number_head(loss, function, y)])
    each = _each(loss, y.shape[1], names)
    heads = [_number_head(one, _function(one), y[:, [j]]) for j, one in enumerate(each)]
    return Heads(heads)


def _each(loss: Any, n: int, names: Sequence[str] | None) -> list[Any]:
    if isinstance(loss, dict):
        keys = range(n) if names is None else names
        wrong = set(loss) ^ set(keys)
        if wrong:
            raise ArgumentError(
                f"loss names the columns {list(loss)} of the targets, which are {list(keys)}"
            )
        return [loss[key] for key in keys]
    each = list(loss) if isinstance(loss, (list, tuple)) else [loss] * n
    if len(each) != n:
        raise ArgumentError(f"loss has {len(each)} losses for {n} columns of targets")
    return each


def _number_head(loss: Any, function: Loss, y: Array) -> Head:
    kind = _plain(function)
    if kind is nn.ordinal:
        levels = np.unique(y)
        if len(levels) < 2:
            raise DataError("an ordinal target needs two different values at least")
        return Head(function, len(levels) - 1, link="ordinal", levels=levels)
    if kind is nn.poisson and np.any(y < 0):
        row = int(np.argwhere(y < 0)[0, 0])
        raise DataError(f"loss='poisson' needs targets that are not negative; row {row} has one")
    factor = 0.5 if loss == "squared_error" else 1.0
    return Head(function, y.shape[1], factor, "exp" if kind is nn.poisson else "identity")


def _plain(function: Loss) -> Loss:
    return function.func if isinstance(function, partial) else function


def _function(loss: Any) -> Loss:
    """Return the function of a loss.

    Raises
    ------
    ArgumentError
    """
    if callable(loss):
        return loss  # type: ignore[no-any-return]
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    raise ArgumentError(f"loss must be a function or one of {list(LOSSES)}, not {loss!r}")


def encoded(heads: Heads, y: Array, dtype: Any) -> list[Array]:
    """Return the targets of a regressor as its heads take them.

    Raises
    ------
    DataError
        If an ordinal target has a value that was not there at the first fit.
    """
    if len(heads.parts) == 1 and heads.parts[0].levels is None:
        return [np.asarray(y, dtype)]
    found = []
    for head, column in zip(heads.parts, y.T, strict=True):
        if head.levels is None:
            found.append(np.asarray(column[:, None], dtype))
            continue
        codes = np.minimum(np.searchsorted(head.levels, column), len(head.levels) - 1)
        if not np.array_equal(head.levels[codes], column):
            raise DataError(f"an ordinal target has other values than {head.levels}")
        found.append(codes)
    return found
