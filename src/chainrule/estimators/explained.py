"""`Explained`: estimators whose network and loss can be written down and examined."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from chainrule.estimators.base import Estimator


class Explained(Estimator):
    """Base of estimators with a fitted ``network_`` and a loss of its outputs."""

    @property
    @abstractmethod
    def _loss(self) -> Callable[[Any, Any], Any]:
        """The mean loss of the network's outputs and the targets, penalties left out."""

    @abstractmethod
    def _examined(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return rows and targets as the network and the loss take them."""

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
            See `chainrule.explain`. The loss is that of training, its penalty left out.
        """
        from chainrule.explanation import explain

        self._check_fitted()
        rows, targets = self._examined(X, y)
        function = self._loss

        def loss(network: Any, X: Any) -> Any:
            return function(network(X), targets)

        return explain(loss, wrt="network")(self.network_, rows)

    def diagnose_(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Examine the trained network, its data and its training.

        Parameters
        ----------
        X, y : array_like
            Rows and targets that it was trained on, or others like them.
        **options
            As for `chainrule.diagnose`, such as ``validation``, ``optimizer`` or ``try_fixes``.

        Returns
        -------
        Diagnosis
        """
        from chainrule.doctor import diagnose

        self._check_fitted()
        known = {
            "loss": self._loss,
            "history": getattr(self, "history_", None),
            "names": getattr(self, "feature_names_in_", ()),
        }
        return diagnose(self.network_, self._examined(X, y), **{**known, **options})
