"""One step of training, written once: run on arrays by the eager engine, traced for the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.autodiff.reverse import value_and_gradients
from chainrule.autodiff.rows import RowGradient, distinct, rows_read
from chainrule.errors import UnsupportedError
from chainrule.graph import Aval, Tensor
from chainrule.graph.tree import flatten
from chainrule.nn import (
    Module,
    Run,
    load_parameters,
    named_buffers,
    named_parameters,
)
from chainrule.ops.broadcast import cast
from chainrule.ops.reductions import extent
from chainrule.ops.rows import put_rows
from chainrule.optim.optimizer import State as OptimizerState
from chainrule.optim.optimizer import weak
from chainrule.optim.rows import LAST, taken, update_rows
from chainrule.training.evaluate import Loss
from chainrule.training.practice import Practice
from chainrule.training.rows import Rows


class Gradients(NamedTuple):
    """What the backward pass of a step found.

    Attributes
    ----------
    loss : number
        Without penalties.
    norm : number
        Of all gradients together, before clipping.
    arrays : dict of str to array or RowGradient
        By name of a parameter, in their order.
    buffers : dict of str to array
        By name of a buffer: where layers moved it.
    """

    loss: Any
    norm: Any
    arrays: dict[str, Any]
    buffers: dict[str, Any]

    @property
    def finite(self) -> Any:
        """Whether the loss and every gradient are finite."""
        return np.logical_and(np.isfinite(self.loss), np.isfinite(self.norm))


class Update(NamedTuple):
    """The update of one parameter.

    Attributes
    ----------
    name : str
    places : int array or None
        The rows that have new values, all of them if it is None.
    new : array
        Their values.
    slots : dict of str to array
        What is remembered of them, and of them all where it has no axes.
    """

    name: str
    places: Any
    new: Any
    slots: dict[str, Any]


class Taken(NamedTuple):
    """What is noted of steps that were taken.

    Attributes
    ----------
    losses, norms, rates : sequence of float
        Of each step: the loss, the norm of the gradients and the learning rate.
    """

    losses: Sequence[float]
    norms: Sequence[float]
    rates: Sequence[float]


class Group(NamedTuple):
    """Sums over the batches of a step that is under way, where it has several.

    Attributes
    ----------
    loss, weight : float64 numbers
        Sums of the losses and of the weights of the batches; the weight of a full batch without
        weights is 1.
    arrays : dict of str to array
        Sums of the gradients, by name of a parameter.
    buffers : dict of str to array
        Moved by the batches so far.
    batch : int64 number
        How many batches.
    """

    loss: Any
    weight: Any
    arrays: dict[str, Any]
    buffers: dict[str, Any]
    batch: Any

    @classmethod
    def before(cls, model: Module) -> Group:
        """Return the sums of no batches, in arrays of their own."""
        return cls(
            np.array(0.0), np.array(0.0),
            {name: np.zeros(p.shape, p.dtype) for name, p in named_parameters(model).items()},
            {name: np.array(b) for name, b in named_buffers(model).items()},
            np.array(0, np.int64),
        )  # fmt: skip

    def plus(self, found: Gradients, weight: Any) -> Group:
        """Return the sums with one more batch."""
        return Group(
            self.loss + weight * found.loss,
            self.weight + weight,
            {name: total + weak(weight, total) * found.arrays[name]
             for name, total in self.arrays.items()},
            found.buffers,
            self.batch + 1,
        )  # fmt: skip

    def mean(self) -> Gradients:
        """Return the mean over the batches, each counted by its weight."""
        arrays = {name: total / weak(self.weight, total) for name, total in self.arrays.items()}
        return Gradients(self.loss / self.weight, norm(arrays.values()), arrays, self.buffers)

    def unless(self, closes: Any) -> Group:
        """Return the sums, or those of no batches if this one was the last of its step."""
        kept = {name: np.where(closes, np.zeros_like(a), a) for name, a in self.arrays.items()}
        return Group(
            np.where(closes, 0.0, self.loss), np.where(closes, 0.0, self.weight), kept,
            self.buffers, np.where(closes, 0, self.batch),
        )  # fmt: skip


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
    seed : uint64 array of no axes
        An argument like the others, so that one program serves every seed.
    group : Group or None
        Of the step under way, where steps have several batches.
    """

    parameters: dict[str, Any]
    buffers: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    step: Any
    going: Any
    seed: Any
    group: Group | None = None

    @classmethod
    def of(cls, model: Module, state: OptimizerState, seed: int, n_batches: int = 1) -> Carry:
        """Return the arrays themselves of a network and of its optimizer's state.

        For steps of several batches there are new sums beside them.
        """
        return cls(
            named_parameters(model), named_buffers(model), state["slots"],
            np.array(state["step"], np.int64), np.array(True), np.array(seed, np.uint64),
            Group.before(model) if n_batches > 1 else None,
        )  # fmt: skip


