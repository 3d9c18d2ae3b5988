"""Random programs: every way to a derivative gives the same numbers, and so do finite differences.

A program is a list of instructions on typed values. ``B3`` and ``B4`` are batches of rows, ``C`` is
one number a row, ``V3`` and ``V4`` are vectors, ``M`` is a matrix of 3 by 4, ``N`` a number. No
instruction knows the length of the batch, so that a traced program must serve every batch size.
"""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import rewrite
from chainrule.ops.rewrites import RULES

MIX = np.random.default_rng(7).uniform(-0.8, 0.8, (3, 4))


@cr.op(lambda x: (np.sin(x), np.cos(x)), outputs=2, register=False)
def sine_and_cosine(g, y, x):
    return g[0] * y[1] - g[1] * y[0]


UNARY = [
    np.tanh, np.sin, np.abs, cr.sigmoid, cr.softplus, cr.gelu, np.square,
    lambda x: np.sqrt(1.0 + x * x), lambda x: np.exp(-x * x), lambda x: x / (1.0 + x**2),
    lambda x: np.clip(x, -0.7, 0.9), lambda x: np.log1p(np.exp(x)), lambda x: x.astype(float) ** 3,
    lambda x: sine_and_cosine(x)[0], lambda x: np.multiply(*sine_and_cosine(x)),
    lambda x: np.where(np.isnan(x), 0.0, -x),
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.maximum, np.fmin, np.hypot, np.logaddexp,
    lambda a, b: a / (1.0 + b * b), lambda a, b: np.arctan2(a, 1.0 + b**2),
    lambda a, b: np.where(a > b, a, 0.5 * b), lambda a, b: a - np.floor(3.0 * a) * b,
    lambda a, b: (1.0 + a * a) ** np.tanh(b), lambda a, b: np.power(2.0, a) * b,
]  # fmt: skip
TO_ROW = [
    lambda x: np.mean(x, axis=0), lambda x: np.max(x, axis=0), lambda x: np.std(x, axis=0),
    lambda x: cr.logsumexp(x, axis=0), lambda x: x[0], lambda x: x[-1] * x[np.argmax(x[:, 0])],
    lambda x: np.median(x, axis=0), lambda x: np.sum(x[1:] * x[:-1], axis=0),
    lambda x: np.prod(np.tanh(x), axis=0),
]  # fmt: skip
TO_COLUMN = [
    lambda x: np.sum(x, axis=1), lambda x: np.linalg.norm(x, axis=-1), lambda x: x[:, 1],
    lambda x: np.min(x, axis=1), lambda x: np.var(x, axis=1), lambda x: np.einsum("ni,ni->n", x, x),
    lambda x: np.take_along_axis(x, np.argmax(x, axis=1)[:, None], axis=1)[:, 0],
    lambda x: x @ np.ones(x.shape[1]),
]  # fmt: skip
BATCH = [
    cr.softmax, lambda x: cr.log_softmax(x, axis=0), lambda x: np.cumsum(x, axis=0) / len(MIX),
    lambda x: x[::-1], lambda x: np.sort(x, axis=1), lambda x: np.roll(x, 1, axis=0),
    lambda x: x - np.mean(x, axis=0), lambda x: x / (1.0 + np.max(x, axis=1, keepdims=True) ** 2),
    lambda x: np.concatenate([x[1:], x[:1]]), lambda x: x.T.reshape(x.shape[1], -1).T,
    lambda x: np.flip(np.swapaxes(x[None], 0, 1), 0)[:, 0],
]  # fmt: skip

# What an instruction takes, what it gives, and what it may be.
INSTRUCTIONS = [
    *((kinds, kinds[0], BINARY) for k in ("B3", "B4") for kinds in (
        (k, k), (k, f"V{k[1]}"), (k, "N"))),
    *(((k, k), k, BINARY) for k in ("V3", "V4", "C", "N", "M")),
    *(((k,), k, UNARY) for k in ("B3", "B4", "V3", "V4", "C", "M", "N")),
    *(((k,), k, BATCH) for k in ("B3", "B4")),
    *(((f"B{i}",), f"V{i}", TO_ROW) for i in (3, 4)),
    *(((f"B{i}",), "C", TO_COLUMN) for i in (3, 4)),
    (("B3",), "B4", [lambda x: x @ MIX, lambda x: np.concatenate([x, x[:, :1] * x[:, 1:2]], 1)]),
    (("B4",), "B3", [lambda x: x @ MIX.T, lambda x: x[:, [0, 0, 2]], lambda x: np.diff(x, axis=1)]),
    (("B3", "B4"), "M", [lambda a, b: a.T @ b / 3.0, lambda a, b: np.einsum("ni,nj->ij", a, b)]),
    (("B3", "M"), "B4", [np.matmul, np.dot, lambda a, m: np.einsum("ni,ij->nj", a, m)]),
    (("V3", "V4"), "M", [np.outer, lambda a, b: a[:, None] - b]),
    (("V3", "M"), "V4", [np.matmul, lambda v, m: np.tensordot(v, m, 1)]),
    (("M", "V3"), "V3", [lambda m, v: np.linalg.solve(np.eye(3) + m @ m.T, v)]),
    (("V3", "V3"), "N", [np.dot, lambda a, b: np.sum(a * b[::-1]), np.vdot]),
    (("C",), "N", [np.mean, np.max, lambda c: np.sqrt(1.0 + np.sum(c**2)), np.std]),
    (("C", "V4"), "B4", [np.multiply.outer, lambda c, v: c[:, None] + v]),
    (("C", "C", "C"), "B3", [lambda *c: np.stack(c, axis=1), lambda *c: np.column_stack(c)]),
    (("M",), "N", [np.sum, lambda m: np.trace(m[:, :3]), lambda m: np.linalg.norm(m)]),
]  # fmt: skip


