"""`KernelSVM`: the support vector machine as a network with a unit for each support vector."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.borrowed import kindred
from chainrule.constraints import COUNT, POSITIVE, Constraint, Interval, OneOf
from chainrule.errors import ArgumentError, DataError
from chainrule.estimator import stored
from chainrule.estimators.scores import ScoreClassifier, signs
from chainrule.estimators.smo import Dual, solve_dual
from chainrule.estimators.validation import checked_weights
from chainrule.graph import Array

_OPTIONS = {
    "linear": (),
    "poly": ("degree", "gamma", "coef0"),
    "rbf": ("gamma",),
    "sigmoid": ("gamma", "coef0"),
}


class KernelSVM(ScoreClassifier):
    """Support vector machine with a kernel; of more than two classes, one machine a class.

    It minimises what `chainrule.nn.svm_objective` computes. The solution is a network of two
    layers: each hidden unit is the kernel with one support vector, and the output adds them up,
    weighted by the multipliers of the dual problem, which are found two at a time (sequential
    minimal optimisation) and at last exactly. Names and defaults are those of scikit-learn's SVC;
    of more than two classes that trains a machine a pair instead.

    Parameters
    ----------
    C : float > 0
        Factor of the hinge losses: the smaller, the smoother the function.
    kernel : {"linear", "poly", "rbf", "sigmoid"} or callable
        See `chainrule.nn.KERNELS`; a function maps rows (n, d) and (m, d) to (n, m).
    degree : int >= 1
        Of ``"poly"``.
    gamma : {"scale", "auto"} or float > 0
        Of all but ``"linear"``: ``1 / (d * variance of all numbers)``, or 1/d.
    coef0 : float
        Of ``"poly"`` and ``"sigmoid"``.
    class_weight : dict, "balanced" or None
        Factors of C by class.
    tol : float > 0
        How far from the conditions of optimality the pairwise steps may end.
    max_iter : int >= 1
        Pairs that are optimised at most, for each machine.

    Attributes
    ----------
    classes_ : array, shape (classes,)
    support_ : int array, shape (m,)
        The rows of the training data that are support vectors of some class, in their order.
    support_vectors_ : array, shape (m, d)
    dual_coef_ : array, shape (classes, m), or (1, m) of two classes
        The multipliers, negative for rows that are not of the class (of two, of the second).
    intercept_ : array, shape (classes,) or (1,)
    n_iter_ : int array, shape (classes,) or (1,)
        Pairs that were optimised.
    network_ : nn.Sequential
        An `nn.Kernel` of the support vectors, and an `nn.Linear`.

    Examples
    --------
    >>> X, y = [[-2.0], [-1.0], [1.0], [2.0]], ["left", "left", "right", "right"]
    >>> model = KernelSVM(kernel="linear").fit(X, y)
    >>> model.support_.tolist(), model.dual_coef_.round(3).tolist()
    ([1, 2], [[-0.5, 0.5]])
    >>> model.decision_function([[0.5]]).round(3)
    array([0.5])
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "C": POSITIVE,
        "degree": COUNT,
        "coef0": Interval(-np.inf, np.inf),
        "tol": POSITIVE,
        "max_iter": COUNT,
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        kernel: Any = "rbf",
        degree: int = 3,
        gamma: Any = "scale",
        coef0: float = 0.0,
        class_weight: Any = None,
        tol: float = 1e-3,
        max_iter: int = 1_000_000,
    ) -> None:
        self.__dict__.update(stored(locals()))

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the support vectors and their weights.

        Parameters
        ----------
        X : array_like, shape (n, d)
            The kernels of all pairs of rows are held in memory, 8 n^2 bytes.
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
            Factors of C; a row of weight 0 is left out.
        """
        self._check_arguments()
        X, y = self._rows_and_targets(X, y)
        weight = checked_weights(X, sample_weight, self.class_weight, y)
        weight = np.ones(len(X)) if weight is None else weight.astype(np.float64)
        used = np.flatnonzero(weight > 0)
        if not len(used):
            raise DataError("KernelSVM: every row has the weight 0")
        codes = self._learn_classes(y[used])
        rows, weight = np.asarray(X[used], np.float64), weight[used]
        self._options = self._kernel_options(rows, weight)
        machines = self._machines(rows, signs(codes, len(self.classes_)), weight)
        coefs = np.stack([dual.alpha for dual in machines]) * signs(codes, len(self.classes_)).T
        chosen = np.flatnonzero(np.any(coefs != 0, axis=0))
        self.support_, self.dual_coef_ = used[chosen], coefs[:, chosen]
        self.support_vectors_ = X[self.support_]
        self.intercept_ = np.array([dual.bias for dual in machines])
        self.n_iter_ = np.array([dual.steps for dual in machines])
        self.network_ = self._network(X.dtype)
        return self

    def _kernel_options(self, rows: Array, weight: Array) -> dict[str, Any]:
        """Return what the kernel is called with."""
        if not callable(self.kernel) and self.kernel not in OneOf(tuple(nn.KERNELS)):
            raise ArgumentError(
                f"KernelSVM: kernel must be one of {', '.join(map(repr, nn.KERNELS))} or a "
                f"function, not {self.kernel!r}"
            )
        if self.gamma not in OneOf(("scale", "auto")) and self.gamma not in POSITIVE:
            raise ArgumentError(
                f"KernelSVM: gamma must be 'scale', 'auto' or {POSITIVE}, not {self.gamma!r}"
            )
        gamma = self.gamma
        if gamma == "scale":
            mean = np.average(rows, axis=0, weights=weight).mean()
            variance = np.average(np.mean((rows - mean) ** 2, axis=1), weights=weight)
            gamma = 1.0 / (rows.shape[1] * variance) if variance > 0 else 1.0
        elif gamma == "auto":
            gamma = 1.0 / rows.shape[1]
        given = {"degree": self.degree, "gamma": float(gamma), "coef0": float(self.coef0)}
        names = () if callable(self.kernel) else _OPTIONS[self.kernel]
        return {name: given[name] for name in names}

    def _machines(self, rows: Array, targets: Array, weight: Array) -> list[Dual]:
        """Return the solution for each column of targets."""
        layer = nn.Kernel(rows, self.kernel, dtype=np.float64, **self._options)
        K, bounds = layer(rows), self.C * weight
        duals = [
            solve_dual(K, column, bounds, tol=self.tol, max_steps=self.max_iter)
            for column in targets.T
        ]
        if not all(dual.converged for dual in duals):
            warnings.warn(
                f"KernelSVM has not converged in {self.max_iter} pairs: raise max_iter or tol, or "
                "standardise the features",
                kindred("ConvergenceWarning"),
                stacklevel=3,
            )
        return duals

    def _network(self, dtype: Any) -> nn.Sequential:
        n_outputs, n_vectors = self.dual_coef_.shape
        network = nn.Sequential(
            nn.Kernel(self.support_vectors_, self.kernel, dtype=dtype, **self._options),
            nn.Linear(n_vectors, n_outputs, None, dtype=dtype),
        )
        weights = {"1.weight": self.dual_coef_, "1.bias": self.intercept_}
        return nn.load_parameters(network, weights)

    @property
    def _loss(self) -> Any:
        return nn.hinge

    @property
    def coef_(self) -> Array:
        """Weights of the features, shape (classes, d) or (1, d); of the linear kernel alone."""
        self._check_fitted()
        if self.kernel != "linear":
            raise AttributeError("coef_ is there only with kernel='linear'")
        coef: Array = self.dual_coef_ @ self.support_vectors_
        return coef
