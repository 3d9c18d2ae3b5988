"""What a wrong answer looks like: typical mistakes, tried one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.explanation.account import Variable
from chainrule.explanation.learning.worksheet import Item, Sheet

Candidates = Iterable[tuple[Any, str]]  # wrong answers, and the mistake that leads to each


def hint(exercise: Sheet, item: Item, value: Any, rtol: float = 0.01) -> str:
    """Return what the mistake of an answer may be; empty if it is none of the usual."""
    v, expected = item.variable, np.asarray(exercise.answers[item.id], np.float64)
    if item.kind == "value":
        return _mistake(value, expected, _of_value(expected), rtol)
    if item.kind == "update":
        return _mistake(value, expected, _of_update(v, exercise.lr), rtol)
    return of_gradient(v, value, expected, rtol)


def of_gradient(v: Variable, value: Any, expected: Any, rtol: float = 0.01) -> str:
    """Return what the mistake of a gradient may be; empty if it is none of the usual."""
    return _mistake(value, expected, _of_gradient(v, expected), rtol)


def _mistake(value: Any, expected: Any, candidates: Candidates, rtol: float) -> str:
    value, expected = np.asarray(value, np.float64), np.asarray(expected, np.float64)
    if value.shape != expected.shape:
        return _shape_hint(value, expected, rtol)
    if not np.all(np.isfinite(value)):
        return "it is not finite"
    for candidate, words in candidates:
        if close(value, candidate, rtol):
            return words
    return _factor_hint(value, expected, rtol)


def _shape_hint(value: Any, expected: Any, rtol: float) -> str:
    if value.ndim == 2 and value.T.shape == expected.shape:
        return "it is transposed" + ("" if close(value.T, expected, rtol) else ", at least")
    if value.ndim == expected.ndim + 1 and value.shape[1:] == expected.shape:
        summed = close(value.sum(axis=0), expected, rtol)
        return "the sum over the examples is missing" if summed else ""
    return f"its shape is {value.shape}, and should be {expected.shape}"


def _of_update(v: Variable, lr: float) -> Candidates:
    yield v.value + lr * v.delta, "the step goes against the gradient: subtract"
    yield v.value - v.delta, "the learning rate is missing"


def _of_value(expected: Any) -> Candidates:
    yield -expected, "its sign is wrong"
    if np.ndim(expected) == 2 and len(expected) == len(expected.T):
        yield expected.T, "it is transposed"


def _of_gradient(v: Variable, expected: Any) -> Candidates:
    yield from _of_value(expected)
    if len(v.arrivals) > 1:
        for arrival in v.arrivals:
            only = np.asarray(arrival.value, np.float64)
            yield only, f"only the way through {arrival.use.name} is in it: add the other ways"
    for arrival in v.arrivals:
        use = arrival.use
        if use.is_bundle or np.shape(use.delta) != np.shape(expected):
            continue
        if use.op is not None and not close(use.delta, expected, 0):
            yield use.delta, f"the derivative of {use.op.name} is missing"


def _factor_hint(value: Any, expected: Any, rtol: float) -> str:
    """Return the factor by which a gradient is off, if it is one and the same everywhere."""
    size = float(np.sum(expected * expected))
    if not size:
        return ""
    factor = float(np.sum(value * expected)) / size
    if not factor or not close(value, factor * expected, rtol):
        return ""
    times, words = (factor, "large") if abs(factor) >= 1 else (1 / factor, "small")
    whole = round(times)
    if abs(whole) > 1 and abs(times - whole) < 0.01 * abs(times):
        return f"it is {whole} times too {words}"
    return f"it is {factor:.3g} times what it should be" if value.size > 1 else ""


def close(a: Any, b: Any, rtol: float, slack: float = 0.0) -> bool:
    """Return whether arrays have one shape, and each number agrees relatively or to `slack`."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        return False
    size = np.abs(b)
    rounding = 1e-9 * (1 + np.max(size, initial=0.0, where=np.isfinite(size)))
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= np.maximum(rtol * size, slack) + rounding
    return bool(np.all(near | (a == b)))
