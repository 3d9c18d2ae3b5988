"""One step of training: the gradient of the loss on a batch, and the update."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.graph.tree import flatten
from chainrule.nn import Module, Run, named_parameters
from chainrule.optim import Optimizer
from chainrule.optim.optimizer import State as OptimizerState
from chainrule.training.evaluate import Loss, loss_of
from chainrule.training.rows import Rows


class Gradients(NamedTuple):
    """What a backward pass found.

    Attributes
    ----------
    loss : float
    norm : float
        Of all gradients together, before clipping.
    tree : Module
        A gradient in the place of each parameter.
    run : Run
        What layers observed.
    """

    loss: float
    norm: float
    tree: Module
    run: Run

    @property
    def finite(self) -> bool:
        """Whether the loss and every gradient are finite."""
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class Step:
    """One step by the eager engine.

    Parameters
    ----------
    loss : callable
        ``loss(outputs, targets)``, and ``sample_weight=`` where rows have weights.
    optimizer : Optimizer
    clip_norm : float, optional
        The largest norm of all gradients together.
    seed : int
        With the number of the step, the key of what layers draw at random.
    """

    def __init__(
        self, loss: Loss, optimizer: Optimizer, clip_norm: float | None = None, seed: int = 0
    ) -> None:
        self.loss, self.optimizer = loss, optimizer
        self.clip_norm, self.seed = clip_norm, seed

    def objective(self, model: Module, batch: Rows, run: Run) -> Any:
        """Return the loss of a network in training on a batch."""
        return loss_of(self.loss, model(batch.X, run), batch)

    def gradients(self, model: Module, batch: Rows, step: int) -> Gradients:
        """Return the loss and its gradients; nothing is changed."""
        run = Run(self.seed, step)
        # What is not finite is looked for afterwards, so NumPy need not warn of it.
        with np.errstate(all="ignore"):
            value, tree = value_and_grad(self.objective)(model, batch, run)
            return Gradients(float(value), norm(flatten(tree)[0]), tree, run)

    def update(
        self, model: Module, state: OptimizerState, found: Gradients, lr: float
    ) -> tuple[Module, OptimizerState]:
        """Update the parameters, in place and one by one, so that none is held twice.

        Parameters
        ----------
        model : Module
            Its arrays are overwritten.
        state : dict
            The optimizer's; its arrays are replaced.
        found : Gradients
        lr : float

        Returns
        -------
        model : Module
            With what its layers observed in its buffers.
        state : dict
        """
        factor = 1.0
        if self.clip_norm is not None:
            factor = min(1.0, self.clip_norm / (found.norm + 1e-6))
        gradients = flatten(found.tree)[0]
        slots = state["slots"]
        with np.errstate(all="ignore"):
            for (name, p), g in zip(named_parameters(model).items(), gradients, strict=True):
                one = {"step": state["step"], "slots": {"": slots[name]}}
                new, after = self.optimizer.update(p, g if factor == 1.0 else g * factor, one, lr)
                np.copyto(p, new)
                slots[name] = after["slots"][""]
            return found.run.apply(model), {"step": state["step"] + 1, "slots": slots}


def norm(arrays: list[Any]) -> float:
    """Return the Euclidean norm of all arrays together; not finite if an element is not."""
    total = 0.0
    for array in arrays:
        square = float(np.vdot(array, array))
        if not math.isfinite(square):
            wide = array.astype(np.float64)
            square = float(np.vdot(wide, wide))
        total += square
    return math.sqrt(total)
