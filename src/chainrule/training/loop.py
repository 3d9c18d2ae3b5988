"""`fit`: train a network."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data import permutation
from chainrule.errors import ArgumentError, Interrupted, NonFiniteError, ShapeError
from chainrule.graph import Array
from chainrule.graph.tree import map_leaves
from chainrule.nn import Module, load_buffers, named_buffers, named_parameters
from chainrule.nn.regularisation import Amount
from chainrule.optim import FullBatch, Optimizer
from chainrule.optim.optimizer import State as OptimizerState
from chainrule.training import checkpoint as checkpoints
from chainrule.training.callbacks import Callback, State, Totals
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import Best, EarlyStopping
from chainrule.training.engine import engine_for
from chainrule.training.evaluate import Loss, Metric, evaluate
from chainrule.training.history import History, Record
from chainrule.training.interrupts import Interrupts
from chainrule.training.plan import Order, Plan, Schedule
from chainrule.training.practice import Practice
from chainrule.training.progress import progress_callback
from chainrule.training.rows import Rows, checked_rows
from chainrule.training.weights import ClassWeight, row_weights


def fit(
    model: Module,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | FullBatch,
    epochs: int,
    batch_size: int | None = None,
    seed: int = 0,
    validation: Any = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    accumulate: int = 1,
    l1: Amount = 0.0,
    l2: Amount = 0.0,
    max_norm: Amount | None = None,
    weight_noise: Amount = 0.0,
    mixup: float = 0.0,
    early_stopping: EarlyStopping | None = None,
    callbacks: Iterable[Callback] = (),
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: bool = False,
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
    order: Order | None = None,
    progress: str | bool | int = "auto",
    engine: str = "auto",
) -> tuple[Any, History]:
    """Train a network on mini-batches.

    The same arguments give the same bits, on the same machine with the same versions; so does a
    run that was killed and resumed.

    Unless the engine is "eager", a step is traced once and then run as a program: arrays and
    numbers that the network, the loss or the optimizer hold beside parameters and buffers are
    read when it is traced.

    Parameters
    ----------
    model : Module
        Not changed; training starts from a copy.
    data : tuple ``(X, y)``
        Arrays, or trees of arrays, whose first axes count the rows. Floating-point numbers are
        converted to the parameters' dtype batch by batch. In X there may be rows of whole numbers
        of unequal lengths, `chainrule.data.Ragged`; with `chainrule.data.AlikeOrder` for `order`
        batches hold few zeros.
    loss : callable
        ``loss(outputs, targets)``: a mean over rows; see `chainrule.nn.LOSSES`. With weights it
        is called with ``sample_weight=`` too.
    optimizer : Optimizer or FullBatch
        A `FullBatch` such as `chainrule.optim.LBFGS` makes one iteration an epoch, on all rows at
        once, and training ends when it has converged; the history's losses, norms and learning
        rates are those where an iteration ended, and the length of its step. What layers draw at
        random is drawn once for the whole run, so that there is one function to minimize.
    epochs : int >= 0
    batch_size : int >= 1, optional
        By default 32, and all rows for a `FullBatch`, which takes no fewer.
    seed : int in [0, 2**64)
        Of the order of the rows, and of what layers draw.
    validation : tuple ``(X, y)`` or ``(X, y, sample_weight)``, optional
        Evaluated after each epoch.
    metrics : mapping of str to callable, optional
        ``metric(targets, outputs)`` on the validation data, such as those of
        `chainrule.training.metrics`.
    schedule : callable, optional
        ``schedule(step)``, steps counted from 0: the factor of the optimizer's learning rate. A
        `chainrule.optim.Schedule` may depend on what epochs measured too, as `Plateau` does.
    clip_norm : float > 0, optional
        The largest norm of all gradients together.
    clip_value : float > 0, optional
        The largest magnitude of any element of a gradient; beside `clip_norm`, both hold.
    accumulate : int >= 1
        Batches whose gradients are averaged before an update; the last update of an epoch may
        have fewer. Where the loss is a mean over rows, by their weights, that is to rounding a
        step on ``accumulate * batch_size`` rows in the memory of `batch_size`, but for layers
        such as batch norm that look at a whole batch. A step is an update, here as elsewhere.
    l1, l2 : float >= 0 or mapping of str to float
        Factors of the penalties `chainrule.nn.l1_penalty` and `l2_penalty`: of every weight, which
        biases are not, or by dotted name of a parameter. They are not part of the losses that are
        reported, so that these can be compared with those of validation. Of an embedding, they
        and `max_norm` touch every row at every step, and so does the update.
    max_norm : float > 0 or mapping of str to float, optional
        The largest norm of the incoming weights of a unit, after each update; see
        `chainrule.nn.max_norm`.
    weight_noise : float >= 0 or mapping of str to float
        Standard deviation of noise on weights in training; see `chainrule.nn.with_weight_noise`.
    mixup : float >= 0
        Parameter of the beta distribution by which each batch is mixed with itself in reverse
        (Zhang et al., 2018); 0 for none. The losses reported are those of the mixtures. Inputs
        must be floating-point numbers; targets may be classes, whose losses are mixed.
    early_stopping : EarlyStopping, optional
    callbacks : iterable of Callback
    checkpoint : Checkpoint or path-like, optional
        Where to save the state of training.
    resume : bool
        Go on from the checkpoint, if there is one. The other arguments must be as they were,
        except `epochs`, which may grow.
    sample_weight : array_like, shape (n,), optional
        Not negative; a row of weight 0 is as if it were not there.
    class_weight : "balanced" or mapping of class to float, optional
        Weights of the classes that `y` holds, by which those of the rows are multiplied; see
        `chainrule.training.class_weights`. For several columns of labels, a list with one for
        each column, or "balanced", and a row's weights are multiplied. Validation data has its
        own weights.
    order : callable, optional
        ``order(epoch)``, epochs counted from 0: the places of the rows in the order in which they
        are taken, each once: an array, or what has a `shape` and returns arrays for slices, as a
        `chainrule.data.BlockOrder` does. By default they are shuffled.
    progress : {"auto", 0, 1, 2}
        Nothing, a bar, or a line an epoch, on standard error. "auto" is a bar on a terminal.
    engine : {"auto", "eager", "numpy", "numba", "interpreter"}
        What takes the steps: "eager" computes them on arrays; for the others see
        `chainrule.compile`. "auto" estimates from the step's operations and their number what is
        done first, and is "eager" for a step that cannot be traced. The history says which it was,
        and a resumed run keeps it.

    Returns
    -------
    model : Module
        The trained network; with early stopping, that of the best epoch. Where the optimizer
        averages weights, as `chainrule.optim.EMA` does, it has the averages, and it is what is
        validated and what is best; running statistics are those of the weights in training.
    history : History

    Raises
    ------
    ArgumentError, ShapeError, DtypeError, DataError
        If an argument or the data cannot be used; before training, naming row and column.
    UnsupportedError
        If a step cannot be traced for the engine that is asked for.
    NonFiniteError
        If the loss or a gradient becomes NaN or infinite, naming the step and where it began. The
        last checkpoint stays as it is.
    Interrupted
        At Ctrl-C, after saving a checkpoint. It is a KeyboardInterrupt, and has the model.

    Examples
    --------
    >>> from chainrule import nn, optim
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model, history = fit(
    ...     nn.Linear(1, 1, rng=0), (X, 3 * X + 1),
    ...     loss=nn.mse, optimizer=optim.SGD(lr=0.3), epochs=30, batch_size=16,
    ... )
    >>> np.round(model.weight, 3), np.round(model.bias, 3)
    (array([[3.]], dtype=float32), array([1.], dtype=float32))
    """
    dtype = dtype_of(model)
    rows = checked_rows(data, sample_weight, dtype)
    if class_weight is not None:
        rows = rows.weighted(row_weights(rows.y, class_weight, rows.weight))
    held_out = None if validation is None else checked_rows(validation, None, dtype, "validation")
    shown = progress_callback(progress)
    plan = Plan(
        loss, optimizer, epochs, _batch_size(batch_size, optimizer, len(rows)), seed, held_out,
        dict(metrics or {}), schedule,
        Practice(clip_norm, clip_value, accumulate, l1, l2, max_norm, weight_noise, mixup),
        early_stopping, (*callbacks, *([shown] if shown else ())),
        checkpoint if checkpoint is None or isinstance(checkpoint, Checkpoint)
        else Checkpoint(checkpoint),
        engine, order,
    )  # fmt: skip
    return Training(plan, rows, model, resume).run()


def dtype_of(model: Module) -> Any:
    """Return the common dtype of a network's parameters; refuse one that has none."""
    arrays = named_parameters(model).values()
    if not arrays:
        raise ArgumentError("fit: the network has no parameters to train")
    return np.result_type(*arrays)


