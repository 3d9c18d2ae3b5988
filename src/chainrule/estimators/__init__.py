"""Estimators in scikit-learn's world: they inherit its base classes and pass its checks.

They need the ``sklearn`` extra; nothing else in chainrule does. Names are imported when they are
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.errors import MissingExtraError
from chainrule.lazy import lazily

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingExtraError("scikit-learn", "sklearn") from None

if TYPE_CHECKING:
    from chainrule.estimators.autoencoder import Autoencoder
    from chainrule.estimators.base import Estimator
    from chainrule.estimators.basis_functions import BasisFunctions
    from chainrule.estimators.classifier import MLPClassifier
    from chainrule.estimators.course import DivergenceError
    from chainrule.estimators.kernel_svm import KernelSVM
    from chainrule.estimators.linear_regression import LinearRegression
    from chainrule.estimators.logistic_regression import LogisticRegression
    from chainrule.estimators.perceptron import Perceptron
    from chainrule.estimators.regressor import MLPRegressor

_ESTIMATORS = {
    "Autoencoder": "autoencoder", "BasisFunctions": "basis_functions", "KernelSVM": "kernel_svm",
    "LinearRegression": "linear_regression", "LogisticRegression": "logistic_regression",
    "MLPClassifier": "classifier", "MLPRegressor": "regressor", "Perceptron": "perceptron",
}  # fmt: skip
_HOME = {**_ESTIMATORS, "DivergenceError": "course", "Estimator": "base"}

__all__ = [
    "ESTIMATORS",
    "Autoencoder",
    "BasisFunctions",
    "DivergenceError",
    "Estimator",
    "KernelSVM",
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "Perceptron",
]


_named = lazily(__name__, _HOME)


def __getattr__(name: str) -> Any:
    if name == "ESTIMATORS":  # whatever stands here is put to all of scikit-learn's checks
        return {each: _named(each) for each in _ESTIMATORS}
    return _named(name)
