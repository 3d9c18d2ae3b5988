"""Training on all rows at once, by optimizers that search along lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.engines import compile
from chainrule.graph import Array, Graph, trace
from chainrule.nn import load_parameters, named_buffers, named_parameters
from chainrule.optim.full_batch import FullBatch, Point, Vector
from chainrule.training.arrears import Arrears
from chainrule.training.callbacks import State
from chainrule.training.interrupts import Interrupts
from chainrule.training.plan import Plan
from chainrule.training.rows import Rows
from chainrule.training.step import Step, Taken

_DRAW = 0  # the step whose random draws all evaluations share, so that they are of one function


class Whole:
    """Iterations of a full-batch optimizer: the objective on arrays, or as a program.

    The rows come in their order, and what layers draw at random is drawn once and for all, so
    that the objective is one function.
    """

    name = "eager"
    at_once = 1

    def __init__(self, plan: Plan, rows: Rows, interrupts: Interrupts, why: str) -> None:
        assert isinstance(plan.optimizer, FullBatch)
        self.plan, self.rows, self.interrupts, self.why = plan, rows, interrupts, why
        self.optimizer: FullBatch = plan.optimizer
        self.program: Callable[..., Any] = self._objective
        self.step = Step(plan.loss, plan.optimizer, plan.practice, len(rows), plan.seed)
        self.arrears = Arrears(plan, self.step)
        batch = rows.take(slice(None))
        self.batch = batch.X, batch.y, batch.weight
        self._model: Any = None
        self._at: Point | None = None

    def _objective(self, parameters: Any, buffers: Any, batch: Any) -> tuple[Any, Any, Any]:
        """Return the loss with penalties and without, its gradients, and the buffers as they move.

        Gradients and buffers are arrays by name.
        """
        model, run = load_parameters(self._model, {**parameters, **buffers}), self.step.run(_DRAW)
        X, y, weight = batch
        rows = Rows(X, y, weight, self.rows.dtype)
        with np.errstate(all="ignore"):
            found = value_and_grad(self.step.objective, has_aux=True)(model, rows, run)
            return found[0], named_parameters(found[1]), named_buffers(run.apply(model))

    def graph(self, state: State) -> Graph:
        """Return the graph of an evaluation; see `chainrule.graph.trace`."""
        self._model = state.model
        arrays = named_parameters(state.model), named_buffers(state.model)
        with np.errstate(all="ignore"):
            return trace(self._objective)(*arrays, self.batch)

    def traced(self, state: State, name: str, graph: Graph) -> Whole:
        """Return what evaluates by a program of an engine."""
        self.name, self.program = name, compile(self._objective, name)
        return self

    def take(self, state: State, places: Array, rates: Sequence[float]) -> Taken:
        """Make one iteration, and change the arrays of the state in place."""
        self._model = state.model
        parameters, buffers = named_parameters(state.model), named_buffers(state.model)
        vector, slots = Vector(parameters), state.optimizer_state["slots"][""]

        def evaluate(x: Array) -> Point:
            (value, loss), tree, moved = self.program(vector.split(x), buffers, self.batch)
            return Point(x, float(value), vector.join(tree), (float(loss), moved))

        with self.interrupts.allowed():
            start = self._start(state, evaluate, vector.join(parameters))
            at, after, length = self.optimizer.iterate(evaluate, start, slots)
        if at is not start:
            _overwrite(parameters, vector.split(at.x))
            _overwrite(buffers, at.seen[1])
        _overwrite(slots, after)
        self._at = at
        norm = np.linalg.norm(at.gradient.astype(np.float64))
        return Taken([at.seen[0]], [float(norm)], [length])

    def _start(self, state: State, evaluate: Any, x: Array) -> Point:
        """Return where the last iteration ended, or evaluate there."""
        if self._at is not None and np.array_equal(self._at.x, x):
            return self._at
        at: Point = evaluate(x)
        if not np.isfinite(at.value) or not np.isfinite(at.gradient).all():
            places = np.arange(len(self.rows))
            rows, run = self.rows.take(places), self.step.run(_DRAW)
            found = self.step.gradients(state.model, rows, run)
            folder = self.plan.checkpoint.folder if self.plan.checkpoint else None
            from chainrule.training.nonfinite import refuse  # seldom needed

            refuse(self.step, state, self.rows, places, found, 0, folder)
        return at


def _overwrite(arrays: dict[str, Array], new: dict[str, Array]) -> None:
    for name, array in arrays.items():
        np.copyto(array, new[name])
