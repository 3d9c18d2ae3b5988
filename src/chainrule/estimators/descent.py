"""Full-batch descent to what an estimator minimises, with a warning where it stopped early."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.borrowed import kindred
from chainrule.graph import Array
from chainrule.optim import LBFGS
from chainrule.optim.full_batch import Point


def descended(
    estimator: Any, objective: Callable[[Any], Any], start: Any, tol: float, max_iter: int
) -> tuple[Any, int]:
    """Return where an objective is least, by L-BFGS, and the number of iterations, 1 at least.

    Parameters
    ----------
    estimator : Estimator
        For the warning.
    objective : callable
        Maps a tree of arrays to a number, in plain NumPy.
    start : tree of arrays
    tol : float
        The largest element of the gradient at the end.
    max_iter : int
    """
    search = LBFGS(tolerance_grad=tol, tolerance_change=0.0)
    found = search.minimize(value_and_grad(objective), start, max_iter)
    if not found.stopped:
        _warn(estimator, max_iter)
    return found.x, max(found.iterations, 1)


def shrunk(
    estimator: Any,
    objective: Callable[[Array], Any],
    start: Array,
    strengths: Array,
    tol: float,
    max_iter: int,
) -> tuple[Array, int]:
    """Return where an objective plus ``sum(strengths * |x|)`` is least, and the iterations.

    OWL-QN (Andrew and Gao, "Scalable training of L1-regularized log-linear models", ICML 2007):
    L-BFGS within one orthant at a time, where the absolute values are linear; an element whose
    step would leave the orthant stops at zero. Where such a step leads nowhere lower, one along the
    slopes is tried and the memory begun anew; for this the paper's projection of the direction,
    which about doubles the iterations, is not needed.

    Parameters
    ----------
    estimator : Estimator
        For the warning.
    objective : callable
        Maps a vector to a number, in plain NumPy.
    start : array, shape (n,)
    strengths : array, shape (n,)
        Not negative.
    tol : float
        The largest element of the gradient at the end, zero where the penalty outweighs it.
    max_iter : int
    """
    search, gradient = LBFGS(), value_and_grad(objective)

    def evaluate(x: Array) -> Point:
        value, slopes = gradient(x)
        return Point(x, float(value + np.sum(strengths * np.abs(x))), slopes)

    at, slots = evaluate(start), search.start(start)
    for iteration in range(1, max_iter + 1):
        slopes = _one_sided(at, strengths)
        if np.max(np.abs(slopes)) <= tol:
            return at.x, iteration
        direction, length = search.line(at._replace(gradient=slopes), slots)
        orthant = np.where(at.x != 0, np.sign(at.x), -np.sign(slopes))
        after = _backtracked(evaluate, at, slopes, direction, orthant, length)
        if after is at:
            if not slots["steps"].any():
                return at.x, iteration
            slots = search.start(start)
            continue
        slots = {**slots, **search.moved(at, after, slots)}
        at = after
    _warn(estimator, max_iter)
    return at.x, max_iter


def _one_sided(at: Point, strengths: Array) -> Array:
    """Return the slopes along which the penalised objective falls; 0 where it rises both ways."""
    right, left = at.gradient + strengths, at.gradient - strengths
    at_zero = np.where(right < 0, right, np.where(left > 0, left, 0.0))
    return np.where(at.x > 0, right, np.where(at.x < 0, left, at_zero))


def _backtracked(
    evaluate: Callable[[Array], Point],
    at: Point,
    slopes: Array,
    direction: Array,
    orthant: Array,
    length: float,
) -> Point:
    """Return the first point along a direction that lies enough lower, or the point itself."""
    for _ in range(30):
        x = at.x + length * direction
        after = evaluate(np.where(np.sign(x) == orthant, x, 0.0))
        expected = np.sum(slopes * (after.x - at.x))
        if expected < 0 and after.value <= at.value + 1e-4 * expected:
            return after
        length *= 0.5
    return at


def _warn(estimator: Any, max_iter: int) -> None:
    warnings.warn(
        f"{type(estimator).__name__} has not converged in {max_iter} iterations: raise max_iter, "
        "or tol",
        kindred("ConvergenceWarning"),
        stacklevel=5,
    )
