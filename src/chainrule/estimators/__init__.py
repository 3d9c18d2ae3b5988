"""Estimators in scikit-learn's world: they inherit its base classes and pass its checks.

They need the ``sklearn`` extra; nothing else in chainrule does. Names are imported when they are
first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from chainrule.errors import MissingExtraError

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingExtraError("scikit-learn", "sklearn") from None

_ESTIMATORS = {
    "Autoencoder": "autoencoder", "BasisFunctions": "basis_functions", "KernelSVM": "kernel_svm",
    "LinearRegression": "linear_regression", "LogisticRegression": "logistic_regression",
    "MLPClassifier": "classifier", "MLPRegressor": "regressor", "Perceptron": "perceptron",
}  # fmt: skip
_HOME = {**_ESTIMATORS, "DivergenceError": "course", "Estimator": "base"}

__all__ = ["ESTIMATORS", *_HOME]


def __getattr__(name: str) -> Any:
    if name == "ESTIMATORS":  # whatever stands here is put to all of scikit-learn's checks
        value: Any = {each: __getattr__(each) for each in _ESTIMATORS}
    elif name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
