"""Indexing: what stands in square brackets, duplicates, masks, and what is refused."""

import numpy as np
import pytest

from chainrule import Tensor, grad, trace, vjp
from chainrule.errors import UnsupportedError
from chainrule.ops.indexing import SLOT, Index, Span, split_index

X = np.arange(24.0).reshape(2, 3, 4)
ROWS = np.array([1, 0, 1, 1])

INDICES = {
    "integer": 1,
    "negative integer": -1,
    "numpy integer": np.int64(1),
    "slice": slice(0, 1),
    "negative step": slice(None, None, -1),
    "big step": (slice(None), slice(2, None, -2)),
    "out of range slice": slice(1, 99),
    "tuple": (1, 2, 3),
    "ellipsis": (..., 0),
    "ellipsis within": (0, ..., 1),
    "newaxis": (slice(None), None, 1),
    "all new": (None, ..., None),
    "empty tuple": (),
    "list": [1, 0, 1],
    "empty list": [],
    "rows": ROWS,
    "unsigned rows": ROWS.astype(np.uint8),
    "rows in two axes": ROWS.reshape(2, 2),
    "0-d array": np.array(1),
    "rows of an axis": (slice(None), ROWS),
    "pairs": (ROWS, ROWS),
    "pairs apart": (ROWS, slice(None), ROWS),
    "rows and an integer": (ROWS, 1),
    "broadcast pairs": (ROWS[:, None], np.array([0, 2])),
    "negative rows": np.array([-1, -2, -1]),
    "mask": X > 7,
    "mask of rows": np.array([True, False]),
    "mask of an axis": (slice(None), np.array([True, False, True])),
    "mask and rows": (np.array([True, True]), np.array([0, 0])),
    "mask of two axes": X[:, :, 0] > 4,
    "empty mask": np.zeros((2, 3), bool),
    "true": True,
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_values_and_gradients(index):
    y, pullback = vjp(lambda x: x[index], X)
    np.testing.assert_array_equal(y, X[index])
    g = np.random.default_rng(0).normal(size=np.shape(y))
    expected = np.zeros_like(X)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(pullback(g)[0], expected, rtol=1e-14)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_the_fixed_part_can_be_hashed_and_read(index):
    fixed, arrays = split_index(index)
    assert hash(fixed) == hash(split_index(index)[0])
    assert repr(fixed).startswith("[")
    assert fixed.count(SLOT) == len(arrays)


def test_an_index_reads_like_python():
    fixed, _ = split_index((0, slice(None, None, 2), ..., None, slice(1, 3), [1]))
    assert repr(fixed) == "[0, ::2, ..., None, 1:3, _]"
    assert fixed == Index((0, Span(None, None, 2), ..., None, Span(1, 3, None), SLOT))


def test_a_graph_shows_its_indices():
    graph = trace(lambda x: x[:, 1:] * 2.0)(np.ones((2, 3)))
    assert "gather(x, index=[:, 1:])" in str(graph)


def test_an_index_that_is_a_tensor_selects_and_carries_no_gradient():
    rows = Tensor([1, 1])
    assert np.array_equal(grad(lambda x: np.sum(x[rows]))(X)[:, 0, 0], [0.0, 2.0])
    with pytest.raises(IndexError, match="integer"):
        Tensor(X)[Tensor([0.5])]


def test_an_index_computed_within_a_trace_is_recorded():
    graph = trace(lambda x: x[np.argmax(x)])(np.array([1.0, 3.0, 2.0]))
    assert graph(np.array([1.0, 2.0, 7.0])) == 7.0


def test_a_tensor_in_a_slice_is_refused():
    with pytest.raises(UnsupportedError, match="Python number"):
        Tensor(X)[: Tensor(1)]


def test_iteration_unpacking_and_length():
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(t) == 2
    first, second = t
    np.sum(first * second).backward()
    np.testing.assert_array_equal(t.grad, [[3.0, 4.0], [1.0, 2.0]])
    assert [row.shape for row in reversed(t)] == [(2,), (2,)]
    with pytest.raises(TypeError):
        iter(Tensor(1.0)).__next__()


def test_changes_in_place_are_refused():
    t = Tensor(np.ones(3))
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        t[0] = 2.0
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        np.copyto(np.zeros(3), t, casting="unsafe")


def test_an_error_names_the_shape_and_the_line():
    with pytest.raises(IndexError, match=r"\(2, 3, 4\).*test_indexing\.py"):
        Tensor(X)[5]


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take(axis, mode):
    indices = np.array([[0, 1], [1, -1]]) if mode == "raise" else np.array([[9, -5], [1, 30]])
    y, pullback = vjp(lambda x: np.take(x, indices, axis, mode=mode), X)
    np.testing.assert_array_equal(y, np.take(X, indices, axis, mode=mode))
    places = np.take(np.arange(X.size).reshape(X.shape), indices, axis, mode=mode)
    g = np.random.default_rng(0).normal(size=y.shape)
    expected = np.bincount(places.ravel(), g.ravel(), X.size).reshape(X.shape)
    np.testing.assert_allclose(pullback(g)[0], expected, rtol=1e-14)


def test_methods_select_too():
    t = Tensor(X[0])
    np.testing.assert_array_equal(t.take([0, 5]).value, X[0].take([0, 5]))
    np.testing.assert_array_equal(t.compress([True, False, True], axis=0).value, X[0][[0, 2]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis_with_broadcast_lines(axis):
    indices = np.zeros((1, 1, 1), int)
    y, pullback = vjp(lambda x: np.take_along_axis(x, indices, axis), X)
    np.testing.assert_array_equal(y, np.take_along_axis(X, indices, axis))
    expected = np.zeros_like(X)
    places = np.take_along_axis(np.arange(X.size).reshape(X.shape), indices, axis)
    expected.flat[places] = 1.0
    np.testing.assert_array_equal(pullback(np.ones_like(y))[0], expected)