def random_program(seed, length=9):
    """A function of a batch, a matrix and a vector that returns a number."""
    rng = np.random.default_rng(seed)
    kinds = ["B3", "M", "V4"]
    steps = []
    while len(steps) < length:
        takes, gives, choices = INSTRUCTIONS[rng.integers(len(INSTRUCTIONS))]
        if not set(takes) <= set(kinds):
            continue
        # Later values are likelier, so that programs grow deep; a value may serve several times.
        places = [max(rng.choice([i for i, k in enumerate(kinds) if k == t], 2)) for t in takes]
        steps.append((choices[rng.integers(len(choices))], places))
        kinds.append(gives)

    def program(x, w, b):
        values = [x, w, b]
        for function, places in steps:
            found = function(*(values[i] for i in places))
            values.append(np.arctan(found))  # so that no number grows out of bounds
        return sum(np.mean(np.tanh(0.3 * value)) for value in values[2:])

    return program


def arguments(n, seed):
    rng = np.random.default_rng([n, seed])
    return [rng.uniform(-1.5, 1.5, shape) for shape in ((n, 3), (3, 4), (4,))]


def inner(first, second):
    return sum(float(np.sum(a * b)) for a, b in zip(first, second, strict=True))


def close(actual, expected, rtol=1e-9):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


WHICH = (0, 1, 2)
SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives(seed):
    program, point = random_program(seed), arguments(4, seed)
    v = [np.random.default_rng(seed).standard_normal(x.shape) for x in point]
    gradient = cr.grad(program, WHICH)
    at_point = gradient(*point)

    def along(function, h=1e-6):
        high, low = (function(*(x + s * d for x, d in zip(point, v, strict=True))) for s in (h, -h))
        return high, low, 2 * h

    high, low, h = along(program)
    slope = inner(at_point, v)
    assert slope == pytest.approx((high - low) / h, rel=1e-5, abs=1e-7)
    assert cr.jvp(program, point, v)[1] == pytest.approx(slope, rel=1e-9, abs=1e-12)

    product = cr.hvp(program, point, v)
    high, low, h = along(gradient)
    close(product, [(a - b) / h for a, b in zip(high, low, strict=True)], rtol=1e-5)
    close(cr.grad(lambda *p: cr.jvp(program, p, v)[1], WHICH)(*point), product)
    close(cr.grad(lambda *p: inner_of(gradient(*p), v), WHICH)(*point), product)

    leaves = [cr.Tensor(x) for x in point]
    program(*leaves).backward()
    close([0.0 if leaf.grad is None else leaf.grad for leaf in leaves], at_point, rtol=1e-12)


def inner_of(first, second):
    """The inner product of tensors and arrays, which must be recorded."""
    return sum(np.sum(a * b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_traces(seed):
    program = random_program(seed)
    step = cr.value_and_grad(program, WHICH)
    small, other = arguments(3, seed), arguments(6, seed)
    value, gradient = step(*other)
    graph = cr.trace(step)(*small)
    for run in (graph, rewrite(graph, RULES)):
        replayed, again = run(*other)
        assert replayed == pytest.approx(value, rel=1e-10, abs=1e-12)
        close(again, gradient)
    forward = cr.trace(program)(*small)
    for run in (forward, rewrite(forward, RULES)):
        close(cr.grad(run, WHICH)(*other), gradient)

    def product(*args):
        return cr.hvp(program, args[:3], args[3:])

    close(cr.trace(product)(*small, *small)(*other, *other), product(*other, *other))


@pytest.mark.parametrize("seed", SEEDS)
def test_single_precision(seed):
    program, point = random_program(seed), arguments(4, seed)
    single = cr.grad(program, WHICH)(*(x.astype(np.float32) for x in point))
    assert all(g.dtype == np.float32 for g in single)
    close(single, cr.grad(program, WHICH)(*point), rtol=2e-3)
