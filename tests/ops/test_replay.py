"""A value and gradient traced at batch 3 give the right numbers at batch 5, for every shape op."""

import numpy as np
import pytest

from chainrule import hvp, jvp, trace, value_and_grad

view = np.lib.stride_tricks.sliding_window_view
ROW = np.array([0.5, -1.0, 2.0, 0.25])

PROGRAMS = {
    "reshape": lambda x: x.reshape(-1, 2, 2),
    "ravel": lambda x: x.ravel() ** 2,
    "transpose": lambda x: x.T @ x,
    "moveaxis": lambda x: np.moveaxis(x.reshape(-1, 2, 2), 0, -1),
    "squeeze and expand": lambda x: np.squeeze(np.expand_dims(x, 1), 1),
    "rot90": np.rot90,
    "roll": lambda x: np.roll(x, 1, axis=0) * x,
    "roll all": lambda x: np.roll(x, 2) * x,
    "flip": lambda x: np.flip(x, 0) * x,
    "broadcast": lambda x: x[:, None, :] * np.broadcast_to(x[0], (2, 4)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, ROW)[0] * np.broadcast_arrays(ROW, x)[0],
    "broadcast a row": lambda x: np.broadcast_arrays(x[0], x)[0] * x,
    "meshgrid": lambda x: np.meshgrid(x[:, 0], x[:, 1])[0] * np.meshgrid(x[:, 0], x[:, 1])[1],
    "concatenate": lambda x: np.concatenate([x, 2.0 * x, ROW[None]], axis=0),
    "concatenate columns": lambda x: np.concatenate([x, x[:, :1] * x], axis=1),
    "stack": lambda x: np.stack([x, x * x], axis=1),
    "vstack": lambda x: np.vstack([x, ROW, x]),
    "hstack": lambda x: np.hstack([x, x**3]),
    "dstack": lambda x: np.dstack([x, x]),
    "column_stack": lambda x: np.column_stack([x[:, 0], x]),
    "block": lambda x: np.block([[x, x], [x**2, -x]]),
    "append": lambda x: np.append(x, x),
    "split": lambda x: np.split(x, 2, axis=1)[1],
    "split at": lambda x: np.split(x, [1])[1],
    "array_split the batch": lambda x: np.array_split(x, 2)[0],
    "unstack": lambda x: np.unstack(x, axis=1)[2],
    "tile": lambda x: np.tile(x, (2, 3)),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "repeat all": lambda x: np.repeat(x, 3),
    "pad": lambda x: np.pad(x, ((1, 2), (0, 1)), constant_values=0.5),
    "pad by edge": lambda x: np.pad(x, 1, mode="edge"),
    "pad by mirror": lambda x: np.pad(x, 2, mode="reflect"),
    "pad symmetric": lambda x: np.pad(x, 2, mode="symmetric"),
    "pad by period": lambda x: np.pad(x, 2, mode="wrap"),
    "diagonal": lambda x: np.diagonal(x @ x.T),
    "diag": lambda x: np.diag(x[:, 0]) @ x,
    "tril": lambda x: np.tril(x @ x.T),
    "triu": lambda x: np.triu(x @ x.T, 1),
    "atleast": lambda x: np.atleast_3d(x) * np.atleast_2d(x[:, 0])[0, :, None, None],
    "copy": lambda x: x.copy() * x,
    "astype": lambda x: x.astype(np.float32).astype(np.float64),
    "resize": lambda x: np.resize(x, (3, 7)),
    "delete": lambda x: np.delete(x, 1, axis=0),
    "delete a slice": lambda x: np.delete(x, slice(None, None, 2), axis=0),
    "insert": lambda x: np.insert(x, 1, x[0], axis=0),
    "windows": lambda x: view(x, 2, axis=0) ** 2,
    "row": lambda x: x[1] * x,
    "last rows": lambda x: x[-2:],
    "reversed": lambda x: x[::-1] * x,
    "ellipsis": lambda x: x[..., None, 1],
    "rows": lambda x: x[[0, 2, 2, -1]],
    "rows and columns": lambda x: x[[0, -1], [1, 3]],
    "mask": lambda x: x[x > 0.0] ** 2,
    "mask of rows": lambda x: x[x[:, 0] > 0.0] ** 2,
    "argmax rows": lambda x: x[np.argmax(x, axis=0)],
    "take": lambda x: np.take(x, [5, -7, 1], axis=0, mode="wrap"),
    "take clipped": lambda x: np.take(x, [9, -7], axis=0, mode="clip"),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argmax(x, axis=1)[:, None], axis=1),
    "compress": lambda x: np.compress(x[:, 0] > 0.0, x, axis=0),
    "extract": lambda x: np.extract(x > 0.5, x) ** 2,
    "sum": lambda x: np.sum(x, axis=0) ** 2,
    "mean": lambda x: np.mean(x, axis=0) ** 2 + np.mean(x),
    "prod": lambda x: np.prod(x, axis=0),
    "prod of all": lambda x: np.prod(x, axis=(1, 0)),
    "max": lambda x: np.max(x, axis=0) ** 2,
    "ptp": lambda x: np.ptp(x, axis=0),
    "var": lambda x: np.var(x, axis=0, ddof=1) ** 2,
    "std": lambda x: np.std(x, axis=0),
    "average": lambda x: np.average(x, axis=1, weights=ROW + 2.0),
    "cov": lambda x: np.cov(x, rowvar=False),
    "corrcoef": lambda x: np.corrcoef(x, rowvar=False),
    "logaddexp": np.logaddexp.reduce,
    "cumsum": lambda x: np.cumsum(x, axis=0) ** 2,
    "cumsum of all": lambda x: np.cumsum(x) ** 2,
    "cumprod": lambda x: np.cumprod(x, axis=0),
    "cumulative_prod": lambda x: np.cumulative_prod(x, axis=0, include_initial=True),
    "diff": lambda x: np.diff(x, axis=0) ** 2,
    "gradient": lambda x: np.gradient(x, axis=0) ** 2,
    "trapezoid": lambda x: np.trapezoid(x, axis=0),
    "sort": lambda x: np.sort(x, axis=0) * np.sort(x),
    "median": lambda x: np.median(x, axis=0) ** 2,
    "quantile": lambda x: np.quantile(x, [0.1, 0.7], axis=0) ** 2,
    "nanmean": lambda x: np.nanmean(x, axis=0) ** 2,
    "nanmax": lambda x: np.nanmax(x, axis=0) ** 2,
    "unwrap": lambda x: np.unwrap(3.0 * x, axis=0) ** 2,
    "outer": lambda x: np.multiply.outer(x[:, 0], ROW) + np.add.outer(x[:, 1], ROW),
    "over axes": lambda x: np.apply_over_axes(np.sum, x, [0, 1]) ** 2,
}


