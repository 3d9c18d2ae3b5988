"""What estimators do without scikit-learn, and that with it nothing is different."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_random_state

from chainrule import errors
from chainrule.estimators import (
    ESTIMATORS,
    Estimator,
    KernelSVM,
    MLPClassifier,
    MLPRegressor,
    base,
    validation,
)

X = np.random.default_rng(0).normal(size=(30, 3))
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
EVERY = pytest.mark.parametrize("name", list(ESTIMATORS))


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


# Without it --------------------------------------------------------------------------------------

ARRAYS = """
import sys, warnings
import numpy as np
from chainrule.estimators import ESTIMATORS, MLPClassifier
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(30, 3))
numbers, words = X[:, 0], np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
for name, cls in ESTIMATORS.items():
    model = cls(max_iter=3) if "max_iter" in cls().get_params() else cls()
    y = words if model._estimator_type == "classifier" else numbers
    found = model.fit(X, y)
    getattr(model, "predict" if hasattr(model, "predict") else "transform")(X.tolist())
    if hasattr(model, "predict"):
        model.score(X, y, np.ones(30))
    print(model)
MLPClassifier(batch_size=10).partial_fit(X, words, classes=["no", "yes"]).predict_proba(X)
"""


def test_learning_from_arrays_imports_neither_scikit_learn_nor_scipy_nor_pandas():
    found = run(
        ARRAYS + "print(sorted({'sklearn', 'scipy', 'pandas'} & set(sys.modules)), 'imported')"
    )
    assert found.stdout.endswith("[] imported\n"), found.stdout + found.stderr


def test_it_needs_neither_of_them():
    blocked = "import sys; sys.modules.update(sklearn=None, scipy=None, pandas=None)\n"
    assert run(blocked + ARRAYS).returncode == 0


@pytest.mark.parametrize(
    "call",
    [
        "fit(np.array(X, object), y)",
        "fit(X, y, sample_weight=2.0)",
        "set_params(early_stopping=True).fit(X, y)",
        "set_params(class_weight={0: 2}).fit(X, y)",
        "set_params(solver='lbfgs').fit(X, y)",
        "set_params(scoring='f1').fit(X, y)",
        "set_params(categorical_features=[0]).fit(X, y)",
        "set_fit_request(sample_weight=True)",
    ],
)
def test_where_they_are_needed_the_error_names_the_extra(call):
    found = run(
        "import sys; sys.modules.update(sklearn=None, scipy=None)\n"
        "import numpy as np\nfrom chainrule import *\n"
        "X, y = np.zeros((20, 2)), np.arange(20) % 2\n"
        f"estimators.MLPClassifier(max_iter=1).{call}"
    )
    assert "MissingExtraError" in found.stderr
    assert "pip install 'chainrule[sklearn]'" in found.stderr


def test_a_program_that_has_no_scikit_learn_has_no_method_of_its_own():
    found = run(
        "import sys; sys.modules['sklearn'] = None\n"
        "from chainrule.estimators import Autoencoder\n"
        "print([hasattr(Autoencoder(), n) for n in ('get_metadata_routing', 'set_output')])"
    )
    assert found.stdout == "[False, False]\n", found.stderr


# With it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "g", "i1", "u4", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist])
def test_rows_are_read_as_scikit_learn_reads_them(dtype, order, kind, monkeypatch):
    rows = kind(np.asarray((X * 3).clip(0), dtype, order=order))
    compare(rows, LABELS, monkeypatch)


@pytest.mark.parametrize(
    "y",
    [
        LABELS, LABELS.tolist(), X[:, 0], X[:, :2], X[:, :1], np.arange(30), np.arange(30) % 2 > 0,
        LABELS.astype(object), np.full(30, np.nan), X[:, 0] + 1j, np.zeros(29), np.zeros((30, 0)),
        X[:, 0].astype("f2"), LABELS.astype("S"), None, 3.0,
        np.ma.masked_array(X[:, 0], X[:, 1] > 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"numeric": True}, {"several": True}])
def test_targets_are_read_as_scikit_learn_reads_them(y, options, monkeypatch):
    compare(X, y, monkeypatch, **options)


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2], [3]], [[1, "a"]], [], [[]], np.zeros((0, 3)), np.zeros(30), np.zeros((30, 3, 1)),
        np.full((30, 3), np.nan), X + 0j, X.astype(object), X.astype("U"), None, "text", 1.0,
        np.matrix(X), np.ma.masked_array(X, X > 0), np.zeros((30, 2), "M8[s]"), [[2**70, 1]] * 30,
    ],
)  # fmt: skip
def test_what_are_no_rows_is_refused_as_scikit_learn_refuses_it(rows, monkeypatch):
    compare(rows, LABELS, monkeypatch)


def test_names_of_features_are_forgotten_by_a_fit_without_them():
    pd = pytest.importorskip("pandas")
    model = ESTIMATORS["LinearRegression"]().fit(pd.DataFrame(X, columns=list("abc")), X[:, 0])
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X)
    model.fit(X[:, :2], X[:, 0])
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.predict(X.tolist())


def compare(rows, y, monkeypatch, **options):
    """Read rows and targets our way, then with everything handed to scikit-learn."""
    ours = outcome(rows, y, options)
    monkeypatch.setattr(base, "plain_rows", lambda X: None)
    assert outcome(rows, y, options) == ours


def outcome(rows, y, options):
    estimator = Estimator()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = estimator._rows_and_targets(rows, y, **options)
        except Exception as error:
            found = [np.array([type(error).__name__, str(error)])]
    arrays = [(type(a), a.dtype, a.shape, a.tolist()) for a in found]
    return arrays, vars(estimator), [str(one.message) for one in told]


@pytest.mark.parametrize(
    "y", [LABELS, [0, 1] * 15, np.arange(30.0), np.arange(30), X[:, 0], np.arange(20), [1.0] * 30]
)
def test_classes_are_recognised_as_scikit_learn_does(y):
    def told(function):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            try:
                return function(np.asarray(y)), [str(w.message) for w in found]
            except ValueError as error:
                return str(error)

    def theirs(y):
        sklearn.utils.multiclass.check_classification_targets(y)
        return sklearn.utils.multiclass.type_of_target(y)

    assert told(validation.kind_of_classes) == told(theirs)


@pytest.mark.parametrize("seed", [0, np.int64(7), np.random.RandomState(3), None, np.random])
def test_seeds_are_those_of_scikit_learn(seed):
    theirs = check_random_state(seed)
    state = theirs.get_state()
    expected = theirs.randint(1000, size=5)
    theirs.set_state(state)
    assert validation.random_of(seed).randint(1000, size=5).tolist() == expected.tolist()
    with pytest.raises(errors.ArgumentError, match="random_state"):
        validation.random_of("seed")


def test_weights_are_read_as_scikit_learn_reads_them():
    for given in (np.ones(30), [2] * 30, np.ones(30, np.float32), 3.0, np.arange(30) > 4):
        theirs = sklearn.utils.validation._check_sample_weight(given, X)
        ours = validation.checked_weights(X, given)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    for wrong in (-np.ones(30), np.ones(29), np.full(30, np.inf), ["a"] * 30):
        with pytest.raises(ValueError, match=r"weight|convert|inf"):
            validation.checked_weights(X, wrong)


@EVERY
def test_scores_are_those_of_scikit_learn(name):
    model = ESTIMATORS[name]()
    if not hasattr(model, "score"):
        pytest.skip("no score")
    y, theirs = (LABELS, accuracy_score) if is_classifier(model) else (X[:, 0] * 3, r2_score)
    weight = np.random.default_rng(1).uniform(size=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    for given in (None, weight):
        expected = theirs(y, model.predict(X), sample_weight=given)
        assert model.score(X, y, given) == pytest.approx(expected, rel=1e-12)


def test_errors_and_warnings_are_of_both_kinds():
    model = MLPClassifier(max_iter=1)
    for kind in (NotFittedError, errors.NotFittedError):
        with pytest.raises(kind, match="learned nothing"):
            model.predict(X)
    for kind in (ConvergenceWarning, errors.ConvergenceWarning):
        with pytest.warns(kind, match="Maximum iterations"):
            model.fit(X, LABELS)


@EVERY
def test_metadata_is_asked_for_as_scikit_learn_asks(name):
    cls = ESTIMATORS[name]
    with sklearn.config_context(enable_metadata_routing=True):
        twin = type(name, (cls, BaseEstimator), {"_get_metadata_request": base_method, **theirs()})
        assert str(cls().get_metadata_routing()) == str(twin().get_metadata_routing())
        takes = "sample_weight" in str(cls().get_metadata_routing())
    assert takes == (is_classifier(cls()) or is_regressor(cls()))
    assert hasattr(cls, "set_predict_request") is False


base_method = BaseEstimator._get_metadata_request


def theirs():
    names = ("_get_class_level_metadata_request_values", "_get_default_requests")
    return {n: vars(owner)[n] for owner in BaseEstimator.__mro__ for n in names if n in vars(owner)}


def test_a_search_passes_on_the_weights_that_are_asked_for():
    weight = np.r_[np.zeros(15), np.ones(15)]
    with sklearn.config_context(enable_metadata_routing=True):
        svm = KernelSVM().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(svm, {"C": [1.0]}, cv=[(np.arange(30), np.arange(30))])
        search.fit(X, LABELS, sample_weight=weight)
        assert search.best_estimator_.support_.min() >= 15
        with pytest.raises(TypeError, match="Unexpected args"):
            svm.set_fit_request(other=True)


def test_notebooks_show_arguments():
    model = MLPRegressor(alpha=0.5)
    assert "alpha" in model._repr_html_()
    assert model._repr_mimebundle_()["text/plain"] == "MLPRegressor(alpha=0.5)"


def test_output_goes_on_in_its_container_after_a_pickle():
    pytest.importorskip("pandas")
    model = ESTIMATORS["BasisFunctions"]().set_output(transform="pandas").fit(X)
    code = (
        f"import pickle; print(type(pickle.loads({pickle.dumps(model)!r}).transform([[1, 2, 3]])))"
    )
    assert "DataFrame" in run(code).stdout
    with sklearn.config_context(transform_output="pandas"):
        assert type(ESTIMATORS["BasisFunctions"]().fit_transform(X)).__name__ == "DataFrame"