def _batch_size(given: int | None, optimizer: Optimizer | FullBatch, n: int) -> int:
    if not isinstance(optimizer, FullBatch):
        return 32 if given is None else given
    if given is not None and given < n:
        raise ArgumentError(
            f"fit: {type(optimizer).__name__} takes all {n} rows at once, not batch_size={given}: "
            "leave batch_size out, or choose an optimizer for mini-batches such as Adam"
        )
    return n


class Training:
    """A course of training under way.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    model : Module
        Not changed.
    resume : bool
        See `fit`.
    optimizer_state : dict, optional
        That of earlier training of the network, to be gone on with; it is changed.
    """

    def __init__(
        self,
        plan: Plan,
        rows: Rows,
        model: Module,
        resume: bool = False,
        optimizer_state: OptimizerState | None = None,
    ) -> None:
        self.rows, self.interrupts = rows, Interrupts()
        own = copied(model)
        plan.practice.check(own, rows)
        if optimizer_state is None:
            optimizer_state = {"step": 0, "slots": _slots(plan.optimizer, own)}
        self.state = State(
            own,
            plan.optimizer,
            optimizer_state,
            epochs=plan.epochs,
            steps_per_epoch=-(-len(rows) // plan.rows_a_step),
            step=optimizer_state["step"],
        )
        path = self._resumes(plan) if resume else None
        if path and plan.engine == "auto":
            plan = replace(plan, engine=checkpoints.engine_of(path))
        self.engine = engine_for(plan, rows, self.state, self.interrupts)
        self.plan = replace(plan, engine=self.engine.name)
        self.settings = self.plan.settings(rows) if plan.checkpoint else {}
        if path:
            self.state = checkpoints.load(path, self.state, self.settings)
            checkpoints.tidy(path.parent)
        self.arrays = named_parameters(self.state.model)
        if not self.state.history.engine:
            self.state.history = History(engine=self.engine.name, why=self.engine.why)
        self.every_step = any(
            type(callback).on_step_end is not Callback.on_step_end for callback in plan.callbacks
        )

    def run(self) -> tuple[Any, History]:
        """Train until the last epoch, or until something stops it."""
        state, callbacks = self.state, self.plan.callbacks
        try:
            with self.interrupts:
                self._call("on_start", self.engine.arrears.settled(state))
                while state.epoch < state.epochs and not state.history.stopped:
                    self._epoch()
        except KeyboardInterrupt:
            raise self._interrupted() from None
        finally:
            for callback in callbacks:
                callback.on_end(self.engine.arrears.settled(state))
        return self._result(), state.history

    def _epoch(self) -> None:
        state, plan = self.state, self.plan
        order, schedule = self._order(), plan.schedule_after(state.history)
        every = plan.checkpoint.every_steps if plan.checkpoint else None
        while state.batch < state.steps_per_epoch:
            count = 1 if self.every_step else self.engine.at_once
            count = min(count, state.steps_per_epoch - state.batch)
            if every:
                count = min(count, every - state.step % every)
            with self._timed():
                first = state.batch * plan.rows_a_step
                places = order[first : first + count * plan.rows_a_step]
                count = self.rows.alike(places, plan.rows_a_step)
                places = places[: count * plan.rows_a_step]
                self._advance(places, plan.rates(schedule, state.step, count))
            if self.every_step:
                self._call("on_step_end", self.engine.arrears.settled(state))
            self._call("on_progress")
            if every and state.step % every == 0 and state.batch < state.steps_per_epoch:
                self._check_parameters()
                self._save()
        self._close_epoch()

    def _order(self) -> Any:
        """Return the places of the rows in the order of the epoch."""
        plan, epoch, n = self.plan, self.state.epoch, len(self.rows)
        if plan.order is None:
            return permutation(n, plan.seed, epoch)
        order: Any = plan.order(epoch)
        if not hasattr(order, "shape"):
            order = np.asarray(order)
        if order.shape != (n,):
            raise ShapeError(f"order({epoch}) has shape {order.shape}, and there are {n} rows")
        return order

    def _advance(self, places: Array, rates: list[float]) -> None:
        """Take a step for each learning rate, or fewer, and keep the books."""
        state, plan = self.state, self.plan
        size = plan.rows_a_step
        taken = self.engine.take(state, places, rates)
        for i, (loss, norm) in enumerate(zip(taken.losses, taken.norms, strict=True)):
            weight = self.rows.weight_of(places[i * size : (i + 1) * size])
            state.totals.loss += loss * weight
            state.totals.weight += weight
            state.totals.gradient_norm += norm
        state.loss, state.gradient_norm = loss, norm
        state.lr = state.totals.lr = taken.rates[-1]
        state.step += len(taken.losses)
        state.batch += len(taken.losses)
        state.optimizer_state["step"] = state.step

    def _close_epoch(self) -> None:
        """Measure, keep the books, and save."""
        state, plan = self.state, self.plan
        with self._timed():
            self.engine.arrears.settle(state)
        self._check_parameters()
        with self._timed(), self.interrupts.allowed():
            validation_loss, measured = self._validate()
        sums = state.totals
        record = Record(
            state.epoch + 1,
            sums.loss / sums.weight,
            sums.lr,
            sums.gradient_norm / state.steps_per_epoch,
            sums.seconds,
            validation_loss,
            measured,
        )
        state.epoch += 1
        state.batch, state.totals = 0, Totals()
        state.history = replace(state.history, records=(*state.history.records, record))
        self._compare(record)
        if isinstance(plan.optimizer, FullBatch) and not state.history.stopped:
            self._stop(plan.optimizer.ended(state.optimizer_state))
        with self.interrupts.finishing():
            asked = [callback.on_epoch_end(state) for callback in plan.callbacks]
        if any(asked) and not state.history.stopped:
            self._stop("a callback asked for it")
        done = state.epoch >= state.epochs or bool(state.history.stopped)
        if plan.checkpoint and (done or state.epoch % plan.checkpoint.every_epochs == 0):
            self._save()

    def _validate(self) -> tuple[float | None, dict[str, float]]:
        plan = self.plan
        if plan.validation is None:
            return None, {}
        size = max(plan.batch_size, 256)
        with np.errstate(all="ignore"):
            found, measured = evaluate(
                self.state.result, plan.validation, plan.loss, plan.metrics, size
            )
        if not math.isfinite(found):
            raise NonFiniteError(
                f"epoch {self.state.epoch + 1}: the validation loss is {found}, though the "
                "training loss is finite: the validation data may lie far from the training data"
            )
        return found, measured

    def _compare(self, record: Record) -> None:
        """Note the epoch if it is the best, and stop if there was none for too long."""
        state, stopping = self.state, self.plan.early_stopping
        if stopping is None:
            return
        value = stopping.value(record)
        if state.best is None or stopping.improves(value, state.best.value):
            state.best = Best(value, state.epoch, copied(state.result))
        state.history = replace(state.history, best_epoch=state.best.epoch)
        if state.epoch - state.best.epoch >= stopping.patience:
            self._stop(f"{stopping.monitor} has not improved since epoch {state.best.epoch}")

    def _stop(self, reason: str) -> None:
        self.state.history = replace(self.state.history, stopped=reason)

    def _check_parameters(self) -> None:
        name = self._broken()
        if name:
            raise NonFiniteError(
                f"step {self.state.step}, in epoch {self.state.epoch + 1}: its update made the "
                f"parameter {name!r} infinite or NaN: lower the learning rate"
            )

    def _broken(self) -> str:
        """Return the name of a parameter that is not finite, empty if all are."""
        return next((name for name, p in self.arrays.items() if not np.isfinite(p).all()), "")

    def _call(self, event: str, state: State | None = None) -> None:
        for callback in self.plan.callbacks:
            with self.interrupts.allowed():
                getattr(callback, event)(state or self.state)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.state.totals.seconds += time.perf_counter() - started

    def _save(self) -> None:
        assert self.plan.checkpoint is not None
        shown = self.engine.arrears.settled(self.state).model
        checkpoints.save(self.plan.checkpoint.folder, self.state, self.settings, shown)

    def _resumes(self, plan: Plan) -> Path | None:
        """Return the checkpoint to go on from, if there is one."""
        if plan.checkpoint is None:
            raise ArgumentError("fit: resume=True needs checkpoint=, where to resume from")
        return checkpoints.latest(plan.checkpoint.folder)

    def _result(self) -> Module:
        stopping, best = self.plan.early_stopping, self.state.best
        if stopping and stopping.restore_best and best:
            return best.model
        return self.engine.arrears.settled(self.state).result

    def _interrupted(self) -> Interrupted:
        """Save what can be resumed; return the error that says so."""
        state, folder = self.state, None
        message = f"interrupted in epoch {state.epoch + 1}, after step {state.step}"
        if self.plan.checkpoint:
            if not self._broken():
                self._save()
            folder = os.fspath(self.plan.checkpoint.folder)
            message += f"; resume=True with the checkpoint in {folder} goes on from there"
        return Interrupted(message, self._result(), state.history, folder)


def _slots(optimizer: Optimizer | FullBatch, model: Module) -> dict[str, Any]:
    """Return what an optimizer remembers before the first step, by name of a parameter."""
    parameters = named_parameters(model)
    if isinstance(optimizer, FullBatch):
        return map_leaves(_untouched, optimizer.init(parameters)["slots"])  # type: ignore[no-any-return]
    return {
        name: map_leaves(_untouched, optimizer.init(p)["slots"][""])
        for name, p in parameters.items()
    }


def _untouched(slot: Any) -> Any:
    """Return a contiguous array; of zeros, one that takes no memory until it is written to.

    While a step is traced and planned, its gradients have the room of the optimizer's state.
    """
    array = np.asarray(slot, order="C")
    return array if array.any() else np.zeros(array.shape, array.dtype)


def copied(model: Module) -> Module:
    """Return a network with arrays of its own, parameters and buffers."""
    own: Module = map_leaves(partial(np.array, order="C"), model)
    buffers = {name: np.array(b, order="C") for name, b in named_buffers(model).items()}
    return load_buffers(own, buffers) if buffers else own
