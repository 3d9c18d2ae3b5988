"""Activations and losses of scores against arbitrary precision, up to 10,000 on either side."""

import mpmath as mp
import numpy as np
import pytest

import chainrule as cr
from chainrule import ops
from chainrule.errors import UnsupportedError

X = np.unique(
    np.concatenate([
        np.linspace(-1e4, 1e4, 41), np.linspace(-40, 40, 81), np.linspace(-2, 2, 41),
        [-1e-8, 1e-8, -1e-300, 0.46875, 4.0, -745.2, 709.9],
    ])
)  # fmt: skip
mp.mp.dps = 60


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def tanh_gelu(x):
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3)))


SELU = ops.activations
EXACT = {
    "sigmoid": (cr.sigmoid, logistic),
    "log_sigmoid": (cr.log_sigmoid, lambda x: -mp.log1p(mp.exp(-x))),
    "softplus": (cr.softplus, lambda x: mp.log1p(mp.exp(x))),
    "relu": (cr.relu, lambda x: max(x, 0)),
    "leaky_relu": (cr.leaky_relu, lambda x: x if x > 0 else mp.mpf(0.01) * x),
    "elu": (cr.elu, lambda x: x if x > 0 else mp.expm1(x)),
    "selu": (
        ops.selu,
        lambda x: mp.mpf(SELU.SELU_SCALE) * (x if x > 0 else mp.mpf(SELU.SELU_ALPHA) * mp.expm1(x)),
    ),
    "silu": (cr.silu, lambda x: x * logistic(x)),
    "mish": (ops.mish, lambda x: x * mp.tanh(mp.log1p(mp.exp(x)))),
    "gelu": (cr.gelu, lambda x: x * normal(x)),
    "softsign": (ops.softsign, lambda x: x / (1 + abs(x))),
    "hard_tanh": (ops.hard_tanh, lambda x: max(min(x, 1), -1)),
    "tanh": (np.tanh, mp.tanh),
    "erf": (ops.erf, mp.erf),
    "erfc": (ops.erfc, mp.erfc),
    "bce of 1": (lambda x: ops.sigmoid_cross_entropy(x, 1.0), lambda x: mp.log1p(mp.exp(-x))),
    "bce of 0": (lambda x: ops.sigmoid_cross_entropy(x, 0.0), lambda x: mp.log1p(mp.exp(x))),
}
SLOPES = {
    "sigmoid": lambda x: logistic(x) * logistic(-x),
    "log_sigmoid": lambda x: logistic(-x),
    "softplus": logistic,
    "silu": lambda x: logistic(x) + x * logistic(x) * logistic(-x),
    "gelu": lambda x: normal(x) + x * mp.npdf(x),
    "softsign": lambda x: 1 / (1 + abs(x)) ** 2,
    "elu": lambda x: 1 if x > 0 else mp.exp(x),
    "bce of 1": lambda x: -logistic(-x),
    "bce of 0": logistic,
    "erf": lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
}


def exact(function, points):
    return np.array([float(function(mp.mpf(float(x)))) for x in points])


@pytest.mark.parametrize("name", EXACT)
def test_values_to_twelve_digits(name):
    function, reference = EXACT[name]
    actual = function(X)
    assert np.all(np.isfinite(actual))
    np.testing.assert_allclose(actual, exact(reference, X), rtol=1e-12, atol=1e-300)


def test_the_approximate_gelu():
    actual = cr.gelu(X, approximate="tanh")
    np.testing.assert_allclose(actual, exact(tanh_gelu, X), rtol=1e-12, atol=1e-11)
    with pytest.raises(UnsupportedError, match="tahn"):
        cr.gelu(X, approximate="tahn")


