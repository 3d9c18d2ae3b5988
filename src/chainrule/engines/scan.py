"""`scan`: a step run over and over, each time on other rows: a whole epoch as one program."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.constraints import COUNT, OneOf, check
from chainrule.engines.auto import choose
from chainrule.engines.axes import dtype_of, shape_of
from chainrule.engines.measure import shares
from chainrule.engines.plan import Plan
from chainrule.engines.program import Cache, Made, new_cache
from chainrule.engines.registry import ENGINES, KEPT, SWEEPS, as_array
from chainrule.engines.rooms import Rooms
from chainrule.engines.sweep import Arrays, Stepwise, Sweep, Sweeping
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.graph import Graph, trace
from chainrule.graph.tree import Structure, flatten, paths, unflatten

FEW_ROWS = 16
"""Rows of a batch up to which programs are made for just so many: their loops are unrolled."""


class Scan:
    """A step that is run over batches of rows and hands a carry on; see `scan`.

    Attributes
    ----------
    step : callable
    """

    def __init__(self, step: Callable[..., Any], engine: str) -> None:
        check("scan", {"engine": OneOf(("auto", *ENGINES))}, {"engine": engine})
        self.step, self.engine = step, engine
        self._sweeps: OrderedDict[Any, tuple[Sweep, Structure]] = OrderedDict()
        self._loaded: Cache = new_cache()
        self._rooms = Rooms()

    def __call__(
        self,
        carry: Any,
        data: Any = (),
        order: Any = None,
        batch_size: int | None = None,
        each: Any = None,
        *,
        in_place: bool = False,
    ) -> tuple[Any, Any]:
        """Run the step over all batches.

        Parameters
        ----------
        carry : tree of arrays
        data : tree of arrays
            Rows: their first axes are equally long.
        order : integer array of shape (n,), optional
            The rows to take, one after another; without it all, from first to last.
        batch_size : int >= 1, optional
            Rows a step; the last step may have fewer. Without it each step takes a single row,
            without its axis.
        each : tree of arrays, optional
            With a first axis that counts the steps: a step is given its element.
        in_place : bool
            Whether the carry's arrays may be overwritten. They must be contiguous, and are those
            returned; numbers are not changed.

        Returns
        -------
        carry : tree of arrays
            What the last step returned.
        outputs : tree of arrays
            What each step returned beside it, along a new first axis.

        Raises
        ------
        ArgumentError, ShapeError, DtypeError
            If an argument does not fit, or the step returns a carry of another structure, shape
            or dtype than it is given.
        IndexError
            If a row is not there. The carry is not changed then.
        """
        call = _Call.of(carry, data, order, batch_size, each, in_place)
        outputs: list[list[Any]] = []
        gives = call.trees[0]
        for first, places in call.segments:
            part = [x[first : first + len(places)] for x in call.each]
            sweep, gives = self._prepared(call, places, part)
            found = self._rooms.take(sweep.program.graph.outputs[len(call.own) :], len(places))
            sweep(call.own, call.rows, places, part, found)
            outputs.append(found)
        joined = [x[0] if len(x) == 1 else np.concatenate(x) for x in zip(*outputs, strict=True)]
        return unflatten(call.trees[0], call.own), unflatten(gives, joined)

    def measure(
        self,
        carry: Any,
        data: Any = (),
        order: Any = None,
        batch_size: int | None = None,
        each: Any = None,
    ) -> Plan:
        """Return the plan with the part of the time that each loop or step takes.

        The arguments are those of a call; they are not changed. Of a numba program the loops are
        timed in a program made for that; others are interpreted, one node after another.

        Returns
        -------
        Plan
            It prints.
        """
        call = _Call.of(carry, data, order, batch_size, each, False)
        _, places = call.segments[0]
        part = [x[: len(places)] for x in call.each]
        sweep, _ = self._prepared(call, places, part)
        made = sweep.program
        if hasattr(sweep, "measured"):
            outputs = Rooms().take(made.graph.outputs[len(call.own) :], len(places))
            plan: Plan = sweep.measured(call.own, call.rows, places, part, outputs)
            return plan
        return replace(made.plan, shares=shares(made.graph, call.arrays(places, part)))

    def _prepared(self, call: _Call, places: Any, each: Arrays) -> tuple[Sweep, Structure]:
        """Return the sweep for batches of this size, and the tree of a step's outputs."""
        arrays = call.arrays(places, each)
        sweeping = Sweeping(len(call.own), len(call.rows), np.ndim(places) > 1, call.few)
        key = (*call.trees, sweeping, *[(x.shape, x.strides, x.dtype) for x in arrays])
        found = self._sweeps.get(key)
        if found is None:
            source = iter(arrays)
            examples = [
                unflatten(tree, [next(source) for _ in range(tree.n_leaves)]) for tree in call.trees
            ]
            with np.errstate(all="ignore"):
                graph = trace(self.step)(*examples)
            gives = _checked_carry(graph, call.own, call.trees[0])
            if self.engine == "auto":
                self.engine = choose(graph, len(places), ("numpy", "numba")).engine
            found = self._made(graph, arrays, sweeping), gives
            self._sweeps[key] = found
            if len(self._sweeps) > KEPT:
                self._sweeps.popitem(last=False)
        return found

    def _made(self, graph: Graph, arrays: Arrays, sweeping: Sweeping) -> Sweep:
        if self.engine in SWEEPS:
            return SWEEPS[self.engine](graph, arrays, sweeping, self._loaded)
        return Stepwise(ENGINES[self.engine](graph, arrays, self._loaded))

    @property
    def latest(self) -> Made:
        """The program for the batches met last: its `graph`, its `plan`, its `source`.

        Raises
        ------
        ArgumentError
            If nothing has been run yet.
        """
        if not self._sweeps:
            raise ArgumentError("nothing has been compiled yet: run the scan first")
        return next(reversed(self._sweeps.values()))[0].program


