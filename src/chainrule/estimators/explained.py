"""`Explained`: estimators whose network and loss can be written down and examined."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from sklearn.utils.validation import check_is_fitted

from chainrule.estimators.dense_rows import DenseRows


class Explained(DenseRows):
    """Base of estimators with a fitted ``network_`` and a loss of its outputs."""

    @abstractmethod
    def _loss(self, outputs: Any, targets: Any) -> Any:
        """Return the mean loss of the network's outputs, penalties left out."""

    @abstractmethod
    def _targets(self, X: Any, y: Any) -> Any:
        """Return targets as the loss takes them, for checked rows."""

    def explain_(self, X: Any, y: Any = None) -> Any:
        """Write down forward and backward pass of the trained network's loss on rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            A few rows.
        y : array_like
            Their targets, as `fit` takes them.

        Returns
        -------
        Explanation
            See `chainrule.explain`. The loss is the mean over rows, penalties left out.
        """
        from chainrule.explanation import explain

        check_is_fitted(self)
        rows = self._rows(X)
        targets = self._targets(rows, y)

        def loss(network: Any, X: Any) -> Any:
            return self._loss(network(X), targets)

        return explain(loss, wrt="network")(self.network_, rows)

    def diagnose_(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Examine the trained network and its data.

        Parameters
        ----------
        X, y : array_like
            Rows and targets that it was trained on, or others like them.
        **options
            As for `chainrule.diagnose`, such as ``validation`` or ``optimizer``.

        Returns
        -------
        Diagnosis
        """
        from chainrule.doctor import diagnose

        check_is_fitted(self)
        rows = self._rows(X)
        known = {"loss": self._loss, "names": getattr(self, "feature_names_in_", ())}
        return diagnose(self.network_, (rows, self._targets(rows, y)), **{**known, **options})
