"""`Patient`: a network, its data and how it is trained, and what is measured of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import nn, training
from chainrule.data import spread_rows
from chainrule.errors import ChainruleError, NonFiniteError
from chainrule.explanation.account import Account
from chainrule.explanation.layers import Layer, layers
from chainrule.explanation.subject import account_of
from chainrule.graph import Array, Tensor
from chainrule.graph.tree import flatten, map_leaves
from chainrule.optim import Optimizer
from chainrule.training import History

PROBE = 256  # rows on which a network is measured
TRIAL_ROWS, TRIAL_STEPS = 512, 200  # of a short course of training
_FAILURES = (ChainruleError, ValueError, TypeError, IndexError)  # of a network that does not fit


def some_rows(tree: Any, most: int) -> Any:
    """Return a tree of arrays with so many of their rows at most, evenly taken."""

    def taken(x: Any) -> Array:
        array = np.asarray(x)
        return array[spread_rows(len(array), most)]

    return map_leaves(taken, tree)


@dataclass(frozen=True)
class Reading:
    """What is measured of one layer on a batch.

    Attributes
    ----------
    layer : str
        Its path in the network, or the name of its weight.
    activation : str
    gradient_norm, weight_norm : float
        Of weight and bias together.
    delta : float
        Root mean square of the derivative of the summed loss by the layer's weighted sums.
    std : float
        Standard deviation of the layer's outputs.
    saturated, dead : float
        Share of saturated outputs, and of units that are zero for every row; NaN where the
        activation cannot be so.
    """

    layer: str
    activation: str
    gradient_norm: float
    weight_norm: float
    delta: float
    std: float
    saturated: float
    dead: float


@dataclass(frozen=True)
class Course:
    """A short course of training on a copy.

    Attributes
    ----------
    losses : list of float
        After each epoch of training, on the training rows; the first is before it.
    validation : list of float
        On the validation rows.
    failure : str
        Why it ended early; empty if it did not.
    diverged : bool
        Whether that was a loss or a gradient that is not finite.
    lr : float
    update_ratio : float
        The median over parameters of the size of an update relative to that of the parameter.
    """

    losses: list[float]
    validation: list[float]
    failure: str
    diverged: bool
    lr: float
    update_ratio: float


@dataclass(frozen=True)
class Patient:
    """What is to be diagnosed.

    Attributes
    ----------
    model : Module
    X, y : trees of arrays
    loss : callable
    optimizer : Optimizer, optional
    validation : tuple, optional
    history : History, optional
    names : sequence of str
        Of the columns of X.
    batch_size, seed : int
    """

    model: Any
    X: Any
    y: Any
    loss: Callable[..., Any]
    optimizer: Optimizer | None = None
    validation: tuple[Any, Any] | None = None
    history: History | None = None
    names: Sequence[str] = ()
    batch_size: int = 32
    seed: int = 0

    def changed(self, **changes: Any) -> Patient:
        """Return a patient that differs."""
        return replace(self, **changes)

    def __len__(self) -> int:
        return len(flatten(self.X)[0][0])

    @property
    def loss_name(self) -> str:
        """The name of the loss function."""
        function = getattr(self.loss, "func", self.loss)
        return str(getattr(function, "__name__", type(function).__name__))

    @property
    def is_classifier(self) -> bool:
        """Whether the loss takes scores of classes that are given by number."""
        return self.loss_name in ("cross_entropy", "nll", "multiclass_hinge")

    @property
    def trained(self) -> bool:
        """Whether the network is known to have been trained."""
        return self.history is not None and len(self.history) > 0

    @cached_property
    def numbers(self) -> Array | None:
        """The inputs that are no whole numbers, as a matrix; None if there is no single one."""
        X = self.X.get("numbers") if isinstance(self.X, dict) else self.X
        array = np.asarray(X) if X is not None else None
        if array is None or array.dtype.kind != "f" or array.ndim < 2:
            return None
        return array.reshape(len(array), -1)

    def column(self, i: int) -> str:
        """Return the name of a column."""
        return repr(self.names[i]) if i < len(self.names) else f"column {i}"

    @cached_property
    def probe(self) -> tuple[Any, Any]:
        """Rows to measure on, evenly taken from all."""
        dtype = np.result_type(*nn.named_parameters(self.model).values())

        def cast(rows: Array) -> Array:
            return rows.astype(dtype, copy=False) if rows.dtype.kind == "f" else rows

        X, y = map_leaves(cast, some_rows((self.X, self.y), PROBE))
        return X, y

    @cached_property
    def _pass(self) -> tuple[Account | None, Any, str]:
        """A forward and a backward pass on the probe, the outputs, and what went wrong."""
        outputs = None

        def objective(model: Any, X: Any, y: Any) -> Any:
            nonlocal outputs
            outputs = model(X)
            return self.loss(outputs, y)

        try:
            with np.errstate(all="ignore"):
                return account_of(objective, (self.model, *self.probe), 0), outputs, ""
        except _FAILURES as error:
            return None, outputs, f"{type(error).__name__}: {error}"

    @property
    def account(self) -> Account | None:
        """A forward and a backward pass on the probe; None if that is not possible."""
        return self._pass[0]

    @property
    def outputs(self) -> Array | None:
        """The network's outputs on the probe; None if it cannot compute them."""
        found = self._pass[1]
        value = found.value if isinstance(found, Tensor) else found
        return value if isinstance(value, np.ndarray) else None

    @property
    def failure(self) -> str:
        """What the network or the loss raised on the probe; empty if nothing."""
        return self._pass[2]

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers, from the first to the last."""
        return [] if self.account is None else layers(self.account)

    @cached_property
    def readings(self) -> list[Reading]:
        """What is measured of each layer."""
        return [_reading(layer) for layer in self.layers]

    @cached_property
    def course(self) -> Course | None:
        """A short course of training on a copy; None without an optimizer."""
        return None if self.optimizer is None else course(self)


def readings(account: Account) -> list[Reading]:
    """Return what is measured of each layer of a forward and backward pass."""
    return [_reading(layer) for layer in layers(account)]


@np.errstate(all="ignore")
def _reading(layer: Layer) -> Reading:
    parts = [p for p in (layer.weight, layer.bias) if p is not None]
    a = np.asarray(layer.a.value, np.float64)
    rows = a.reshape(len(a), -1) if a.ndim > 1 else a[None]
    kind = layer.activation
    return Reading(
        _path(layer.weight.name),
        kind,
        _norm(*(p.delta for p in parts if p.delta is not None)),
        _norm(*(p.value for p in parts)),
        _rms(layer.z.delta) * max(len(rows), 1) if layer.z.delta is not None else 0.0,
        float(a.std()),
        _saturated(kind, a),
        float(np.mean(np.all(rows == 0, axis=0))) if kind == "relu" else float("nan"),
    )


def _path(name: str) -> str:
    return name.partition(".")[2].rpartition(".")[0] or name


def _saturated(kind: str, a: Array) -> float:
    if kind == "sigmoid":
        return float(np.mean((a < 0.02) | (a > 0.98)))
    if kind == "tanh":
        return float(np.mean(np.abs(a) > 0.98))
    return float("nan")


def _norm(*arrays: Any) -> float:
    return float(np.sqrt(sum(np.sum(np.square(np.asarray(a, np.float64))) for a in arrays)))


def _rms(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(array, np.float64)))))


class _Losses(training.Callback):
    """Losses after each epoch, on all rows as the network then is."""

    def __init__(self, measure: Callable[[Any], tuple[float, float]]) -> None:
        self.measure = measure
        self.found: list[tuple[float, float]] = []

    def on_start(self, state: training.State) -> None:
        """Measure before the first step."""
        self.found.append(self.measure(state.result))

    def on_epoch_end(self, state: training.State) -> bool | None:
        """Measure after an epoch."""
        self.found.append(self.measure(state.result))
        return None


@np.errstate(all="ignore")
def course(patient: Patient) -> Course:
    """Train a copy for a short while and return what was seen; nothing else is changed."""
    assert patient.optimizer is not None
    X, y = some_rows((patient.X, patient.y), TRIAL_ROWS)
    n = len(flatten(X)[0][0])
    epochs = max(3, -(-TRIAL_STEPS // max(1, -(-n // patient.batch_size))))

    def measure(model: Any) -> tuple[float, float]:
        held = patient.validation
        outside = float("nan") if held is None else float(patient.loss(model(held[0]), held[1]))
        return float(patient.loss(model(X), y)), outside

    losses = _Losses(measure)
    failure, diverged = "", False
    try:
        training.fit(
            patient.model, (X, y), loss=patient.loss, optimizer=patient.optimizer, epochs=epochs,
            batch_size=patient.batch_size, seed=patient.seed, progress=False, engine="eager",
            callbacks=[losses],
        )  # fmt: skip
    except NonFiniteError as error:
        failure, diverged = str(error), True
    except _FAILURES as error:
        failure = f"{type(error).__name__}: {error}"
    inside = [a for a, _ in losses.found]
    outside = [b for _, b in losses.found if np.isfinite(b)]
    lr = patient.optimizer.lr
    return Course(inside, outside, failure, diverged, lr, _update_ratio(patient))


def _update_ratio(patient: Patient) -> float:
    """Return the median size of one update relative to that of its parameter."""
    account = patient.account
    if account is None or patient.optimizer is None:
        return float("nan")
    ratios = []
    with np.errstate(all="ignore"):
        for v in account.wanted:
            p, g = np.asarray(v.value, np.float64), np.asarray(v.delta, np.float64)
            new, _ = patient.optimizer.update(p, g, patient.optimizer.init(p))
            if p.ndim > 1 and _norm(p):
                ratios.append(_norm(new - p) / _norm(p))
    return float(np.median(ratios)) if ratios else float("nan")
