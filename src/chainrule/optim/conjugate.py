"""Nonlinear conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chainrule.graph import Array
from chainrule.optim.full_batch import FullBatch, Point, dot
from chainrule.optim.optimizer import Slots

_ORTHOGONAL = 0.2  # of |g|^2 that the last two gradients may have in common


@dataclass(frozen=True)
class ConjugateGradient(FullBatch):
    """Nonlinear conjugate gradients of Polak and Ribière, with restarts; for full batches.

    The direction is ``-g + beta * direction`` with ``beta = max(0, g . (g - g_before) / |g_before|
    ** 2)``: PR+ (Gilbert and Nocedal, SIAM Journal on Optimization 2, 1992). It begins anew with
    the steepest descent where two successive gradients are far from orthogonal (Powell,
    Mathematical Programming 12, 1977) or the direction does not descend. Nocedal and Wright,
    "Numerical Optimization" (2nd edition, 2006), section 5.2. It remembers one vector, where
    `LBFGS` remembers twenty, and needs more evaluations.

    Parameters
    ----------
    tolerance_grad, tolerance_change, max_eval
        See `chainrule.optim.FullBatch`.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda x: (float(np.sum((x - 3.0) ** 2)), 2.0 * (x - 3.0))
    >>> ConjugateGradient().minimize(bowl, np.zeros(2)).x
    array([3., 3.])
    """

    c2: ClassVar[float] = 0.1

    def start(self, x: Array) -> Slots:
        """Return no direction, and no decrease to expect."""
        return {"direction": np.zeros_like(x), "decrease": np.array(0.0)}

    def line(self, at: Point, slots: Slots) -> tuple[Array, float]:
        """Return the direction, and the step that would lower the value as much as the last did.

        Nocedal and Wright, equation 3.60.
        """
        g = at.gradient.astype(np.float64)
        direction = slots["direction"].astype(np.float64)
        slope = dot(direction, g)
        if not slope < 0.0:
            direction, slope = -g, -dot(g, g)
        decrease = float(slots["decrease"])
        if not decrease:
            return direction, min(1.0, 1.0 / float(np.sum(np.abs(g))))
        return direction, min(1.0, -2.02 * decrease / slope)

    def moved(self, before: Point, after: Point, slots: Slots) -> Slots:
        """Return the next direction, and how much the value fell."""
        g, old = after.gradient.astype(np.float64), before.gradient.astype(np.float64)
        used, _ = self.line(before, slots)
        square, common = dot(g, g), dot(g, old)
        beta = max(0.0, (square - common) / dot(old, old))
        if abs(common) >= _ORTHOGONAL * square:
            beta = 0.0
        direction = (beta * used - g).astype(after.x.dtype)
        return {"direction": direction, "decrease": np.array(before.value - after.value)}
