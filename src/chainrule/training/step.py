"""One step of training, written once: run on arrays by the eager engine, traced for the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.graph import Aval, Tensor
from chainrule.graph.tree import flatten
from chainrule.nn import Module, Run, load_parameters, named_buffers, named_parameters
from chainrule.ops.broadcast import cast
from chainrule.optim import Optimizer
from chainrule.optim.optimizer import State as OptimizerState
from chainrule.optim.optimizer import weak
from chainrule.training.evaluate import Loss, loss_of
from chainrule.training.rows import Rows


class Gradients(NamedTuple):
    """What a backward pass found.

    Attributes
    ----------
    loss : number
    norm : number
        Of all gradients together, before clipping.
    tree : Module
        A gradient in the place of each parameter.
    run : Run
        What layers observed.
    """

    loss: Any
    norm: Any
    tree: Module
    run: Run

    @property
    def finite(self) -> Any:
        """Whether the loss and every gradient are finite."""
        return np.logical_and(np.isfinite(self.loss), np.isfinite(self.norm))


class Carry(NamedTuple):
    """What a step hands on to the next: arrays, by name.

    Attributes
    ----------
    parameters, buffers : dict of str to array
    slots : dict of str to dict
        The optimizer's, by name of a parameter.
    step : int64 array of no axes
        Steps taken.
    going : bool array of no axes
        False after a loss or gradient that was not finite, from when on nothing is changed.
    """

    parameters: dict[str, Any]
    buffers: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    step: Any
    going: Any

    @classmethod
    def of(cls, model: Module, state: OptimizerState) -> Carry:
        """Return the arrays themselves of a network and of its optimizer's state."""
        return cls(
            named_parameters(model), named_buffers(model), state["slots"],
            np.array(state["step"], np.int64), np.array(True),
        )  # fmt: skip


class Step:
    """One step: the gradient of the loss on a batch, and the update.

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

    def gradients(self, model: Module, batch: Rows, step: Any) -> Gradients:
        """Return the loss and its gradients; nothing is changed."""
        run = Run(self.seed, step)
        # What is not finite is looked for afterwards, so NumPy need not warn of it.
        with np.errstate(all="ignore"):
            value, tree = value_and_grad(self.objective)(model, batch, run)
            return Gradients(value, norm(flatten(tree)[0]), tree, run)

    def updates(
        self, model: Module, state: OptimizerState, found: Gradients, lr: Any
    ) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        """Yield each parameter's name, its new value and its new slots, one by one.

        Who overwrites the old value before the next is computed holds none twice.
        """
        gradients = flatten(found.tree)[0]
        for (name, p), g in zip(named_parameters(model).items(), gradients, strict=True):
            one = {"step": state["step"], "slots": {"": state["slots"][name]}}
            if self.clip_norm is not None:
                g = g * weak(np.minimum(1.0, self.clip_norm / (found.norm + 1e-6)), g)
            new, after = self.optimizer.update(p, g, one, lr)
            yield name, new, after["slots"][""]
            del new, after  # not held while the next is computed

    def recorded(self, model: Module, carry: Carry, rows: Any, lr: Any) -> tuple[Carry, Any]:
        """Take a step on tensors, for a trace.

        Parameters
        ----------
        model : Module
            The network, for what is not in the carry.
        carry : Carry
        rows : tuple
            Inputs, targets and weights, or None.
        lr : number

        Returns
        -------
        carry : Carry
            As it was given, if the loss or a gradient is not finite, or one was not before.
        outputs : tuple
            The loss, and the norm of the gradients.
        """
        model = load_parameters(model, {**carry.parameters, **carry.buffers})
        X, y, weight = rows
        batch = Rows(X, y, weight, np.result_type(*carry.parameters.values()))
        found = self.gradients(model, batch, cast(carry.step, np.uint64(0)))
        going = np.logical_and(carry.going, found.finite)
        known = _forget([going], 0)
        parameters, slots = {}, {}
        state = {"step": carry.step, "slots": carry.slots}
        for name, new, after in self.updates(model, state, found, lr):
            parameters[name] = np.where(going, new, carry.parameters[name])
            old = carry.slots[name]
            slots[name] = {slot: np.where(going, after[slot], old[slot]) for slot in old}
            known = _forget([parameters[name], *slots[name].values()], known)
        moved = named_buffers(found.run.apply(model))
        buffers = {k: np.where(going, moved[k], old) for k, old in carry.buffers.items()}
        step = np.where(going, carry.step + 1, carry.step)
        return Carry(parameters, buffers, slots, step, going), (found.loss, found.norm)


def norm(arrays: Iterable[Any]) -> Any:
    """Return the Euclidean norm of all arrays together; not finite if an element is not.

    Squares are added up in the arrays' dtype, whose range they may leave.
    """
    return np.sqrt(sum(cast(np.vdot(a, a), np.float64(0)) for a in arrays))


def _forget(results: Iterable[Tensor], known: int) -> int:
    """Free the numbers of what a trace has computed, of which a graph keeps the shapes alone.

    A trace holds all that it computes: of an update, many times the parameters.

    Parameters
    ----------
    results : iterable of Tensor
    known : int
        The serial up to which numbers were freed before.

    Returns
    -------
    int
        The serial up to which they are now.
    """
    waiting = {t.serial: t for t in results}
    newest = max(waiting, default=known)
    seen = set(waiting)
    while waiting:
        _, t = waiting.popitem()
        fresh = [x for x in t.inputs if isinstance(x, Tensor) and known < x.serial not in seen]
        waiting |= {x.serial: x for x in fresh}
        seen |= waiting.keys()
        if t.op is not None and isinstance(t._value, np.ndarray) and t.dtype.kind == "f":
            t._value = Aval.of(t._value).example()
    return newest
