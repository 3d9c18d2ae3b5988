"""`Perceptron`: a linear threshold unit that learns by its own rule, and its averaged kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.constraints import COUNT, POSITIVE, Constraint, OneOf
from chainrule.estimator import stored
from chainrule.estimators.scores import ScoreClassifier, signs
from chainrule.estimators.validation import random_of
from chainrule.graph import Array


class Perceptron(ScoreClassifier):
    """Perceptron: after an error, the weights move by the input; of more classes, one a class.

    The rule is Rosenblatt's ("The perceptron", 1958): where ``target * score <= 0``, with targets
    of -1 and 1, add ``lr * target * x`` to the weights and ``lr * target`` to the bias. It is
    stochastic gradient descent, one row at a time, on `chainrule.nn.perceptron`.

    Parameters
    ----------
    averaged : bool
        Whether the mean of the weights after every row is what is kept, which errs less on new
        data where no line divides the classes (Freund and Schapire, "Large margin classification
        using the perceptron algorithm", 1999; Collins, EMNLP 2002).
    lr : float > 0
        Learning rate. From weights of zero it scales them and changes no prediction.
    fit_intercept : bool
        Whether there are biases.
    max_iter : int >= 1
        Times that the rows are gone through at most.
    n_iter_no_change : int >= 1
        Times without fewer errors than before, after which it ends: where no line divides the
        classes, the rule alone would go on for ever.
    shuffle : bool
        Whether each time in a new random order.
    random_state : int, RandomState or None
        Of the orders.

    Attributes
    ----------
    classes_ : array, shape (classes,)
    coef_ : array, shape (classes, d), or (1, d) of two classes
    intercept_ : array, shape (classes,) or (1,)
    n_iter_ : int
        Times that the rows were gone through.
    n_updates_ : int
        Errors from which it learned.
    network_ : nn.Linear

    Examples
    --------
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> model = Perceptron(shuffle=False).fit(X, y)
    >>> model.coef_.tolist(), model.intercept_.tolist(), model.n_updates_
    ([[3.0, 2.0]], [-4.0], 18)
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "averaged": OneOf((True, False)),
        "lr": POSITIVE,
        "fit_intercept": OneOf((True, False)),
        "max_iter": COUNT,
        "n_iter_no_change": COUNT,
        "shuffle": OneOf((True, False)),
    }

    def __init__(
        self,
        *,
        averaged: bool = False,
        lr: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        n_iter_no_change: int = 10,
        shuffle: bool = True,
        random_state: Any = None,
    ) -> None:
        self.__dict__.update(stored(locals()))

    def fit(self, X: Any, y: Any) -> Self:
        """Learn until the rows are gone through without an error, or it ends for another reason.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,)
            Classes.
        """
        self._check_arguments()
        X, y = self._rows_and_targets(X, y)
        targets = signs(self._learn_classes(y), len(self.classes_))
        constant = np.ones((len(X), int(self.fit_intercept)))
        rows = np.hstack([np.asarray(X, np.float64), constant])
        rng = random_of(self.random_state)
        units, late = np.zeros((2, targets.shape[1], rows.shape[1]))
        seen, errors = 0, list[int]()
        while len(errors) < self.max_iter and not self._settled(errors):
            order = rng.permutation(len(rows)) if self.shuffle else np.arange(len(rows))
            errors.append(self._learn(units, late, seen, rows[order], targets[order]))
            seen += len(rows)
        self.n_iter_, self.n_updates_ = len(errors), sum(errors)
        self._keep(units - late / seen if self.averaged else units, X)
        return self

    def _settled(self, errors: list[int]) -> bool:
        """Return whether the last pass was without an error, or fewer errors are long ago."""
        if not errors:
            return False
        return not errors[-1] or len(errors) - 1 - int(np.argmin(errors)) >= self.n_iter_no_change

    def _learn(self, units: Array, late: Array, seen: int, rows: Array, targets: Array) -> int:
        """Change the units by the rule, row after row, and return the number of errors.

        Each change is added to `late` as often as there were rows before it: what the sum of the
        units after every row lacks of the last units times the number of rows.
        """
        errors = 0
        for i, (x, target) in enumerate(zip(rows, targets, strict=True)):
            wrong = target * (units @ x) <= 0
            if wrong.any():
                change = np.outer(np.where(wrong, self.lr * target, 0.0), x)
                units += change
                late += (seen + i) * change
                errors += int(wrong.sum())
        return errors

    def _keep(self, units: Array, X: Array) -> None:
        layer = nn.Linear(X.shape[1], len(units), None, bias=self.fit_intercept, dtype=X.dtype)
        arrays = {"weight": units[:, : X.shape[1]]}
        if self.fit_intercept:
            arrays["bias"] = units[:, -1]
        self.network_ = nn.load_parameters(layer, arrays)
        self.coef_ = self.network_.weight
        bias = self.network_.bias
        self.intercept_ = np.zeros(len(units), X.dtype) if bias is None else bias

    @property
    def _loss(self) -> Any:
        return nn.perceptron
