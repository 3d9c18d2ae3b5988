"""scikit-learn's own checks, put to every estimator of the package, with no expected failures."""

import warnings

import pytest

pytest.importorskip("pandas")
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import ESTIMATORS

_FAST = {"hidden_layer_sizes": (20,), "max_iter": 40, "learning_rate_init": 0.02}
# Arguments for speed; what is not named is put to the checks as it is constructed.
QUICK = {
    "Autoencoder": {"max_iter": 20}, "MLPClassifier": _FAST, "MLPRegressor": _FAST,
    "Perceptron": {"max_iter": 50},
}  # fmt: skip
# Other ways through an estimator, put to the checks by `make test-all`.
OTHERS = {
    "Autoencoder": [
        {"solver": "lbfgs", "hidden_layer_sizes": (3,), "tied": True, "max_iter": 20},
        {"code_activation": "sigmoid", "sparsity": "kl", "noise": 0.1, "max_iter": 5},
    ],
    "BasisFunctions": [{"kind": "rbf", "include_bias": True}, {"kind": "fourier"}],
    "KernelSVM": [{"kernel": "linear", "class_weight": "balanced"}],
    "LinearRegression": [{"solver": "lbfgs"}],
    "LogisticRegression": [{"penalty": "l1", "max_iter": 200}],
    "MLPClassifier": [
        {}, {"solver": "lbfgs", "alpha": 0.1}, {"solver": "sgd", "learning_rate_init": 0.1},
        {"normalization": "layer"}, {"class_weight": "balanced", "engine": "eager"},
    ],
    "MLPRegressor": [
        {}, {"solver": "lbfgs"}, {"loss": "huber", "learning_rate_init": 0.01},
        {"normalization": "layer", "solver": "lbfgs"},
    ],
    "Perceptron": [{}, {"averaged": True, "max_iter": 50}],
}  # fmt: skip


def instances(table):
    found = []
    for name, cls in ESTIMATORS.items():
        options = table.get(name, [{}] if table is QUICK else [])
        found += [cls(**one) for one in (options if isinstance(options, list) else [options])]
    return found


def every_check(table):
    with warnings.catch_warnings():
        # Estimators keep the contract without scikit-learn's base class, which costs its import.
        warnings.filterwarnings("ignore", "Estimator .* does not inherit")
        return parametrize_with_checks(instances(table))


@every_check(QUICK)
@pytest.mark.filterwarnings("ignore")
def test_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@every_check(OTHERS)
@pytest.mark.filterwarnings("ignore")
def test_check_of_other_ways(estimator, check):
    check(estimator)
