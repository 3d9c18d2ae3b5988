"""The conformance suite of optimizers: `check_optimizer` tries all that is promised of each."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from chainrule.engines import compile as compiled
from chainrule.errors import ArgumentError
from chainrule.graph.tree import flatten, map_leaves
from chainrule.optim import Optimizer, optimizer_from_config
from chainrule.optim.rows import LAZY
from chainrule.testing.ops import ConformanceError, equal

_STEPS = 14  # beyond the first, by which rules that count their steps have begun
_DESCENT = 200
_RATES = (1.0, 10.0, 100.0, 1000.0)  # how many times the learning rate a problem may need


def check_optimizer(
    optimizer: Optimizer, engines: Sequence[str] | None = None, *, seed: int = 0
) -> None:
    """Check an optimizer: shapes, dtypes, purity, engines, configuration, ranges, descent.

    Parameters
    ----------
    optimizer : Optimizer
        One for each way of its working: with momentum and without, say.
    engines : sequence of str, optional
        Engines of `chainrule.compile` that updates are tried on; by default all that are
        installed.
    seed : int
        Of the random arrays.

    Raises
    ------
    ConformanceError
        Naming the check and the optimizer that failed.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from chainrule.optim import Optimizer
    >>> from chainrule.testing import check_optimizer
    >>> @dataclass(frozen=True)
    ... class SignDescent(Optimizer):
    ...     def start(self, p):
    ...         return {}
    ...     def rule(self, p, g, slots, step, lr):
    ...         return p - lr * np.sign(g), slots
    >>> check_optimizer(SignDescent(lr=0.01), engines=["numpy"])
    """
    rng = np.random.default_rng(seed)
    for check in CHECKS:
        check(optimizer, rng)
    installed = [name for name in ("numba", "jax") if find_spec(name)]
    check_engines(optimizer, rng, ["numpy", *installed] if engines is None else engines)


def _parameters(dtype: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Return a matrix, a tall one, a row, a number and nothing."""
    shapes = {"matrix": (2, 3), "tall": (4, 2), "row": (3,), "number": (), "none": (0, 2)}
    return {name: np.asarray(rng.normal(size=s)).astype(dtype) for name, s in shapes.items()}


def _gradients(params: Any, rng: np.random.Generator) -> Any:
    return map_leaves(lambda p: np.asarray(rng.normal(size=p.shape)).astype(p.dtype), params)


def _course(
    optimizer: Optimizer, params: Any, gradients: Sequence[Any], state: Any = None
) -> Iterator[tuple[Any, Any]]:
    """Yield parameters and state after each update."""
    state = optimizer.init(params) if state is None else state
    for grads in gradients:
        params, state = optimizer.update(params, grads, state)
        yield params, state


def _result(optimizer: Optimizer, params: dict[str, Any], state: Any) -> dict[str, Any]:
    slots = state["slots"]
    return {k: optimizer.result(p, slots[f"[{k!r}]"]) for k, p in params.items()}