@pytest.mark.parametrize("name", SLOPES)
def test_derivatives_to_twelve_digits(name):
    function, _ = EXACT[name]
    gradient = cr.grad(lambda x: np.sum(function(x)))(X)
    np.testing.assert_allclose(gradient, exact(SLOPES[name], X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", EXACT)
def test_every_derivative_is_finite(name):
    function, _ = EXACT[name]
    assert np.all(np.isfinite(cr.grad(lambda x: np.sum(function(x)))(X)))
    second = cr.grad(lambda x: np.sum(cr.grad(lambda x: np.sum(function(x)))(x)))(X)
    assert np.all(np.isfinite(second))


@pytest.mark.parametrize("name", EXACT)
def test_single_precision_stays_single_and_finite(name):
    function, reference = EXACT[name]
    x = X.astype(np.float32)
    value, gradient = cr.value_and_grad(lambda x: np.sum(function(x)))(x)
    assert gradient.dtype == np.float32
    assert np.all(np.isfinite(gradient))
    assert np.isfinite(value)
    assert function(x).dtype == np.float32
    np.testing.assert_allclose(function(x), exact(reference, x), rtol=3e-5, atol=1e-36)


ROWS = np.array([
    [1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -9999.0], [0.0, -20.0, -50.0],
    [3.0, 3.0 - 1e-9, -700.0], [0.1, 0.2, 0.3],
])  # fmt: skip


def exact_row(row):
    row = [mp.mpf(float(x)) for x in row]
    total = mp.log(mp.fsum(mp.exp(x) for x in row))
    return row, total


def test_softmax_and_its_logarithms_to_twelve_digits():
    for row in ROWS:
        scores, total = exact_row(row)
        logs = [float(x - total) for x in scores]
        np.testing.assert_allclose(cr.log_softmax(row), logs, rtol=1e-12)
        np.testing.assert_allclose(cr.logsumexp(row), float(total), rtol=1e-12)
        expected = [float(mp.exp(x - total)) for x in scores]
        np.testing.assert_allclose(cr.softmax(row), expected, rtol=1e-12, atol=1e-300)


def test_softmax_cross_entropy_to_twelve_digits():
    targets = np.array([0.2, 0.5, 0.3])
    for target in (targets, *np.eye(3)):
        for row in ROWS:
            scores, total = exact_row(row)
            pairs = list(zip(target, scores, strict=True))
            expected = mp.fsum(mp.mpf(float(t)) * (total - x) for t, x in pairs)
            loss, gradient = cr.value_and_grad(ops.softmax_cross_entropy)(row, target)
            np.testing.assert_allclose(loss, float(expected), rtol=1e-12, atol=1e-300)
            slope = [float(mp.exp(x - total) * mp.fsum(target) - t) for t, x in pairs]
            np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-15)


def test_a_score_of_minus_infinity_is_a_class_ruled_out():
    z = np.array([0.0, -np.inf, 1.0])
    np.testing.assert_allclose(cr.softmax(z)[1], 0.0)
    value, gradient = cr.value_and_grad(lambda z: cr.logsumexp(z))(z)
    np.testing.assert_allclose(value, np.log1p(np.e))
    np.testing.assert_allclose(gradient, [1 / (1 + np.e), 0.0, np.e / (1 + np.e)])
    assert cr.logsumexp(np.full(3, -np.inf)) == -np.inf
    loss = ops.softmax_cross_entropy(z, np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(loss, np.log1p(1 / np.e))


def test_the_lecture_numbers():
    z = np.array([2.0, -1.99, -0.01])
    np.testing.assert_allclose(cr.softmax(z), [0.868, 0.016, 0.116], atol=5e-4)
    z = np.array([0.6, 1.1, -1.5, 1.2, 3.2, -1.1])
    printed = [0.055, 0.090, 0.006, 0.099, 0.74, 0.010]  # cut off there, not rounded
    np.testing.assert_allclose(cr.softmax(z), printed, atol=2e-3)
    assert cr.sigmoid(0.87) == pytest.approx(0.705, abs=5e-4)


def test_targets_may_be_shared_between_rows_and_learned():
    logits, targets = np.arange(6.0).reshape(2, 3), np.array([0.2, 0.3, 0.5])
    by_logits, by_targets = cr.grad(lambda z, t: np.sum(ops.softmax_cross_entropy(z, t)), (0, 1))(
        logits, targets
    )
    np.testing.assert_allclose(by_logits, cr.softmax(logits) - targets)
    np.testing.assert_allclose(by_targets, -np.sum(cr.log_softmax(logits), axis=0))


def test_the_step_has_no_derivative():
    t = cr.Tensor([-1.0, 0.0, 2.0])
    result = ops.step(t)
    assert isinstance(result, np.ndarray)
    np.testing.assert_array_equal(result, [0.0, 0.0, 1.0])
    with pytest.raises(cr.errors.NotDifferentiableError):
        cr.grad(lambda x: np.sum(ops.step(x)))(np.ones(3))