class _Call(NamedTuple):
    """What a scan is called with, taken apart and checked."""

    own: list[Any]
    rows: list[Any]
    each: list[Any]
    trees: tuple[Structure, ...]
    segments: list[tuple[int, Any]]
    few: bool

    @classmethod
    def of(
        cls, carry: Any, data: Any, order: Any, batch_size: int | None, each: Any, in_place: bool
    ) -> _Call:
        leaves, structure = flatten(carry)
        rows, takes = flatten(data)
        moments, now = flatten(each)
        own = [_own(x, in_place) for x in map(as_array, leaves)]
        rows, moments = list(map(as_array, rows)), list(map(as_array, moments))
        trees = (structure, takes, *([] if each is None else [now]))
        segments = list(_segments(rows, order, batch_size, moments))
        few = batch_size is not None and batch_size <= FEW_ROWS
        return cls(own, rows, moments, trees, segments, few)

    def arrays(self, places: Any, each: Arrays) -> list[Any]:
        """Return what the first step of a segment is given."""
        given = [*(x[places[0]] for x in self.rows), *(x[0] for x in each)]
        return [*self.own, *map(as_array, given)]


def _own(array: Any, in_place: bool) -> Any:
    if not in_place or not isinstance(array, np.ndarray):
        return np.array(array, order="C")
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise ArgumentError("scan: in_place=True needs contiguous arrays that can be written to")
    return array


