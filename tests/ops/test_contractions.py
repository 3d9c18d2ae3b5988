"""einsum in every form it can be written; agreement with the products it stands for."""

import numpy as np
import pytest

from chainrule import Tensor, grad, hessian, trace
from chainrule.ops.contractions import _explicit

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("subscripts", "ndims", "expected"),
    [
        ("ij,jk", (2, 2), "ij,jk->ik"),
        ("ba", (2,), "ba->ab"),
        ("ii", (2,), "ii->"),
        ("...i,i...", (3, 2), "ABi,iB->AB"),
        ("A...->...A", (2,), "AB->BA"),
        ("...", (0,), "->"),
        ("i...->...", (1,), "i->"),
    ],
)
def test_explicit_subscripts(subscripts, ndims, expected):
    assert _explicit(subscripts, ndims) == expected


def test_forms_are_recorded_alike():
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    spelled = trace(lambda a, b: np.einsum("ij, jk -> ik", a, b))(a, b)
    implicit = trace(lambda a, b: np.einsum("ij,jk", a, b))(a, b)
    assert str(spelled) == str(implicit)
    listed = np.einsum(Tensor(a), [7, 3], b, [3, 9], [7, 9])
    np.testing.assert_array_equal(listed.value, np.einsum("ij,jk->ik", a, b))


@pytest.mark.parametrize("optimize", [False, True, "greedy", ["einsum_path", (0, 1)]])
def test_gradient_is_that_of_the_product(optimize):
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    by_einsum = grad(
        lambda a, b: np.sum(np.sin(np.einsum("ij,jk->ik", a, b, optimize=optimize))), (0, 1)
    )(a, b)
    by_product = grad(lambda a, b: np.sum(np.sin(a @ b)), (0, 1))(a, b)
    for one, other in zip(by_einsum, by_product, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_same_tensor_twice_gets_both_gradients():
    x = RNG.normal(size=3)
    np.testing.assert_allclose(grad(lambda x: np.einsum("i,i", x, x))(x), 2 * x)


def test_gradient_of_a_diagonal_stands_on_the_diagonal():
    x = RNG.normal(size=(3, 3))
    np.testing.assert_array_equal(grad(lambda x: np.einsum("ii", x))(x), np.eye(3))


def test_hessian_of_a_quadratic_form():
    a, x = RNG.normal(size=(3, 3)), RNG.normal(size=3)
    found = hessian(lambda x: np.einsum("i,ij,j->", x, a, x))(x)
    np.testing.assert_allclose(found, a + a.T, rtol=1e-13)


def test_stretched_axes_are_summed_and_spread():
    a, b = RNG.normal(size=(1, 3)), RNG.normal(size=(2, 1))
    ga, gb = grad(lambda a, b: np.sum(np.einsum("ij,ij->ij", a, b)), (0, 1))(a, b)
    np.testing.assert_allclose(ga, np.full((1, 3), b.sum()))
    np.testing.assert_allclose(gb, np.full((2, 1), a.sum()))


@pytest.mark.parametrize("axes", [2, ((0, 1), (1, 0)), ([-1, 1], [1, 0])])
def test_tensordot_over_axes_in_any_order(axes):
    a, b = RNG.normal(size=(3, 4, 3)), RNG.normal(size=(4, 3, 4))
    weights = RNG.normal(size=np.tensordot(a, b, axes).shape)
    ga = grad(lambda a: np.sum(weights * np.tensordot(a, b, axes)))(a)
    eps = 1e-6
    move = RNG.normal(size=a.shape)
    step = np.tensordot(a + eps * move, b, axes) - np.tensordot(a - eps * move, b, axes)
    np.testing.assert_allclose(np.sum(ga * move), np.sum(weights * step) / (2 * eps), rtol=1e-7)