def check_config(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """The configuration is JSON, and makes an equal optimizer again."""
    known = {type(part).__name__: type(part) for part in optimizer.nested()}
    again = optimizer_from_config(json.loads(json.dumps(optimizer.config())), known)
    if again != optimizer:
        raise ConformanceError(f"{optimizer}: its configuration makes {again}")


def check_ranges(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Every hyper-parameter has a range, and what lies outside is refused by name."""
    allowed = {"lazy": LAZY, **optimizer.allowed}
    for name in optimizer.config():
        if name == "optimizer":
            continue
        if name not in allowed:
            raise ConformanceError(f"{optimizer}: `allowed` does not say what {name} may be")
        for value in _bad_values(getattr(optimizer, name), allowed[name]):
            try:
                replace(optimizer, **{name: value})
            except ArgumentError as error:
                if name in str(error):
                    continue
                raise ConformanceError(
                    f"{optimizer}: the error about {name} = {value!r} does not name it: {error}"
                ) from error
            raise ConformanceError(f"{optimizer}: {name} = {value!r} was not refused")


def _bad_values(value: Any, constraint: Any) -> list[Any]:
    if not isinstance(constraint, tuple):
        return list(constraint.bad_values())
    wrong = [
        (*value[:i], bad, *value[i + 1 :])
        for i, one in enumerate(constraint)
        for bad in one.bad_values()
    ]
    return [*wrong, value[:-1], (*value, value[0]), None, value[0]]


def check_arrays(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Parameters and slots keep shape and dtype; nothing of the caller's is changed."""
    for dtype in (np.float32, np.float64):
        params = _parameters(dtype, rng)
        state = start = optimizer.init(params)
        for lr in (None, np.float64(0.1), np.float32(0.1), np.array(0.1), 0.0):
            grads = _gradients(params, rng)
            given = params, grads, state["slots"]
            kept = map_leaves(np.array, given)
            for array in flatten(given)[0]:
                array.flags.writeable = False
            params, state = optimizer.update(params, grads, state, lr=lr)
            equal(given, kept, "an argument after the update", optimizer, rtol=0.0)
            params, slots = map_leaves(np.asarray, (params, state["slots"]))
            _like(optimizer, "slot", slots, start["slots"])
            _like(optimizer, "parameter", params, given[0])
            _like(optimizer, "result", _result(optimizer, params, state), params)
            state = {**state, "slots": slots}


def _like(optimizer: Optimizer, what: str, found: Any, expected: Any) -> None:
    (actual, structure), (before, same) = flatten(found), flatten(expected)
    if structure != same:
        raise ConformanceError(f"{optimizer}: an update changes which {what}s there are")
    for x, y in zip(actual, before, strict=True):
        if np.shape(x) != np.shape(y) or np.result_type(x) != np.result_type(y):
            raise ConformanceError(
                f"{optimizer}: a {what} of {np.result_type(y)}{np.shape(y)} becomes "
                f"{np.result_type(x)}{np.shape(x)}"
            )


def check_resuming(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """A saved state and an optimizer made anew go on with the same bits: nothing is hidden."""
    params = _parameters(np.float32, rng)
    gradients = [_gradients(params, rng) for _ in range(_STEPS)]
    *_, whole = _course(optimizer, params, gradients)
    half = _STEPS // 2
    *_, saved = _course(optimizer, params, gradients[:half])
    again, state = map_leaves(np.array, saved)
    state = {**state, "step": int(state["step"])}
    *_, resumed = _course(replace(optimizer), again, gradients[half:], state)
    equal(resumed[0], whole[0], "a resumed course", optimizer, rtol=0.0)
    equal(resumed[1]["slots"], whole[1]["slots"], "the state resumed", optimizer, rtol=0.0)


@np.errstate(all="ignore")  # a learning rate that is too large may leave the range of numbers
def check_descent(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """A convex function is minimised, with the learning rate or one some powers of ten larger."""
    if "weight_decay" in optimizer.hyperparameters():
        optimizer = optimizer.changed(weight_decay=0.0)  # which would move the minimum
    params, lowest = _parameters(np.float64, rng), _parameters(np.float64, rng)
    slopes = map_leaves(lambda p: rng.uniform(0.5, 2.0, np.shape(p)), params)

    def grads(at: Any) -> dict[str, Any]:
        return {k: slopes[k] * (p - lowest[k]) for k, p in at.items()}

    def height(at: Any) -> float:
        return sum(float(np.sum(slopes[k] * (p - lowest[k]) ** 2)) for k, p in at.items())

    ends = []
    for factor in _RATES:
        at, state = params, optimizer.init(params)
        for i in range(_DESCENT):
            lr = factor * optimizer.lr * 0.5 * (1.0 + math.cos(math.pi * i / _DESCENT))
            at, state = optimizer.update(at, grads(at), state, lr=lr)
        ends.append(height(_result(optimizer, at, state)) / height(params))
        if ends[-1] < 0.05:
            return
    raise ConformanceError(
        f"{optimizer}: of a convex function at 1 it reaches {min(ends):.3g} in {_DESCENT} steps, "
        "not 0.05"
    )


def check_engines(
    optimizer: Optimizer, rng: np.random.Generator, engines: Sequence[str] = ("numpy",)
) -> None:
    """One traced update serves every step, and engines agree; NumPy's has the traced bits."""

    def update(params: Any, grads: Any, state: Any, lr: Any) -> Any:
        return optimizer.update(params, grads, state, lr=lr)

    for dtype, rtol in ((np.float32, 1e-4), (np.float64, 1e-9)):
        programs = {name: compiled(update, name) for name in ("interpreter", *engines)}
        params = _parameters(dtype, rng)
        state = optimizer.init(params)
        for i in range(_STEPS):
            given = params, _gradients(params, rng), state, np.float64(optimizer.lr / (i + 1))
            found = {name: program(*given) for name, program in programs.items()}
            traced = found.pop("interpreter")
            equal(traced, update(*given), f"update {i + 1}, traced,", optimizer, rtol)
            for name, result in found.items():
                allowance = 0.0 if name == "numpy" else rtol
                equal(result, traced, f"update {i + 1} by {name}", optimizer, allowance)
            params, state = traced


CHECKS: tuple[Callable[[Optimizer, np.random.Generator], None], ...] = (
    check_config,
    check_ranges,
    check_arrays,
    check_resuming,
    check_descent,
)
