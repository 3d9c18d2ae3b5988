"""Every estimator in scikit-learn's world: pipelines, searches, processes, imports."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import shuffle

import chainrule.estimators
from chainrule.estimators import ESTIMATORS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, CLASSES = shuffle(*load_iris(return_X_y=True), random_state=0)
# Parameter and values to search, and what is put in for speed.
SEARCHED = {
    "KernelSVM": ("C", [0.1, 1.0], {}),
    "LinearRegression": ("fit_intercept", [True, False], {}),
    "LogisticRegression": ("C", [0.1, 1.0], {}),
    "Perceptron": ("averaged", [True, False], {"random_state": 0}),
    "MLPClassifier": ("alpha", [1e-4, 1e-2], {"solver": "lbfgs", "max_iter": 30}),
    "MLPRegressor": ("alpha", [1e-4, 1e-2], {"solver": "lbfgs", "max_iter": 30}),
}
EVERY = pytest.mark.parametrize("name", list(ESTIMATORS))


def made(name):
    options = SEARCHED.get(name, (None, None, {}))[2]
    return ESTIMATORS[name](**options)


def target(estimator):
    return X[:, 3] * 2 if is_regressor(estimator) else CLASSES


def test_every_estimator_is_in_the_list():
    public = {name for name in chainrule.estimators.__all__ if name[0].isupper()}
    assert public - {"ESTIMATORS", "Estimator", "DivergenceError"} == set(ESTIMATORS)


@EVERY
def test_the_counts_of_checks_are_written_down(name):
    page = Path(__file__).parents[2] / "docs" / "estimators.md"
    rows = [row for row in page.read_text(encoding="utf-8").splitlines() if f"| `{name}(" in row]
    assert rows, "run make estimators"
    for row in rows:
        passed, failed, _ = map(int, row.split("|")[2:5])
        assert passed > 40
        assert failed == 0


@EVERY
def test_pipelines_scores_and_pickles(name):
    estimator = made(name)
    y = target(estimator)
    model = make_pipeline(StandardScaler(), estimator).fit(X, y)
    method = "predict" if hasattr(model, "predict") else "transform"
    found = getattr(model, method)(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(getattr(again, method)(X), found)
    if is_classifier(estimator) or is_regressor(estimator):
        assert cross_val_score(model, X, y, cv=3).mean() > 0.6


@EVERY
def test_searches_in_processes(name):
    estimator = made(name)
    if name not in SEARCHED or not (is_classifier(estimator) or is_regressor(estimator)):
        pytest.skip("nothing to search")
    key, values, _ = SEARCHED[name]
    search = GridSearchCV(estimator, {key: values}, cv=2, n_jobs=2)
    search.fit(X, target(estimator))
    assert search.best_params_[key] in values
    assert search.predict(X).shape == (150,)


@EVERY
def test_classifiers_are_calibrated(name):
    estimator = made(name)
    if not is_classifier(estimator):
        pytest.skip("no classifier")
    calibrated = CalibratedClassifierCV(estimator, cv=2).fit(X, CLASSES)
    assert calibrated.score(X, CLASSES) > 0.8


@EVERY
def test_transformers_give_data_frames(name):
    pd = pytest.importorskip("pandas")
    estimator = made(name)
    if not hasattr(estimator, "transform"):
        pytest.skip("no transformer")
    frame = pd.DataFrame(X, columns=list("abcd"))
    found = estimator.set_output(transform="pandas").fit(frame).transform(frame)
    assert isinstance(found, pd.DataFrame)
    assert found.columns.tolist() == estimator.get_feature_names_out().tolist()
