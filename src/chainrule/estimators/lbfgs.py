"""Training on all rows at once by L-BFGS, SciPy's, as scikit-learn's solver "lbfgs"."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from chainrule.autodiff import value_and_grad
from chainrule.engines import compile as program
from chainrule.errors import ArgumentError, UnsupportedError
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
    size = block_size(rows)
    blocks = list(rows.in_order(size)) if size == len(rows) else None
    # Of several blocks each has its share of the penalty.
    model = Penalised(mlp.network_, mlp.alpha * size / len(rows))
    leaves, structure = flatten(model)
    shapes = [leaf.shape for leaf in leaves]
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    evaluate = _evaluation(mlp)

    def unpacked(flat: Array) -> Any:
        parts = np.split(flat.astype(rows.dtype, copy=False), ends)
        return unflatten(structure, [p.reshape(s) for p, s in zip(parts, shapes, strict=True)])

    def objective(flat: Array) -> tuple[float, Array]:
        value, gradient = 0.0, np.zeros(len(flat))
        network = unpacked(flat)
        for block in blocks or rows.in_order(size):
            share = block.total_weight / rows.total_weight
            found, tree = evaluate(network, block)
            value += share * float(found)
            gradient += share * np.concatenate([g.ravel() for g in flatten(tree)[0]])
        return value, gradient

    losses: list[float] = []
    found = scipy.optimize.minimize(
        objective,
        np.concatenate([leaf.ravel() for leaf in leaves]).astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: _note(mlp, losses, intermediate_result),
        options={"maxfun": mlp.max_fun, "maxiter": mlp.max_iter, "gtol": mlp.tol},
    )
    mlp.n_iter_ = min(int(found.nit), mlp.max_iter)
    mlp.loss_, mlp.loss_curve_ = float(found.fun), losses
    mlp._adopt(unpacked(np.array(found.x)).network)
    if found.status:
        warnings.warn(
            f"lbfgs failed to converge after {mlp.n_iter_} iteration(s): {found.message}. "
            "Increase the number of iterations (max_iter) or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )


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

    fast = program(recorded, mlp.engine, mlp.max_iter)
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
