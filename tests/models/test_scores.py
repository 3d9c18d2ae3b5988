"""What is measured, against numbers worked by hand."""

import json
import math

import numpy as np
import pytest

from chainrule.models import scores


def test_classification_by_hand():
    p = np.array([[0.8, 0.2, 0.0], [0.3, 0.6, 0.1], [0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    found = scores.classification(p, np.array([0, 1, 2, 1]), ["a", "b", "c"])
    assert found["accuracy"] == 0.75
    assert found["log_loss"] == pytest.approx(-sum(map(math.log, (0.8, 0.6, 0.25, 0.8))) / 4)
    assert found["confusion"] == [[1, 0, 0], [0, 2, 0], [1, 0, 0]]
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found["classes"][0] == {
        "name": "a", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "rows": 1,
    }  # fmt: skip
    json.dumps(found, allow_nan=False)


def test_regression_by_hand():
    predicted, actual = np.array([[1.0, 5.0], [4.0, 5.0]]), np.array([[1.0, 5.0], [2.0, 5.0]])
    found = scores.regression(predicted, actual, ["x", "y"])
    x, y = found["outputs"]
    assert (x["rmse"], x["mae"], x["r2"]) == (pytest.approx(math.sqrt(2)), 1.0, -7.0)
    assert x["error_quantiles"]["0.5"] == 1.0
    assert (y["rmse"], y["r2"]) == (0.0, 1.0)
    assert scores.regression(predicted[:1], actual[:1], ["x", "y"])["r2"] is None


def test_multilabel_by_hand():
    p = np.array([[0.9, 0.2], [0.4, 0.7], [0.6, 0.6]])
    found = scores.multilabel(p, np.array([[1, 0], [1, 1], [0, 1]]), ["red", "round"])
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["exact_match"] == pytest.approx(1 / 3)
    red, round_ = found["labels"]
    assert (red["precision"], red["recall"], red["rows"]) == (0.5, 0.5, 2)
    assert (round_["f1"], round_["rows"]) == (1.0, 2)


def test_the_headline_is_accuracy_or_r2():
    assert scores.headline({"r2": 0.5, "outputs": []}) == ("r2", 0.5)
    assert scores.headline({"accuracy": 1.0}) == ("accuracy", 1.0)