def _segments(
    rows: Arrays, order: Any, batch_size: int | None, each: Arrays
) -> Iterator[tuple[int, Any]]:
    """Yield batches of equal size: the first step and the places of their rows."""
    lengths = {len(x) if np.ndim(x) else -1 for x in rows}
    if len(lengths) > 1 or -1 in lengths:
        raise ShapeError(f"scan: the arrays of data have shapes {[np.shape(x) for x in rows]}; "
                         "their first axes count the rows and must be equal")  # fmt: skip
    if batch_size is not None:
        check("scan", {"batch_size": COUNT}, {"batch_size": batch_size})
    if order is None:
        counts = {len(x) * (batch_size or 1) for x in each if np.ndim(x)} if not rows else lengths
        order = np.arange(min(counts, default=0))
    order = np.asarray(order)
    if order.ndim != 1 or order.dtype.kind not in "iu":
        raise ShapeError(f"scan: order is one axis of integers, not {order.dtype} {order.shape}")
    order = np.ascontiguousarray(order, np.int64)
    n_steps = math.ceil(len(order) / (batch_size or 1))
    if n_steps == 0:
        raise ArgumentError("scan: there are no steps to run: no rows were given")
    wrong = [np.shape(x) for x in each if not np.ndim(x) or len(x) != n_steps]
    if wrong:
        raise ShapeError(f"scan: arrays of each need {n_steps} elements, one a step: {wrong}")
    if rows:
        order = _from_start(order, lengths.pop())
    if batch_size is None:
        yield 0, order
        return
    whole = len(order) // batch_size
    if whole:
        yield 0, order[: whole * batch_size].reshape(whole, batch_size)
    if whole < n_steps:
        yield whole, order[whole * batch_size :].reshape(1, -1)


def _from_start(order: Any, n: int) -> Any:
    """Return places counted from the first row; refuse those that are not there."""
    if order.min() < -n or order.max() >= n:
        i = int(np.argmax((order < -n) | (order >= n)))
        raise IndexError(f"scan: order[{i}] is {order[i]}, and there are {n} rows")
    return np.where(order < 0, order + n, order) if order.min() < 0 else order


def _checked_carry(graph: Graph, own: list[Any], structure: Structure) -> Structure:
    """Return the tree of a step's outputs; raise unless its carry is like the one it takes."""
    given = graph.gives
    if given.kind is not tuple or len(given.children) != 2:
        raise ArgumentError("scan: the step must return a pair: the carry, and outputs (or None)")
    carry, gives = given.children
    if carry != structure:
        raise ArgumentError(
            f"scan: the step returns a carry of another structure than it is given: "
            f"{paths(carry, 'carry')} instead of {paths(structure, 'carry')}"
        )
    for name, new, old in zip(paths(structure, "carry"), graph.outputs, own, strict=False):
        if shape_of(new) != old.shape:
            raise ShapeError(
                f"scan: the step returns {name} of shape {shape_of(new)}, and is given {old.shape}"
            )
        if dtype_of(new) != old.dtype:
            raise DtypeError(
                f"scan: the step returns {name} as {dtype_of(new)}, and is given {old.dtype}"
            )
    return gives


def scan(step: Callable[..., Any], engine: str = "numpy") -> Scan:
    """Return a function that runs a step over batches of rows, an epoch as one program.

    Parameters
    ----------
    step : callable
        ``step(carry, rows)``, or ``step(carry, rows, now)`` where `each` is given, returns
        ``(carry, outputs)``: trees of arrays, in plain NumPy. The carry keeps its structure,
        shapes and dtypes. A step of training carries the parameters and the optimizer's state,
        and returns the loss.
    engine : {"numpy", "numba", "jax", "interpreter", "auto"}
        See `compile`; for ``"auto"`` the steps of the first run count.

    Returns
    -------
    Scan
        ``run(carry, data, order, batch_size, each)`` returns ``(carry, outputs)``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> def step(w, rows):
    ...     x, y = rows
    ...     value, g = cr.value_and_grad(lambda w: np.mean((x @ w - y) ** 2))(w)
    ...     return w - 0.1 * g, value
    >>> x = np.eye(2)[[0, 1, 0, 1]]
    >>> y = x @ np.array([1.0, 2.0])
    >>> w, losses = cr.scan(step)(np.zeros(2), (x, y), np.arange(4), batch_size=2)
    >>> w, losses
    (array([0.19, 0.38]), array([2.5  , 2.025]))
    """
    return Scan(step, engine)
