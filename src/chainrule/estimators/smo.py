"""The dual of the support vector machine, solved pair by pair and then exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule.graph import Array

_TINY = 1e-12  # curvature of a pair of equal rows
_EXACT = 1e-9  # gap at which nothing is left to be made better


class Dual(NamedTuple):
    """The solution for one pair of classes.

    Attributes
    ----------
    alpha : array, shape (n,)
        In [0, C]; rows with more than 0 are support vectors.
    bias : float
    steps : int
        Pairs that were optimised.
    converged : bool
        Whether the conditions of optimality hold to `tol`.
    """

    alpha: Array
    bias: float
    steps: int
    converged: bool


def solve_dual(K: Array, y: Array, C: Array, *, tol: float, max_steps: int) -> Dual:
    """Minimise ``a' Q a / 2 - sum(a)`` over ``0 <= a <= C``, ``y' a = 0``; ``Q = y y' * K``.

    Sequential minimal optimisation: in each step the pair of multipliers is optimised that
    promises the largest decrease, as Fan, Chen and Lin, "Working set selection using second order
    information for training support vector machines" (JMLR 2005), choose it. Then the multipliers
    that are at no bound are found from their linear equations. If others are not as they should be
    then, the pairs go on, to a hundredth of `tol` at most.

    Parameters
    ----------
    K : array, shape (n, n)
        Kernels of the rows with each other.
    y : array, shape (n,)
        -1 or 1.
    C : array, shape (n,)
        Upper bounds, positive.
    tol : float
        How far the gradients of two rows may be apart that could still be moved.
    max_steps : int
    """
    alpha, gradient, steps = np.zeros(len(y)), -np.ones(len(y)), 0
    wanted = [tol, tol / 10.0, tol / 100.0]
    while steps < max_steps:
        pair = _pair(K, y, C, alpha, gradient, wanted[0])
        if pair is None:
            alpha = _polished(K, y, C, alpha, wanted.pop(0))
            gradient = y * (K @ (alpha * y)) - 1.0
            if not wanted or _pair(K, y, C, alpha, gradient, _EXACT) is None:
                return Dual(alpha, _bias(alpha, y, C, gradient), steps, True)
            continue
        i, j, move = pair
        move = min(move, _room(alpha[i], y[i], C[i]), _room(alpha[j], -y[j], C[j]))
        alpha[i] = _snapped(alpha[i] + y[i] * move, C[i])
        alpha[j] = _snapped(alpha[j] - y[j] * move, C[j])
        gradient += y * move * (K[i] - K[j])
        steps += 1
    return Dual(alpha, _bias(alpha, y, C, gradient), steps, len(wanted) < 3)


def _pair(
    K: Array, y: Array, C: Array, alpha: Array, gradient: Array, tol: float
) -> tuple[int, int, float] | None:
    """Return the pair that promises the most and how far it wants to move; None at the optimum."""
    up = np.where(y > 0, alpha < C, alpha > 0)
    down = np.where(y > 0, alpha > 0, alpha < C)
    slopes = -y * gradient
    i = int(np.argmax(np.where(up, slopes, -np.inf)))
    gaps = np.where(down, slopes[i] - slopes, -np.inf)
    if np.max(gaps) < tol:
        return None
    curvature = np.maximum(K[i, i] + np.diagonal(K) - 2.0 * K[i], _TINY)
    j = int(np.argmax(np.where(gaps > 0, gaps * gaps / curvature, -np.inf)))
    return i, j, float(gaps[j] / curvature[j])


def _room(alpha: float, direction: float, C: float) -> float:
    """Return how far a multiplier can move before it reaches a bound."""
    return C - alpha if direction > 0 else alpha


def _snapped(alpha: float, C: float) -> float:
    """Return a multiplier that is at a bound where only rounding keeps it off."""
    if alpha < _TINY * C:
        return 0.0
    return C if alpha > C * (1.0 - _TINY) else alpha


def _bias(alpha: Array, y: Array, C: Array, gradient: Array) -> float:
    """Return what makes the outputs of the free rows their targets, or the middle of its range."""
    needed = -y * gradient
    free = (alpha > 0) & (alpha < C)
    if free.any():
        return float(np.mean(needed[free]))
    up = np.where(y > 0, alpha < C, alpha > 0)
    return float((np.max(needed[up]) + np.min(needed[~up])) / 2.0)


def _polished(K: Array, y: Array, C: Array, alpha: Array, tol: float) -> Array:
    """Return the multipliers with those at no bound solved for, if that keeps them in bounds."""
    free = (alpha > 0) & (alpha < C)
    if not free.any():
        return alpha
    n, held = int(free.sum()), np.where(free, 0.0, alpha * y)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = K[np.ix_(free, free)]
    system[:n, n] = system[n, :n] = 1.0
    wanted = np.append(y[free] - K[free] @ held, -np.sum(held))
    found = np.linalg.lstsq(system, wanted, rcond=None)[0]
    inside = (found[:n] * y[free] >= 0.0) & (found[:n] * y[free] <= C[free])
    # Rows that depend on each other may make the equations contradictory.
    if not inside.all() or np.max(np.abs(system @ found - wanted)) > tol:
        return alpha
    polished = alpha.copy()
    polished[free] = found[:n] * y[free]
    return polished
