"""`ScoreClassifier`: what classifiers share whose network gives one score a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.estimators.dense_rows import DenseRows
from chainrule.estimators.explained import Explained
from chainrule.estimators.kinds import Classifier
from chainrule.estimators.validation import class_codes
from chainrule.graph import Array
from chainrule.training import predict as network_outputs


class ScoreClassifier(Classifier, Explained, DenseRows):
    """Base of classifiers with a score a class, or one alone where there are two classes.

    Attributes
    ----------
    classes_ : array, shape (classes,)
    network_ : Module
        From rows to scores, shape (n, classes), or (n, 1) of two classes.
    """

    def decision_function(self, X: Any) -> Any:
        """Return the scores: shape (n, classes), or of two classes (n,), positive for the second.

        Parameters
        ----------
        X : array_like, shape (n, d)
        """
        self._check_fitted()
        scores = network_outputs(self.network_, self._rows(X))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> Any:
        """Return the class with the largest score for each row."""
        scores = self.decision_function(X)
        best = np.argmax(scores, axis=1) if scores.ndim > 1 else (scores > 0).astype(int)
        return self.classes_[best]

    def _learn_classes(self, y: Any) -> Array:
        """Keep the classes of targets and return each one's place.

        Raises
        ------
        DataError
            If there are fewer than two classes.
        """
        self.classes_, codes = class_codes(y)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__} needs two classes at least: y has the one class "
                f"{self.classes_[0]!r}"
            )
        return codes

    def _codes(self, y: Any) -> Array:
        """Return the place of each target among the known classes.

        Raises
        ------
        DataError
            Naming a class that there was none of in training.
        """
        found, codes = class_codes(np.asarray(y))
        unknown = np.setdiff1d(found, self.classes_)
        if len(unknown):
            raise DataError(
                f"{type(self).__name__} was not trained on the class {unknown[0]!r}; its classes "
                f"are {list(self.classes_)}"
            )
        return np.searchsorted(self.classes_, found)[codes]

    def _examined(self, X: Any, y: Any) -> tuple[Array, Array]:
        return self._rows(X), signs(self._codes(y), len(self.classes_))


def signs(codes: Array, n_classes: int) -> Array:
    """Return targets of 1 for a row's class and -1 for the others, of two classes one column.

    Examples
    --------
    >>> import numpy as np
    >>> signs(np.array([0, 2, 1]), 3).tolist()
    [[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]]
    >>> signs(np.array([0, 1]), 2).tolist()
    [[-1.0], [1.0]]
    """
    columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
    return np.where(codes[:, None] == columns, 1.0, -1.0)
