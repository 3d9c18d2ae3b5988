"""Gradients of tables by rows: the dense gradient's numbers, and dense where in doubt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.autodiff.reverse import value_and_gradients
from chainrule.autodiff.rows import RowGradient, distinct, rows_read
from chainrule.graph import trace
from chainrule.graph.trace import stop_gradient

TABLE = np.random.default_rng(0).normal(size=(7, 3))


def looks(*places):
    def loss(table):
        found = [np.tanh(table[p] * (i + 1.0)) for i, p in enumerate(places)]
        return sum(np.sum(y * y * np.cos(np.arange(y.size)).reshape(y.shape)) for y in found)

    return loss


place = st.integers(-7, 6)
look_up = st.lists(place, max_size=6).map(lambda x: np.array(x, np.int64)) | st.lists(
    st.tuples(place, place), min_size=1, max_size=4
).map(np.array)


@given(st.lists(look_up, min_size=1, max_size=3))
def test_rows_are_those_of_the_dense_gradient(places):
    loss = looks(*places)
    value, (g,) = value_and_gradients(loss, TABLE, tables={0})
    expected = cr.grad(loss)(TABLE)
    assert value == loss(TABLE)
    np.testing.assert_allclose(g.dense(), expected, 1e-12, 1e-14)
    summed = g.summed()
    np.testing.assert_allclose(summed.values, expected[summed.places], 1e-12, 1e-14)
    np.testing.assert_allclose(summed.square_norm(), np.sum(expected**2), 1e-12)
    touched = np.flatnonzero(np.any(expected, axis=1))
    assert set(touched) <= set(distinct([g.places], TABLE))


@given(st.lists(look_up, min_size=1, max_size=2))
def test_rows_in_a_trace(places):
    def found(table):
        _, (g,) = value_and_gradients(looks(*places), table, tables={0})
        return g.summed().values, g.summed().square_norm(), g.dense()

    values, square, dense = trace(found)(TABLE)(TABLE)
    expected = cr.grad(looks(*places))(TABLE)
    np.testing.assert_allclose(dense, expected, 1e-12, 1e-14)
    np.testing.assert_allclose(square, np.sum(expected**2), 1e-12)
    assert np.shape(values)[-1] == 3


P = np.array([1, 1, 4])
OTHERWISE = {
    "a penalty": lambda t: looks(P)(t) + np.sum(t**2),
    "a penalty before": lambda t: np.sum(t**2) + looks(P)(t),
    "tied weights": lambda t: np.sum(np.tanh(t[P] @ t.T)),
    "a transpose": lambda t: np.sum(t.T[:, P] ** 2),
    "a slice": lambda t: np.sum(t[1:3] ** 2) + looks(P)(t),
    "a mask": lambda t: np.sum(t[np.arange(7) > 2] ** 2),
    "a row and a column": lambda t: np.sum(t[P, 1] ** 2),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_whatever_else_is_read_makes_it_dense(name):
    loss = OTHERWISE[name]
    expected = cr.grad(loss)(TABLE)
    _, (g,) = value_and_gradients(loss, TABLE, tables={0})
    assert isinstance(g, np.ndarray)
    np.testing.assert_allclose(g, expected, 1e-12)
    assert rows_read(loss, TABLE) == [None]
    graph = trace(lambda t: value_and_gradients(loss, t, tables={0})[1][0])(TABLE)
    np.testing.assert_allclose(graph(TABLE), expected, 1e-12)


def test_nobody_gets_rows_who_did_not_ask():
    _, (g,) = value_and_gradients(looks(P), TABLE)
    np.testing.assert_allclose(g, cr.grad(looks(P))(TABLE), 1e-15)


def test_a_table_that_is_not_read_has_no_rows():
    _, (g, h) = value_and_gradients(lambda p: looks(P)(p[0]), [TABLE, TABLE], tables={0, 1})
    assert isinstance(h, RowGradient)
    assert h.values.shape == (0, 3)
    np.testing.assert_array_equal(h.dense(), 0.0)
    assert len(g.places) == 3


def test_what_is_read_without_a_derivative_is_read():
    assert rows_read(lambda t: looks(P)(t) * np.sum(stop_gradient(t)), TABLE) == [None]
    (places,) = rows_read(lambda t: looks(P)(t) * np.sum(stop_gradient(t[P - 5])), TABLE)
    np.testing.assert_array_equal(distinct(places, TABLE), [1, 3, 4, 6])


def test_a_column_of_numbers_is_a_table():
    table = np.arange(5.0)
    _, (g,) = value_and_gradients(lambda t: np.sum(t[[[3, 3], [0, -1]]] ** 2), table, tables={0})
    np.testing.assert_array_equal(g.dense(), [0, 0, 0, 12, 8])
    np.testing.assert_array_equal(g.summed().values, [[12, 12], [0, 8]])
