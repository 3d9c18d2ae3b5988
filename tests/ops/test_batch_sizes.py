"""A gradient traced at one length of an axis serves every other: rules hold no shapes."""

import numpy as np
import pytest

from chainrule import grad, trace

MATRIX = np.random.default_rng(1).normal(size=(3, 3)) + 3.0 * np.eye(3)

PROGRAMS = {
    "matmul": lambda x: x @ MATRIX,
    "vector times batch": lambda x: x[0] @ x.T,
    "weights shared by a stack": lambda x: x[:, None, :] @ MATRIX,
    "einsum over rows": lambda x: np.einsum("bi,ij,bj->b", x, MATRIX, x),
    "einsum with a lone index": lambda x: np.einsum("bi,j->j", x, MATRIX[0]),
    "einsum with an ellipsis": lambda x: np.einsum("...i,...j->...ij", x, x),
    "tensordot": lambda x: np.tensordot(x, x, axes=((0,), (0,))),
    "inner": lambda x: np.inner(x, MATRIX),
    "outer": lambda x: np.outer(x[:, 0], x[:, 1]),
    "kron": lambda x: np.kron(x, MATRIX[:2]),
    "cross": lambda x: np.cross(x, MATRIX[0]),
    "convolve": lambda x: np.convolve(x[:, 0], MATRIX[0], mode="same"),
    "correlate": lambda x: np.correlate(x[:, 0], MATRIX[0, :2], mode="valid"),
    "gram inverse": lambda x: np.linalg.inv(x.T @ x + np.eye(3)),
    "solve": lambda x: np.linalg.solve(MATRIX, x.T),
    "det": lambda x: np.linalg.det(x[:, :, None] * x[:, None, :] + MATRIX),
    "slogdet": lambda x: np.linalg.slogdet(x.T @ x)[1],
    "pinv": np.linalg.pinv,
    "lstsq": lambda x: np.linalg.lstsq(x, x[:, 0] ** 2)[0],
    "eigvalsh": lambda x: np.linalg.eigvalsh(x.T @ x),
    "svd": lambda x: np.linalg.svd(x, full_matrices=False).U ** 2,
    "qr": lambda x: np.linalg.qr(x).Q ** 2,
    "row norms": lambda x: np.linalg.norm(x, axis=1),
    "power norm": lambda x: np.linalg.norm(x, 3, axis=0),
    "nuclear norm": lambda x: np.linalg.norm(x, "nuc"),
    "rfft along the batch": lambda x: np.abs(np.fft.rfft(x, axis=0)) ** 2,
    "fft then back": lambda x: np.real(np.fft.ifft(np.fft.fft(x, axis=0) ** 2, axis=0)),
    "irfft": lambda x: np.fft.irfft(x, axis=0),
    "fftshift": lambda x: np.fft.fftshift(x, axes=0) ** 2,
    "polyval": lambda x: np.polyval(MATRIX[0], x),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_traced_gradient_serves_another_length(program):
    def loss(x):
        y = program(x)
        return np.sum(np.sin(y) * y)

    rng = np.random.default_rng(0)
    example, longer = rng.normal(size=(5, 3)), rng.normal(size=(8, 3))
    graph = trace(grad(loss))(example)
    np.testing.assert_allclose(graph(longer), grad(loss)(longer), rtol=1e-10, atol=1e-12)
