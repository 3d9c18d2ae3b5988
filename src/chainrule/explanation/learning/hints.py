"""What a wrong answer looks like: typical mistakes, tried one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.explanation.account import Variable
from chainrule.explanation.learning.worksheet import Item, Sheet


def hint(exercise: Sheet, item: Item, value: Any, rtol: float = 0.01) -> str:
    """Return what the mistake of an answer may be; empty if it is none of the usual."""
    expected = exercise.answers[item.id]
    found = of_gradient(item.variable, value, expected, rtol)
    if found or item.kind not in ("update", "delta", "gradient"):
        return found
    if item.kind == "update":
        v = item.variable
        if _equal(value, v.value + exercise.lr * v.delta, rtol):
            return "the step goes against the gradient: subtract"
        return "the learning rate is missing" if _equal(value, v.value - v.delta, rtol) else ""
    return ""


def of_gradient(v: Variable, value: Any, expected: Any, rtol: float = 0.01) -> str:
    """Return what the mistake of a gradient may be; empty if it is none of the usual."""
    value, expected = np.asarray(value, np.float64), np.asarray(expected, np.float64)
    if value.shape != expected.shape:
        return _shape_hint(value, expected, rtol)
    for candidate, words in _candidates(v, expected):
        if _equal(value, candidate, rtol):
            return words
    return _factor_hint(value, expected, rtol)


def _shape_hint(value: Any, expected: Any, rtol: float) -> str:
    if value.ndim == 2 and value.T.shape == expected.shape:
        return "it is transposed" + ("" if _equal(value.T, expected, rtol) else ", at least")
    if value.ndim == expected.ndim + 1 and value.shape[1:] == expected.shape:
        summed = _equal(value.sum(axis=0), expected, rtol)
        return "the sum over the examples is missing" if summed else ""
    return f"its shape is {value.shape}, and should be {expected.shape}"


def _candidates(v: Variable, expected: Any) -> Iterator[tuple[Any, str]]:
    yield -expected, "its sign is wrong"
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1]:
        yield expected.T, "it is transposed"
    if len(v.arrivals) > 1:
        for arrival in v.arrivals:
            only = np.asarray(arrival.value, np.float64)
            yield only, f"only the way through {arrival.use.name} is in it: add the other ways"
    for arrival in v.arrivals:
        delta = np.asarray(arrival.use.delta, np.float64) if not arrival.use.is_bundle else None
        if delta is not None and delta.shape == expected.shape and not _equal(delta, expected, 0):
            op = arrival.use.op.name if arrival.use.op is not None else ""
            yield delta, f"the derivative of {op} is missing"


def _factor_hint(value: Any, expected: Any, rtol: float) -> str:
    """Return the factor by which a gradient is off, if it is one and the same everywhere."""
    size = float(np.sum(expected * expected))
    if not size:
        return ""
    factor = float(np.sum(value * expected)) / size
    if not factor or not _equal(value, factor * expected, rtol):
        return ""
    near = round(factor) if abs(factor) >= 1 else round(1 / factor)
    if abs(factor) >= 1 and abs(factor - near) < 0.01 * abs(factor):
        return f"it is {near} times too large"
    if abs(factor) < 1 and abs(1 / factor - near) < 0.01 / abs(factor):
        return f"it is {near} times too small"
    return f"it is {factor:.3g} times what it should be"


def _equal(a: Any, b: Any, rtol: float) -> bool:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return a.shape == b.shape and bool(
        np.allclose(a, b, rtol=rtol, atol=1e-9 + 1e-9 * float(np.max(np.abs(b), initial=0.0)))
    )
