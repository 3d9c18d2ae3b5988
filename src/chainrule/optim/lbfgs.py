"""L-BFGS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chainrule.constraints import COUNT, Constraint
from chainrule.graph import Array
from chainrule.optim.full_batch import FullBatch, Point, dot
from chainrule.optim.optimizer import Slots

_CURVED = 1e-10  # of |s| |y| that s . y is at least, for a pair to be kept


@dataclass(frozen=True)
class LBFGS(FullBatch):
    """L-BFGS: a Newton step with a curvature estimated from the last few steps; for full batches.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization"
    (Mathematical Programming 45, 1989); Nocedal and Wright, "Numerical Optimization" (2nd edition,
    2006), algorithms 7.4 and 7.5, with the scale of equation 7.20. The names are those of
    ``torch.optim.LBFGS`` with ``line_search_fn="strong_wolfe"``; an iteration here is one line,
    and nothing is left to a learning rate.

    Parameters
    ----------
    tolerance_grad, tolerance_change, max_eval
        See `chainrule.optim.FullBatch`.
    history_size : int >= 1
        Steps that are remembered, each in two vectors as long as the parameters. More than
        twenty seldom help.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda x: (float(np.sum((x - 3.0) ** 2)), 2.0 * (x - 3.0))
    >>> LBFGS().minimize(bowl, np.zeros(2)).x
    array([3., 3.])
    """

    history_size: int = 10
    allowed: ClassVar[Mapping[str, Constraint]] = {**FullBatch.allowed, "history_size": COUNT}

    def start(self, x: Array) -> Slots:
        """Return an empty memory: steps of zero and the changes of the gradient, newest last."""
        shape = self.history_size, x.size
        return {"steps": np.zeros(shape, x.dtype), "changes": np.zeros(shape, x.dtype)}

    def line(self, at: Point, slots: Slots) -> tuple[Array, float]:
        """Return the direction of the two-loop recursion, and 1, at first a step of length 1."""
        pairs = [(s, y, dot(s, y)) for s, y in zip(slots["steps"], slots["changes"], strict=True)]
        pairs = [pair for pair in pairs if pair[2]]
        q = -at.gradient.astype(np.float64)
        shares = []
        for s, y, curvature in reversed(pairs):
            shares.append(dot(s, q) / curvature)
            q -= shares[-1] * y
        if not pairs:
            return q, min(1.0, 1.0 / float(np.sum(np.abs(q))))
        _, y, curvature = pairs[-1]
        q *= curvature / dot(y, y)
        for s, y, curvature in pairs:
            q += (shares.pop() - dot(y, q) / curvature) * s
        return q, 1.0

    def moved(self, before: Point, after: Point, slots: Slots) -> Slots:
        """Return the memory with the step in place of the oldest, if the line curves upward."""
        s, y = after.x - before.x, after.gradient - before.gradient
        if dot(s, y) <= _CURVED * np.sqrt(dot(s, s) * dot(y, y)):
            return slots
        newest = {"steps": s, "changes": y}
        return {name: np.concatenate([slots[name][1:], [newest[name]]]) for name in newest}
