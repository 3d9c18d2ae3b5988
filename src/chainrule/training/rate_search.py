"""`search_lr`: a learning rate from short courses of training, over orders of magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.constraints import COUNT, POSITIVE, Interval, check
from chainrule.data import split
from chainrule.errors import ArgumentError, NonFiniteError
from chainrule.nn import Module
from chainrule.optim import FullBatch, Optimizer
from chainrule.pages import Block, Heading, Page, Paragraph, Shown, Strong, Table, Text
from chainrule.training.evaluate import Loss
from chainrule.training.loop import dtype_of, fit
from chainrule.training.plan import Schedule
from chainrule.training.rows import checked_rows

_PART = Interval(0, 1, "neither")


@dataclass(frozen=True)
class RateTrial:
    """One course of training.

    Attributes
    ----------
    lr : float
    loss, validation_loss : float or None
        After the last epoch; None if the course failed.
    failure : str
        Where it left the numbers; empty if it did not.
    """

    lr: float
    loss: float | None
    validation_loss: float | None
    failure: str = ""


@dataclass(frozen=True)
class RateSearch(Shown):
    """The courses of a search, in the order of the rates that were given; it prints.

    Attributes
    ----------
    trials : tuple of RateTrial
    epochs : int
        Of each course.
    """

    trials: tuple[RateTrial, ...]
    epochs: int

    @property
    def best(self) -> float | None:
        """The rate with the least validation loss; None if every course failed."""
        done = [t for t in self.trials if t.validation_loss is not None]
        return min(done, key=lambda t: (t.validation_loss, t.lr)).lr if done else None

    @property
    def advice(self) -> str:
        """What the search says, in one sentence."""
        tried = sorted(trial.lr for trial in self.trials)
        if self.best is None:
            return "every course diverged: try smaller learning rates, and look for unscaled inputs"
        said = (
            f"learning rate {self.best:g} has the least validation loss after {self.epochs} epochs"
        )
        if self.best == tried[-1] and len(tried) > 1:
            return f"{said}; it is the largest that was tried: try larger ones too"
        if self.best == tried[0] and len(tried) > 1:
            return f"{said}; it is the smallest that was tried: try smaller ones too"
        return said

    def facts(self) -> dict[str, Any]:
        """Return all that is known, as JSON-able values."""
        return {
            "best": self.best, "advice": self.advice, "epochs": self.epochs,
            "trials": [asdict(trial) for trial in self.trials],
        }  # fmt: skip

    def page(self) -> Page:
        """Return the advice and a table of the courses."""
        title = "Search for a learning rate"
        tone = "bad" if self.best is None else "good"
        rows: list[list[Text]] = [
            [
                [Strong(f"{t.lr:g}", "good")] if t.lr == self.best else f"{t.lr:g}",
                *("diverged" if x is None else f"{x:.4g}" for x in (t.loss, t.validation_loss)),
            ]
            for t in self.trials
        ]
        blocks: list[Block] = [
            Heading(title, 1),
            Paragraph([Strong(f"{self.advice[0].upper()}{self.advice[1:]}.", tone)]),
            Table(["learning rate", "loss", "validation loss"], rows, frozenset(range(3))),
        ]
        return Page(title, blocks)


def search_lr(
    model: Module,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | FullBatch,
    lrs: Sequence[float] = (0.1, 0.01, 0.001, 0.0001),
    epochs: int = 5,
    batch_size: int = 32,
    seed: int = 0,
    validation: Any = 0.2,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    sample_weight: Any = None,
    engine: str = "auto",
) -> RateSearch:
    """Compare learning rates of several orders of magnitude by a short course of training each.

    Every course begins with the same network, sees the same batches and makes the same random
    draws. One that diverges is a row of the table like the others.

    Parameters
    ----------
    model : Module
        Not changed.
    data, loss, epochs, batch_size, seed, schedule, clip_norm, sample_weight, engine
        As for `fit`.
    optimizer : Optimizer
        Its own learning rate plays no part.
    lrs : sequence of float > 0
    validation : tuple ``(X, y)`` or ``(X, y, sample_weight)``, or float in (0, 1)
        The rows to compare on, or the part of `data` that is held out for it.

    Returns
    -------
    RateSearch

    Raises
    ------
    ArgumentError
        If there are no rates, or the optimizer has none.
    ChainruleError
        As `fit` does, of data and arguments that cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, optim
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> search = search_lr(
    ...     nn.Linear(3, 1, rng=0), (X, X[:, :1]), loss=nn.mse, optimizer=optim.SGD(1.0),
    ...     lrs=(10.0, 0.1, 0.001),
    ... )
    >>> search.best, search.trials[0].validation_loss
    (0.1, None)
    """
    check("search_lr", {"epochs": COUNT}, {"epochs": epochs})
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(f"search_lr: {type(optimizer).__name__} has no learning rate to search")
    if not len(lrs):
        raise ArgumentError("search_lr: lrs must be one learning rate at least")
    for lr in lrs:
        check("search_lr", {"lrs": POSITIVE}, {"lrs": lr})
    X, y, weight, held_out = _divided(model, data, sample_weight, validation, seed)
    trials = []
    for lr in map(float, lrs):
        try:
            _, history = fit(
                model, (X, y), loss=loss, optimizer=optimizer.changed(lr=lr), epochs=epochs,
                batch_size=batch_size, seed=seed, validation=held_out, schedule=schedule,
                clip_norm=clip_norm, sample_weight=weight, engine=engine, progress=False,
            )  # fmt: skip
            trials.append(RateTrial(lr, history[-1].loss, history[-1].validation_loss))
        except NonFiniteError as error:
            trials.append(RateTrial(lr, None, None, str(error)))
    return RateSearch(tuple(trials), epochs)


def _divided(
    model: Module, data: Any, weight: Any, validation: Any, seed: int
) -> tuple[Any, Any, Any, Any]:
    """Return inputs, targets and weights to train on, and the rows that are held out."""
    rows = checked_rows(data, weight, dtype_of(model))
    if isinstance(validation, (tuple, list)):
        return rows.X, rows.y, rows.weight, validation
    check("search_lr", {"validation": _PART}, {"validation": validation})
    parts = [rows.take(places) for places in split(len(rows), float(validation), seed)]
    first, second = ([p.X, p.y] if p.weight is None else [p.X, p.y, p.weight] for p in parts)
    return *(*first, None)[:3], tuple(second)
