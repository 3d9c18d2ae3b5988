"""`FullBatch`: optimizers that search along lines, for which they need the whole objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, Constraint, Interval, check
from chainrule.errors import NonFiniteError
from chainrule.graph import Array
from chainrule.graph.tree import flatten, unflatten
from chainrule.optim.line_search import Trial, strong_wolfe
from chainrule.optim.optimizer import Slots, State

_GOES_ON, _FLAT, _STILL, _STUCK = range(4)
ENDS = {
    _GOES_ON: "",
    _FLAT: "no element of the gradient is above tolerance_grad",
    _STILL: "an iteration changed nothing by more than tolerance_change",
    _STUCK: "no step lowers the loss by more than its rounding",
}


class Point(NamedTuple):
    """Where a function was evaluated.

    Attributes
    ----------
    x : array, shape (n,)
    value : float
    gradient : array, shape (n,)
    seen : object
        Whatever else the evaluation found.
    """

    x: Array
    value: float
    gradient: Array
    seen: Any = None


Evaluate = Callable[[Array], Point]


class Minimum(NamedTuple):
    """What `FullBatch.minimize` found.

    Attributes
    ----------
    x : tree of arrays
        Where the function is least.
    value : float
    gradient : tree of arrays
    iterations, evaluations : int
        Lines searched, and how often the function was called.
    stopped : str
        Why it ended; empty if it reached `max_iter`.
    """

    x: Any
    value: float
    gradient: Any
    iterations: int
    evaluations: int
    stopped: str


@dataclass(frozen=True)
class FullBatch(ABC):
    """Base of the optimizers that see the whole objective, all parameters as one vector.

    An iteration chooses a direction and searches along it for a step that satisfies the strong
    Wolfe conditions, for which it evaluates the objective where it likes. That makes no
    `Optimizer`, whose rule is told a gradient. A subclass implements `start`, `line` and `moved`.

    Parameters
    ----------
    tolerance_grad : float >= 0
        It ends when no element of the gradient is larger.
    tolerance_change : float >= 0
        It ends when an iteration changes the value by no more, relative to it if it is above 1,
        or no element of the parameters by more.
    max_eval : int >= 1
        Evaluations along a line at most.

    Attributes
    ----------
    allowed : dict of str to constraint
        Class attribute.
    c2 : float
        Class attribute: how exact the search is; see `chainrule.optim.strong_wolfe`.
    """

    tolerance_grad: float = 1e-7
    tolerance_change: float = 1e-9
    max_eval: int = 25
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "tolerance_grad": NON_NEGATIVE,
        "tolerance_change": NON_NEGATIVE,
        "max_eval": COUNT,
    }
    c2: ClassVar[float] = 0.9

    def __post_init__(self) -> None:
        check(type(self).__name__, self.allowed, vars(self))

    def nested(self) -> Iterator[Any]:
        """Yield this optimizer, as `chainrule.optim.Optimizer.nested` does."""
        yield self

    @abstractmethod
    def start(self, x: Array) -> Slots:
        """Return what is remembered before the first iteration, as arrays by name."""

    @abstractmethod
    def line(self, at: Point, slots: Slots) -> tuple[Array, float]:
        """Return a direction, in float64, and the length of the step to try first."""

    @abstractmethod
    def moved(self, before: Point, after: Point, slots: Slots) -> Slots:
        """Return what is remembered after a step; `slots` are not changed."""

    def init(self, params: Any) -> State:
        """Return the state before the first iteration, as `chainrule.optim.Optimizer.init` does.

        Its slots are those of one parameter, the vector of all, which has no name.
        """
        x = Vector(params).join(params)
        return {"step": 0, "slots": {"": {"end": np.array(_GOES_ON), **self.start(x)}}}

    # Far along a line a function may leave the numbers; the search turns back there.
    @np.errstate(all="ignore")
    def iterate(self, evaluate: Evaluate, at: Point, slots: Slots) -> tuple[Point, Slots, float]:
        """Return the next point, what is remembered then, and the length of the step.

        Nothing that is given is changed. If no step along the direction lowers the value, one
        along the steepest descent is tried, and all that was remembered forgotten; if none does
        either, the point stays and `ended` says why.

        Parameters
        ----------
        evaluate : callable
            Returns the `Point` of a vector.
        at : Point
            With a finite value and gradient.
        slots : dict
            From `init` or the last iteration.
        """
        if _largest(at.gradient) <= self.tolerance_grad:
            return at, {**slots, "end": np.array(_FLAT)}, 0.0
        steepest, tried = self.start(at.x), None
        for remembered in (slots, steepest):
            direction, first = self.line(at, remembered)
            if tried is not None and np.array_equal(direction, tried):
                break
            found = self._search(evaluate, at, direction, first)
            if found.there is not at:
                return found.there, self._after(at, found.there, remembered), found.alpha
            tried = direction
        return at, {**slots, "end": np.array(_STUCK)}, 0.0

    def _search(self, evaluate: Evaluate, at: Point, direction: Array, first: float) -> Trial:
        slope = dot(at.gradient, direction)
        start = Trial(0.0, at.value, slope, at)
        if not slope < 0.0:
            return start

        def line(alpha: float) -> Trial:
            there = evaluate((at.x + alpha * direction).astype(at.x.dtype))
            return Trial(alpha, there.value, dot(there.gradient, direction), there)

        first = max(first, np.finfo(np.float64).tiny)
        return strong_wolfe(line, start, first, c2=self.c2, max_evaluations=self.max_eval)

    def _after(self, before: Point, after: Point, slots: Slots) -> Slots:
        kept = self.moved(before, after, slots)
        change = abs(after.value - before.value) / max(1.0, abs(after.value))
        still = min(change, _largest(after.x - before.x)) <= self.tolerance_change
        flat = _largest(after.gradient) <= self.tolerance_grad
        end = _FLAT if flat else _STILL if still else _GOES_ON
        return {**kept, "end": np.array(end)}

    def ended(self, state: State) -> str:
        """Return why no more iterations are of use; empty if they are."""
        return ENDS[int(state["slots"][""]["end"])]

    def minimize(
        self, value_and_grad: Callable[[Any], tuple[Any, Any]], x: Any, max_iter: int = 1000
    ) -> Minimum:
        """Minimize a function.

        Parameters
        ----------
        value_and_grad : callable
            Takes a tree of floating-point arrays like `x`; returns the value and the gradient,
            such as what `chainrule.value_and_grad` makes of a function.
        x : tree of arrays
            Where to begin; not changed.
        max_iter : int >= 0
            Lines to search at most.

        Raises
        ------
        NonFiniteError
            If the value or the gradient where it begins is not finite.

        Examples
        --------
        >>> import numpy as np, chainrule as cr
        >>> from chainrule.optim import LBFGS
        >>> def rosenbrock(x):
        ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
        >>> found = LBFGS().minimize(cr.value_and_grad(rosenbrock), np.array([-1.2, 1.0]))
        >>> np.round(found.x, 6), found.evaluations < 50
        (array([1., 1.]), True)
        """
        check("minimize", {"max_iter": Interval(0, np.inf, integer=True)}, {"max_iter": max_iter})
        vector, calls = Vector(x), 0

        def evaluate(flat: Array) -> Point:
            nonlocal calls
            calls += 1
            value, gradient = value_and_grad(vector.split(flat))
            return Point(flat, float(value), vector.join(gradient))

        at, state, done = evaluate(vector.join(x)), self.init(x), 0
        if not np.isfinite(at.value) or not np.isfinite(at.gradient).all():
            raise NonFiniteError("minimize: the value or the gradient is not finite at the start")
        while done < max_iter and not self.ended(state):
            at, state["slots"][""], _ = self.iterate(evaluate, at, state["slots"][""])
            done += 1
        found, gradient = vector.split(at.x), vector.split(at.gradient)
        return Minimum(found, at.value, gradient, done, calls, self.ended(state))

    def config(self) -> dict[str, Any]:
        """Return the name and the hyper-parameters, JSON-able."""
        return {"optimizer": type(self).__name__, **asdict(self)}


class Vector:
    """Turns trees of one structure into vectors and back.

    Parameters
    ----------
    tree : tree of floating-point arrays
        Its arrays say the shapes and dtypes; the vector has their common dtype.
    """

    def __init__(self, tree: Any) -> None:
        leaves, self.structure = flatten(tree)
        arrays = [np.asarray(leaf) for leaf in leaves]
        self.kinds = [(array.shape, array.dtype) for array in arrays]
        self.ends = np.cumsum([array.size for array in arrays])
        self.dtype = np.result_type(np.float16, *arrays) if arrays else np.dtype(np.float64)

    def join(self, tree: Any) -> Array:
        """Return all elements of a tree."""
        parts = [np.ravel(leaf).astype(self.dtype, copy=False) for leaf in flatten(tree)[0]]
        return np.concatenate([np.zeros(0, self.dtype), *parts])

    def split(self, vector: Array) -> Any:
        """Return the tree that has a vector's elements."""
        parts = np.split(vector, self.ends[:-1]) if self.kinds else []
        shaped = zip(parts, self.kinds, strict=True)
        leaves = [part.reshape(shape).astype(dtype) for part, (shape, dtype) in shaped]
        return unflatten(self.structure, leaves)


def dot(a: Array, b: Array) -> float:
    """Return the inner product of two vectors, added up in float64."""
    return float(np.vdot(a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)))


def _largest(x: Array) -> float:
    return float(np.max(np.abs(x), initial=0.0))
