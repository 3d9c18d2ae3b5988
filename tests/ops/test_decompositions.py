"""Decompositions: identities, several results of one op, degenerate matrices."""

import numpy as np
import pytest

from chainrule import Tensor, check_grads, grad, hessian, jvp, trace, vjp
from chainrule.errors import UnsupportedError
from chainrule.ops.decompositions import apart, positive

RNG = np.random.default_rng(0)
SYMMETRIC, SQUARE, TALL = positive(3, 3)(RNG), apart(3, 3)(RNG), apart(4, 2)(RNG)


def symmetric_part(g):
    return (g + g.mT) / 2


# Identities -----------------------------------------------------------------------------------


def test_cholesky_gives_the_determinant():
    by_factor = grad(lambda a: 2 * np.sum(np.log(np.linalg.diagonal(np.linalg.cholesky(a)))))(
        SYMMETRIC
    )
    np.testing.assert_allclose(symmetric_part(by_factor), np.linalg.inv(SYMMETRIC), rtol=1e-12)
    assert np.all(np.triu(by_factor, 1) == 0)


def test_upper_factor_reads_the_upper_triangle():
    gradient = grad(lambda a: np.sum(np.linalg.cholesky(a, upper=True) ** 3))(SYMMETRIC)
    lower = grad(lambda a: np.sum(np.linalg.cholesky(a) ** 3))(SYMMETRIC)
    np.testing.assert_allclose(gradient, lower.T, rtol=1e-12)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_functions_of_a_symmetric_matrix_by_its_eigenvectors(uplo):
    def exponential(a):
        w, v = np.linalg.eigh(a, uplo)
        return np.trace((v * np.exp(w)) @ v.T)

    gradient = grad(exponential)(SYMMETRIC)
    w, v = np.linalg.eigh(SYMMETRIC)
    np.testing.assert_allclose(symmetric_part(gradient), (v * np.exp(w)) @ v.T, rtol=1e-11)
    unread = np.triu(gradient, 1) if uplo == "L" else np.tril(gradient, -1)
    assert np.all(unread == 0)


@pytest.mark.parametrize("decompose", [np.linalg.svd, np.linalg.qr])
def test_the_product_of_the_parts_is_the_matrix(decompose):
    def restored(a):
        parts = decompose(a)
        return (parts[0] * parts[1]) @ parts[2] if len(parts) == 3 else parts[0] @ parts[1]

    g = RNG.normal(size=(3, 3))
    np.testing.assert_allclose(vjp(restored, SQUARE)[1](g)[0], g, rtol=1e-10, atol=1e-12)


def test_tiny_singular_values_do_not_spoil_the_vectors_of_a_square_matrix():
    u, _, vh = np.linalg.svd(SQUARE)
    a = (u * [2.0, 1.0, 1e-13]) @ vh
    gradient = grad(lambda a: np.linalg.svd(a).U[0, 2] ** 2)(a)
    # The derivative of U is that of the eigenvectors of a @ a.T.
    expected = grad(lambda a: np.linalg.eigh(a @ a.T).eigenvectors[0, 0] ** 2)(a)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


# Several results of one op ---------------------------------------------------------------------

PARTS = {
    "eigenvalues": lambda a: np.linalg.eigh(a @ a.T)[0],
    "eigenvectors": lambda a: np.linalg.eigh(a @ a.T)[1] ** 2,
    "u": lambda a: np.linalg.svd(a, full_matrices=False)[0] ** 2,
    "s": lambda a: np.linalg.svd(a, full_matrices=False)[1],
    "vh": lambda a: np.linalg.svd(a, full_matrices=False)[2] ** 2,
    "u and vh": lambda a: np.linalg.svd(a).U ** 2 @ np.linalg.svd(a).Vh ** 2,
    "q": lambda a: np.linalg.qr(a)[0] ** 2,
    "r": lambda a: np.linalg.qr(a)[1] ** 2,
    "the same twice": lambda a: np.linalg.eigh(a @ a.T)[0] * np.linalg.eigh(a @ a.T)[0],
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_some_of_the_results(part):
    check_grads(part, (SQUARE,), order=2)
    gradient = grad(lambda a: np.sum(np.sin(part(a))))
    graph = trace(gradient)(SQUARE)
    np.testing.assert_allclose(graph(SQUARE), gradient(SQUARE), rtol=1e-12)


def test_both_results_in_forward_mode():
    move = RNG.normal(size=(3, 3))
    (_, v), (dw, dv) = jvp(np.linalg.eigh, (SYMMETRIC,), (move,))
    read = np.tril(move) + np.tril(move, -1).T
    np.testing.assert_allclose(dw, np.diag(v.T @ read @ v), rtol=1e-12)
    np.testing.assert_allclose(v.T @ dv + dv.T @ v, np.zeros((3, 3)), atol=1e-12)


def test_backward_through_one_result_and_then_the_other():
    a = Tensor(SYMMETRIC)
    w, v = np.linalg.eigh(a)
    np.sum(w).backward()
    np.testing.assert_allclose(a.grad, np.eye(3), atol=1e-12)
    a.grad = None
    np.sum(v**2).backward()
    np.testing.assert_allclose(a.grad, np.zeros((3, 3)), atol=1e-12)


def test_results_have_numpys_names():
    assert type(np.linalg.eigh(Tensor(SYMMETRIC))) is type(np.linalg.eigh(SYMMETRIC))
    assert np.linalg.svd(Tensor(TALL), full_matrices=False).S.shape == (2,)
    assert np.linalg.qr(Tensor(TALL)).R.shape == (2, 2)


# Degenerate matrices ----------------------------------------------------------------------------


def test_equal_eigenvalues_have_finite_gradients():
    a = np.diag([1.0, 1.0, 2.0])
    np.testing.assert_array_equal(grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(a), np.eye(3))
    assert np.all(np.isfinite(hessian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(a)))

    def projection(a):
        v = np.linalg.eigh(a).eigenvectors[:, :2]
        return np.sum((v @ v.T) * np.arange(9.0).reshape(3, 3))

    eps = 1e-6
    move = np.tril(RNG.normal(size=(3, 3)))
    step = projection(a + eps * move) - projection(a - eps * move)
    assert np.sum(grad(projection)(a) * move) == pytest.approx(step / (2 * eps), rel=1e-6)


def test_zero_and_equal_singular_values_have_finite_gradients():
    for a in (np.zeros((3, 2)), np.eye(3), np.ones((2, 2))):
        assert np.all(np.isfinite(grad(lambda a: np.sum(np.linalg.svdvals(a)))(a)))
    np.testing.assert_allclose(
        grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.diag([3.0, 3.0])), np.eye(2)
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.linalg.cholesky(a),
        lambda a: np.linalg.eigh(a)[0],
        lambda a: np.linalg.svdvals(a),
        lambda a: np.linalg.qr(a)[1],
    ],
)
def test_complex_matrices_are_refused(function):
    with pytest.raises(UnsupportedError, match="complex"):
        grad(lambda a: np.sum(np.abs(function(a + 0j))))(SYMMETRIC)


def test_svd_of_hermitian_matrices_is_sent_to_eigh():
    with pytest.raises(UnsupportedError, match="eigh"):
        np.linalg.svd(Tensor(SYMMETRIC), hermitian=True)
