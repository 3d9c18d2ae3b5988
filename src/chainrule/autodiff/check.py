"""`check_grads`: compare derivatives with finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import check_sequences
from chainrule.autodiff.forward import jvp
from chainrule.autodiff.reverse import vjp
from chainrule.errors import ChainruleError
from chainrule.graph import Tensor
from chainrule.graph.tree import flatten, map_leaves, unflatten


class GradientError(ChainruleError, AssertionError):
    """A derivative that differs from its finite difference."""


def check_grads(
    function: Callable[..., Any],
    args: Sequence[Any],
    *,
    order: int = 1,
    modes: Sequence[str] = ("forward", "reverse"),
    rtol: float = 1e-6,
    eps: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare a function's derivatives with central differences along random directions.

    Parameters
    ----------
    function : callable
        Takes trees of float64 arrays, returns a tree of arrays.
    args : sequence
        The point, all arguments.
    order : int
        1 for first derivatives; 2 also checks the derivative of the gradient, and so on.
    modes : sequence of {"forward", "reverse"}
    rtol : float
        Allowed difference relative to the size of the derivative.
    eps : float
        Step, relative to the size of the arguments.
    seed : int
        Of the random directions.

    Raises
    ------
    GradientError
        Naming the mode, the order, and both numbers.

    Examples
    --------
    >>> import numpy as np
    >>> check_grads(np.tanh, (np.array([0.1, -2.0]),), order=2)
    """
    check_sequences(args=args)
    rng = np.random.default_rng(seed)
    args = tuple(args)
    directions = _random_like(args, rng)
    expected, rounding = _difference(function, args, directions, eps)
    result, pullback = vjp(function, *args)
    weights = _random_like(result, rng)
    wanted = _inner(weights, expected)
    scale = 0.01 + _inner(_absolute(weights), _absolute(expected))
    tolerance = rtol * scale + rounding * _inner(
        _absolute(weights), map_leaves(np.ones_like, weights)
    )
    if "forward" in modes:
        tangent = jvp(function, args, directions)[1]
        _compare("forward", order, _inner(weights, tangent), wanted, tolerance)
    if "reverse" in modes:
        _compare("reverse", order, _inner(pullback(weights), directions), wanted, tolerance)
    if order > 1:
        for mode in modes:
            check_grads(
                _first_derivative(function, mode, weights, directions),
                args,
                order=order - 1,
                modes=modes,
                rtol=rtol * 10,
                eps=eps,
                seed=seed + 1,
            )


def _first_derivative(
    function: Callable[..., Any], mode: str, weights: Any, directions: Any
) -> Callable[..., Any]:
    if mode == "forward":
        return lambda *args: jvp(function, args, directions)[1]
    return lambda *args: vjp(function, *args)[1](weights)


def _random_like(tree: Any, rng: np.random.Generator) -> Any:
    return map_leaves(lambda leaf: np.asarray(rng.standard_normal(np.shape(leaf))), tree)


def _absolute(tree: Any) -> Any:
    return map_leaves(np.abs, tree)


def _inner(first: Any, second: Any) -> float:
    pairs = zip(flatten(first)[0], flatten(second)[0], strict=True)
    return float(sum(np.sum(_plain(a) * _plain(b)) for a, b in pairs))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Tensor) else value


def _difference(
    function: Callable[..., Any], args: Any, directions: Any, eps: float
) -> tuple[Any, float]:
    """Return the central difference along a direction, and a bound of its rounding error."""
    leaves, structure = flatten(args)
    moves, _ = flatten(directions)
    step = eps * max([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in leaves)])

    def at(sign: float) -> Any:
        moved = [x + sign * step * m for x, m in zip(leaves, moves, strict=True)]
        return map_leaves(_plain, function(*unflatten(structure, moved)))

    high, low = at(1.0), at(-1.0)
    largest = max((float(np.max(np.abs(v), initial=0.0)) for v in flatten(high)[0]), default=0.0)
    return map_leaves(lambda a, b: (a - b) / (2 * step), high, low), 1e-15 * largest / step


def _compare(mode: str, order: int, actual: float, expected: float, tolerance: float) -> None:
    if not abs(actual - expected) <= tolerance:
        raise GradientError(
            f"{mode} mode, {order} order(s) to go: the directional derivative is {actual!r}, "
            f"finite differences give {expected!r} (allowed difference {tolerance:.2g})"
        )
