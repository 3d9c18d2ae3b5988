"""Scalers: against their definitions, on columns of every kind."""

import json

import numpy as np
import pytest

from chainrule.data import SCALINGS, QuantileScaler, Scaler
from chainrule.errors import ArgumentError, FileFormatError, ShapeError


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


@pytest.fixture(name="many")
def different_columns():
    """Of each kind: bell-shaped, skewed, repeated values, an outlier, whole numbers, constant."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(700, 6))
    X[:, 1] = np.exp(2 * X[:, 1])
    X[:, 2] = np.maximum(X[:, 2], 0)
    X[3, 3] = 1e9
    X[:, 4] = np.round(3 * X[:, 4])
    X[::5, 5] = np.nan
    return X


PEERS = {
    "standard": lambda p: p.StandardScaler(),
    "min-max": lambda p: p.MinMaxScaler(),
    "robust": lambda p: p.RobustScaler(),
    "quantile-uniform": lambda p: p.QuantileTransformer(n_quantiles=700),
    "quantile-normal": lambda p: p.QuantileTransformer(
        n_quantiles=700, output_distribution="normal"
    ),
}


@pytest.mark.parametrize("name", SCALINGS)
def test_the_numbers_are_those_of_scikit_learn(name, many):
    peer = PEERS[name](pytest.importorskip("sklearn.preprocessing")).fit(many)
    scaler = SCALINGS[name](many)
    new = np.concatenate([many, 3 * many[:50] + 0.1])
    found, expected = scaler.transform(new), peer.transform(new)
    if "quantile" in name:  # theirs lose a row at the ends of a run of equal numbers, to rounding
        np.testing.assert_allclose(found[:, 4], expected[:, 4], atol=0.02)
        found, expected = np.delete(found, 4, axis=1), np.delete(expected, 4, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    Z = scaler.transform(many)
    np.testing.assert_allclose(scaler.inverse(Z), peer.inverse_transform(Z), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("output", ["uniform", "normal"])
class TestQuantiles:
    def test_the_map_ascends_and_comes_back(self, output, many):
        scaler = QuantileScaler.fit(many, output)
        line = np.linspace(-5, 5, 2001)[:, None] * np.ones(6)
        assert (np.diff(scaler.transform(line), axis=0) >= 0).all()
        inside = many[:, [0, 1]]
        own = QuantileScaler.fit(inside, output)
        np.testing.assert_allclose(own.inverse(own.transform(inside)), inside, rtol=1e-6, atol=1e-9)

    def test_the_distribution(self, output, many):
        Z = QuantileScaler.fit(many[:, 1], output).transform(many[:, 1])
        levels = (0.1, 0.5, 0.9)
        expected = {"uniform": levels, "normal": (-1.2816, 0.0, 1.2816)}[output]
        np.testing.assert_allclose(np.quantile(Z, levels), expected, atol=0.01)

    def test_few_rows_constants_and_nothing(self, output):
        X = np.array([[0.1, np.nan, 1.0], [0.1, np.nan, 3.0]])
        scaler = QuantileScaler.fit(X, output)
        middle = 0.5 if output == "uniform" else 0.0
        Z = scaler.transform(np.array([[0.1, 0.0, 2.0], [np.nan, np.nan, np.nan]]))
        assert Z[0].tolist() == [middle, middle, middle]
        assert np.isnan(Z[1]).all()
        single = QuantileScaler.fit(X[:1], output).transform(X[:1])
        assert np.isfinite(single[0, [0, 2]]).all()

    def test_it_is_data(self, output, many):
        scaler = QuantileScaler.fit(many, output)
        again = QuantileScaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
        np.testing.assert_array_equal(again.transform(many), scaler.transform(many))
        np.testing.assert_array_equal(again.inverse(many), scaler.inverse(many))

    def test_the_columns_must_fit(self, output, many):
        with pytest.raises(ShapeError, match="knows 6 columns"):
            QuantileScaler.fit(many, output).transform(many[:, :2])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"quantiles": [0.0, 1.0]},
        {"quantiles": [0.0, 1.0], "output": "gaussian"},
        {"quantiles": ["a", "b"], "output": "normal"},
        {"quantiles": [1.0], "output": "normal"},
        {"quantiles": 1.0, "output": "normal"},
        {"quantiles": [1.0, 0.0], "output": "normal"},
        {"quantiles": [0.0, float("nan")], "output": "uniform"},
        {"quantiles": [[[0.0]], [[1.0]]], "output": "uniform"},
    ],
)
def test_damaged_quantiles_are_refused(data):
    with pytest.raises(FileFormatError):
        QuantileScaler.from_dict(data)


@pytest.mark.parametrize("options", [{"output": "gamma"}, {"n_quantiles": 1}])
def test_arguments_that_cannot_be(options):
    with pytest.raises(ArgumentError, match="QuantileScaler"):
        QuantileScaler.fit(np.zeros(3), **options)
