"""What the elementwise families do beyond the promises that every op keeps."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DtypeError, ShapeError, UnsupportedError
from chainrule.ops.trigonometric import spherical_bessel


def slope(function, x, h=1e-6):
    return (function(x + h) - function(x - h)) / (2 * h)


# Complex intermediate values --------------------------------------------------------------------

COMPLEX = {
    "modulus of a sum": lambda x: np.abs(np.exp(1j * x) + 0.5),
    "angle": lambda x: np.angle((x + 0.3j) ** 2),
    "angle in degrees": lambda x: np.angle(np.exp(0.5j * x), deg=True),
    "real part of a product": lambda x: np.real((x + 1j) * np.conjugate(x * 1j + 2.0)),
    "imaginary part of a quotient": lambda x: np.imag(1.0 / (x + 1j)),
    "root": lambda x: np.real(np.sqrt(x + 1j)),
    "power": lambda x: np.imag((x + 1j) ** 2.5),
    "logarithm": lambda x: np.real(np.log(x + 2j) * 1j),
    "tanh": lambda x: np.abs(np.tanh(x * (1 + 1j))),
    "square": lambda x: np.real(np.square(x + 1j)),
    "of a real number": lambda x: np.real(x) * 2 + np.imag(x) + np.angle(x) + np.conjugate(x),
}


@pytest.mark.parametrize("function", COMPLEX.values(), ids=COMPLEX)
def test_complex_intermediates_in_both_modes_and_twice(function):
    x = 0.7
    expected = slope(function, x)
    gradient = cr.grad(function)
    assert gradient(x) == pytest.approx(expected, abs=1e-8)
    assert gradient(x).dtype == np.float64
    assert cr.jvp(function, (x,), (1.0,))[1] == pytest.approx(expected, abs=1e-8)
    assert cr.grad(gradient)(x) == pytest.approx(slope(gradient, x), abs=1e-7)


def test_the_sign_of_a_complex_number_is_refused():
    with pytest.raises(UnsupportedError, match=r"z / np\.abs"):
        cr.grad(lambda x: np.real(np.sign(x + 1j)))(1.0)


# Powers and quotients ---------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.5, -0.5])
def test_every_derivative_of_a_power(exponent):
    b, x, factor = float(exponent), 1.7, 1.0
    function = lambda x: x**exponent
    for order in range(4):
        expected = factor * x ** (b - order)
        assert function(x) == pytest.approx(expected, abs=1e-12)
        factor *= b - order
        if factor == 0:
            break
        function = cr.grad(function)


def test_whole_powers_at_zero():
    third = cr.grad(cr.grad(cr.grad(lambda x: x**3)))
    assert third(0.0) == 6.0
    assert cr.grad(cr.grad(lambda x: x ** np.array([2.0])[0]))(0.0) == 2.0


def test_powers_of_negative_numbers():
    assert cr.grad(lambda x: x**3)(-2.0) == 12.0
    assert cr.grad(lambda x: np.power(x, np.array(3)))(-2.0) == 12.0


@pytest.mark.parametrize("function", [np.remainder, np.fmod])
@pytest.mark.parametrize(("a", "b"), [(7.3, 2.1), (-7.3, 2.1), (7.3, -2.1), (-7.3, -2.1)])
def test_remainders_of_every_sign(function, a, b):
    by_a, by_b = cr.grad(function, (0, 1))(a, b)
    assert by_a == 1.0
    assert by_b == pytest.approx(slope(lambda b: function(a, b), b), abs=1e-6)


def test_python_operators():
    assert cr.grad(lambda x: x % 2.0)(5.5) == 1.0
    assert cr.grad(lambda x: divmod(x, 2.0)[1])(5.5) == 1.0
    assert cr.grad(lambda x: abs(x) + +x - -x)(-2.0) == 1.0
    t = cr.Tensor(5.5)
    assert t // 2.0 == 2.0
    assert not isinstance(t // 2.0, cr.Tensor)


# sinc near zero ---------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.0, 1e-9, 1e-5, 1e-3, 0.3, 1.0, 2.7])
def test_sinc_keeps_its_digits_near_zero(x):
    import mpmath as mp

    mp.mp.dps = 40
    function = np.sinc
    for order in range(1, 4):
        function = cr.grad(function)
        series = lambda t: mp.nsum(
            lambda k: (-1) ** k * (mp.pi * t) ** (2 * k) / mp.factorial(2 * k + 1), [0, 60]
        )
        exact = mp.diff(series, mp.mpf(x), order)
        assert function(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-14)


def test_spherical_bessel_functions():
    from scipy.special import spherical_jn

    x = np.concatenate([np.linspace(-12, 12, 97), [1e-8, 1e3]])
    for n in range(6):
        np.testing.assert_allclose(spherical_bessel(x, n=n), spherical_jn(n, x), atol=1e-13)


# Selection --------------------------------------------------------------------------------------


def test_clip_in_all_its_spellings():
    x = np.array([-2.0, 0.5, 3.0])
    for function in (
        lambda x: np.clip(x, -1.0, 1.0),
        lambda x: np.clip(x, a_min=-1.0, a_max=1.0),
        lambda x: np.clip(x, min=-1.0, max=1.0),
        lambda x: x.clip(-1.0, 1.0),
    ):
        t = cr.Tensor(x)
        np.sum(function(t)).backward()
        np.testing.assert_array_equal(t.grad, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(np.clip(cr.Tensor(x), None, 1.0).value, np.clip(x, None, 1.0))
    np.testing.assert_array_equal(np.clip(cr.Tensor(x), max=1.0).value, np.clip(x, None, 1.0))
    bound = cr.Tensor(0.5)
    np.sum(x.clip(bound, 2.0)).backward()
    assert bound.grad == 1.0
    with pytest.raises(UnsupportedError, match="out"):
        np.clip(cr.Tensor(x), 0.0, 1.0, out=np.zeros(3))


def test_clip_keeps_integers_and_single_precision():
    assert np.clip(cr.Tensor([1, 5]), None, 3).dtype.kind == "i"
    assert np.clip(cr.Tensor(np.ones(2, np.float32)), 0.0, None).dtype == np.float32


def test_piecewise_functions_see_only_their_part():
    x = np.array([-1.0, 0.0, 1.0, 4.0])
    function = lambda x: np.piecewise(x, [x > 0], [np.log, lambda x: -x])
    value, gradient = cr.value_and_grad(lambda x: np.sum(function(x)))(x)
    assert value == np.sum(function(x))
    np.testing.assert_allclose(gradient, [-1.0, -1.0, 1.0, 0.25])
    assert cr.grad(lambda x: np.piecewise(x, [x < 0, x >= 0], [0.0, np.sqrt]))(4.0) == 0.25
    with pytest.raises(ShapeError, match="2 conditions, but 1 functions"):
        np.piecewise(cr.Tensor(x), [x > 0, x < 0], [np.log])
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        cr.trace(function)(x)


def test_select_and_choose_check_their_lists():
    t = cr.Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match="1 conditions, but 2 choices"):
        np.select([t > 1], [t, t])
    with pytest.raises(ValueError, match="choose"):
        np.choose([0, 5], [t, t])
    np.testing.assert_array_equal(np.choose([0, 5], [t, -t], mode="clip").value, [1.0, -2.0])
    gradient = cr.grad(lambda x: np.sum(np.choose([3, -1], [x, 5 * x], mode="wrap")))(np.ones(2))
    np.testing.assert_array_equal(gradient, [5.0, 5.0])


def test_interp_by_its_points():
    x = np.array([-1.0, 0.25, 0.5, 1.5, 9.0])
    xp, fp = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, -1.0])
    for kwargs in ({}, {"left": 7.0, "right": 8.0}, {"period": 2.5}):
        function = lambda x, xp, fp, kwargs=kwargs: np.interp(x, xp, fp, **kwargs)
        np.testing.assert_allclose(function(cr.Tensor(x), xp, fp).value, function(x, xp, fp))
        cr.check_grads(function, (x, xp, fp), order=1)
    with pytest.raises(UnsupportedError, match="two points"):
        np.interp(cr.Tensor(x), [0.0], [1.0])


def test_nan_to_num_never_changes_its_argument():
    t = cr.Tensor([np.nan, 1.0])
    np.testing.assert_array_equal(np.nan_to_num(t, nan=5.0).value, [5.0, 1.0])
    assert np.isnan(t.value[0])
    with pytest.raises(UnsupportedError, match="copy=False"):
        np.nan_to_num(t, copy=False)


# Constants --------------------------------------------------------------------------------------


def test_constants_are_plain_arrays_of_the_right_value():
    x = np.array([[1.5, -2.0], [0.0, 3.0]])
    t = cr.Tensor(x)
    for function in (
        lambda x: np.argmax(x, 1), lambda x: np.any(x, axis=0), lambda x: np.all(x, (0, 1)),
        lambda x: np.round(x, 1), lambda x: x.round(), lambda x: np.around(x), np.fix, np.sign,
        np.count_nonzero, lambda x: np.nonzero(x)[0], np.argwhere, np.flatnonzero,
        lambda x: np.isclose(x, 1.5, atol=0.1), lambda x: np.allclose(x, x),
        lambda x: np.isin(x, [3.0]), lambda x: np.searchsorted([0.0, 1.0], x, side="right"),
        lambda x: np.digitize(x, bins=[0.0, 1.0]), lambda x: np.array_equal(x, x),
        lambda x: np.argpartition(x, 1, axis=0), lambda x: np.lexsort((x[0], x[1])),
        lambda x: np.zeros_like(x, dtype=int), lambda x: np.histogram(x, bins=[-5.0, 0.0, 5.0])[0],
        lambda x: np.full_like(x, 2.0), lambda x: x.argsort(-1), lambda x: np.floor_divide(x, 2),
    ):  # fmt: skip
        result = function(t)
        assert not isinstance(result, cr.Tensor)
        np.testing.assert_array_equal(result, function(x))


def test_a_filled_array_keeps_the_derivative_of_its_value():
    like = cr.Tensor(np.zeros((2, 3), np.float32))
    gradient = cr.grad(lambda c: np.sum(np.full_like(like, c)))(2.0)
    assert gradient == 6.0
    assert np.full_like(like, cr.Tensor(2.0)).dtype == np.float32
    with pytest.raises(DtypeError, match="dtype=float"):
        np.full_like(like, cr.Tensor(2.5), dtype=int)
    with pytest.raises(UnsupportedError):
        np.full_like(np.zeros(3), cr.Tensor(2.5))


def test_a_trace_records_constants_and_refuses_shapes_that_depend_on_numbers():
    x = np.array([1.0, -2.0, 3.0])
    graph = cr.trace(lambda x: x * (np.round(x) > 0) + np.full_like(x, 2.0))(x)
    np.testing.assert_array_equal(graph(-x), [2.0, 4.0, 2.0])
    for function in (np.nonzero, np.argwhere, np.flatnonzero):
        with pytest.raises(UnsupportedError, match=f"numpy.{function.__name__} cannot be traced"):
            cr.trace(function)(x)


def test_a_histogram_needs_edges_that_are_given():
    t = cr.Tensor([1.0, 2.0])
    with pytest.raises(UnsupportedError, match="edges"):
        np.histogram(t)
    with pytest.raises(UnsupportedError, match="weights"):
        np.histogram(np.ones(2), bins=[0.0, 2.0], weights=t)
    np.testing.assert_array_equal(np.histogram(t, bins=2, range=(0.0, 4.0))[0], [1, 1])


def test_values_that_carry_a_derivative_are_not_detached():
    t = cr.Tensor([1.0, 2.0])
    for function in (np.unique, np.nextafter, np.i0):
        with pytest.raises(UnsupportedError):
            function(*[t] * getattr(function, "nin", 1))


def test_facts():
    t = cr.Tensor(np.ones(2, np.float32))
    assert np.can_cast(t, np.float64)
    assert np.common_type(t, t) is np.float32
    assert np.may_share_memory(t, t)
    assert not np.shares_memory(t, np.ones(2))
