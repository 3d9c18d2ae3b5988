"""Joining and splitting: lists of tensors, mixed arrays, and what cannot be joined."""

import numpy as np
import pytest

from chainrule import Tensor, grad, vjp
from chainrule.errors import UnsupportedError

A, B = np.arange(6.0).reshape(2, 3), np.arange(6.0, 12.0).reshape(2, 3)

JOINS = {
    "concatenate": np.concatenate,
    "concatenate axis 1": lambda parts: np.concatenate(parts, axis=1),
    "concatenate flattened": lambda parts: np.concatenate(parts, axis=None),
    "stack": np.stack,
    "stack last": lambda parts: np.stack(parts, axis=-1),
    "vstack": np.vstack,
    "hstack": np.hstack,
    "dstack": np.dstack,
    "column_stack": np.column_stack,
    "block": lambda parts: np.block([parts, parts[::-1]]),
}


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_gradients_go_back_to_their_parts(join):
    places = join([np.arange(6).reshape(2, 3), np.arange(6, 12).reshape(2, 3)])
    y, pullback = vjp(lambda a, b: join([a, b]), A, B)
    np.testing.assert_array_equal(y, join([A, B]))
    g = np.random.default_rng(0).normal(size=y.shape)
    both = np.bincount(places.ravel(), g.ravel(), 12)
    for found, expected in zip(pullback(g), (both[:6], both[6:]), strict=True):
        np.testing.assert_allclose(found, expected.reshape(2, 3), rtol=1e-14)


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_plain_arrays_may_stand_among_the_parts(join):
    gradient = grad(lambda a: np.sum(join([a, B])))(A)
    assert gradient.shape == A.shape
    assert np.all(gradient == gradient[0, 0])


def test_lists_and_numbers_may_stand_among_the_parts():
    t = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(np.concatenate([t, [3.0]]).value, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.stack([t[0], 5.0]).value, [1.0, 5.0])
    np.testing.assert_array_equal(np.hstack([t, 5.0]).value, [1.0, 2.0, 5.0])


def test_one_part_alone():
    np.testing.assert_array_equal(grad(lambda a: np.sum(np.stack([a])))(A), np.ones_like(A))
    np.testing.assert_array_equal(grad(lambda a: np.sum(np.concatenate([a])))(A), np.ones_like(A))


def test_the_same_tensor_twice_receives_both_gradients():
    gradient = grad(lambda a: np.sum(np.concatenate([a, a]) * np.arange(4.0)))(np.ones(2))
    np.testing.assert_array_equal(gradient, [2.0, 4.0])


def test_many_parts_cost_a_visit_each():
    parts = [Tensor(float(i)) for i in range(3000)]
    np.sum(np.stack(parts) ** 2).backward()
    assert parts[-1].grad == 2 * 2999.0


@pytest.mark.parametrize("make", [np.array, np.asarray, np.asanyarray])
def test_a_list_of_tensors_does_not_become_an_array(make):
    with pytest.raises(UnsupportedError, match=r"np\.stack or np\.concatenate"):
        make([Tensor(1.0), Tensor(2.0)])
    with pytest.raises(UnsupportedError, match=r"np\.stack or np\.concatenate"):
        make([Tensor([1.0]), Tensor([2.0])])


@pytest.mark.parametrize("join", [np.concatenate, np.stack])
def test_out_and_dtype_are_refused(join):
    with pytest.raises(UnsupportedError):
        join([Tensor(A), Tensor(B)], 0, np.zeros((4, 3)))
    with pytest.raises(UnsupportedError, match="astype"):
        join([Tensor(A), Tensor(B)], dtype=np.float32)


@pytest.mark.parametrize("cut", [2, [1, 3], [0, 5, 9], np.array([2])])
@pytest.mark.parametrize("split", [np.array_split, np.split])
def test_split_parts_and_their_gradients(split, cut):
    x = np.arange(8.0).reshape(4, 2)
    parts = split(Tensor(x), cut)
    for part, expected in zip(parts, split(x, cut), strict=True):
        np.testing.assert_array_equal(part.value, expected)
    last = grad(lambda x: np.sum(split(x, cut)[-1]))(x)
    np.testing.assert_array_equal(last, np.isin(x, split(x, cut)[-1]))


def test_uneven_sections():
    x = Tensor(np.arange(7.0))
    assert [part.size for part in np.array_split(x, 3)] == [3, 2, 2]
    with pytest.raises(ValueError, match=r"\(7,\) has no 3 equal sections"):
        np.split(x, 3)


@pytest.mark.parametrize("split", [np.vsplit, np.hsplit, np.dsplit])
def test_splits_along_named_axes(split):
    x = np.arange(16.0).reshape(2, 2, 4)
    for part, expected in zip(split(Tensor(x), 2), split(x, 2), strict=True):
        np.testing.assert_array_equal(part.value, expected)
