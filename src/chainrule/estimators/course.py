"""Training by steps, as scikit-learn's "sgd" and "adam": the stopping rules and the books."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.borrowed import borrow, kindred
from chainrule.errors import Interrupted, NonFiniteError
from chainrule.estimator import plain
from chainrule.estimators.callbacks import Tasks
from chainrule.estimators.network import Objective, Penalised
from chainrule.estimators.rows import outputs_of
from chainrule.estimators.solvers import Solver
from chainrule.graph import Array
from chainrule.nn import named_buffers, named_parameters
from chainrule.training import Callback, History, Rows, State
from chainrule.training.loop import Training
from chainrule.training.plan import Plan
from chainrule.training.progress import progress_callback


class DivergenceError(NonFiniteError, ValueError):
    """Training led to numbers that are not finite."""


class Held(NamedTuple):
    """Rows that are not trained on.

    Attributes
    ----------
    rows : Rows
        As the network takes them.
    X, y : array_like
        As they were given, for scorers.
    """

    rows: Rows
    X: Any
    y: Any


class Watch(Callback):
    """Keeps an estimator's books after each epoch, and decides when to stop.

    Parameters
    ----------
    mlp : estimator
        Its ``coefs_`` are views of the arrays in training.
    solver : Solver
    n_rows : int
    held : Held, optional
    tasks : Tasks
    """

    def __init__(self, mlp: Any, solver: Solver, n_rows: int, held: Held | None, tasks: Tasks):
        self.mlp, self.solver, self.n_rows, self.tasks = mlp, solver, n_rows, tasks
        self.held = held
        self.watches_score = bool(mlp.early_stopping)
        self.validation_losses: list[float] = []
        self.best: list[Array] = []
        self.stopped = False
        self._score = None
        if mlp.scoring is not None:
            self._score = borrow("sklearn.metrics", "check_scoring")(mlp, mlp.scoring)

    def on_start(self, state: State) -> None:
        """Let the estimator hold the arrays in training, and begin the first epoch."""
        self.mlp._adopt(state.model.network)  # type: ignore[attr-defined]
        if self.watches_score:
            self._keep_best()
        self.tasks.begin_epoch()

    def on_epoch_end(self, state: State) -> bool:
        """Note the loss and the score; return whether to stop."""
        mlp, loss = self.mlp, state.history[-1].loss
        mlp.n_iter_ = state.epoch
        mlp.loss_ = loss
        mlp.t_ += self.n_rows
        mlp.loss_curve_.append(loss)
        self._say("Iteration %d, loss = %.8f", mlp.n_iter_, loss)
        if self.held is not None:
            self._look(self.held)
        self._count()
        self.solver.after_epoch(mlp.t_)
        self.stopped = self._judge() | self.tasks.end_epoch()
        if not self.stopped and state.epoch < state.epochs:
            self.tasks.begin_epoch()
        return self.stopped

    def _look(self, held: Held) -> None:
        """Measure loss and score on the rows that are held out."""
        mlp, rows = self.mlp, held.rows
        with np.errstate(all="ignore"):
            outputs = outputs_of(mlp.network_, rows.X)
            options = {} if rows.weight is None else {"sample_weight": rows.weight}
            loss = float(Objective(mlp._heads)((outputs, 0.0), rows.y, **options))
        self.validation_losses.append(loss)
        mlp.validation_loss_curve_.append(loss)
        if self.watches_score:
            mlp.validation_scores_.append(self._measured(held, outputs, options))
            self._say("Validation score: %f", mlp.validation_scores_[-1])

    def _measured(self, held: Held, outputs: Array, options: dict[str, Any]) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        if self._score is not None:
            return float(self._score(self.mlp, held.X, held.y))
        return float(self.mlp._measure(held.y, self.mlp._predicted(outputs), **options))

    def _count(self) -> None:
        """Count the epochs in a row that were no better than the best by ``tol``."""
        mlp = self.mlp
        if self.watches_score:
            score = mlp.validation_scores_[-1]
            worse = score < mlp.best_validation_score_ + mlp.tol
            if score > mlp.best_validation_score_:
                mlp.best_validation_score_ = score
                self._keep_best()
        else:
            worse = mlp.loss_ > mlp.best_loss_ - mlp.tol
            mlp.best_loss_ = min(mlp.best_loss_, mlp.loss_)
        mlp._no_improvement_count = mlp._no_improvement_count + 1 if worse else 0

    def _judge(self) -> bool:
        """Return whether there were too many such epochs, and no slower rate to try."""
        mlp = self.mlp
        if mlp._no_improvement_count <= mlp.n_iter_no_change:
            return False
        what = "Validation score" if self.watches_score else "Training loss"
        text = f"{what} did not improve more than tol=%f for %s consecutive epochs. "
        if self.solver.slow_down():
            mlp._no_improvement_count = 0
            self._say(
                text + "Setting learning rate to %f",
                mlp.tol, mlp.n_iter_no_change, self.solver.learning_rate,
            )  # fmt: skip
            return False
        self._say(text + "Stopping.", mlp.tol, mlp.n_iter_no_change)
        return True

    def _arrays(self) -> list[Array]:
        network = self.mlp.network_
        return [*named_parameters(network).values(), *named_buffers(network).values()]

    def _keep_best(self) -> None:
        self.best = [array.copy() for array in self._arrays()]

    def restore_best(self) -> None:
        """Put the arrays of the best epoch in the places of the last."""
        for array, best in zip(self._arrays(), self.best, strict=True):
            np.copyto(array, best)

    def _say(self, text: str, *values: Any) -> None:
        if self.mlp.verbose and self.mlp.verbose != "bar":
            print(text % values)  # noqa: T201 (as scikit-learn's estimators do)


def descend(
    mlp: Any,
    rows: Rows,
    held: Held | None,
    solver: Solver,
    tasks: Tasks,
    random: np.random.RandomState,
    once: bool,
) -> History:
    """Train an estimator's network by steps; return the history.

    Parameters
    ----------
    mlp : estimator
    rows : Rows
    held : Held, optional
    solver : Solver
    tasks : Tasks
    random : numpy.random.RandomState
        Of the order of the rows.
    once : bool
        Whether to stop after one epoch.

    Raises
    ------
    DivergenceError
        If the loss, a gradient or a parameter becomes infinite or NaN, unless early stopping has
        an epoch to go back to.
    """
    watch = Watch(mlp, solver, len(rows), held, tasks)
    plan = _plan(mlp, len(rows), solver, watch, random, 1 if once else mlp.max_iter)
    model = Penalised(mlp.network_, mlp.alpha)
    training = Training(plan, rows, model, optimizer_state=solver.state)
    try:
        training.run()
    except Interrupted:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except NonFiniteError as error:
        _diverged(mlp, watch, error)
    else:
        if not (once or watch.stopped) and mlp.n_iter_ == mlp.max_iter:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                kindred("ConvergenceWarning"),
                stacklevel=4,
            )
    if watch.watches_score:
        watch.restore_best()
    # After a fit nothing goes on with it, and a pickle would be three times as large.
    solver.state = training.state.optimizer_state if once else None
    return _with_validation(training.state.history, watch)


def _plan(
    mlp: Any, n: int, solver: Solver, watch: Watch, random: np.random.RandomState, epochs: int
) -> Plan:
    places = np.arange(n)

    def order(epoch: int) -> Array:
        nonlocal places
        if mlp.shuffle:
            drawn = np.arange(n)  # as sklearn.utils.shuffle does, less the checks of its arguments
            random.shuffle(drawn)
            places = places[drawn]
        return places

    bar = progress_callback(mlp.verbose == "bar")
    return Plan(
        loss=Objective(mlp._heads),
        optimizer=solver.optimizer,
        epochs=epochs,
        batch_size=_batch_size(mlp, n),
        # Nothing is drawn for it where nothing uses it, so that the order is scikit-learn's.
        seed=int(random.randint(2**31 - 1)) if np.any(mlp.dropout) else 0,
        schedule=solver.factor,
        callbacks=(watch, *(mlp.callbacks or ()), *([bar] if bar else ())),
        engine=plain(mlp.engine),
        order=order,
    )


def _batch_size(mlp: Any, n: int) -> int:
    if mlp.batch_size == "auto":
        return min(200, n)
    if mlp.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return int(min(mlp.batch_size, n))


def _diverged(mlp: Any, watch: Watch, error: NonFiniteError) -> None:
    """Go on with the best epoch if there is one, else raise."""
    if watch.watches_score and mlp.validation_scores_:
        mlp.validation_scores_.append(float("nan"))
        warnings.warn(
            f"Training diverged, and the best epoch was restored: {error}",
            kindred("ConvergenceWarning"),
            stacklevel=5,
        )
        return
    raise DivergenceError(
        "Solver produced non-finite parameter weights. The input data may contain large values "
        f"and need to be preprocessed. {error}",
        error.report,
    ) from None


def _with_validation(history: History, watch: Watch) -> History:
    """Return the history with the losses on the rows that were held out."""
    if watch.held is None:
        return history
    pairs = zip(history.records, watch.validation_losses, strict=False)
    return replace(history, records=tuple(replace(r, validation_loss=v) for r, v in pairs))
