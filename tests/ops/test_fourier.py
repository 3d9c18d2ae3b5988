"""Fourier transforms: real functions of them against differences, and known identities."""

import numpy as np
import pytest

from chainrule import check_grads, grad, hessian

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_parseval(n, norm):
    x = RNG.normal(size=6)

    def power(x):
        return np.sum(np.abs(np.fft.fft(x, n, norm=norm)) ** 2)

    scale = {None: n, "ortho": 1.0, "forward": 1.0 / n}[norm]
    expected = np.where(np.arange(6) < n, 2.0 * scale * x, 0.0)
    np.testing.assert_allclose(grad(power)(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [4, 5])
def test_power_of_the_half_spectrum(n):
    check_grads(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2), (RNG.normal(size=n),), order=2)


@pytest.mark.parametrize("n", [6, 7])
def test_convolution_by_transforms_is_the_circular_convolution(n):
    a, b = RNG.normal(size=n), RNG.normal(size=n)
    index = (np.arange(n)[:, None] - np.arange(n)) % n

    def by_transforms(a, b):
        return np.sum(np.sin(np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), n)))

    def directly(a, b):
        return np.sum(np.sin(b[index] @ a))

    found, expected = grad(by_transforms, (0, 1))(a, b), grad(directly, (0, 1))(a, b)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("length", [3, 4, 7, 10])
def test_inverse_half_transform_cuts_and_fills(length):
    x = RNG.normal(size=(2, 5))
    check_grads(
        lambda x: np.fft.irfft(np.fft.rfft(x, axis=0) * 1j * x[:2], length, axis=1), (x,), order=2
    )


def test_there_and_back_is_the_identity():
    x = RNG.normal(size=(3, 4))
    for there, back in (
        (np.fft.fft, np.fft.ifft),
        (np.fft.fftn, np.fft.ifftn),
        (np.fft.rfftn, lambda y: np.fft.irfftn(y, s=(3, 4), axes=(0, 1))),
        (np.fft.rfft2, lambda y: np.fft.irfft2(y, s=(3, 4))),
        (np.fft.fftshift, np.fft.ifftshift),
    ):
        gradient = grad(lambda x: np.sum(np.real(back(there(x))) ** 3))(x)  # noqa: B023
        np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-11, atol=1e-13)


def test_hessian_of_a_spectral_penalty():
    weights = np.arange(4.0) ** 2

    def penalty(x):
        return np.sum(weights * np.abs(np.fft.rfft(x)) ** 2)

    transform = np.fft.rfft(np.eye(6), axis=0)
    expected = 2.0 * np.real(transform.conj().T @ (weights[:, None] * transform))
    np.testing.assert_allclose(hessian(penalty)(RNG.normal(size=6)), expected, atol=1e-12)


def test_single_precision_stays():
    x = np.ones(8, np.float32)
    assert grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2))(x).dtype == np.float32
