"""`Autoencoder`: a code of few numbers from which a network gives back the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.borrowed import Borrowed, borrow
from chainrule.constraints import (
    COUNT,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    Constraint,
    Interval,
    OneOf,
)
from chainrule.errors import ArgumentError, ShapeError
from chainrule.estimator import stored
from chainrule.estimators.dense_rows import DenseRows
from chainrule.estimators.descent import descended
from chainrule.estimators.explained import Explained
from chainrule.estimators.kinds import Transformer, in_container
from chainrule.estimators.validation import FLOATS, plain_rows, random_of
from chainrule.graph import Array
from chainrule.optim import Adam
from chainrule.training import fit
from chainrule.training import predict as network_outputs


class Autoencoder(Transformer, Explained, DenseRows):
    """Autoencoder: rows to a code of few numbers and back, with the least squared error.

    Without hidden layers it is linear, and its decoder spans the subspace of principal component
    analysis. It is trained on rows less their mean, which the trained network's biases hold. See
    `chainrule.nn.Autoencoder` for the variants' sources.

    Parameters
    ----------
    n_components : int >= 1
        Numbers of the code.
    hidden_layer_sizes : sequence of int
        Widths of the layers between a row and the code; the decoder has them in reverse.
    activation, code_activation, output_activation : str or callable
        Of the hidden layers, of the code and of the reconstruction.
    tied : bool
        Whether the decoder's weights are the encoder's, transposed.
    noise : float in [0, 1)
        Share of a row's numbers in whose place training puts the features' means, and asks for
        them all the same.
    sparsity : {"l1", "kl", None}
        Penalty on the code's activity, see `chainrule.nn.sparse_reconstruction`; ``"kl"`` needs
        ``code_activation="sigmoid"``.
    sparsity_strength : float >= 0
        Factor of the penalty.
    sparsity_rate : float in (0, 1)
        Mean activity that ``"kl"`` asks for.
    solver : {"adam", "lbfgs"}
        On batches, or on all rows at once, which takes no noise.
    learning_rate_init : float > 0
        Of ``"adam"``.
    batch_size : int >= 1
        Of ``"adam"``.
    max_iter : int >= 1
        Epochs of ``"adam"``, iterations of ``"lbfgs"``.
    tol : float > 0
        ``"lbfgs"`` ends when no element of the gradient is larger.
    random_state : int, RandomState or None
        Of initial weights, the order of the rows, and noise.
    engine : str
        Of ``"adam"``; see `chainrule.training.fit`.

    Attributes
    ----------
    loss_ : float
        Mean squared error of the training rows, penalties left out.
    n_iter_ : int
    network_ : nn.Autoencoder

    Examples
    --------
    >>> import numpy as np
    >>> line = np.linspace(-1, 1, 20)[:, None] * [[3.0, 4.0]]
    >>> model = Autoencoder(1, solver="lbfgs", random_state=0).fit(line)
    >>> model.transform(line).shape, bool(model.loss_ < 1e-6)
    ((20, 1), True)
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "n_components": COUNT,
        "tied": OneOf((True, False)),
        "noise": FRACTION,
        "sparsity": OneOf(("l1", "kl", None)),
        "sparsity_strength": NON_NEGATIVE,
        "sparsity_rate": Interval(0, 1, "neither"),
        "solver": OneOf(("adam", "lbfgs")),
        "learning_rate_init": POSITIVE,
        "batch_size": COUNT,
        "max_iter": COUNT,
        "tol": POSITIVE,
    }

    get_feature_names_out = Borrowed("sklearn.base", "ClassNamePrefixFeaturesOutMixin")

    def __init__(
        self,
        n_components: int = 2,
        *,
        hidden_layer_sizes: Sequence[int] = (),
        activation: Any = "tanh",
        code_activation: Any = "identity",
        output_activation: Any = "identity",
        tied: bool = False,
        noise: float = 0.0,
        sparsity: str | None = None,
        sparsity_strength: float = 0.1,
        sparsity_rate: float = 0.05,
        solver: str = "adam",
        learning_rate_init: float = 1e-3,
        batch_size: int = 200,
        max_iter: int = 200,
        tol: float = 1e-6,
        random_state: Any = None,
        engine: str = "auto",
    ) -> None:
        self.__dict__.update(stored(locals()))

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train a new network to give back the rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Best of numbers of like spread, such as standardised ones.
        y : ignored
        """
        self._check_arguments()
        if self.sparsity == "kl" and self.code_activation != "sigmoid":
            raise ArgumentError(
                "Autoencoder: sparsity='kl' needs code_activation='sigmoid', for activities "
                f"between 0 and 1, not {self.code_activation!r}"
            )
        if self.noise and self.solver == "lbfgs":
            raise ArgumentError("Autoencoder: noise needs solver='adam', which trains on batches")
        X = self._rows(X, reset=True)
        seed = int(random_of(self.random_state).randint(2**31))
        mean = np.mean(X, axis=0)
        centred = X - mean
        target = centred if self.output_activation == "identity" else X
        start = self._start(X, seed)
        train = self._trained if self.solver == "adam" else self._descended
        self.network_: Any
        if self.sparsity is None:
            trained = train(start, centred, target, nn.mse, seed)
        else:
            loss = partial(
                nn.sparse_reconstruction,
                penalty=self.sparsity,
                strength=self.sparsity_strength,
                rate=self.sparsity_rate,
            )
            trained = train(nn.WithCode(start), centred, target, loss, seed).autoencoder
        self.network_ = trained.shifted(mean, mean if target is centred else np.zeros_like(mean))
        self.loss_ = float(np.mean(self._errors(X)))
        return self

    def _start(self, X: Array, seed: int) -> nn.Autoencoder:
        return nn.Autoencoder(
            [X.shape[1], *self.hidden_layer_sizes, self.n_components],
            seed,
            activation=self.activation,
            code_activation=self.code_activation,
            output_activation=self.output_activation,
            tied=self.tied,
            noise=self.noise,
            dtype=X.dtype,
        )

    def _trained(self, network: nn.Module, X: Array, y: Array, loss: Any, seed: int) -> Any:
        trained, history = fit(
            network, (X, y), loss=loss, optimizer=Adam(self.learning_rate_init),
            epochs=self.max_iter, batch_size=min(self.batch_size, len(X)), seed=seed,
            progress=False, engine=self.engine,
        )  # fmt: skip
        self.n_iter_ = len(history)
        return trained

    def _descended(self, network: nn.Module, X: Array, y: Array, loss: Any, seed: int) -> Any:
        trained, self.n_iter_ = descended(
            self, lambda network: loss(network(X), y), network, self.tol, self.max_iter
        )
        return trained

    @in_container
    def transform(self, X: Any) -> Any:
        """Return the code of each row, shape (n, n_components).

        Parameters
        ----------
        X : array_like, shape (n, d)
        """
        self._check_fitted()
        return network_outputs(self.network_.encoder, self._rows(X))

    def inverse_transform(self, code: Any) -> Any:
        """Return what codes stand for, shape (n, d).

        Parameters
        ----------
        code : array_like, shape (n, n_components)
        """
        self._check_fitted()
        numbers = plain_rows(code)
        if numbers is None or not np.isfinite(numbers).all():
            check = borrow("sklearn.utils", "check_array")
            numbers = check(code, dtype=FLOATS, input_name="code")
        if numbers.shape[1] != self.n_components:
            raise ShapeError(
                f"Autoencoder: a code has {self.n_components} numbers, not {numbers.shape[1]}"
            )
        return self.network_.decode(numbers)

    def reconstruction_error(self, X: Any) -> Any:
        """Return the mean squared error of each row's reconstruction, shape (n,).

        Parameters
        ----------
        X : array_like, shape (n, d)
        """
        self._check_fitted()
        return self._errors(self._rows(X))

    def _errors(self, X: Array) -> Any:
        return np.mean((network_outputs(self.network_, X) - X) ** 2, axis=1)

    @property
    def _n_features_out(self) -> int:
        width: int = self.n_components
        return width

    @property
    def _loss(self) -> Any:
        return nn.mse

    def _examined(self, X: Any, y: Any) -> tuple[Array, Array]:
        rows = self._rows(X)
        return rows, rows
