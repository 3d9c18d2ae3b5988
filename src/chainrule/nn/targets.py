"""What a loss asks of its targets and weights, and the errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.constraints import OneOf, check
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.graph import Tensor
from chainrule.nn.arrays import as_array
from chainrule.ops.broadcast import cast

REDUCTION = OneOf(("mean", "sum", "none"))


def known(value: Any) -> Any:
    """Return the numbers of a value, or None if they are not known while a trace is made."""
    if not isinstance(value, Tensor):
        return np.asarray(value)
    return None if value.traced else value.value


def same_kind(values: Any, outputs: Any) -> Any:
    """Return values in the dtype of the outputs, so that float32 stays float32."""
    values, dtype = as_array(values), np.result_type(outputs)
    return values if values.dtype == dtype or dtype.kind != "f" else cast(values, outputs)


def check_same_shape(loss: str, outputs: Any, targets: Any) -> None:
    """Refuse targets that would only broadcast against the outputs."""
    a, b = np.shape(outputs), np.shape(targets)
    if a == b:
        return
    remedy = "they must be equal"
    if a == (*b, 1):
        remedy = "give targets[:, None], or outputs[:, 0]"
    elif b == (*a, 1):
        remedy = "give targets[:, 0], or outputs[:, None]"
    raise ShapeError(f"{loss}: the outputs have shape {a} and the targets {b}; {remedy}")


def check_range(loss: str, targets: Any, allowed: Any, words: str) -> None:
    """Refuse targets for which ``allowed(targets)`` does not hold, naming the first."""
    values = known(targets)
    if values is None:
        return
    wrong = np.argwhere(~allowed(values))
    if wrong.size:
        place = tuple(int(i) for i in wrong[0])
        row = f"row {place[0]}" if place else "the target"
        raise ArgumentError(f"{loss}: targets must be {words}; {row} has {values[place]}")


def classes(loss: str, outputs: Any, targets: Any, more: int = 0) -> Any:
    """Return targets that say one class for each row of scores.

    Parameters
    ----------
    loss : str
        For messages.
    outputs : array of shape (n, ..., k)
    targets : integer array of shape (n, ...)
    more : int
        How many classes there are more than outputs.

    Raises
    ------
    ShapeError
        If there is not one class a row.
    DtypeError
        If the classes are not integers.
    ArgumentError
        Naming a row whose class does not exist, and the number of classes.
    """
    shape, targets = np.shape(outputs), as_array(targets)
    if not shape or targets.shape != shape[:-1]:
        raise ShapeError(
            f"{loss}: outputs of shape {shape} need one class a row, targets of shape "
            f"{shape[:-1]}, not {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise DtypeError(
            f"{loss}: classes are integers from 0, not {targets.dtype}: use "
            "targets.astype(int), or np.unique(labels, return_inverse=True) for other labels"
        )
    n = shape[-1] + more
    words = f"classes from 0 to {n - 1}, as there are {shape[-1]} outputs a row"
    check_range(loss, targets, lambda t: (t >= 0) & (t < n), words)
    return targets


def reduced(
    loss: str, costs: Any, reduction: str, sample_weight: Any = None, class_weight: Any = None
) -> Any:
    """Return the mean, the sum or the costs themselves.

    Parameters
    ----------
    loss : str
        For messages.
    costs : array of shape (n, ...)
        Already multiplied by `class_weight`.
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the weights, so that a row of weight 2 counts as the row
        given twice. The mean over no weight at all is 0.
    sample_weight : array of shape (n,) or of any leading axes of `costs`, optional
        Not negative.
    class_weight : array of the shape of `costs`, optional
        Weights that the costs contain and by whose sum the mean divides too.

    Raises
    ------
    ArgumentError, ShapeError
        If a weight is negative, or their shape does not fit.
    """
    check(loss, {"reduction": REDUCTION}, {"reduction": reduction})
    weights = class_weight
    if sample_weight is not None:
        rows = _row_weights(loss, costs, sample_weight)
        costs = costs * rows
        weights = rows * (np.ones_like(costs) if weights is None else weights)
    if reduction == "none":
        return costs
    if reduction == "sum":
        return np.sum(costs)
    if weights is None:
        return np.mean(costs)
    total = np.sum(weights)
    return np.sum(costs) / np.where(np.equal(total, 0), 1.0, total)


def _row_weights(loss: str, costs: Any, sample_weight: Any) -> Any:
    shape, given = np.shape(costs), np.shape(sample_weight)
    if given != shape[: len(given)] or not given:
        raise ShapeError(
            f"{loss}: sample_weight has shape {given}; one weight a row, {shape[:1]}, is expected"
        )
    values = known(sample_weight)
    if values is not None and not np.all(values >= 0):
        raise ArgumentError(f"{loss}: sample_weight must not be negative or NaN")
    weights = same_kind(sample_weight, costs)
    return weights[(..., *(None,) * (len(shape) - len(given)))]
