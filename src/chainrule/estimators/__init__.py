"""Estimators in scikit-learn's world: they inherit its base classes and pass its checks.

They need the ``sklearn`` extra; nothing else in chainrule does.
"""

from chainrule.errors import MissingExtraError

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingExtraError("scikit-learn", "sklearn") from None

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

# Whatever stands here is put to all of scikit-learn's checks by the tests.
ESTIMATORS: dict[str, type[Estimator]] = {
    cls.__name__: cls
    for cls in (
        Autoencoder, BasisFunctions, KernelSVM, LinearRegression, LogisticRegression,
        MLPClassifier, MLPRegressor, Perceptron,
    )
}  # fmt: skip
