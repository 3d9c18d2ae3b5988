"""`find_lr`: a learning rate from a range test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, Constraint, Interval, check
from chainrule.data import permutation
from chainrule.errors import ArgumentError, NonFiniteError
from chainrule.graph import Array
from chainrule.nn import Module
from chainrule.optim import FullBatch, Optimizer
from chainrule.pages import Block, Heading, Page, Paragraph, Shown, Strong, Table
from chainrule.training.callbacks import Callback, State
from chainrule.training.evaluate import Loss
from chainrule.training.loop import dtype_of, fit
from chainrule.training.rows import Rows, checked_rows
from chainrule.training.step import Step

_DECAY = 0.9  # of the running mean
_FAR = 3.0  # times the fall, or the least loss, above which it has diverged
_NOISE, _NEAR = 1.0, 10  # standard deviations, of so many steps, that the fall is at least
_LISTED = 12  # rows of the table
ALLOWED: dict[str, Constraint] = {
    "min_lr": POSITIVE,
    "max_lr": POSITIVE,
    "steps": Interval(20, math.inf, integer=True),
    "batch_size": COUNT,
}


@dataclass(frozen=True, eq=False)
class RateTest(Shown):
    """What a range test found; it prints.

    Attributes
    ----------
    lrs : array, shape (n,)
        The learning rates that were tried, rising.
    losses : array, shape (n,)
        Of each step's batch, before the update with this rate.
    smoothed : array, shape (n,)
        The mean loss of the untrained network, and a running mean of what training changed.
    diverged : bool
        Whether the test ended because the loss did.
    suggestion : float or None
        A learning rate to train with; None if the test says nothing.
    why : str
        Where the suggestion comes from, or why there is none.
    """

    lrs: Array
    losses: Array
    smoothed: Array
    diverged: bool
    suggestion: float | None
    why: str

    def facts(self) -> dict[str, Any]:
        """Return all that is known, as JSON-able values."""
        arrays = {name: getattr(self, name).tolist() for name in ("lrs", "losses", "smoothed")}
        return {
            "suggestion": self.suggestion, "why": self.why, "diverged": self.diverged, **arrays,
        }  # fmt: skip

    def page(self) -> Page:
        """Return the proposal, and a few of the steps."""
        found = self.suggestion is not None
        words = f"Learning rate {self.suggestion:.2g}" if found else "No learning rate to propose"
        blocks: list[Block] = [
            Heading("Range test of the learning rate", 1),
            Paragraph([Strong(words, "good" if found else "bad"), f": {self.why}."]),
        ]
        places = np.unique(np.linspace(0, len(self.lrs) - 1, _LISTED).round().astype(int))
        rows = [
            [f"{array[i]:.3g}" for array in (self.lrs, self.losses, self.smoothed)]
            for i in (places if len(self.lrs) else [])
        ]
        blocks.append(Table(["learning rate", "loss", "smoothed"], rows, frozenset(range(3))))
        return Page("Range test of the learning rate", blocks)


def find_lr(
    model: Module,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | FullBatch,
    min_lr: float = 1e-6,
    max_lr: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    clip_norm: float | None = None,
    sample_weight: Any = None,
    engine: str = "auto",
) -> RateTest:
    """Propose a learning rate: train a copy while the rate grows until the loss diverges.

    The rate grows by the same factor at every step, from `min_lr` to `max_lr` (Smith, "Cyclical
    learning rates for training neural networks", WACV 2017, section 3.3). That batches differ
    from each other is taken out: from each loss that of the untrained network on the same batch
    is subtracted. Where the running mean of what is left falls most steeply is proposed, but no
    more than a tenth of the rate at which it is least.

    Parameters
    ----------
    model : Module
        Not changed.
    data, loss, batch_size, seed, clip_norm, sample_weight, engine
        As for `fit`.
    optimizer : Optimizer
        Its own learning rate plays no part.
    min_lr, max_lr : float > 0
    steps : int >= 20

    Returns
    -------
    RateTest

    Raises
    ------
    ArgumentError
        If `max_lr` is not above `min_lr`, or the optimizer has no learning rate.
    ChainruleError
        As `fit` does, of data and arguments that cannot be used.

    Examples
    --------
    >>> from chainrule import nn, optim
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> test = find_lr(nn.Linear(3, 1, rng=0), (X, X[:, :1]), loss=nn.mse, optimizer=optim.SGD(1.0))
    >>> 0.01 < test.suggestion < 1.0
    True
    """
    given = {"min_lr": min_lr, "max_lr": max_lr, "steps": steps, "batch_size": batch_size}
    check("find_lr", ALLOWED, given)
    if max_lr <= min_lr:
        raise ArgumentError(f"find_lr: max_lr must be above min_lr, {min_lr}, not {max_lr}")
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(f"find_lr: {type(optimizer).__name__} has no learning rate to find")
    rows = checked_rows(data, sample_weight, dtype_of(model))
    lrs = np.geomspace(min_lr, max_lr, steps)
    course = _Course(model, rows, Step(loss, optimizer, seed=seed), batch_size, steps)
    try:
        fit(
            model, data, loss=loss, optimizer=optimizer, batch_size=batch_size, seed=seed,
            epochs=-(-steps * batch_size // len(rows)), clip_norm=clip_norm, progress=False,
            schedule=lambda step: float(lrs[min(step, steps - 1)]) / optimizer.lr, engine=engine,
            callbacks=[course], sample_weight=sample_weight,
        )  # fmt: skip
    except NonFiniteError:
        course.diverged = True
    except _EnoughError:
        pass
    return _judged(lrs[: len(course.losses)], course)


class _EnoughError(Exception):
    """Ends the course."""


class _Course(Callback):
    """Notes each step's loss, and ends the course when it has diverged or is done.

    Attributes
    ----------
    losses, untrained, smoothed : list of float
        Of each step: the loss, that of the untrained network on the same batch, and the running
        mean of their difference.
    diverged : bool
    """

    def __init__(self, model: Module, rows: Rows, step: Step, batch_size: int, steps: int) -> None:
        self.model, self.rows, self.step = model, rows, step
        self.batch_size, self.steps = batch_size, steps
        self.losses: list[float] = []
        self.untrained: list[float] = []
        self.smoothed: list[float] = []
        self.diverged = False
        self._mean, self._order = 0.0, np.zeros(0, np.int64)

    def on_step_end(self, state: State) -> None:
        """Note the loss."""
        if state.batch == 1:
            self._order = permutation(len(self.rows), self.step.seed, state.epoch)
        first = (state.batch - 1) * self.batch_size
        batch = self.rows.take(self._order[first : first + self.batch_size])
        with np.errstate(all="ignore"):
            before = self.step.objective(self.model, batch, self.step.run(state.step - 1))[1]
        self.losses.append(state.loss)
        self.untrained.append(float(before))
        self._mean = _DECAY * self._mean + (1.0 - _DECAY) * (state.loss - self.untrained[-1])
        self.smoothed.append(self._mean / (1.0 - _DECAY ** len(self.losses)))
        start, least = float(np.mean(self.untrained)), min(self.smoothed)
        self.diverged = self.smoothed[-1] - least > _FAR * max(-least, abs(start + least))
        if self.diverged or state.step == self.steps:
            raise _EnoughError


def _judged(lrs: Array, course: _Course) -> RateTest:
    """Return the test with what it proposes."""
    losses, change = np.array(course.losses), np.array(course.smoothed)
    start = float(np.mean(course.untrained)) if course.untrained else math.nan
    suggestion, why = _proposal(lrs, losses - course.untrained, change, course.diverged)
    return RateTest(lrs, losses, start + change, course.diverged, suggestion, why)


def _proposal(lrs: Array, raw: Array, change: Array, diverged: bool) -> tuple[float | None, str]:
    """Return a learning rate and where it comes from, or None and why."""
    least = int(np.argmin(change)) if len(change) else 0
    if least < 2:
        return None, (
            "the loss rises from the first steps on: lower min_lr" if diverged
            else "the loss does not fall: has the network anything to learn from the data?"
        )  # fmt: skip
    # The noise grows with the rate: what counts is that where the loss is least.
    noise = float(np.std((raw - change)[max(0, least - _NEAR) : least + 1]))
    if -change[least] <= _NOISE * noise:
        return None, "the loss falls by no more than its noise: take more steps, or larger batches"
    slopes = np.gradient(change[: least + 1], np.log(lrs[: least + 1]))
    steepest, tenth = float(lrs[np.argmin(slopes)]), float(lrs[least]) / 10.0
    if steepest <= tenth:
        why = "where the loss falls most steeply"
    else:
        why = f"a tenth of {lrs[least]:.2g}, where the loss is least"
    if change[-1] < change[least] / 2.0:
        why += "; at max_lr it has hardly risen again, so that a larger one may show more"
    return min(steepest, tenth), why
