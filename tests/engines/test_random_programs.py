"""Random programs of sums, products, views and selections: memory and fusion must not show."""

import numpy as np
import pytest
from engine_cases import assert_close, assert_same
from test_loops import no_compiler

import chainrule as cr
from chainrule.engines import numba_engine
from chainrule.engines.axes import NoLoopsError
from chainrule.engines.emit_loops import LoopEmitter
from chainrule.engines.lower import lowered, rewritten

__all__ = ["no_compiler"]

UNARY = [np.tanh, np.exp, np.negative, np.square, np.abs, lambda x: np.where(x > 0, x, 0.5 * x)]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, lambda a, b: a / (2.0 + np.abs(b))]
JOINING = [np.sum, np.mean, np.max]


def grown(values, rng):
    """One more value, made of those there are."""
    pick = lambda: values[rng.integers(len(values))]
    a, b = pick(), pick()
    kind = rng.integers(8)
    if kind < 2:
        return UNARY[rng.integers(len(UNARY))](np.tanh(a))
    if kind < 4 and np.ndim(a) + np.ndim(b) and broadcast(a, b):
        return BINARY[rng.integers(len(BINARY))](a, b)
    if kind == 4 and np.ndim(a) == 2:
        axis = [None, 0, 1, -1][rng.integers(4)]
        return JOINING[rng.integers(3)](a, axis=axis, keepdims=bool(rng.integers(2)))
    if kind == 5 and np.ndim(a) == 2:
        views = [a.T, a[:, None, 0], a[-1], np.flip(a, 0), np.flip(a), a.reshape(-1)]
        return [*views, cr.softmax(a)][rng.integers(7)]
    if kind == 6 and np.ndim(a) == np.ndim(b) == 2:
        if np.shape(a)[1] == np.shape(b)[0]:
            return np.tanh(a) @ np.tanh(b)
        if np.shape(a)[1] == np.shape(b)[1]:
            return np.tanh(a) @ np.tanh(b).T
    return np.tanh(a)


def broadcast(a, b):
    try:
        shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    except ValueError:
        return False
    return len(shape) < 3


def program_of(seed):
    def program(x, w, b):
        rng = np.random.default_rng(seed)
        values = [x, w, b]
        for _ in range(14):
            values.append(grown(values, rng))
        results = [values[i] for i in rng.integers(3, len(values), 3)]
        return sum(np.sum(np.sin(v)) for v in results), results

    def with_gradient(x, w, b):
        return cr.value_and_grad(program, (0, 1, 2), has_aux=True)(x, w, b)

    return with_gradient


def arguments(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 4)), rng.normal(size=(3, 4)), rng.normal(size=4)


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    program, given = program_of(seed), arguments(seed)
    with np.errstate(all="ignore"):
        graph = cr.trace(program)(*given)
        expected = rewritten(graph).evaluate(given)
        fast = cr.compile(program)
        for _ in range(2):
            assert_same(fast(*given), expected)
        try:
            loops = numba_engine.NumbaProgram(graph, given, {})
        except NoLoopsError:
            return
        assert_close(loops(given), expected, 1e-11, smallest=1.0)


def test_most_of_them_have_loops():
    emitted = 0
    for seed in range(60):
        graph = cr.trace(program_of(seed))(*arguments(seed))
        try:
            LoopEmitter(numba_engine.prepared(lowered(graph))[0])
            emitted += 1
        except NoLoopsError:
            continue
    assert emitted > 40
