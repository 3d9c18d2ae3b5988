"""What `MLPClassifier` and `MLPRegressor` share."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from types import MethodType
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.borrowed import Borrowed, borrow, is_sparse
from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.errors import ArgumentError
from chainrule.estimator import plain
from chainrule.estimators.callbacks import Tasks, with_callbacks
from chainrule.estimators.course import DivergenceError, Held, descend
from chainrule.estimators.explained import Explained
from chainrule.estimators.heads import Heads
from chainrule.estimators.lbfgs import minimise
from chainrule.estimators.network import Kept, start, wide
from chainrule.estimators.rows import outputs_of, part, rows_of
from chainrule.estimators.solvers import Solver
from chainrule.estimators.validation import (
    FLOATS,
    checked_targets,
    checked_weights,
    random_of,
)
from chainrule.graph import Array
from chainrule.nn.dense import NORMALIZATIONS, for_each
from chainrule.optim import Optimizer
from chainrule.training import Rows
from chainrule.training.plan import ENGINES

_NAMES = {"logistic": "sigmoid"}  # of activations, where scikit-learn's differ
_BOOLEAN = OneOf((True, False))
_SOLVERS = OneOf(("lbfgs", "sgd", "adam"))
_RATES = OneOf(("constant", "invscaling", "adaptive"))
_ACTIVATIONS = OneOf(tuple(sorted({*nn.ACTIVATIONS, *_NAMES} - {"binary_step"})))


class stochastic:  # noqa: N801 (a decorator)
    """A method that is there if an estimator can take single steps."""

    def __init__(self, method: Any) -> None:
        self.method, self.__doc__ = method, method.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self.method
        if instance.solver == "lbfgs":
            raise AttributeError(
                f"{owner.__name__} has no {self.method.__name__!r}, which is only available for "
                "stochastic optimizers: solver='lbfgs' is none"
            )
        return MethodType(self.method, instance)


class MLP(Explained):
    """Base of the two; a subclass says what targets are and what outputs mean."""

    coefs_: list[Array]
    intercepts_: list[Array]
    _sparse = True
    set_callbacks = Borrowed("sklearn.callback", "CallbackSupportMixin")  # of 1.9 and newer
    _init_callback_context = Borrowed("sklearn.callback", "CallbackSupportMixin")
    allowed: ClassVar[Mapping[str, Interval | OneOf]] = {
        "alpha": NON_NEGATIVE,
        "learning_rate_init": POSITIVE,
        "power_t": NON_NEGATIVE,
        "max_iter": COUNT,
        "shuffle": _BOOLEAN,
        "tol": NON_NEGATIVE,
        "warm_start": _BOOLEAN,
        "momentum": FRACTION,
        "nesterovs_momentum": _BOOLEAN,
        "early_stopping": _BOOLEAN,
        "validation_fraction": FRACTION,
        "beta_1": FRACTION,
        "beta_2": FRACTION,
        "epsilon": POSITIVE,
        "max_fun": COUNT,
        "normalization": OneOf((None, *NORMALIZATIONS)),
        "engine": OneOf(ENGINES),
    }

    # What a subclass says -----------------------------------------------------------------------

    @abstractmethod
    def _learn_targets(self, y: Array, first: bool, incremental: bool) -> None:
        """Learn classes or the shape of targets, or compare with what was learned."""

    @abstractmethod
    def _make_heads(self, y: Any) -> Heads:
        """Return what the outputs mean."""

    @abstractmethod
    def _encoded(self, y: Array, dtype: Any) -> list[Array]:
        """Return targets as the loss takes them, one array for each head."""

    @abstractmethod
    def _predicted(self, outputs: Array) -> Array:
        """Return predictions for a network's outputs."""

    # Fitting ------------------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix, shape (n, d)
        y : array_like, shape (n,) or (n, k)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Not negative. A row of weight 2 counts as the row given twice, one of 0 as not given.
        validation_data : tuple ``(X, y)`` or ``(X, y, sample_weight)``, optional
            Rows that are not trained on: their loss goes to `validation_loss_curve_`, and early
            stopping watches them in place of rows that it would hold out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If an argument or the data cannot be used.
        DivergenceError
            If training leads to numbers that are not finite: a ValueError that says where.
        """
        return self._fit(X, y, sample_weight, validation_data)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any = None, once: bool = False
    ) -> Self:
        self._check_arguments()
        if self.early_stopping and once:
            raise ArgumentError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or not (self.warm_start or once)
        given = X, y
        X, y = self._inputs(X, y, first)
        self._learn_targets(y, first, once)
        random = random_of(self.random_state)
        dtype = _dtype_of(X)
        if first:
            self._heads = self._make_heads(given[1] if y.ndim > 1 else y)
            self._start(X, dtype, random)
        elif not hasattr(self, "_kept"):
            self._adopt_by_hand(y, dtype)
        weight = checked_weights(
            _any_array(X), sample_weight, getattr(self, "class_weight", None), y
        )
        rows = rows_of(X, self._encoded(y, dtype), weight, dtype)
        counted = np.arange(len(rows)) if weight is None else np.flatnonzero(weight)
        if len(counted) == 0:
            raise ArgumentError("all sample weights are zero: no row is left to learn from")
        if self.solver == "lbfgs":
            self._minimise(rows, counted, given, validation_data)
        else:
            self._descend(rows, counted, given, validation_data, random, once)
        self._check_finite()
        if isinstance(X, dict):
            self._categories.settle([table.weight for table in self.network_.embeddings])
        return self

    def _minimise(self, rows: Rows, counted: Array, given: Any, validation_data: Any) -> None:
        if validation_data is not None or self.callbacks:
            raise ArgumentError(
                "solver='lbfgs' has no epochs: validation_data and callbacks need solver='adam', "
                "'sgd' or an optimizer"
            )
        for name in ("_optimizer", "history_"):
            self.__dict__.pop(name, None)
        tasks = Tasks(self, 0, self._snapshot, X=given[0], y=given[1])
        tasks.begin()
        minimise(self, part(rows, counted) if len(counted) < len(rows) else rows)
        tasks.end()

    def _descend(
        self, rows: Rows, counted: Array, given: Any, validation_data: Any, random: Any, once: bool
    ) -> None:
        solver = self._optimizer if once and hasattr(self, "_optimizer") else Solver.of(self)
        if (self.best_loss_ is None) != self.early_stopping:  # the last fit stopped otherwise
            self._open_books()
        held = None
        if validation_data is not None:
            held = self._given_rows(validation_data, rows.dtype)
        elif self.early_stopping:
            counted, held = self._split(rows, counted, given, random)
        if len(counted) < len(rows):
            rows = part(rows, counted)
        epochs = 1 if once else self.max_iter
        tasks = Tasks(self, epochs, self._snapshot, X=given[0], y=given[1])
        tasks.begin()
        self._optimizer: Solver = solver
        self.history_ = descend(self, rows, held, solver, tasks, random, once)
        tasks.end()

    def _inputs(self, X: Any, y: Any, first: bool) -> tuple[Any, Array]:
        """Return rows as the network takes them, and targets."""
        if self.categorical_features is None:
            X, y = self._rows_and_targets(
                X, y, reset=first, several=True, numeric=self._numeric_targets
            )
        else:
            self._learn_features(X, first)
            y = checked_targets(X, y, self._numeric_targets)
            X = self._categorised(X, first)
        return X, y.toarray() if is_sparse(y) else y

    def _learn_features(self, X: Any, first: bool) -> None:
        """Learn number and names of the features, or compare them."""
        validate = borrow("sklearn.utils.validation", "validate_data")
        validate(self, X, skip_check_array=True, reset=first)

    def _categorised(self, X: Any, first: bool) -> Any:
        if is_sparse(X):
            raise ArgumentError("categorical_features needs a data frame or an array, not CSR")
        from chainrule.estimators.categories import Categories, categorical_columns

        n = self.n_features_in_
        if first:
            columns = categorical_columns(self.categorical_features, X, n)
            self._categories = Categories.learn(X, columns)
        if not self._categories.columns:
            return self._rows(X)
        return self._categories.apart(X, n, FLOATS, self._refuse)

    def _prepared(self, X: Any) -> Any:
        """Return rows to be predicted as the network takes them."""
        if self.categorical_features is None:
            return self._rows(X)
        self._learn_features(X, False)
        return self._categorised(X, False)

    # The network --------------------------------------------------------------------------------

    def _sizes(self) -> list[int]:
        given = self.hidden_layer_sizes
        sizes = [int(n) for n in given] if isinstance(given, Iterable) else [int(given)]
        if any(n <= 0 for n in sizes):
            raise ArgumentError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _activations(self) -> list[Any]:
        given = self.activation
        each = [plain(one) for one in given] if isinstance(given, (list, tuple)) else [plain(given)]
        for one in each:
            if not callable(one):
                check(type(self).__name__, {"activation": _ACTIVATIONS}, {"activation": one})
        names = [one if callable(one) else _NAMES.get(one, one) for one in each]
        return for_each(
            "activation", names if isinstance(given, (list, tuple)) else names[0],
            len(self._sizes()),
        )  # fmt: skip

    def _untrained(self, n_numbers: int, embedded: list[tuple[int, int]], dtype: Any) -> Any:
        """Return a network with zeros."""
        options: dict[str, Any] = {
            "activation": self._activations(),
            "dropout": self.dropout,
            "normalization": plain(self.normalization),
            "dtype": dtype,
        }
        sizes = [*self._sizes(), self._heads.width]
        if embedded:
            return nn.TableNetwork(n_numbers, embedded, sizes, None, **options)
        return nn.dense([n_numbers, *sizes], None, **options)

    def _start(self, X: Any, dtype: Any, random: np.random.RandomState) -> None:
        """Make a network with initial weights, and empty books."""
        embedded: list[tuple[int, int]] = []
        n_numbers = X.shape[1] if not isinstance(X, dict) else 0
        if isinstance(X, dict):
            embedded = self._categories.embedded
            n_numbers = X["numbers"].shape[1] if "numbers" in X else 0
        network = self._untrained(n_numbers, embedded, dtype)
        self._adopt(start(network, self._activations(), random))
        self.n_outputs_ = self._heads.width
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = self._heads.activation
        self.n_iter_ = self.t_ = 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self._open_books()

    def _open_books(self) -> None:
        """Begin the record of what stopping watches."""
        stops = bool(self.early_stopping)
        self._no_improvement_count = 0
        self.best_loss_ = None if stops else math.inf
        self.validation_scores_: list[float] | None = [] if stops else None
        self.best_validation_score_ = -math.inf if stops else None

    def _snapshot(self) -> dict[str, Any]:
        """Return copies of what predicts, which training changes in place."""
        return copy.deepcopy(
            {name: vars(self)[name] for name in ("coefs_", "intercepts_", "_kept")}
        )

    def _adopt_by_hand(self, y: Array, dtype: Any) -> None:
        """Make a network of ``coefs_`` and ``intercepts_`` that were set without a fit."""
        self._heads = self._make_heads(y)
        coefs, intercepts = self.coefs_, self.intercepts_
        self._kept = Kept(self._untrained(np.shape(coefs[0])[0], [], dtype))
        self.coefs_ = [np.asarray(c, dtype) for c in coefs]
        self.intercepts_ = [np.asarray(b, dtype) for b in intercepts]

    def _adopt(self, network: nn.Module) -> None:
        """Hold a network's arrays, without copying."""
        self._kept = Kept(network)
        self.coefs_, self.intercepts_ = Kept.coefs(network)

    @property
    def network_(self) -> Any:
        """The network, which maps rows to outputs before their activation."""
        self._check_fitted("_kept")
        return self._kept.network(self.coefs_, self.intercepts_)

    def _check_finite(self) -> None:
        if not all(np.isfinite(p).all() for p in [*self.coefs_, *self.intercepts_]):
            raise DivergenceError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )

    def _check_arguments(self) -> None:
        super()._check_arguments()
        owner = type(self).__name__
        if not isinstance(self.solver, Optimizer):
            check(owner, {"solver": _SOLVERS}, {"solver": plain(self.solver)})
        if not callable(self.learning_rate):
            check(owner, {"learning_rate": _RATES}, {"learning_rate": plain(self.learning_rate)})
        if self.batch_size != "auto":
            check(owner, {"batch_size": COUNT}, {"batch_size": self.batch_size})
        if self.n_iter_no_change != math.inf:
            check(owner, {"n_iter_no_change": COUNT}, {"n_iter_no_change": self.n_iter_no_change})
        for share in for_each("dropout", self.dropout, len(self._sizes())):
            check(owner, {"dropout": FRACTION}, {"dropout": share})
        self._activations()

    # Rows that are held out ---------------------------------------------------------------------

    def _split(
        self, rows: Rows, counted: Array, given: Any, random: np.random.RandomState
    ) -> tuple[Array, Held]:
        """Return the places of rows to train on, and the rest."""
        strata = None
        if self._stratified:
            strata = rows.y[0][counted].astype(bool)
        kept, held = borrow("sklearn.model_selection", "train_test_split")(
            counted, random_state=random, test_size=self.validation_fraction,
            stratify=strata,
        )  # fmt: skip
        if len(held) < 2:
            raise ArgumentError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        X, y = (borrow("sklearn.utils", "_safe_indexing")(one, held) for one in given)
        return kept, Held(part(rows, held), X, y)

    def _given_rows(self, validation_data: Any, dtype: Any) -> Held:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ArgumentError("validation_data must be (X, y) or (X, y, sample_weight)")
        X, y, *more = validation_data
        inputs, targets = self._inputs(X, y, False)
        self._learn_targets(targets, False, True)
        weight = checked_weights(_any_array(inputs), more[0] if more else None)
        return Held(rows_of(inputs, self._encoded(targets, dtype), weight, dtype), X, y)

    # Outputs ------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs, in double precision."""
        self._check_fitted()
        with np.errstate(all="ignore"):
            return outputs_of(wide(self.network_), self._prepared(X))

    def _examined(self, X: Any, y: Any) -> tuple[Any, Any]:
        rows = self._prepared(X)
        targets = np.asarray(y)
        self._learn_targets(targets, False, True)
        encoded = self._encoded(targets, self.coefs_[0].dtype)
        rows = rows.toarray() if is_sparse(rows) else rows
        return rows, encoded[0] if len(encoded) == 1 else encoded

    @property
    def _loss(self) -> Any:
        heads = self._heads
        if len(heads.parts) == 1 and heads.parts[0].factor == 1.0:
            return heads.parts[0].loss
        several = len(heads.parts) > 1

        def loss(outputs: Any, targets: Any) -> Any:
            return np.mean(heads.costs(outputs, targets if several else [targets]))

        return loss


def _any_array(X: Any) -> Any:
    return next(iter(X.values())) if isinstance(X, dict) else X


def _dtype_of(X: Any) -> Any:
    if isinstance(X, dict):
        return X["numbers"].dtype if "numbers" in X else np.dtype(np.float64)
    return X.dtype
