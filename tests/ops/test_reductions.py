"""Reductions, running sums and statistics: ties, zeros, equal numbers, NaN, NumPy's signatures."""

import numpy as np
import pytest

from chainrule import Tensor, grad, hessian, jvp, value_and_grad
from chainrule.errors import UnsupportedError


@pytest.mark.parametrize("function", [np.max, np.amax, np.maximum.reduce])
def test_the_largest_share_the_gradient(function):
    np.testing.assert_array_equal(
        grad(function)(np.array([2.0, 5.0, 5.0, 5.0])), [0.0, 1 / 3, 1 / 3, 1 / 3]
    )


@pytest.mark.parametrize("function", [np.min, np.amin, np.minimum.reduce])
def test_the_smallest_share_the_gradient(function):
    np.testing.assert_array_equal(grad(function)(np.array([5.0, 2.0, 2.0])), [0.0, 0.5, 0.5])


def test_ties_share_alike_in_forward_mode():
    x = np.array([[1.0, 1.0], [0.0, 2.0]])
    v = np.array([[1.0, 3.0], [5.0, 7.0]])
    np.testing.assert_array_equal(jvp(lambda x: np.max(x, axis=1), (x,), (v,))[1], [2.0, 7.0])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_to_second_order(zeros):
    x = np.array([2.0, 3.0, -1.5, 4.0])
    x[:zeros] = 0.0
    others = [np.prod(np.delete(x, i)) for i in range(4)]
    pairs = [[0.0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(grad(np.prod)(x), others)
    np.testing.assert_allclose(hessian(np.prod)(x), pairs)
    np.testing.assert_allclose(grad(lambda x: np.cumprod(x)[-1])(x), others)
    np.testing.assert_allclose(hessian(lambda x: np.cumprod(x)[-1])(x), pairs)


def test_an_overflow_elsewhere_does_not_reach_an_element():
    with np.errstate(over="ignore"):
        gradient = grad(np.prod)(np.array([1e200, 1e-200, 1e200]))
    np.testing.assert_allclose(gradient, [1.0, np.inf, 1.0])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.1])
@pytest.mark.parametrize("function", [np.std, np.nanstd])
def test_equal_numbers_have_no_spread_to_follow(function, value):
    np.testing.assert_array_equal(grad(function)(np.full(3, value)), np.zeros(3))


def test_one_number_has_no_spread():
    assert grad(np.std)(np.array([3.0])) == 0.0
    assert grad(np.var)(np.array([3.0])) == 0.0


def test_the_softmax_is_the_derivative_of_logaddexp():
    gradient = grad(np.logaddexp.reduce)(np.array([1000.0, 1000.0, -np.inf]))
    np.testing.assert_array_equal(gradient, [0.5, 0.5, 0.0])


REDUCTIONS = [np.sum, np.mean, np.prod, np.max, np.min, np.std, np.var, np.median, np.ptp]


@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 0, 1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_values_and_shapes_are_numpys(function, axis, keepdims):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    if axis == () and function is np.median:
        pytest.skip("NumPy's median takes no empty axes")
    expected = function(x, axis=axis, keepdims=keepdims)
    t = Tensor(x)
    y = function(t, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.value, expected)
    np.sum(y).backward()
    assert t.grad.shape == x.shape


@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda f: f.__name__)
def test_float32_stays_float32(function):
    value, gradient = value_and_grad(function)(np.array([1.0, 2.5, 4.0], np.float32))
    assert value.dtype == gradient.dtype == np.float32


def test_positional_arguments_are_numpys():
    t = Tensor(np.ones((2, 3)))
    assert np.sum(t, 0, None, None, True).shape == (1, 3)
    assert np.std(t, 0, None, None, 1, True).shape == (1, 3)
    with pytest.raises(UnsupportedError, match=r"dtype=.*astype"):
        np.sum(t, 0, np.float32)
    with pytest.raises(UnsupportedError, match="out="):
        np.mean(t, 0, None, np.zeros(3))
    with pytest.raises(UnsupportedError, match="where="):
        np.sum(t, where=np.ones((2, 3), bool))


def test_ufunc_methods_start_at_the_first_axis():
    t = Tensor(np.arange(6.0).reshape(2, 3))
    assert np.add.reduce(t).shape == (3,)
    assert np.add.reduce(t, axis=None).shape == ()
    assert np.multiply.reduce(t, -1, keepdims=True).shape == (2, 1)
    np.testing.assert_array_equal(np.add.accumulate(t).value, np.add.accumulate(t.value))
    np.testing.assert_array_equal(np.logical_and.reduce(t), [False, True, True])


def test_methods_are_the_functions():
    t = Tensor(np.arange(6.0).reshape(2, 3))
    assert t.mean(axis=0).shape == (3,)
    assert t.std(0, keepdims=True).shape == (1, 3)
    assert t.cumsum().shape == (6,)
    assert t.max() is not t


def test_weights_of_an_average_have_a_derivative():
    x, w = np.array([1.0, 4.0]), np.array([1.0, 3.0])
    by_x, by_w = grad(lambda x, w: np.average(x, weights=w), (0, 1))(x, w)
    np.testing.assert_allclose(by_x, w / 4.0)
    np.testing.assert_allclose(by_w, (x - 3.25) / 4.0)


def test_nan_takes_no_part():
    x = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 2.0]])
    for function in (np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanmedian):
        gradient = grad(lambda x, f=function: np.sum(f(x, axis=1)))(x)
        np.testing.assert_array_equal(gradient[np.isnan(x)], 0.0)
        assert np.all(np.isfinite(gradient))


def test_a_line_of_nothing_but_nan():
    x = Tensor([[np.nan, np.nan], [1.0, 2.0]])
    np.testing.assert_array_equal(np.nanmax(x, axis=1).value, [np.nan, 2.0])
    np.testing.assert_array_equal(np.nansum(x, axis=1).value, [0.0, 3.0])


def test_order_statistics_of_ties_are_true_subgradients():
    x = np.array([1.0, 1.0, 1.0, 2.0])
    gradient = grad(np.median)(x)
    assert gradient.sum() == 1.0
    assert np.all(gradient >= 0.0)
    assert gradient[3] == 0.0
    np.testing.assert_array_equal(grad(lambda x: np.sort(x) @ [1.0, 2, 3, 4])(x), [1, 2, 3, 4])


def test_several_quantiles_at_once():
    x = np.random.default_rng(0).normal(size=(3, 5))
    q = np.array([[0.1, 0.5], [0.9, 1.0]])
    y = np.quantile(Tensor(x), q, axis=1, keepdims=True)
    np.testing.assert_allclose(y.value, np.quantile(x, q, axis=1, keepdims=True))


def test_the_running_mean_of_differences():
    x = np.random.default_rng(0).normal(size=6)
    gradient = grad(lambda x: np.sum(np.cumsum(np.diff(x, prepend=0.0)) * np.arange(6.0)))(x)
    np.testing.assert_allclose(gradient, np.arange(6.0))


def test_numerical_slopes_by_a_recorded_grid():
    grid = np.array([0.0, 1.0, 3.0, 4.0])
    values = grid**2
    y = np.gradient(Tensor(values), Tensor(grid), edge_order=2)
    np.testing.assert_allclose(y.value, np.gradient(values, grid, edge_order=2))
    np.testing.assert_allclose(y.value, 2 * grid)
