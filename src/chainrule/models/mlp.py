"""Multilayer perceptrons for plain arrays, with scikit-learn's conventions."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from chainrule import nn
from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.data import split
from chainrule.errors import ArgumentError, ChainruleError, DataError, ShapeError
from chainrule.graph import Array
from chainrule.models.network import dense
from chainrule.models.settings import OPTIMIZERS, Settings
from chainrule.ops import sigmoid, softmax
from chainrule.training import EarlyStopping, fit
from chainrule.training import predict as network_outputs
from chainrule.training.metrics import accuracy, r2

_ALLOWED: dict[str, Interval | OneOf] = {
    "activation": OneOf(tuple(sorted(set(nn.ACTIVATIONS) - {"binary_step"}))),
    "solver": OneOf(tuple(OPTIMIZERS)),
    "alpha": NON_NEGATIVE,
    "learning_rate_init": POSITIVE,
    "max_iter": COUNT,
    "dropout": FRACTION,
    "early_stopping": OneOf((True, False)),
    "validation_fraction": FRACTION,
    "n_iter_no_change": COUNT,
}


class NotFittedError(ChainruleError, ValueError, AttributeError):
    """An estimator was asked for predictions before it was fitted."""


class _MLP(ABC):
    """What both estimators share."""

    _loss: str

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        solver: str = "adam",
        alpha: float = 1e-4,
        batch_size: int | str = "auto",
        learning_rate_init: float = 1e-3,
        max_iter: int = 200,
        dropout: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: Any = None,
        engine: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.dropout = dropout
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.engine = engine

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Change the constructor's arguments.

        Raises
        ------
        ArgumentError
            If there is no such argument.
        """
        known = self._parameter_names()
        for name, value in params.items():
            if name not in known:
                kind = type(self).__name__
                raise ArgumentError(f"{kind} has no parameter {name!r}; it has {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = (
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not defaults[name].default and value != defaults[name].default
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    @abstractmethod
    def _learn_targets(self, y: Array) -> tuple[Array, int, Array | None]:
        """Return targets as the loss takes them, the number of outputs, and classes or None."""

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """Return a prediction for each row."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows of finite numbers, best standardised.
        y : array_like, shape (n,) or (n, k)
            Targets.
        sample_weight : array_like, shape (n,), optional
            How much each row counts.

        Raises
        ------
        DataError
            If a number is not finite.
        ShapeError
            If the shapes do not fit.
        ArgumentError
            If an argument of the constructor cannot be.
        """
        check(type(self).__name__, _ALLOWED, self.get_params())
        rows = _matrix(X)
        targets = np.asarray(y)
        if len(targets) != len(rows):
            raise ShapeError(f"X has {len(rows)} rows and y {len(targets)}")
        encoded, n_outputs, strata = self._learn_targets(targets)
        self.n_features_in_ = rows.shape[1]
        self.n_outputs_ = n_outputs
        rng = np.random.default_rng(self.random_state)
        seed = int(rng.integers(2**63))
        sizes = [self.n_features_in_, *self.hidden_layer_sizes, n_outputs]
        network = dense(sizes, rng, activation=self.activation, dropout=self.dropout)
        self._train(network, rows, encoded, strata, sample_weight, seed)
        return self

    def _train(
        self, network: nn.Module, X: Array, y: Array, strata: Any, weight: Any, seed: int
    ) -> None:
        kept, held = np.arange(len(X)), None
        if self.early_stopping:
            kept, held = split(len(X), self.validation_fraction, seed, strata)
        size: Any = min(200, len(kept)) if self.batch_size == "auto" else self.batch_size
        settings = Settings(
            optimizer=self.solver, lr=self.learning_rate_init, weight_decay=self.alpha
        )
        self.network_, self.history_ = fit(
            network,
            (X[kept], y[kept]),
            loss=nn.LOSSES[self._loss],
            optimizer=settings.make_optimizer(),
            epochs=self.max_iter,
            batch_size=size,
            seed=seed,
            validation=None if held is None else (X[held], y[held]),
            early_stopping=None if held is None else EarlyStopping(patience=self.n_iter_no_change),
            sample_weight=None if weight is None else np.asarray(weight, np.float32)[kept],
            progress=False,
            engine=self.engine,
        )
        self.n_iter_ = len(self.history_)
        self.loss_curve_ = self.history_["loss"]
        self.loss_ = self.loss_curve_[-1]

    def _outputs(self, X: Any) -> Array:
        if not hasattr(self, "network_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        rows = _matrix(X)
        if rows.shape[1] != self.n_features_in_:
            raise ShapeError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        found: Array = network_outputs(self.network_, rows)
        return found


class MLPClassifier(_MLP):
    """A multilayer perceptron that tells classes apart.

    Two classes have one sigmoid output, more a softmax; targets of shape (n, k) of 0 and 1 are
    independent labels, each with a sigmoid output.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Widths of the hidden layers; empty for a linear model.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`, for the hidden layers.
    solver : {"adam", "sgd"}
        SGD has Nesterov momentum 0.9.
    alpha : float >= 0
        L2 regularisation, added to the gradient as ``alpha * parameter``.
    batch_size : int or "auto"
        Rows of a step; "auto" is the smaller of 200 and the number of rows.
    learning_rate_init : float > 0
        Learning rate.
    max_iter : int >= 1
        Epochs.
    dropout : float in [0, 1)
        Share of the hidden units that training leaves out.
    early_stopping : bool
        Whether to hold rows out, to stop when their loss has not fallen for `n_iter_no_change`
        epochs, and to keep the best weights.
    validation_fraction : float in [0, 1)
        Share of the rows that early stopping holds out.
    n_iter_no_change : int >= 1
        Patience of early stopping.
    random_state : int, Generator or None
        Decides the initial weights and all draws; None takes fresh ones.
    engine : str
        What takes the steps of training, as for `chainrule.training.fit`.

    Attributes
    ----------
    classes_ : array
        The classes in order, or the numbers of the labels.
    network_ : Module
        The trained network, which returns logits.
    history_ : History
        What was measured after each epoch.
    n_iter_, loss_, loss_curve_, n_features_in_, n_outputs_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    >>> xor = MLPClassifier((8,), activation="tanh", learning_rate_init=0.05, random_state=0)
    >>> xor.fit(X, ["no", "yes", "yes", "no"]).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    def _learn_targets(self, y: Array) -> tuple[Array, int, Array | None]:
        if y.ndim == 2 and y.shape[1] > 1:
            if not np.isin(y, (0, 1)).all():
                raise DataError("targets of several columns are labels: 0 or 1 in each")
            self.classes_, self._loss = np.arange(y.shape[1]), "binary_cross_entropy"
            self._multilabel = True
            return y.astype(np.float32), y.shape[1], None
        if y.size != len(y):
            raise ShapeError(f"y has shape {y.shape}: expected one class a row")
        self._multilabel = False
        self.classes_, codes = np.unique(y.reshape(-1), return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"{type(self).__name__} needs two classes or more, y has one")
        if len(self.classes_) == 2:
            self._loss = "binary_cross_entropy"
            return codes[:, None].astype(np.float32), 1, codes
        self._loss = "cross_entropy"
        return codes.astype(np.int64), len(self.classes_), codes

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label, shape (n, k)."""
        outputs = np.asarray(self._outputs(X), np.float64)
        if self._loss == "cross_entropy":
            return np.asarray(softmax(outputs))
        holds = np.asarray(sigmoid(outputs))
        return holds if self._multilabel else np.concatenate([1.0 - holds, holds], axis=1)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row, shape (n,), or 0 and 1 for labels, (n, k)."""
        probabilities = self.predict_proba(X)
        if self._multilabel:
            return (probabilities >= 0.5).astype(np.int64)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; of several labels all must be right."""
        return accuracy(np.asarray(y), self.predict(X), sample_weight)


class MLPRegressor(_MLP):
    """A multilayer perceptron that predicts numbers, trained on squared error.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Widths of the hidden layers; empty for a linear model.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`, for the hidden layers.
    solver : {"adam", "sgd"}
        SGD has Nesterov momentum 0.9.
    alpha : float >= 0
        L2 regularisation, added to the gradient as ``alpha * parameter``.
    batch_size : int or "auto"
        Rows of a step; "auto" is the smaller of 200 and the number of rows.
    learning_rate_init : float > 0
        Learning rate.
    max_iter : int >= 1
        Epochs.
    dropout : float in [0, 1)
        Share of the hidden units that training leaves out.
    early_stopping : bool
        Whether to hold rows out, to stop when their loss has not fallen for `n_iter_no_change`
        epochs, and to keep the best weights.
    validation_fraction : float in [0, 1)
        Share of the rows that early stopping holds out.
    n_iter_no_change : int >= 1
        Patience of early stopping.
    random_state : int, Generator or None
        Decides the initial weights and all draws; None takes fresh ones.
    engine : str
        What takes the steps of training, as for `chainrule.training.fit`.

    Attributes
    ----------
    network_ : Module
        The trained network.
    history_ : History
        What was measured after each epoch.
    n_iter_, loss_, loss_curve_, n_features_in_, n_outputs_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor((16,), learning_rate_init=0.02, random_state=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.95
    True
    """

    _loss = "mse"

    def _learn_targets(self, y: Array) -> tuple[Array, int, Array | None]:
        if y.ndim not in (1, 2):
            raise ShapeError(f"y has shape {y.shape}: expected (n,) or (n, k)")
        numbers = _finite(y.reshape(len(y), -1), "y")
        self._flat = y.ndim == 1
        return numbers, numbers.shape[1], None

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, shape (n,) or (n, k) as `y` had in training."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R2, the mean over several outputs."""
        return r2(y, self.predict(X), sample_weight)


def _matrix(X: Any) -> Array:
    array = np.asarray(X)
    if array.ndim != 2:
        raise ShapeError(f"X has shape {array.shape}: expected rows of features, (n, d)")
    if 0 in array.shape:
        raise ShapeError(f"X has shape {array.shape}: at least one row and one feature are needed")
    return _finite(array, "X")


def _finite(values: Array, name: str) -> Array:
    """Return numbers as float32, refusing what training could not use."""
    try:
        with np.errstate(over="ignore"):
            numbers = np.asarray(values).astype(np.float32)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold numbers, not {np.asarray(values).dtype}") from None
    if not np.isfinite(numbers).all():
        row, column = np.argwhere(~np.isfinite(numbers))[0].tolist()
        value = np.asarray(values)[row, column]
        raise DataError(f"{name} holds {value} at row {row}, column {column}: not a finite float32")
    return numbers
