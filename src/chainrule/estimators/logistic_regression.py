"""`LogisticRegression`: a network of one layer, behind it a sigmoid or a softmax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.constraints import COUNT, POSITIVE, Constraint, OneOf
from chainrule.estimator import stored
from chainrule.estimators.coordinates import Coordinates
from chainrule.estimators.descent import descended, shrunk
from chainrule.estimators.scores import ScoreClassifier
from chainrule.estimators.validation import checked_weights
from chainrule.graph import Array
from chainrule.ops import log_sigmoid, log_softmax, sigmoid, softmax


class LogisticRegression(ScoreClassifier):
    """Logistic regression: of two classes one unit and a sigmoid, of more a unit a class, softmax.

    It minimises ``penalty + C * sum of the rows' cross-entropies``, as scikit-learn's estimator of
    this name does; the biases are not penalised. It descends by rows that are standardised inside,
    and the weights are those of the features as they were given.

    Parameters
    ----------
    penalty : {"l2", "l1", None}
        Half the sum of the weights' squares; the sum of their absolute values, which makes some of
        them zero; or nothing.
    C : float > 0
        The smaller, the stronger the penalty.
    fit_intercept : bool
        Whether there are biases.
    class_weight : dict, "balanced" or None
        Factors of the rows' weights by class.
    tol : float > 0
        It ends when no element of the gradient of the objective, divided by C and by the sum of
        the rows' weights, is larger.
    max_iter : int >= 1
        Iterations of L-BFGS, with ``"l1"`` of OWL-QN.

    Attributes
    ----------
    classes_ : array, shape (classes,)
    coef_ : array, shape (classes, d), or (1, d) of two classes
    intercept_ : array, shape (classes,) or (1,)
    n_iter_ : int
    network_ : nn.Linear
        From rows to logits.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["few", "few", "many", "many"]
    >>> model = LogisticRegression().fit(X, y)
    >>> model.predict([[0.4], [2.9]]).tolist()
    ['few', 'many']
    >>> model.predict_proba([[1.5]]).round(3)
    array([[0.5, 0.5]])
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "penalty": OneOf(("l2", "l1", None)),
        "C": POSITIVE,
        "fit_intercept": OneOf((True, False)),
        "tol": POSITIVE,
        "max_iter": COUNT,
    }

    def __init__(
        self,
        *,
        penalty: str | None = "l2",
        C: float = 1.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-7,
        max_iter: int = 1000,
    ) -> None:
        self.__dict__.update(stored(locals()))

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
        """
        self._check_arguments()
        X, y = self._rows_and_targets(X, y)
        codes = self._learn_classes(y)
        weight = checked_weights(X, sample_weight, self.class_weight, y)
        weight = np.ones(len(X)) if weight is None else weight.astype(np.float64)
        strength = 0.0 if self.penalty is None else 1.0 / (self.C * np.sum(weight))
        # The penalty bends the objective too: with it, each coordinate bends about as much.
        extra = 4.0 * strength if self.penalty == "l2" else 0.0
        at = Coordinates.of(X, weight, centre=self.fit_intercept, scale=True, extra=extra)
        found = self._fitted(at, codes, weight, strength)
        bias = found[:, -1] if self.fit_intercept else None
        if bias is not None and len(bias) > 1:
            bias = bias - np.mean(bias)  # a number added to all changes no probability
        self.network_ = at.network(found[:, : X.shape[1]], bias, X.dtype)
        self.coef_ = self.network_.weight
        self.intercept_ = np.zeros(len(found), X.dtype) if bias is None else self.network_.bias
        return self

    def _fitted(self, at: Coordinates, codes: Array, weight: Array, strength: float) -> Array:
        """Return a row of weights for each unit, its bias at the end, if there are any."""
        rows, scale = at.rows, 1.0 / at.spread
        if self.fit_intercept:
            rows, scale = np.column_stack([rows, np.ones(len(rows))]), np.append(scale, 0.0)
        shape = (1 if len(self.classes_) == 2 else len(self.classes_), len(scale))

        def costs(units: Any) -> Any:
            logits = rows @ np.reshape(units, shape).T
            if len(self.classes_) == 2:
                return nn.binary_cross_entropy(logits[:, 0], codes, sample_weight=weight)
            return nn.cross_entropy(logits, codes, sample_weight=weight)

        def penalised(units: Any) -> Any:
            return costs(units) + 0.5 * strength * np.sum((np.reshape(units, shape) * scale) ** 2)

        start = np.zeros(math.prod(shape))
        if self.penalty == "l1":
            strengths = np.tile(strength * scale, shape[0])
            found, self.n_iter_ = shrunk(self, costs, start, strengths, self.tol, self.max_iter)
        else:
            found, self.n_iter_ = descended(self, penalised, start, self.tol, self.max_iter)
        return found.reshape(shape)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row, shape (n, classes)."""
        scores = self.decision_function(X)
        if scores.ndim > 1:
            return softmax(scores)
        return np.stack([sigmoid(-scores), sigmoid(scores)], axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of the probabilities, also of those too small for floats."""
        scores = self.decision_function(X)
        if scores.ndim > 1:
            return log_softmax(scores)
        return np.stack([log_sigmoid(-scores), log_sigmoid(scores)], axis=1)

    @property
    def _loss(self) -> Any:
        return nn.binary_cross_entropy if len(self.classes_) == 2 else nn.cross_entropy

    def _examined(self, X: Any, y: Any) -> tuple[Array, Array]:
        codes = self._codes(y)
        return self._rows(X), codes[:, None] if len(self.classes_) == 2 else codes
