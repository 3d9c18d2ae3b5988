"""Weights of classes: scikit-learn's, and a row of weight 2 is a row given twice."""

import numpy as np
import pytest

from chainrule import nn, optim
from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.training import class_weights, fit, row_weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES = np.digitize(X[:, 0], [-1.2, 0.4])
LABELS = np.stack([X[:, 0] > 1, X[:, 1] > -1], axis=1).astype(int)


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (CLASSES, "balanced"),
        (CLASSES, {0: 5.0, 2: 0.5}),
        (np.array(["no", "yes"])[LABELS[:, 0]], "balanced"),
        (LABELS, "balanced"),
        (LABELS, [{0: 1.0, 1: 3.0}, {0: 0.5, 1: 2.0}]),
    ],
)
def test_they_are_those_of_scikit_learn(y, class_weight):
    expected = pytest.importorskip("sklearn.utils.class_weight").compute_sample_weight
    np.testing.assert_allclose(row_weights(y, class_weight), expected(class_weight, y), rtol=1e-14)


def test_balanced_classes_have_equal_parts():
    weight = row_weights(CLASSES, "balanced")
    parts = np.bincount(CLASSES, weight)
    np.testing.assert_allclose(parts, 20.0)
    np.testing.assert_allclose(row_weights(CLASSES[:, None], "balanced", weight), weight**2)


TASKS = {
    "binary": (nn.binary_cross_entropy, (X[:, :1] > 0.5).astype(np.float32), 1, {1.0: 3.0}),
    "multiclass": (nn.cross_entropy, CLASSES, 3, {0: 2.0, 2: 3.0}),
    "multilabel": (nn.binary_cross_entropy, LABELS, 2, [{1: 2.0}, {0: 3.0}]),
    "hinge": (nn.multiclass_hinge, CLASSES, 3, {1: 2.0}),
    "numbers that are few": (nn.mse, CLASSES[:, None].astype(float), 1, {1.0: 4.0}),
}


@pytest.mark.parametrize(("loss", "y", "n_outputs", "class_weight"), TASKS.values(), ids=TASKS)
def test_a_class_of_weight_two_is_one_whose_rows_are_given_twice(loss, y, n_outputs, class_weight):
    model = nn.Linear(3, n_outputs, rng=0, dtype=np.float64)
    options = {
        "loss": loss, "optimizer": optim.SGD(lr=0.1), "epochs": 3, "batch_size": 1000,
        "engine": "eager",
    }  # fmt: skip
    weighted, history = fit(model, (X, y), class_weight=class_weight, **options)
    times = np.repeat(np.arange(60), row_weights(y, class_weight).astype(int))
    repeated, expected = fit(model, (X[times], y[times]), **options)
    np.testing.assert_allclose(weighted.weight, repeated.weight, rtol=1e-12)
    np.testing.assert_allclose(history["loss"], expected["loss"])


def test_a_class_of_weight_zero_is_left_out():
    options = {"loss": nn.cross_entropy, "optimizer": optim.SGD(lr=0.1), "epochs": 2}
    model = nn.Linear(3, 3, rng=0)
    without, _ = fit(model, (X, CLASSES), class_weight={1: 0.0}, **options)
    kept = CLASSES != 1
    expected, _ = fit(model, (X[kept], CLASSES[kept]), **options)
    np.testing.assert_allclose(without.weight, expected.weight, rtol=1e-6)
    with pytest.raises(DataError, match="no rows of positive weight"):
        fit(model, (X, CLASSES), class_weight=dict.fromkeys(range(3), 0.0), **options)


@pytest.mark.parametrize(
    ("y", "class_weight", "error", "message"),
    [
        (X[:, 0], "balanced", DataError, "not whole: give sample_weight"),
        (CLASSES, "blanced", ArgumentError, "must be 'balanced' or a mapping"),
        (CLASSES, {7: 1.0}, ArgumentError, "names 7; the classes are \\[0, 1, 2\\]"),
        (CLASSES, {1: -1.0}, ArgumentError, "class_weight: 1 must be"),
        (LABELS, [{}], ShapeError, "1 elements for 2 columns"),
        (np.zeros((2, 2, 2)), "balanced", ShapeError, "needs a class a row"),
    ],
)
def test_what_cannot_be_is_refused(y, class_weight, error, message):
    with pytest.raises(error, match=message):
        row_weights(y, class_weight)


def test_weights_of_no_rows():
    with pytest.raises(DataError, match="empty"):
        class_weights([])
