"""`compile`: training steps, shapes, names, memory, threads, errors."""

import numpy as np
import pytest
from engine_cases import (
    assert_close,
    assert_same,
    assert_threads_agree,
    network,
    networks,
    rows,
    training_step,
)

import chainrule as cr
from chainrule import optim
from chainrule.engines.plan import amount
from chainrule.errors import ArgumentError, ChainruleError, DtypeError, UnsupportedError
from chainrule.graph.tree import flatten

ENGINES = ["numpy"]


OPTIMIZERS = [
    optim.SGD(0.1),
    optim.SGD(0.1, momentum=0.9, nesterov=True),
    optim.SGD(0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    optim.Adam(0.01),
    optim.Adam(0.01, weight_decay=0.01),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_training_steps_give_the_interpreters_bits(optimizer):
    step = training_step(optimizer)
    fast, slow = cr.compile(step), cr.compile(step, engine="interpreter")
    model = network()
    states = [(model, optimizer.init(model))] * 2
    for i, n in enumerate([8, 8, 8, 5, 1, 8]):
        x, y = rows(n, i)
        found = [f(*s, x, y, np.uint64(i)) for f, s in zip((fast, slow), states, strict=True)]
        assert_same(*found)
        states = [(m, s) for m, s, _ in found]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_hundred_steps_end_where_eager_ones_do(engine):
    optimizer = optim.Adam(0.01)
    step = training_step(optimizer)
    fast = cr.compile(step, engine)
    model = network()
    a = b = (model, optimizer.init(model))
    for i in range(100):
        x, y = rows(16, i)
        a = fast(*a, x, y, np.uint64(i))[:2]
        b = step(*b, x, y, i)[:2]
    for p, q in zip(flatten(a[0])[0], flatten(b[0])[0], strict=True):
        np.testing.assert_allclose(p, q, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("case", list(networks()), ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    _, model, loss, x, y = case
    step, state = training_step(optim.SGD(0.1), loss), optim.SGD(0.1).init(model)
    fast, slow = cr.compile(step), cr.compile(step, "interpreter")
    for n in (7, 3, 2):
        arguments = (model, state, x[:n], y[:n], np.uint64(1))
        with np.errstate(all="ignore"):
            assert_close(fast(*arguments), step(*arguments))
        assert_same(fast(*arguments), slow(*arguments))


def test_one_program_serves_every_batch_size():
    optimizer = optim.Adam(0.01)
    fast = cr.compile(training_step(optimizer))
    model = network()
    for n in (8, 5, 13, 2):
        fast(model, optimizer.init(model), *rows(n), np.uint64(0))
    assert fast.n_programs == 1


def test_a_shape_written_into_the_function_makes_a_program_of_its_own():
    def sums_to_one(x):
        return x / x.shape[0] if x.shape[0] < 4 else x

    fast = cr.compile(sums_to_one)
    for n in (2, 3, 4, 5, 2):
        np.testing.assert_array_equal(fast(np.ones(n)), sums_to_one(np.ones(n)))
    assert fast.n_programs == 3


def test_the_empty_batch():
    np.testing.assert_array_equal(
        cr.compile(lambda x: np.tanh(x) * 2)(np.ones((0, 3))).shape, (0, 3)
    )


def test_numbers_are_arguments_like_any_other():
    fast = cr.compile(lambda w, lr: w - lr * w)
    assert fast(np.ones(2), 0.5).tolist() == [0.5, 0.5]
    assert fast(np.ones(2), 0.25).tolist() == [0.75, 0.75]
    assert fast.n_programs == 1


def test_memory_layouts_of_the_arguments():
    fast = cr.compile(lambda x, y: np.sum((x.T @ y) * 2.0 + x.T @ x, axis=0))
    x, y = np.random.default_rng(0).normal(size=(2, 6, 6))
    expected = np.sum((x.T @ y) * 2.0 + x.T @ x, axis=0)
    for variant in (x, np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(fast(variant, y), expected, rtol=1e-12)


def test_views_among_the_results_are_not_overwritten():
    def views(x):
        y = np.exp(x)
        return y.T, y[1:], np.sum(np.exp(np.exp(-x)) * y)

    fast = cr.compile(views)
    x = np.random.default_rng(0).normal(size=(3, 4))
    first = fast(x)
    kept = [np.copy(y) for y in first]
    fast(-x)
    assert_same(first, tuple(kept))


def test_masks_whose_number_of_elements_changes():
    fast = cr.compile(lambda x: np.sum(np.exp(x[x > 0]) * 2.0) + np.sum(np.tanh(x)))
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=9)
        expected = np.sum(np.exp(x[x > 0]) * 2.0) + np.sum(np.tanh(x))
        np.testing.assert_allclose(fast(x), expected, rtol=1e-14)
    assert fast.n_programs == 1


def test_a_compiled_function_can_be_differentiated():
    fast = cr.compile(lambda x: np.sum(x**3))
    np.testing.assert_allclose(cr.grad(fast)(np.array([1.0, 2.0])), [3.0, 12.0])
    assert fast.__name__ == "<lambda>"


def test_own_ops_and_closures():
    @cr.op(lambda x, *, power: x**power, register=False)
    def raised(g, y, x, *, power):
        return g * power * x ** (power - 1)

    scale = np.array([2.0, 3.0])
    step = cr.value_and_grad(lambda x: np.sum(raised(x, power=3) * scale))
    x = np.array([0.5, -1.5])
    assert_same(cr.compile(step)(x), step(x))


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_do_not_share_buffers(engine):
    assert_threads_agree(engine, columns=400, calls=50)


def test_nothing_is_asked_of_a_function_not_yet_compiled():
    with pytest.raises(ChainruleError, match="call the function"):
        cr.compile(np.tanh).source  # noqa: B018


def test_refusals():
    with pytest.raises(ArgumentError, match="engine must be one of"):
        cr.compile(np.tanh, engine="abacus")
    with pytest.raises(DtypeError, match="arrays of numbers"):
        cr.compile(lambda x: x)("text")
    with pytest.raises(UnsupportedError, match="truth"):
        cr.compile(lambda x: x if x > 0 else -x)(1.0)


def test_compiled_programs_do_not_warn_and_change_no_setting():
    before = np.geterr()
    assert np.isneginf(cr.compile(np.log)(np.zeros(3))).all()
    assert np.geterr() == before


def test_plan_prints_and_reuses_memory():
    fast = cr.compile(lambda x: np.sum(np.exp(np.tanh(np.sin(np.cos(x))))))
    program = fast.program(np.zeros((100, 10)))
    assert program.plan.arena == 8000  # each step overwrites the one before
    text = str(fast.plan)
    assert text.startswith("numpy: 5 steps, 5 kFLOP; 4 buffers in 8 kB (32 kB if none were reused)")
    assert "float64[100,10]" in text
    assert amount(0, "B") == "0 B"


def test_many_shapes_keep_a_bounded_number_of_programs():
    fast = cr.compile(lambda x: x + 1.0)
    for n in range(100):
        fast(np.zeros(n))
    assert fast.n_programs == 1
    assert len(fast._programs) == 64
