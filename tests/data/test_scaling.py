"""Scalers: against their definitions, on columns of every kind."""

import json

import numpy as np
import pytest

from chainrule.data import Scaler
from chainrule.errors import FileFormatError, ShapeError


@pytest.fixture(name="X")
def columns():
    X = np.random.default_rng(0).normal([0, 1e6, -3], [1, 5, 1e-9], (1000, 3))
    X[::7, 1] = np.nan
    return X


def test_standard(X):
    Z = Scaler.standard(X).transform(X)
    assert np.allclose(np.nanmean(Z, axis=0), 0, atol=1e-6)
    assert np.allclose(np.nanstd(Z, axis=0), 1, atol=1e-6)


def test_min_max(X):
    Z = Scaler.min_max(X).transform(X)
    assert np.nanmin(Z, axis=0).tolist() == [0, 0, 0]
    assert np.allclose(np.nanmax(Z, axis=0), 1)


def test_robust(X):
    Z = Scaler.robust(X).transform(X)
    assert np.allclose(np.nanquantile(Z, 0.5, axis=0), 0, atol=1e-6)
    spread = np.nanquantile(Z, 0.75, axis=0) - np.nanquantile(Z, 0.25, axis=0)
    assert np.allclose(spread, 1)


@pytest.mark.parametrize("make", [Scaler.standard, Scaler.min_max, Scaler.robust])
class TestEvery:
    def test_inverse(self, make, X):
        scaler = make(X)
        back = scaler.inverse(scaler.transform(X))
        assert np.allclose(back, X, rtol=1e-12, equal_nan=True)

    def test_constants_and_nothing(self, make):
        X = np.array([[0.1, np.nan]] * 10)
        scaler = make(X)
        assert scaler.scale.tolist() == [1, 1]
        assert scaler.transform(np.array([0.1, 0.0])).tolist() == [0, 0]

    @pytest.mark.parametrize("size", [1e-300, 1e300])
    def test_the_edges_of_float64(self, make, size):
        X = np.array([-1.0, 0.0, 1.0, 0.5]) * size
        plain = make(X / size).transform(X / size)
        assert np.allclose(make(X).transform(X), plain)

    def test_it_is_data(self, make, X):
        scaler = make(X)
        again = Scaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
        assert np.array_equal(again.transform(X), scaler.transform(X), equal_nan=True)

    def test_the_columns_must_fit(self, make, X):
        with pytest.raises(ShapeError, match="knows 3 columns"):
            make(X).transform(X[:, :2])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"center": [0.0]},
        {"center": ["a"], "scale": [1.0]},
        {"center": [0.0], "scale": [0.0]},
        {"center": [0.0], "scale": [1.0, 1.0]},
        {"center": [float("inf")], "scale": [1.0]},
        {"center": [[0.0]], "scale": [[1.0]]},
    ],
)
def test_damaged_data_is_refused(data):
    with pytest.raises(FileFormatError):
        Scaler.from_dict(data)
