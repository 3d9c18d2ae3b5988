"""Training word vectors: part after part of the text becomes lessons, then steps of one program."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.engines import auto, scan
from chainrule.engines.threads import n_processors
from chainrule.errors import DataError, Interrupted, NonFiniteError
from chainrule.graph import trace
from chainrule.graph.tree import map_leaves
from chainrule.language.word_lessons import Curriculum, Lessons
from chainrule.language.word_network import TwoTables, step
from chainrule.optim import SGD
from chainrule.training import Callback, Checkpoint, History, Record
from chainrule.training import checkpoint as checkpoints
from chainrule.training.callbacks import State, Totals
from chainrule.training.interrupts import Interrupts

_LEAST = 1e-4  # the part of the learning rate that is left at the end, as in word2vec


@dataclass(frozen=True)
class Plan:
    """How a course is taught.

    Attributes
    ----------
    epochs, batch_size : int
    lr : float
    engine : str
    settings : dict
        What must be as it was where training is resumed, JSON-able.
    callbacks : tuple of Callback
    checkpoint : Checkpoint or None
    """

    epochs: int
    batch_size: int
    lr: float
    engine: str
    settings: dict[str, Any]
    callbacks: tuple[Callback, ...] = ()
    checkpoint: Checkpoint | None = None


class Teaching:
    """Training under way.

    Parameters
    ----------
    course : Curriculum
    network : TwoTables
        Changed in place.
    plan : Plan
    resume : bool
        Whether to go on from the checkpoint, if there is one.
    """

    def __init__(self, course: Curriculum, network: TwoTables, plan: Plan, resume: bool) -> None:
        self.course, self.plan, self.interrupts = course, plan, Interrupts()
        slots: dict[str, Any] = {"inner": {}, "outer": {}}
        self.state = State(
            network, SGD(lr=plan.lr), {"step": 0, "slots": slots}, plan.epochs,
            course.corpus.n_chunks,
        )  # fmt: skip
        path = checkpoints.latest(plan.checkpoint.folder) if resume and plan.checkpoint else None
        if path and plan.engine == "auto":
            plan = replace(plan, engine=checkpoints.engine_of(path))
        name, why = self._engine(plan.engine)
        self.settings = {**plan.settings, "engine": name}
        if path:
            self.state = checkpoints.load(path, self.state, self.settings)
        self.scan = scan(step(name == "numba"), name)
        if not self.state.history.engine:
            self.state.history = History(engine=name, why=why)

    def run(self) -> tuple[Any, History]:
        """Train to the end.

        Raises
        ------
        NonFiniteError
            If vectors grow without bound.
        Interrupted
            At Ctrl-C, after saving a checkpoint.
        """
        state = self.state
        try:
            with self.interrupts:
                self._call("on_start")
                while state.epoch < state.epochs and not state.history.stopped:
                    self._epoch()
        except KeyboardInterrupt:
            raise self._interrupted() from None
        finally:
            for callback in self.plan.callbacks:
                callback.on_end(state)
        return state.model, state.history

    def _engine(self, wanted: str) -> tuple[str, str]:
        """Return the engine and why it is taken."""
        if wanted != "auto":
            return wanted, "as was asked for"
        size = self.plan.batch_size
        lessons, _ = self.course.lessons(0, 0)
        first = Lessons(*(np.resize(x, (size, x.shape[1])) for x in lessons))
        graph = trace(step(True))(self.state.model, first, np.float32(self.plan.lr))
        corpus = self.course.corpus
        n_steps = self.plan.epochs * (corpus.n_words // size + corpus.n_chunks)
        name, why, advice = auto.choose(graph, n_steps, ("numpy", "numba"))
        if advice:
            warnings.warn(advice, stacklevel=6)
        return name, why

    def _epoch(self) -> None:
        state, every = self.state, self.plan.checkpoint and self.plan.checkpoint.every_steps
        started = time.perf_counter()
        for lessons, n_pairs in self._lessons():
            self._teach(lessons, n_pairs)
            state.totals.seconds += time.perf_counter() - started
            self._call("on_progress")
            started = time.perf_counter()
            if every and state.step % every == 0 and state.batch < state.steps_per_epoch:
                self._save()
        self._close_epoch()

    def _lessons(self) -> Iterator[tuple[Lessons, int]]:
        """Yield what is left of the epoch; as many parts are made at once as there are threads."""
        first, last, n = self.state.batch, self.state.steps_per_epoch, n_processors()
        made = partial(self.course.lessons, self.state.epoch)
        with ThreadPoolExecutor(n) as pool:
            for start in range(first, last, n):
                with self.interrupts.allowed():
                    some = list(pool.map(made, range(start, min(start + n, last))))
                yield from some

    def _teach(self, lessons: Lessons, n_pairs: int) -> None:
        """Take the steps of a part of the text, and keep the books."""
        state, size = self.state, self.plan.batch_size
        lessons = lessons.filled_up(size)
        n_steps = len(lessons.inputs) // size
        if n_steps:
            done = (state.step + np.arange(n_steps) / n_steps) / (
                state.epochs * state.steps_per_epoch
            )
            rates = (self.plan.lr * np.maximum(1 - done, _LEAST)).astype(np.float32)
            with np.errstate(all="ignore"):
                _, losses = self.scan(state.model, lessons, None, size, rates, in_place=True)
            state.totals.loss += float(np.sum(losses, dtype=np.float64))
            state.lr = state.totals.lr = float(rates[-1])
        state.totals.weight += n_pairs
        self._check(state.totals.loss)
        state.step += 1
        state.batch += 1
        state.optimizer_state["step"] = state.step

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise NonFiniteError(
                f"epoch {self.state.epoch + 1}, part {self.state.batch + 1} of "
                f"{self.state.steps_per_epoch}: the loss is {loss}: lower the learning rate or the "
                "batch size"
            )

    def _close_epoch(self) -> None:
        state = self.state
        sums = state.totals
        if not sums.weight:
            raise DataError(
                f"epoch {state.epoch + 1}: no two words were left that stand near each other: give "
                "longer sentences, or sample=0, which leaves no word out"
            )
        record = Record(state.epoch + 1, sums.loss / sums.weight, sums.lr, None, sums.seconds)
        state.epoch += 1
        state.batch, state.totals = 0, Totals()
        state.history = replace(state.history, records=(*state.history.records, record))
        with self.interrupts.finishing():
            asked = [callback.on_epoch_end(state) for callback in self.plan.callbacks]
        if any(asked):
            state.history = replace(state.history, stopped="a callback asked for it")
        plan = self.plan.checkpoint
        done = state.epoch >= state.epochs or bool(state.history.stopped)
        if plan and (done or state.epoch % plan.every_epochs == 0):
            self._save()

    def _call(self, event: str) -> None:
        for callback in self.plan.callbacks:
            with self.interrupts.allowed():
                getattr(callback, event)(self.state)

    def _save(self) -> None:
        assert self.plan.checkpoint is not None
        checkpoints.save(self.plan.checkpoint.folder, self.state, self.settings)

    def _interrupted(self) -> Interrupted:
        """Save what there is, and return what is raised."""
        state, place = self.state, None
        where = f"interrupted in epoch {state.epoch + 1} of {state.epochs}"
        if self.plan.checkpoint:
            self._save()
            place = os.fspath(self.plan.checkpoint.folder)
            where += f"; go on with resume=True from {place}"
        return Interrupted(where, map_leaves(np.array, state.model), state.history, place)
