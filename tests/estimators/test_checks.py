"""scikit-learn's own checks, put to every estimator of the package, with no expected failures."""

import pytest

pytest.importorskip("pandas")
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import ESTIMATORS

QUICK = {
    "MLPClassifier": [{"max_iter": 100}],
    "MLPRegressor": [{"max_iter": 100}],
}


def instances():
    return [cls(**options) for name, cls in ESTIMATORS.items() for options in QUICK.get(name, [{}])]


@parametrize_with_checks(instances())
@pytest.mark.filterwarnings("ignore")
def test_check(estimator, check):
    check(estimator)
