"""The course of training: losses, learning rates, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.doctor import readings
from chainrule.doctor.patient import Patient
from chainrule.errors import ArgumentError, DataError
from chainrule.nn import LOSSES
from chainrule.plots.panel import Axis, Line, Panel, Rule, log_pays, number
from chainrule.plots.plot import plot
from chainrule.plots.subject import network_of
from chainrule.training import History

_DOTTED = 30  # epochs up to which each is marked


@plot
def learning_curves(history: Any, *, of: str = "loss") -> Panel:
    """Draw a measure after each epoch, in training and in validation, and the best epoch.

    The scale is logarithmic where that shows more: if all values are positive and the largest is
    20 times the smallest or more.

    Parameters
    ----------
    history : History, or fitted estimator with `history_` or `loss_curve_`
    of : str
        ``"loss"``, or the name of a metric.

    Raises
    ------
    ArgumentError
        If it is something else, no epoch was trained, or nothing of that name was measured.

    Examples
    --------
    >>> from chainrule import plots
    >>> from chainrule.training import History, Record
    >>> history = History((Record(1, 0.7, 0.1, 2.0, 0.5, 0.8), Record(2, 0.4, 0.1, 1.5, 0.5, 0.6)))
    >>> [(line.name, line.y.tolist()) for line in plots.learning_curves.data(history).marks]
    [('training', [0.7, 0.4]), ('validation', [0.8, 0.6])]
    """
    curves, best, stopped = _curves(history, of)
    if not curves:
        raise ArgumentError("learning_curves: the history has no epochs: train for one at least")
    series = {"training": 0, "validation": 1}
    marks: list[Any] = [
        Line(np.asarray(x, np.float64), np.asarray(y, np.float64), name, series[name],
             dashed=name == "validation", dots=len(x) <= _DOTTED)
        for name, (x, y) in curves.items()
    ]  # fmt: skip
    notes = []
    if best is not None:
        marks.append(Rule(float(best), f"best epoch: {best}"))
    if stopped:
        notes.append(f"stopped, for {stopped}")
    log = log_pays(*(mark.y for mark in marks if isinstance(mark, Line)))
    epochs = [float(e) for x, _ in curves.values() for e in x]
    across = Axis("epoch", limits=(min(epochs) - 0.5, max(epochs) + 0.5), whole=True)
    return Panel("Learning curves", across, Axis(of, log=log), marks, notes)


def _curves(history: Any, of: str) -> tuple[dict[str, Any], int | None, str]:
    found = getattr(history, "history_", history)
    if isinstance(found, History):
        return found.curves(of), found.best_epoch, found.stopped
    losses = getattr(history, "loss_curve_", None)
    if losses is None or of != "loss":
        raise ArgumentError(
            f"learning_curves: {of!r} of a {type(history).__name__} is not known: give a History "
            "or a fitted estimator"
        )
    return {"training": (range(1, len(losses) + 1), losses)}, None, ""


@plot
def rate_finder(search: Any) -> Panel:
    """Draw the losses of a range test over its learning rates, and the rate that it suggests.

    Parameters
    ----------
    search : result of `chainrule.training.find_lr`
        Has `lrs`, `losses`, `smoothed`, `suggestion`, and `why` it suggests that.

    Raises
    ------
    ArgumentError
        If it has not.
    DataError
        If a learning rate is not positive.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from chainrule import plots
    >>> search = SimpleNamespace(lrs=[1e-3, 1e-2, 1e-1], losses=[0.9, 0.5, 4.0],
    ...                          smoothed=[0.9, 0.7, 2.0], suggestion=1e-2)
    >>> print(plots.rate_finder.data(search).marks[-1].name)
    suggested: 0.01
    """
    missing = [n for n in ("lrs", "losses", "smoothed", "suggestion") if not hasattr(search, n)]
    if missing:
        raise ArgumentError(
            f"rate_finder: a {type(search).__name__} has no {missing[0]}: give what find_lr returns"
        )
    lrs, losses, smoothed = (
        np.asarray(v, np.float64) for v in (search.lrs, search.losses, search.smoothed)
    )
    if not len(lrs) or not (np.isfinite(lrs) & (lrs > 0)).all():
        raise DataError("rate_finder: the learning rates must be positive numbers, one at least")
    marks: list[Any] = [
        Line(lrs, losses, "loss", 6, dashed=True, dots=len(lrs) == 1),
        Line(lrs, smoothed, "smoothed loss", 0, dots=len(lrs) == 1),
    ]
    if search.suggestion is not None:
        name = f"suggested: {number(search.suggestion)}"
        marks.append(Rule(float(search.suggestion), name))
    why = getattr(search, "why", "")
    log = log_pays(losses, smoothed)
    return Panel("Learning-rate range test", Axis("learning rate", log=True),
                 Axis("loss", log=log), marks, [why] if why else [])  # fmt: skip


@plot
def gradient_flow(model: Any, X: Any, y: Any, loss: str | Callable[..., Any]) -> Panel:
    """Draw the mean and the largest absolute gradient of each layer's weights.

    Gradients that shrink from the last layer to the first by orders of magnitude vanish, those that
    grow explode.

    Parameters
    ----------
    model : Module or fitted estimator with `network_`
    X, y : arrays, or trees of them
        A batch as the network and the loss take it; of more than 256 rows, 256 evenly taken.
    loss : str or callable
        A name in `chainrule.nn.LOSSES`, or ``loss(outputs, targets)``.

    Raises
    ------
    ArgumentError
        If there is no such loss, or the network has no layers.
    DataError
        If the network or the loss fails on these data, or a gradient is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, plots
    >>> model = nn.Sequential(nn.Linear(3, 4, rng=0), "tanh", nn.Linear(4, 1, rng=1))
    >>> X, y = np.eye(3, dtype=np.float32), np.ones((3, 1), np.float32)
    >>> panel = plots.gradient_flow.data(model, X, y, "mse")
    >>> [name for _, name in panel.x.ticks]
    ['0', '2']
    """
    if isinstance(loss, str) and loss not in LOSSES:
        raise ArgumentError(
            f"gradient_flow: there is no loss {loss!r}; there are {', '.join(LOSSES)}"
        )
    function = LOSSES[loss] if isinstance(loss, str) else loss
    patient = Patient(network_of("gradient_flow", model), X, y, function)
    if patient.account is None:
        raise DataError(f"gradient_flow: no backward pass on these data: {patient.failure}")
    names = [reading.layer for reading in readings(patient.account)]
    if not names:
        raise ArgumentError("gradient_flow: no product with a weight was found in the network")
    sizes = [np.abs(np.asarray(layer.weight.delta, np.float64)) for layer in patient.layers]
    for name, size in zip(names, sizes, strict=True):
        if not np.isfinite(size).all():
            raise DataError(f"gradient_flow: the gradient of layer {name!r} is not finite")
    mean, largest = (np.array([f(size) for size in sizes]) for f in (np.mean, np.max))
    still = [name for name, size in zip(names, largest, strict=True) if size == 0]
    ticks = [(float(i), name) for i, name in enumerate(names)]
    places = np.arange(len(names), dtype=float)
    marks = [
        Line(places, np.where(values > 0, values, np.nan), name, series, dots=True)
        for series, (name, values) in enumerate((("largest", largest), ("mean", mean)))
    ]
    notes = [f"no gradient at all: {', '.join(still)}"] if still else []
    log = len(still) < len(names)
    return Panel("Gradient flow", Axis("layer, from the input on", ticks=ticks),
                 Axis("absolute gradient", log=log), marks, notes)  # fmt: skip
