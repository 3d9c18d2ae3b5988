"""Estimators in scikit-learn's world: they inherit its base classes and pass its checks.

They need the ``sklearn`` extra; nothing else in chainrule does.
"""

from chainrule.errors import MissingExtraError

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingExtraError("scikit-learn", "sklearn") from None

from chainrule.estimators.base import Estimator
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.course import DivergenceError
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["ESTIMATORS", "DivergenceError", "Estimator", "MLPClassifier", "MLPRegressor"]

# Whatever stands here is put to all of scikit-learn's checks by the tests.
ESTIMATORS: dict[str, type[Estimator]] = {
    cls.__name__: cls for cls in (MLPClassifier, MLPRegressor)
}
