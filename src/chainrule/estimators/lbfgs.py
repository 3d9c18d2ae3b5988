"""Training on all rows at once by L-BFGS, SciPy's, as scikit-learn's solver "lbfgs"."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.borrowed import borrow, kindred
from chainrule.engines import compile as program
from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.estimator import plain
from chainrule.estimators.network import Objective, Penalised
from chainrule.estimators.rows import block_size
from chainrule.graph import Array
from chainrule.graph.tree import flatten, unflatten
from chainrule.nn import Module
from chainrule.training import Rows
from chainrule.training.evaluate import loss_of


def minimise(mlp: Any, rows: Rows) -> None:
    """Train an estimator's network until its gradient is small.

    Raises
    ------
    ArgumentError
        If the network draws random numbers or looks at a batch, which has no meaning here.
    """
    if np.any(mlp.dropout) or mlp.normalization == "batch":
        raise ArgumentError(
            "solver='lbfgs' takes all rows at once: dropout and normalization='batch' need "
            "solver='adam' or 'sgd'"
        )
    objective = _Objective(mlp, rows)
    losses: list[float] = []
    found = borrow("scipy.optimize", "minimize")(
        objective,
        objective.start,
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: _note(mlp, losses, intermediate_result),
        options={"maxfun": mlp.max_fun, "maxiter": mlp.max_iter, "gtol": mlp.tol},
    )
    mlp.n_iter_ = min(int(found.nit), mlp.max_iter)
    mlp.loss_, mlp.loss_curve_ = float(found.fun), losses
    mlp._adopt(objective.model(np.array(found.x)).network)
    if found.status:
        warnings.warn(
            f"lbfgs failed to converge after {mlp.n_iter_} iteration(s): {found.message}. "
            "Increase the number of iterations (max_iter) or scale the data.",
            kindred("ConvergenceWarning"),
            stacklevel=5,
        )


class _Objective:
    """Loss and gradient of an estimator's network as a function of all its parameters in a row.

    Parameters
    ----------
    mlp : estimator
    rows : Rows
    """

    def __init__(self, mlp: Any, rows: Rows) -> None:
        self.rows, self.size = rows, block_size(rows)
        # Of several blocks each has its share of the penalty.
        leaves, self.structure = flatten(Penalised(mlp.network_, mlp.alpha * self.size / len(rows)))
        self.shapes = [leaf.shape for leaf in leaves]
        self.ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
        self.start = _in_a_row(leaves)
        self.evaluate = _evaluation(mlp)
        self.only = [*rows.in_order(self.size)] if self.size == len(rows) else None

    def model(self, flat: Array) -> Any:
        """Return the penalised network with these parameters."""
        parts = np.split(flat.astype(self.rows.dtype, copy=False), self.ends)
        shaped = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        return unflatten(self.structure, shaped)

    def __call__(self, flat: Array) -> tuple[float, Array]:
        """Return loss and gradient."""
        value, gradient = 0.0, np.zeros(len(flat))
        model = self.model(flat)
        for block in self.only or self.rows.in_order(self.size):
            share = block.total_weight / self.rows.total_weight
            found, tree = self.evaluate(model, block)
            value += share * float(found)
            gradient += share * _in_a_row(flatten(tree)[0])
        return value, gradient


def _in_a_row(leaves: Sequence[Array]) -> Array:
    return np.concatenate([leaf.ravel() for leaf in leaves]).astype(np.float64, copy=False)


def _note(mlp: Any, losses: list[float], intermediate_result: Any) -> None:
    losses.append(float(intermediate_result.fun))
    if mlp.verbose:
        print(f"Iteration {len(losses)}, loss = {losses[-1]:.8f}")  # noqa: T201


def _evaluation(mlp: Any) -> Callable[[Module, Rows], tuple[Any, Any]]:
    """Return what computes loss and gradients of a network on rows."""
    loss = Objective(mlp._heads)

    def eager(model: Module, rows: Rows) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            value, tree = value_and_grad(lambda m: loss_of(loss, m(rows.X), rows))(model)
            return value, tree

    if mlp.engine == "eager":
        return eager

    def recorded(model: Module, X: Any, y: Any, weight: Any) -> Any:
        dtype = np.result_type(*flatten(model)[0])
        return eager(model, Rows(X, y, weight, dtype))

    fast = program(recorded, plain(mlp.engine), int(mlp.max_iter))
    traceable = True

    def quick(model: Module, rows: Rows) -> tuple[Any, Any]:
        nonlocal traceable
        if traceable:
            try:
                value, tree = fast(model, rows.X, rows.y, rows.weight)
                return value, tree
            except UnsupportedError:
                if mlp.engine != "auto":
                    raise
                traceable = False
        return eager(model, rows)

    return quick