def batch(n):
    return np.random.default_rng(n).uniform(-2.0, 2.0, (n, 4))


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_graph_traced_at_one_batch_size_serves_another(program):
    step = value_and_grad(lambda x: np.sum(np.sin(program(x))))
    graph = trace(step)(batch(3))
    for n in (3, 5):
        value, gradient = graph(batch(n))
        expected_value, expected_gradient = step(batch(n))
        np.testing.assert_allclose(value, expected_value, rtol=1e-12)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_so_does_its_forward_mode(program):
    def step(x, v):
        return jvp(lambda x: np.sum(np.sin(program(x))), (x,), (v,))

    graph = trace(step)(batch(3), batch(3) ** 2)
    expected = step(batch(5), batch(5) ** 2)
    np.testing.assert_allclose(graph(batch(5), batch(5) ** 2), expected, rtol=1e-10, atol=1e-12)


def test_the_gradient_of_an_unused_argument_is_zeros_of_its_own_batch_size():
    step = value_and_grad(lambda w, x: np.sum(w**2), argnums=(0, 1))
    graph = trace(step)(np.ones(2), batch(3))
    _, (_, gradient) = graph(np.ones(2), batch(5))
    np.testing.assert_array_equal(gradient, np.zeros((5, 4)))


def test_so_is_its_second_derivative():
    product = lambda w, x, v, u: hvp(lambda w, x: np.sum(w**3), (w, x), (v, u))
    graph = trace(product)(np.ones(2), batch(3), np.ones(2), batch(3))
    _, second = graph(np.ones(2), batch(5), np.ones(2), batch(5))
    np.testing.assert_array_equal(second, np.zeros((5, 4)))


def test_the_tangent_of_a_broadcast_argument_follows_the_batch():
    def step(w, x, v):
        return jvp(lambda w: np.sum((x + w) ** 2 + np.minimum(x, w)), (w,), (v,))

    graph = trace(step)(ROW, batch(3), ROW**2)
    expected = step(ROW, batch(5), ROW**2)
    np.testing.assert_allclose(graph(ROW, batch(5), ROW**2), expected, rtol=1e-12)