class Step:
    """One step: the gradient of the loss on a batch, and the update.

    Parameters
    ----------
    loss : callable
        ``loss(outputs, targets)``, and ``sample_weight=`` where rows have weights.
    optimizer : Optimizer or FullBatch
        A `FullBatch` asks for gradients only.
    practice : Practice, optional
        Penalties, limits, noise, and how many batches a step has.
    batch_size : int
        Rows of a full batch.
    seed : int
        With the number of the step and of the batch, the key of what layers draw at random.

    Attributes
    ----------
    tables : frozenset of str
        The parameters of which rows are updated alone.
    """

    tables: frozenset[str] = frozenset()

    def __init__(
        self,
        loss: Loss,
        optimizer: Any,
        practice: Practice | None = None,
        batch_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.loss, self.optimizer = loss, optimizer
        self.practice, self.batch_size, self.seed = practice or Practice(), batch_size, seed

    def run(self, step: Any, batch: Any = 0, seed: Any = None) -> Run:
        """Return the source of the draws for a batch of a step; a trace gives the seed too."""
        n_batches = self.practice.accumulate
        number = step if n_batches == 1 else step * n_batches + batch
        return Run(self.seed if seed is None else seed, number)

    def objective(self, model: Module, batch: Rows, run: Run) -> tuple[Any, Any]:
        """Return the loss of a network in training on a batch, with penalties and without."""
        loss = self.practice.loss(self.loss, model, batch, run)
        return self.practice.penalised(loss, model), loss

    def rows_read(self, model: Module, batch: Rows, run: Run) -> dict[str, Any]:
        """Return the places of the rows that a batch looks up, by name of a parameter.

        None for a parameter that is read in any other way.
        """
        with np.errstate(all="ignore"):
            found = rows_read(lambda model: self.objective(model, batch, run)[0], model)
        pairs = zip(named_parameters(model).items(), found, strict=True)
        return {name: None if at is None else distinct(at, p) for (name, p), at in pairs}

    def tables_of(self, model: Module, batch: Rows, run: Run) -> frozenset[str]:
        """Return the parameters of which rows can be updated alone, by what a batch reads.

        Not while gradients are summed over batches, in arrays that are as large as the parameters;
        nor is it a parameter of one axis whose norm is limited, that of all its elements.
        """
        if self.practice.accumulate > 1:
            return frozenset()
        parameters, limits = named_parameters(model), self.practice.limits(model)
        read = self.rows_read(model, batch, run).items()
        return frozenset(
            name for name, places in read
            if places is not None and not (name in limits and parameters[name].ndim == 1)
        )  # fmt: skip

    def gradients(self, model: Module, batch: Rows, run: Run) -> Gradients:
        """Return the loss of a batch and its gradients; nothing is changed."""
        names = list(named_parameters(model))
        tables = {i for i, name in enumerate(names) if name in self.tables}
        # What is not finite is looked for afterwards, so NumPy need not warn of it.
        with np.errstate(all="ignore"):
            (_, loss), found = value_and_gradients(
                self.objective, model, batch, run, tables=tables, has_aux=True
            )
            found = [g.summed() if isinstance(g, RowGradient) else g for g in found]
            arrays = dict(zip(names, found, strict=True))
            return Gradients(loss, norm(found), arrays, named_buffers(run.apply(model)))

    def share(self, batch: Rows) -> Any:
        """Return the weight of a batch among those of its step; 1 if it is full, without weights.

        It is a float64.
        """
        if batch.weight is not None:
            total = np.sum(batch.weight)
        else:
            total = extent(flatten(batch.X)[0][0], axis=0)
        return cast(total, np.float64(0)) / self.batch_size

    def updates(
        self, model: Module, state: OptimizerState, found: Gradients, lr: Any
    ) -> Iterator[Update]:
        """Yield the updates of the parameters, one by one.

        Who overwrites the old value before the next is computed holds none twice.
        """
        rules = self.practice.rules(self.optimizer, model)
        for name, p in named_parameters(model).items():
            g, rule, places = found.arrays[name], rules[name], None
            slots, step = state["slots"][name], state["step"]
            if isinstance(g, RowGradient):
                if rule is not self.optimizer:
                    g = g.flat  # a constraint is one of rows along a single axis
                places, values = g.places, self.practice.clipped(g.values, found.norm)
                new, after = update_rows(rule, p, replace(g, values=values), slots, step, lr)
            else:
                one = {slot: x for slot, x in slots.items() if slot != LAST}
                g = self.practice.clipped(g, found.norm)
                new, kept = rule.update(p, g, {"step": step, "slots": {"": one}}, lr)
                after = kept["slots"][""]
                del kept
            if LAST in slots:
                after[LAST] = np.full(len(p) if places is None else np.shape(places), step + 1)
            yield Update(name, places, new, after)
            del new, after  # not held while the next is computed

    def recorded(
        self, model: Module, carry: Carry, rows: Any, lr: Any, closes: Any = None
    ) -> tuple[Carry, Any]:
        """Take a step, or one batch of several, on tensors, for a trace.

        Parameters
        ----------
        model : Module
            The network, for what is not in the carry.
        carry : Carry
        rows : tuple
            Inputs, targets and weights of the batch.
        lr : float64
        closes : bool, optional
            Where steps have several batches: whether this is the last of its step.

        Returns
        -------
        carry : Carry
            The same if the loss or a gradient is not finite, or one was not before.
        outputs : tuple
            The loss, and the norm of the gradients; of a step of several batches, so far.
        """
        if self.optimizer.lazy == "exact" and self.tables:
            raise UnsupportedError(
                'lazy="exact" makes one after another the updates that rows missed, before they '
                'are read: that is done with engine="eager" alone'
            )
        group = carry.group
        buffers = carry.buffers if group is None else group.buffers
        own = load_parameters(model, {**carry.parameters, **buffers})
        X, y, weight = rows
        batch = Rows(X, y, weight, np.result_type(*carry.parameters.values()))
        number = 0 if group is None else cast(group.batch, _WORD)
        run = self.run(cast(carry.step, _WORD), number, carry.seed)
        found = self.gradients(own, batch, run)
        going = now = np.logical_and(carry.going, found.finite)
        if group is not None:
            group = group.plus(found, self.share(batch))
            found = group.mean()
            now = np.logical_and(np.logical_and(carry.going, closes), found.finite)
            going = np.logical_and(carry.going, np.logical_or(now, np.logical_not(closes)))
            group = group.unless(closes)
        known = _forget([going, now], 0)
        parameters, slots = {}, {}
        state = {"step": carry.step, "slots": carry.slots}
        for name, places, new, after in self.updates(own, state, found, lr):
            p, old = carry.parameters[name], carry.slots[name]
            if places is None:
                parameters[name] = np.where(now, new, p)
                slots[name] = {slot: np.where(now, after[slot], old[slot]) for slot in old}
            else:
                parameters[name], slots[name] = _put(now, places, (new, after), (p, old))
            known = _forget([parameters[name], *slots[name].values()], known)
        moved = {k: np.where(now, found.buffers[k], old) for k, old in carry.buffers.items()}
        step = np.where(now, carry.step + 1, carry.step)
        carry = Carry(parameters, moved, slots, step, going, carry.seed, group)
        return carry, (found.loss, found.norm)


_WORD = np.uint64(0)


def _put(
    going: Any, places: Any, new: tuple[Any, dict[str, Any]], old: tuple[Any, dict[str, Any]]
) -> tuple[Any, dict[str, Any]]:
    """Return a table and its slots with new rows, the old ones unless training goes on."""
    before = taken(*old, places)

    def put(new: Any, before: Any, old: Any) -> Any:
        chosen = np.where(going, new, before)
        return put_rows(old, chosen, places) if np.ndim(old) else chosen

    slots = {k: put(new[1][k], before[1][k], slot) for k, slot in old[1].items()}
    return put(new[0], before[0], old[0]), slots


def norm(gradients: Iterable[Any]) -> Any:
    """Return the Euclidean norm of all gradients together; not finite if an element is not.

    Squares are added up in the arrays' dtype, whose range they may leave.
    """
    squares = (g.square_norm() if isinstance(g, RowGradient) else np.vdot(g, g) for g in gradients)
    return np.sqrt(sum(cast(square, np.float64(0)) for square in squares))


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
