"""MLPClassifier and MLPRegressor beside scikit-learn's: the same arguments, the same numbers."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import chainrule as cr
from chainrule import estimators as ours
from chainrule.errors import ArgumentError
from chainrule.estimators.heads import class_heads, number_heads
from chainrule.estimators.network import Objective, Penalised
from chainrule.training import Rows
from chainrule.training.evaluate import loss_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
DIGITS, DIGIT = (a[:400] for a in load_digits(return_X_y=True))
DIGITS = DIGITS / 16
RNG = np.random.default_rng(0)
LABELLED, LABELS = make_multilabel_classification(n_samples=80, random_state=0)
TWO = np.stack([IRIS[:, 0] * IRIS[:, 2], np.abs(IRIS[:, 1])], axis=1)
WEIGHT = RNG.random(len(IRIS)) + 0.1


NEWER = "loss" in inspect.signature(theirs.MLPRegressor).parameters  # 1.7


def both(name, X, y, calls=1, method="fit", data=None, **options):
    """Return ours and theirs, fitted alike."""
    made = []
    for module in (ours, theirs):
        model = getattr(module, name)(random_state=0, **options)
        for _ in range(calls):
            getattr(model, method)(X, y, **(data or {}))
        made.append(model)
    return made


# Name, X, y and the rest: as many ways through the code as scikit-learn has.
ALIKE = {
    "adam": ("MLPClassifier", DIGITS, DIGIT, {"max_iter": 8}),
    "binary": ("MLPClassifier", IRIS[:100], SPECIES[:100], {"max_iter": 30}),
    "labels": ("MLPClassifier", LABELLED, LABELS, {"max_iter": 10}),
    "layers": ("MLPClassifier", DIGITS, DIGIT, {"max_iter": 5, "hidden_layer_sizes": (20, 9)}),
    "logistic": ("MLPClassifier", DIGITS, DIGIT, {"max_iter": 5, "activation": "logistic"}),
    "tanh": ("MLPRegressor", IRIS, TWO[:, 0], {"max_iter": 20, "activation": "tanh"}),
    "identity": ("MLPRegressor", IRIS, TWO[:, 0], {"max_iter": 20, "activation": "identity"}),
    "alpha": ("MLPRegressor", IRIS, TWO[:, 0], {"max_iter": 20, "alpha": 1.0}),
    "small batches": ("MLPRegressor", IRIS, TWO[:, 0], {"max_iter": 3, "batch_size": 7}),
    "unshuffled": ("MLPRegressor", IRIS, TWO[:, 0], {"max_iter": 5, "shuffle": False}),
    "sgd": ("MLPClassifier", DIGITS, DIGIT, {"max_iter": 8, "solver": "sgd"}),
    "heavy ball": (
        "MLPRegressor", IRIS, TWO[:, 0],
        {"max_iter": 20, "solver": "sgd", "nesterovs_momentum": False},
    ),
    "no momentum": ("MLPRegressor", IRIS, TWO[:, 0], {"solver": "sgd", "momentum": 0.0}),
    "invscaling": (
        "MLPClassifier", DIGITS, DIGIT,
        {"max_iter": 8, "solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
    ),
    "adaptive": (
        "MLPRegressor", IRIS, TWO[:, 0],
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.01, "learning_rate_init": 0.1},
    ),
    "stops": ("MLPRegressor", IRIS, TWO[:, 0], {"tol": 0.02, "learning_rate_init": 0.01}),
    "early stopping": (
        "MLPClassifier", IRIS, SPECIES,
        {"early_stopping": True, "learning_rate_init": 0.01, "n_iter_no_change": 4},
    ),
    "stratified": (
        "MLPClassifier", IRIS[:100], SPECIES[:100], {"early_stopping": True, "max_iter": 15},
    ),
    "lbfgs": ("MLPClassifier", IRIS, SPECIES, {"solver": "lbfgs", "max_iter": 15}),
    "lbfgs numbers": ("MLPRegressor", IRIS, TWO[:, 0], {"solver": "lbfgs", "max_iter": 15}),
    "counts": (
        "MLPRegressor", IRIS, np.round(TWO[:, 1] * 3), {"loss": "poisson", "max_iter": 20},
    ),
}  # fmt: skip


def assert_same(a, b, rtol=1e-7):
    for mine, other in zip([*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True):
        assert mine.shape == other.shape
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_"):
        assert getattr(a, name) == getattr(b, name), name
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_"):
        if getattr(b, name, None) is not None and not (a.solver == "lbfgs" and name != "loss_"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=rtol)
        elif hasattr(b, name):
            assert hasattr(a, name)


@pytest.mark.parametrize("case", ALIKE.values(), ids=ALIKE)
def test_the_same_random_state_gives_the_same_network(case):
    name, X, y, options = case
    if "loss" in options and not NEWER:
        pytest.skip("scikit-learn before 1.7 has no loss='poisson'")
    a, b = both(name, X, y, **options)
    assert_same(a, b)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-7)
    if name == "MLPClassifier":
        np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-6, atol=1e-12)
        assert a.classes_.tolist() == b.classes_.tolist()
    else:
        assert a.score(X, y) == pytest.approx(b.score(X, y))


def test_engines_give_the_same_network():
    for engine in ("eager", "numpy", "interpreter"):
        a, b = both("MLPClassifier", DIGITS, DIGIT, max_iter=3)
        a = ours.MLPClassifier(random_state=0, max_iter=3, engine=engine).fit(DIGITS, DIGIT)
        assert a.history_.engine == engine
        assert_same(a, b)


def test_weights_partial_fit_and_warm_start_are_theirs_too():
    weighted = {"sample_weight": WEIGHT}
    if NEWER:
        assert_same(*both("MLPClassifier", IRIS, SPECIES, max_iter=9, data=weighted))
        options = {"solver": "lbfgs", "max_iter": 9}
        assert_same(*both("MLPRegressor", IRIS, TWO[:, 0], data=weighted, **options))
    steps = {"classes": [0, 1, 2]}
    assert_same(*both("MLPClassifier", IRIS, SPECIES, 5, "partial_fit", steps))
    assert_same(*both("MLPRegressor", IRIS, TWO[:, 0], 5, "partial_fit", solver="sgd"))
    assert_same(*both("MLPRegressor", IRIS, TWO[:, 0], 3, warm_start=True, max_iter=4))
    # Of several targets the same gradient is followed, and its own loss reported.
    a, b = both("MLPRegressor", IRIS, TWO, max_iter=10)
    assert a.loss_ == pytest.approx(2 * b.loss_, rel=0.2)
    np.testing.assert_allclose(a.predict(IRIS), b.predict(IRIS), rtol=1e-6)


def test_float32_stays_and_sparse_rows_are_dense_ones():
    a, b = both("MLPClassifier", DIGITS.astype(np.float32), DIGIT, max_iter=4)
    assert_same(a, b, rtol=2e-3)
    for solver in ("adam", "lbfgs"):
        options = {"random_state": 0, "max_iter": 4, "solver": solver}
        dense = ours.MLPClassifier(**options).fit(DIGITS, DIGIT)
        sparse = ours.MLPClassifier(**options).fit(csr_matrix(DIGITS), DIGIT)
        assert_same(sparse, dense)
        np.testing.assert_allclose(
            sparse.predict_proba(csr_matrix(DIGITS)), dense.predict_proba(DIGITS), rtol=1e-9
        )


def test_large_sparse_rows_are_never_dense_all_at_once(monkeypatch):
    from chainrule.estimators import rows

    monkeypatch.setattr(rows, "SMALL", 0)
    monkeypatch.setattr(rows, "_BLOCK", 64 * 50)
    seen = []
    toarray = csr_matrix.toarray
    monkeypatch.setattr(
        csr_matrix, "toarray", lambda self, *a, **k: seen.append(self.shape[0]) or toarray(self)
    )
    for solver in ("adam", "lbfgs"):
        options = {"random_state": 0, "max_iter": 3, "solver": solver, "batch_size": 40}
        sparse = ours.MLPClassifier(**options, early_stopping=True).fit(csr_matrix(DIGITS), DIGIT)
        sparse.predict(csr_matrix(DIGITS))
        assert max(seen) <= 50
        dense = ours.MLPClassifier(**options, early_stopping=True).fit(DIGITS, DIGIT)
        assert_same(sparse, dense, rtol=1e-6)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_arguments_are_theirs_in_order_and_with_their_defaults(name):
    mine, other = (inspect.signature(getattr(module, name)).parameters for module in (ours, theirs))
    for key, parameter in other.items():
        assert mine[key].default == parameter.default, key
        assert mine[key].kind == parameter.kind, key
    if not NEWER and name == "MLPRegressor":
        return  # whose first argument is not yet the loss
    positional = [k for k, p in other.items() if p.kind is not p.KEYWORD_ONLY]
    assert list(mine)[: len(positional)] == positional
    public = {attribute for attribute in dir(getattr(theirs, name)) if attribute[0] != "_"}
    assert public <= set(dir(getattr(ours, name)))


@pytest.mark.parametrize(
    ("heads", "y"),
    [
        (class_heads("log_loss", 2, 0), [RNG.integers(0, 2, (5, 1)).astype(float)]),
        (class_heads("log_loss", 3, 0), [RNG.integers(0, 3, 5)]),
        (class_heads("log_loss", 0, 2), [RNG.integers(0, 2, (5, 2)).astype(float)]),
        (number_heads("squared_error", np.zeros((5, 2))), [RNG.normal(size=(5, 2))]),
        (
            number_heads(["poisson", "ordinal"], np.array([[1, 0], [2, 1], [0, 2]])),
            [np.ones((5, 1)), np.array([0, 1, 2, 2, 1])],
        ),
    ],
)
@pytest.mark.parametrize("weight", [None, np.arange(5.0)])
def test_gradients_of_the_penalised_loss(heads, y, weight):
    network = cr.nn.dense(
        [3, 4, heads.width], np.random.default_rng(1), activation="tanh", dtype=float
    )
    rows = Rows(RNG.normal(size=(5, 3)), y, weight, np.dtype(float))
    cr.check_grads(lambda n: loss_of(Objective(heads), Penalised(n, 0.3)(rows.X), rows), (network,))


def test_what_is_put_into_coefs_is_what_predicts_and_is_trained_on():
    model = ours.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(IRIS, TWO)
    before = model.predict(IRIS)
    model.coefs_[1][:] = 0
    model.intercepts_[1] = np.array([1.0, 2.0])
    np.testing.assert_array_equal(model.predict(IRIS), np.tile([1.0, 2.0], (150, 1)))
    assert not np.array_equal(before, model.predict(IRIS))
    model.partial_fit(IRIS, TWO)
    assert np.abs(model.coefs_[1]).max() < 0.01


def test_pickles_are_small_and_the_same():
    model = ours.MLPClassifier(max_iter=40, random_state=0).fit(DIGITS, DIGIT)
    data = pickle.dumps(model)
    numbers = sum(p.nbytes for p in [*model.coefs_, *model.intercepts_])
    assert len(data) < numbers + 10_000
    assert b"chainrule.engines" not in data
    again = pickle.loads(data)
    np.testing.assert_array_equal(again.predict_proba(DIGITS), model.predict_proba(DIGITS))
    again.partial_fit(DIGITS, DIGIT)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coefs_")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_predicted_alike_in_any_company(dtype):
    X = DIGITS.astype(dtype)
    model = ours.MLPClassifier(max_iter=5, random_state=0).fit(X, DIGIT)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(row[None]) for row in X[:50]])
    np.testing.assert_allclose(together[:50], alone, rtol=1e-12 if dtype is np.float64 else 1e-6)
    np.testing.assert_allclose(model.predict_proba(X[::-1])[::-1], together, rtol=1e-6)


def test_random_states_of_all_kinds():
    def fitted(state):
        return ours.MLPClassifier((5,), max_iter=3, random_state=state).fit(IRIS, SPECIES).coefs_[0]

    assert fitted(3).tobytes() == fitted(3).tobytes() != fitted(4).tobytes()
    np.testing.assert_array_equal(fitted(3), fitted(np.random.RandomState(3)))
    state = np.random.RandomState(3)
    assert not np.array_equal(fitted(state), fitted(state))
    assert not np.array_equal(fitted(None), fitted(None))


def test_training_that_diverges_says_where():
    model = ours.MLPRegressor(activation="identity", solver="sgd", learning_rate_init=10.0)
    with pytest.raises(ours.DivergenceError, match=r"non-finite parameter weights.*step") as caught:
        model.fit(IRIS * 100, TWO[:, 0])
    assert isinstance(caught.value, ValueError)


def test_missing_numbers_are_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    model = ours.MLPClassifier(max_iter=2).fit(frame, SPECIES)
    frame.loc[7, "c"] = np.nan
    for act in (model.predict, lambda X: clone(model).fit(X, SPECIES)):
        with pytest.raises(ValueError, match="NaN: column 'c', row 7"):
            act(frame)
    sparse = csr_matrix(np.where(frame.isna(), np.nan, IRIS))
    with pytest.raises(ValueError, match="column 2, row 7"):
        clone(model).fit(sparse, SPECIES)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"solver": "adamw"}, "solver"),
        ({"learning_rate": "slow"}, "learning_rate"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_iter": 0}, "max_iter"),
        ({"activation": "binary_step"}, "activation"),
        ({"activation": ["relu", "tanh"]}, "2 values for 1 hidden layers"),
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be > 0"),
        ({"dropout": [0.1, 0.2]}, "2 values for 1 hidden layers"),
        ({"dropout": 1.0}, "dropout"),
        ({"normalization": "group"}, "normalization"),
        ({"solver": "lbfgs", "dropout": 0.5}, "takes all rows at once"),
        ({"loss": "hinge"}, "log_loss"),
        ({"solver": "lbfgs", "callbacks": [cr.training.Callback()]}, "has no epochs"),
        ({"engine": "cuda"}, "engine"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"categorical_features": ["x"]}, "no column 'x'"),
        ({"categorical_features": "from_dtype"}, "data frame"),
    ],
)
def test_bad_arguments_are_refused(options, match):
    with pytest.raises(ArgumentError, match=match):
        ours.MLPClassifier(**options).fit(IRIS, SPECIES)


def test_scalars_of_numpy_are_choices_too():
    words = {"solver": "sgd", "activation": "tanh", "engine": "numpy", "normalization": "layer"}
    numbers = {"max_iter": 3, "batch_size": 20, "alpha": 0.1, "shuffle": True, "tol": 0.0}
    given = {name: np.array([value])[0] for name, value in (words | numbers).items()}
    model = ours.MLPClassifier((5,), random_state=0, **given).fit(IRIS, SPECIES)
    same = ours.MLPClassifier((5,), random_state=0, **words, **numbers).fit(IRIS, SPECIES)
    np.testing.assert_array_equal(model.coefs_[0], same.coefs_[0])
    given["solver"] = np.str_("lbfgs")
    assert ours.MLPClassifier((5,), **given).fit(IRIS, SPECIES).n_iter_ == 3


def test_prediction_needs_a_fit():
    with pytest.raises(NotFittedError):
        ours.MLPClassifier().predict(IRIS)
    with pytest.raises(NotFittedError):
        ours.MLPClassifier().explain_(IRIS, SPECIES)


def test_too_few_epochs_and_interrupts_warn():
    class CtrlC(cr.training.Callback):
        def on_epoch_end(self, state):
            if state.epoch == 2:
                raise KeyboardInterrupt

    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)"):
        ours.MLPClassifier(max_iter=2).fit(IRIS, SPECIES)
    with pytest.warns(UserWarning, match="interrupted"):
        model = ours.MLPClassifier(callbacks=[CtrlC()]).fit(IRIS, SPECIES)
    assert model.n_iter_ == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.MLPClassifier(max_iter=1).partial_fit(IRIS, SPECIES, classes=[0, 1, 2])
