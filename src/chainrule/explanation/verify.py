"""Every line of an explanation is compared with finite differences before it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Arrival, Variable
from chainrule.graph import Tensor
from chainrule.graph.tensor import pick

_STEPS = 1e-6 / 8.0 ** np.arange(4)
_TOLERANCE = {4: 2e-4, 8: 1e-6}  # relative, by the bytes of a number


@dataclass(frozen=True)
class Verdict:
    """How a derivative compares with finite differences along a random direction.

    Attributes
    ----------
    status : {"verified", "convention", "wrong", "unchecked"}
        "convention" where the slopes on both sides differ: at a kink, where the op's stated
        convention holds. "unchecked" where there is nothing to compare with.
    shown, found : float
        The derivative along the direction as it is shown, and as differences give it.
    """

    status: str
    shown: float = 0.0
    found: float = 0.0

    @property
    def error(self) -> float:
        """How far they are apart, relative to the larger."""
        size = max(abs(self.shown), abs(self.found))
        return abs(self.shown - self.found) / size if size else 0.0

    def __str__(self) -> str:
        words = {
            "verified": "verified by finite differences",
            "convention": "at a kink: the convention",
            "unchecked": "not checked",
        }
        return words.get(
            self.status,
            f"WRONG: {self.shown:.6g}, but finite differences give {self.found:.6g}",
        )


UNCHECKED = Verdict("unchecked")


def verify_arrival(arrival: Arrival, x: Variable, rng: np.random.Generator) -> Verdict:
    """Compare one product, prod(d use / d x, delta of the use), with differences of its op."""
    use = arrival.use
    assert use.op is not None
    if use.op is pick:  # hands one of several results on as it is
        return Verdict("verified")
    delta = use.delta.filled(use.value) if use.is_bundle else use.delta
    operands = [wide(v.value if isinstance(v, Variable) else v) for v in use.operands]
    position, op, params = arrival.position, use.op, use.tensor.params

    def along(value: Any) -> Any:
        moved = [*operands[:position], value, *operands[position + 1 :]]
        return weighed(op.forward(*moved, **params), delta)

    return compare(along, operands[position], arrival.value, x.tensor.dtype.itemsize, rng)


def verify_leaf(account: Account, leaf: Variable, rng: np.random.Generator) -> Verdict:
    """Compare a final gradient with differences of the loss, computed anew from this leaf on."""
    run = Replay(account, leaf)
    return compare(run, wide(leaf.value), leaf.delta, leaf.tensor.dtype.itemsize, rng)


class Replay:
    """The loss as a function of one leaf, all others as they were, in double precision."""

    def __init__(self, account: Account, leaf: Variable) -> None:
        moved = {leaf.serial}
        self.order: list[Variable] = []
        for v in account.variables:
            if any(x.serial in moved for x in v.inputs):
                moved.add(v.serial)
                self.order.append(v)
        self.account, self.leaf = account, leaf
        self.fixed = {
            x.serial: wide(x.value)
            for v in self.order for x in v.inputs if x.serial not in moved
        }  # fmt: skip

    def __call__(self, value: Any) -> Any:
        """Return the loss for another value of the leaf."""
        values = self.fixed | {self.leaf.serial: value}
        for v in self.order:
            operands = [values[x.serial] if isinstance(x, Variable) else x for x in v.operands]
            assert v.op is not None
            values[v.serial] = v.op.forward(*operands, **v.tensor.params)
        return values[self.account.loss.serial]


def wide(value: Any) -> Any:
    """Return floating-point numbers in double precision, others as they are."""
    if isinstance(value, tuple):
        return value
    array = value._value if isinstance(value, Tensor) else value
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    return np.asarray(array, np.float64)[()] if kind == "f" else array


def weighed(y: Any, delta: Any) -> float:
    """Return the inner product of a result, or of several, and its delta."""
    if isinstance(y, tuple):
        return sum(map(weighed, y, delta))
    return float(np.sum(np.real(np.asarray(y) * np.asarray(delta))))


def compare(
    function: Callable[[Any], Any], x: Any, g: Any, itemsize: int, rng: np.random.Generator
) -> Verdict:
    """Compare a gradient of a single number with its differences along a random direction.

    The step shrinks until they agree. At a kink the slopes on both sides stay apart however small
    it is; where only the curvature is strong they draw together, and with them the difference.
    """
    kind = np.result_type(x).kind
    if np.size(x) == 0 or kind not in "fc":
        return UNCHECKED
    with np.errstate(all="ignore"):
        direction = rng.standard_normal(np.shape(x))[()]
        if kind == "c":
            direction = direction + 1j * rng.standard_normal(np.shape(x))[()]
        here, shown = float(function(x)), weighed(g, direction)
        size = float(np.linalg.norm(np.ravel(g)))
        relative = _TOLERANCE.get(itemsize if kind == "f" else itemsize // 2, 2e-2)
        error = bend = np.inf
        width = max(1.0, float(np.max(np.abs(x))))
        for step in _STEPS * width:
            before = error, bend
            above, below = (float(function(x + s * direction)) for s in (step, -step))
            if not np.all(np.isfinite([here, above, below, shown])):
                return UNCHECKED
            found = (above - below) / (2 * step)
            error, bend = abs(shown - found), abs((above - here) - (here - below)) / step
            height = max(abs(here), abs(above), abs(below))
            rounding = 4e-16 * (height + width * bend) / step  # of the values, and of the places
            allowed = relative * max(size, abs(found), 1e-12) + 10 * rounding
            if error <= allowed:
                return Verdict("verified", shown, found)
            if bend > max(allowed, before[1] / 2):
                return Verdict("convention", shown, found)
            if error > before[0] / 2:
                return Verdict("wrong", shown, found)
    return UNCHECKED


def verify(account: Account, seed: int = 0) -> dict[int, list[Verdict]]:
    """Return the verdicts of an account: by serial, one for each arrival of a variable.

    Parameters
    ----------
    account : Account
    seed : int
        Of the random directions.
    """
    rng = np.random.default_rng(seed)
    return {v.serial: [verify_arrival(a, v, rng) for a in v.arrivals] for v in account.backward}
