"""Metrics against scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError, ShapeError
from chainrule.training import metrics

SEEDS = st.integers(0, 2**32 - 1)


def labels_and_weights(seed, classes=4):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    weight = rng.uniform(0.1, 2, n) if rng.random() < 0.5 else None
    return rng.integers(0, classes, n), rng.integers(0, classes, n), weight, rng


@given(SEEDS)
def test_labels(seed):
    y, p, weight, _ = labels_and_weights(seed)
    assert metrics.accuracy(y, p, weight) == pytest.approx(
        sk.accuracy_score(y, p, sample_weight=weight)
    )
    if len(np.union1d(y, p)) > 1:  # of one label scikit-learn warns
        np.testing.assert_allclose(
            metrics.confusion_matrix(y, p, sample_weight=weight),
            sk.confusion_matrix(y, p, sample_weight=weight),
        )
    for average in (None, "macro", "micro", "weighted"):
        expected = sk.precision_recall_fscore_support(
            y, p, average=average, sample_weight=weight, zero_division=0
        )
        found = metrics.precision_recall_f1(y, p, average=average, sample_weight=weight)
        for a, b in zip(found[:3], expected[:3], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
        if average is None:
            np.testing.assert_allclose(found.support, expected[3])


@given(SEEDS)
def test_chosen_labels(seed):
    y, p, _, _ = labels_and_weights(seed)
    order = [2, 0, 7]
    if np.isin(y, order).any():
        np.testing.assert_array_equal(
            metrics.confusion_matrix(y, p, order), sk.confusion_matrix(y, p, labels=order)
        )
    for average in (None, "macro", "micro", "weighted"):
        expected = sk.precision_recall_fscore_support(
            y, p, labels=order, average=average, zero_division=0
        )
        found = metrics.precision_recall_f1(y, p, order, average=average)
        np.testing.assert_allclose(np.stack(found[:3]), np.stack(expected[:3]), atol=1e-12)


def test_labels_may_be_text():
    y, p = ["b", "a", "b"], ["b", "b", "b"]
    np.testing.assert_array_equal(metrics.confusion_matrix(y, p), [[0, 1], [0, 2]])
    assert metrics.accuracy(y, p) == pytest.approx(2 / 3)


@given(SEEDS)
def test_probabilities(seed):
    y, _, weight, rng = labels_and_weights(seed)
    scores = rng.dirichlet(np.ones(4), len(y))
    scores[0] = [0, 0, 0, 1]
    labels = [0, 1, 2, 3]
    assert metrics.log_loss(y, scores, weight) == pytest.approx(
        sk.log_loss(y, scores, sample_weight=weight, labels=labels)
    )
    for k in (1, 2, 3):
        assert metrics.top_k_accuracy(y, scores, k, weight) == pytest.approx(
            sk.top_k_accuracy_score(y, scores, k=k, sample_weight=weight, labels=labels)
        )
    two, p = y % 2, scores[:, 0]
    expected = sk.log_loss(two, p, sample_weight=weight, labels=[0, 1])
    assert metrics.log_loss(two, p, weight) == pytest.approx(expected)


@given(SEEDS, st.sampled_from([(), (1,), (3,)]))
def test_errors(seed, columns):
    _, _, weight, rng = labels_and_weights(seed)
    n = int(rng.integers(2, 30))
    weight = None if weight is None else rng.uniform(0.1, 2, n)
    y, p = rng.normal(size=(2, n, *columns))
    for ours, theirs in (
        (metrics.rmse, sk.root_mean_squared_error),
        (metrics.mae, sk.mean_absolute_error),
        (metrics.r2, sk.r2_score),
    ):
        assert ours(y, p, weight) == pytest.approx(theirs(y, p, sample_weight=weight))
    if columns == ():
        assert metrics.error_quantiles(y, p)[0.5] == pytest.approx(sk.median_absolute_error(y, p))


def test_r2_of_a_constant_target():
    y = np.ones(4)
    assert metrics.r2(y, y) == sk.r2_score(y, y) == 1
    assert metrics.r2(y, y + 1) == sk.r2_score(y, y + 1) == 0
    assert np.isnan(metrics.r2([1.0], [1.0]))


def test_logits():
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert metrics.of_labels(metrics.accuracy)(y, z) == (p.argmax(axis=1) == y).mean()
    assert metrics.of_probabilities(metrics.log_loss)(y, z) == pytest.approx(sk.log_loss(y, p))
    one, two = z[:, :1], y % 2
    q = 1 / (1 + np.exp(-one[:, 0]))
    assert metrics.of_labels(metrics.accuracy)(two, one) == ((q > 0.5) == two).mean()
    assert metrics.of_probabilities(metrics.log_loss)(two, one) == pytest.approx(
        sk.log_loss(two, q)
    )
    assert metrics.of_probabilities(metrics.log_loss)([0, 1], [-1e4, 1e4]) < 1e-12


def test_a_column_counts_as_none_and_lengths_must_agree():
    assert metrics.rmse([0.0, 1.0], [[0.0], [1.0]]) == 0
    with pytest.raises(ShapeError, match=r"y_true has shape \(2,\) and y_pred \(3,\)"):
        metrics.mae([0.0, 1.0], [0.0, 1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\(2,\) and the scores \(3, 1\)"):
        metrics.log_loss([0, 1], np.ones((3, 1)))
    with pytest.raises(ShapeError, match="no rows"):
        metrics.accuracy([], [])
    with pytest.raises(ShapeError, match="no rows"):
        metrics.log_loss([], np.ones((0, 2)))
    with pytest.raises(ArgumentError, match="k must be at least 1"):
        metrics.top_k_accuracy([0], [[1.0]], k=0)
    with pytest.raises(ArgumentError, match="'macro'"):
        metrics.precision_recall_f1([0], [0], average="mean")


def test_calibration_bins_agree_with_scikit_learn_at_the_edges_too():
    calibration = pytest.importorskip("sklearn.calibration")
    rng = np.random.default_rng(0)
    p = np.concatenate([np.linspace(0, 1, 41), rng.random(200)])
    y = (rng.random(len(p)) < p).astype(int)
    for bins in (1, 4, 10):
        found = metrics.calibration_bins(y, p, bins)
        right, mean = calibration.calibration_curve(y, p, n_bins=bins)
        np.testing.assert_allclose(found.right, right)
        np.testing.assert_allclose(found.confidence, mean)
        assert found.rows.sum() == len(p)
    gaps = np.abs(found.right - found.confidence) * found.rows
    assert found.error == pytest.approx(gaps.sum() / len(p))
