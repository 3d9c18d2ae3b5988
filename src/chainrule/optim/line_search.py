"""A step along a line that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from chainrule.constraints import COUNT, POSITIVE, Constraint, Interval, check
from chainrule.errors import ArgumentError

_INSIDE = Interval(0, 1, "neither")
ALLOWED: dict[str, Constraint] = {
    "first": POSITIVE,
    "c1": _INSIDE,
    "c2": _INSIDE,
    "max_evaluations": COUNT,
}
_NEAREST, _FARTHEST = 1.1, 4.0  # times the last step that a longer one is
_MARGIN = 0.1  # of a bracket, that an interpolated step keeps from its ends


class Trial(NamedTuple):
    """A step along a line.

    Attributes
    ----------
    alpha : float
        Length of the step, in units of the direction.
    value : float
        Of the function there; infinite where it is not a number.
    slope : float
        Derivative with respect to `alpha`.
    there : object
        Whatever else is to be known of the place.
    """

    alpha: float
    value: float
    slope: float
    there: Any = None


def strong_wolfe(
    line: Callable[[float], Trial],
    start: Trial,
    first: float = 1.0,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_evaluations: int = 25,
) -> Trial:
    """Find a step with sufficient decrease and a small slope, the strong Wolfe conditions.

    These are ``value <= start.value + c1 * alpha * start.slope`` and ``abs(slope) <= c2 *
    abs(start.slope)``. Nocedal and Wright, "Numerical Optimization" (2nd edition, 2006),
    algorithms 3.5 and 3.6, with cubic interpolation (equation 3.59).

    Parameters
    ----------
    line : callable
        Returns the `Trial` of a step.
    start : Trial
        Where the line begins, with a negative slope.
    first : float > 0
        The step that is tried first.
    c1, c2 : float in (0, 1)
        ``c1 < c2``; smaller ones of `c2` make the search more exact.
    max_evaluations : int >= 1
        Steps that are tried at most.

    Returns
    -------
    Trial
        A step that satisfies both conditions; if rounding or `max_evaluations` forbids it, the
        lowest of those tried that satisfies the first, and `start` if none does.

    Raises
    ------
    ArgumentError
        If an argument is out of its range, or the line does not fall where it begins.

    Examples
    --------
    >>> line = lambda alpha: Trial(alpha, (alpha - 3.0) ** 2, 2 * (alpha - 3.0))
    >>> strong_wolfe(line, line(0.0), c2=0.1).alpha
    3.0
    """
    given = {"first": first, "c1": c1, "c2": c2, "max_evaluations": max_evaluations}
    check("strong_wolfe", ALLOWED, given)
    if c1 >= c2:
        raise ArgumentError(f"strong_wolfe: c1 must be below c2, {c2}, not {c1}")
    if not start.slope < 0.0:
        raise ArgumentError(
            f"strong_wolfe: the line must fall where it begins, its slope is {start.slope}"
        )

    def low_enough(trial: Trial) -> bool:
        return trial.value <= start.value + c1 * trial.alpha * start.slope

    def flat_enough(trial: Trial) -> bool:
        return abs(trial.slope) <= -c2 * start.slope

    # `low` is the lowest step with sufficient decrease; a step that satisfies both conditions
    # lies between it and `high`, which is not known before the line has risen.
    low, high, before, alpha = start, None, start, float(first)
    for _ in range(max_evaluations):
        now = _finite(line(alpha))
        if not low_enough(now) or (now.value >= low.value and low is not start):
            high = now
        elif flat_enough(now):
            return now
        else:
            if now.slope * (now.alpha - low.alpha) >= 0:
                high = low
            low, before = now, low
        alpha = _between(low, high) if high is not None else _beyond(before, low)
        if alpha in (low.alpha, start.alpha) or (high is not None and alpha == high.alpha):
            break  # no number lies between
    return low


def _finite(trial: Trial) -> Trial:
    """Return a trial whose value is infinite unless it and the slope are finite."""
    whole = math.isfinite(trial.value) and math.isfinite(trial.slope)
    return trial if whole else trial._replace(value=math.inf, slope=math.nan)


def _between(low: Trial, high: Trial) -> float:
    """Return where the cubic through both ends is lowest, not too near to either."""
    width = high.alpha - low.alpha
    alpha = _cubic(low, high)
    share = (alpha - low.alpha) / width
    if not math.isfinite(share):
        share = 0.5 if math.isfinite(high.value) else _MARGIN
    return low.alpha + min(max(share, _MARGIN), 1.0 - _MARGIN) * width


def _beyond(before: Trial, last: Trial) -> float:
    """Return a longer step: where the cubic is lowest, if that is neither too near nor too far."""
    alpha = _cubic(before, last)
    nearest, farthest = _NEAREST * last.alpha, _FARTHEST * last.alpha
    return min(max(alpha, nearest), farthest) if alpha > last.alpha else farthest


def _cubic(a: Trial, b: Trial) -> float:
    """Return the minimum of the cubic with the values and slopes of two steps; NaN if none is."""
    d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.alpha - b.alpha)
    inside = d1 * d1 - a.slope * b.slope
    if not inside >= 0.0 or not math.isfinite(inside):
        return math.nan
    d2 = math.copysign(math.sqrt(inside), b.alpha - a.alpha)
    divisor = b.slope - a.slope + 2.0 * d2
    return b.alpha - (b.alpha - a.alpha) * (b.slope + d2 - d1) / divisor if divisor else math.nan
