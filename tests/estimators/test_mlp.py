"""MLPClassifier and MLPRegressor: scikit-learn's conventions on plain arrays."""

import numpy as np
import pytest
from chainrule.models.mlp import NotFittedError

from chainrule.data import load_digits, load_iris
from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.models import MLPClassifier, MLPRegressor


def arrays(table, target):
    X = np.stack([table[name].numbers() for name in table.names if name != target], axis=1)
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    levels, codes = table[target].categories()
    return X, np.array(levels)[codes]


@pytest.fixture(scope="module")
def iris():
    return arrays(load_iris(), "species")


def test_classes_keep_their_names_and_probabilities_sum_to_one(iris):
    X, y = iris
    model = MLPClassifier(
        (16,), batch_size=16, max_iter=40, learning_rate_init=0.01, random_state=0
    ).fit(X, y)
    assert model.classes_.tolist() == ["Iris-setosa", "Iris-versicolor", "Iris-virginica"]
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (150, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    chosen = model.classes_[probabilities.argmax(axis=1)]
    assert (chosen == model.predict(X)).all()
    assert model.score(X, y) == (model.predict(X) == y).mean() > 0.95
    assert (model.n_iter_, model.n_features_in_, model.n_outputs_) == (40, 4, 3)
    assert model.loss_curve_[-1] == model.loss_ < model.loss_curve_[0]


def test_two_classes_have_one_output(iris):
    X, y = iris
    X, y = X[:100], y[:100]
    model = MLPClassifier((4,), max_iter=60, learning_rate_init=0.02, random_state=0).fit(X, y)
    assert model.n_outputs_ == 1
    assert model.predict_proba(X).shape == (100, 2)
    assert model.score(X, y) == 1.0


def test_labels_are_independent(iris):
    X, _ = iris
    labels = np.stack([X[:, 2] > 0, X[:, 1] > 0], axis=1).astype(int)
    model = MLPClassifier((16,), max_iter=60, learning_rate_init=0.02, random_state=0)
    model.fit(X, labels)
    assert model.predict(X).shape == (150, 2)
    assert model.score(X, labels) > 0.9
    with pytest.raises(DataError, match="0 or 1"):
        model.fit(X, labels * 2)


def test_digits_are_read():
    X, y = arrays(load_digits(), "digit")
    model = MLPClassifier((64,), batch_size=32, max_iter=12, random_state=0).fit(X[:1400], y[:1400])
    assert model.score(X[1400:], y[1400:]) > 0.88


def test_several_numbers_keep_their_shape(iris):
    X, _ = iris
    Y = np.stack([X[:, 0] - X[:, 2], X[:, 1]], axis=1)
    model = MLPRegressor((), max_iter=100, learning_rate_init=0.05, random_state=0).fit(X, Y)
    assert model.predict(X).shape == (150, 2)
    assert model.score(X, Y) > 0.98
    one = MLPRegressor((8,), max_iter=5, random_state=0).fit(X, Y[:, 0])
    assert one.predict(X).shape == (150,)


def test_early_stopping_holds_rows_out(iris):
    X, y = iris
    model = MLPClassifier(
        (32,), max_iter=300, learning_rate_init=0.02, early_stopping=True,
        n_iter_no_change=3, random_state=0,
    )  # fmt: skip
    model.fit(X, y)
    assert model.n_iter_ < 300
    assert model.history_.best_epoch == model.n_iter_ - 3
    assert len(model.history_["validation_loss"]) == model.n_iter_


def test_the_seed_decides_everything(iris):
    X, y = iris
    options = {"hidden_layer_sizes": (8,), "max_iter": 3, "dropout": 0.2}
    first, second, other = (
        MLPClassifier(**options, random_state=seed).fit(X, y).predict_proba(X) for seed in (1, 1, 2)
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()


def test_rows_of_no_weight_do_not_count(iris):
    X, y = iris
    weight = (y != "Iris-setosa").astype(float)
    model = MLPClassifier((8,), max_iter=60, learning_rate_init=0.02, random_state=0)
    model.fit(X, y, sample_weight=weight)
    assert (model.predict(X[y == "Iris-virginica"]) == "Iris-virginica").mean() > 0.8
    assert model.predict_proba(X[y != "Iris-setosa"])[:, 0].mean() < 0.1


def test_parameters_can_be_read_and_changed():
    model = MLPRegressor((3,), alpha=0.1)
    assert type(model)(**model.get_params()).get_params() == model.get_params()
    assert model.set_params(max_iter=7) is model
    assert model.max_iter == 7
    assert repr(model) == "MLPRegressor(hidden_layer_sizes=(3,), alpha=0.1, max_iter=7)"
    with pytest.raises(ArgumentError, match="no parameter 'depth'"):
        model.set_params(depth=3)


@pytest.mark.parametrize(
    ("X", "y", "error", "match"),
    [
        (np.zeros(3), [0, 1, 0], ShapeError, "rows of features"),
        (np.zeros((0, 2)), [], ShapeError, "at least one row"),
        (np.zeros((3, 2)), [0, 1], ShapeError, "3 rows and y 2"),
        ([[0.0, np.nan], [1.0, 2.0]], [0, 1], DataError, "nan at row 0, column 1"),
        ([[0.0, 1e300], [1.0, 2.0]], [0, 1], DataError, "row 0, column 1"),
        ([["a", "b"], ["c", "d"]], [0, 1], DataError, "must hold numbers"),
        (np.zeros((2, 2)), [1, 1], DataError, "two classes"),
        (np.zeros((2, 2)), np.zeros((2, 1, 1, 2)), ShapeError, "one class a row"),
    ],
)
def test_bad_arrays_are_refused(X, y, error, match):
    with pytest.raises(error, match=match):
        MLPClassifier(max_iter=1).fit(X, y)


@pytest.mark.parametrize(
    "options",
    [{"alpha": -1.0}, {"solver": "lbfgs"}, {"max_iter": 0}, {"activation": "binary_step"}],
)
def test_bad_arguments_are_refused_in_fit(options):
    (name,) = options
    with pytest.raises(ArgumentError, match=name):
        MLPRegressor(**options).fit(np.zeros((4, 2)), np.zeros(4))


def test_prediction_needs_fitting_and_the_same_features():
    model = MLPRegressor((2,), max_iter=1, random_state=0)
    with pytest.raises(NotFittedError, match="call fit first"):
        model.predict(np.zeros((1, 2)))
    model.fit(np.zeros((4, 2)), np.zeros(4))
    with pytest.raises(ShapeError, match="3 features, but MLPRegressor is expecting 2"):
        model.predict(np.zeros((1, 3)))
