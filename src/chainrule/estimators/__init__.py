"""Estimators in scikit-learn's world: they keep its contract and pass its checks.

They do not import it to learn from arrays and to predict, which takes less time than importing it
would. Data frames, sparse matrices, categorical features, early stopping, scorers, ``set_output``,
L-BFGS and metadata are handed to its own code and SciPy's, for which the ``sklearn`` extra must be
installed. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.lazy import lazily

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
