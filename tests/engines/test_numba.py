"""The numba engine where Numba is installed: numbers, threads, errors, functions."""

import sys

import numpy as np
import pytest
from engine_cases import assert_close, assert_same, network, networks, rows, training_step
from test_random_programs import arguments, program_of

import chainrule as cr
from chainrule import nn, optim
from chainrule.engines import numba_engine
from chainrule.errors import MissingExtraError

numba = pytest.importorskip("numba")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def test_a_hundred_training_steps():
    optimizer, model = optim.Adam(0.01), network()
    step = training_step(optimizer)
    fast, slow = cr.compile(step, "numba"), cr.compile(step, "interpreter")
    a = b = (model, optimizer.init(model))
    for i in range(100):
        x, y = rows(16 if i % 10 else 7, i)
        *a, loss = fast(*a, x, y, np.uint64(i))
        *b, expected = slow(*b, x, y, np.uint64(i))
        np.testing.assert_allclose(loss, expected, rtol=2e-3)
    assert fast.n_programs == 1
    assert_close(a[0], b[0], 2e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_layers_in_both_precisions(dtype):
    model = nn.Sequential(
        nn.Linear(40, 50, rng=0, dtype=dtype), "tanh", nn.Linear(50, 1, rng=1, dtype=dtype)
    )
    optimizer = optim.SGD(0.1, momentum=0.9)
    step = training_step(optimizer, nn.mse)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, 40)).astype(dtype), rng.normal(size=(70, 1)).astype(dtype)
    arguments = (model, optimizer.init(model), x, y, np.uint64(0))
    fast = cr.compile(step, "numba")
    assert_close(fast(*arguments), step(*arguments), 1e-5 if dtype == np.float32 else 1e-12)
    assert f"product{8 * np.dtype(dtype).itemsize}(" in fast.source


def test_memory_layouts_and_read_only_arguments():
    fast = cr.compile(lambda x, y: np.sum(np.exp(x) * y.T), "numba")
    x, y = np.random.default_rng(0).normal(size=(2, 6, 6))
    expected = np.sum(np.exp(x) * y.T)
    y.flags.writeable = False
    for variant in (x, np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(fast(variant, y), expected, rtol=1e-12)


def test_lookups_and_their_gradients():
    def step(table, places):
        return cr.value_and_grad(lambda t: np.sum(np.tanh(t[places]) ** 2))(table)

    table = np.random.default_rng(0).normal(size=(9, 4))
    places = np.array([[1, 1, 8], [-1, 0, 1]])
    fast = cr.compile(step, "numba")
    assert_close(fast(table, places), step(table, places), 1e-12)
    assert not fast.plan.note


@pytest.mark.parametrize("place", [9, -10])
def test_positions_out_of_bounds_raise(place):
    fast = cr.compile(lambda table, places: table[places] * 2.0, "numba")
    table = np.ones((9, 2))
    fast(table, np.array([8, -9]))
    with pytest.raises(IndexError, match=f"index {place} is out of bounds"):
        fast(table, np.array([0, place]))


def test_what_has_no_loops_runs_on_numpy_and_the_plan_says_so():
    fast = cr.compile(lambda x: np.cumsum(np.exp(x)), "numba")
    np.testing.assert_array_equal(fast(np.arange(3.0)), np.cumsum(np.exp(np.arange(3.0))))
    assert str(fast.plan).startswith("numpy instead of numba: there are no loops for cumsum\nnumpy")
    assert cr.compile(lambda x: x + 1.0, "numba")(np.ones((0, 2))).shape == (0, 2)


def test_nan_and_infinity_pass_through():
    def function(x):
        return np.maximum(x, 0), np.maximum(x[::1], x), np.exp(x), np.sum(x), np.max(x), x - x

    x = np.array([1.0, np.nan, -np.inf, np.inf])
    with np.errstate(all="ignore"):
        assert_close(cr.compile(lambda x: function(x)[2:], "numba")(x), function(x)[2:])
        assert_close(cr.compile(lambda x: function(x)[0], "numba")(x), function(x)[0])


def test_denormals_are_zero_within_and_as_before_after():
    tiny = np.full(4, 1e-310)
    fast = cr.compile(lambda x: x * 0.5, "numba")
    assert fast(tiny).tolist() == [0.0] * 4
    assert (tiny * 0.5 != 0).all()


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"chainrule\[fast\]"):
        cr.compile(lambda x: x + 1.0, "numba")(1.0)


# The functions ----------------------------------------------------------------------------------

RANGES = {
    "exp": (np.exp, [(-87, 88), (-1, 1)]),
    "log": (np.log, [(1e-30, 1e30), (0.5, 2)]),
    "log1p": (np.log1p, [(-0.9, 3), (-1e-4, 1e-4), (1, 1e6)]),
    "tanh": (np.tanh, [(-6, 6), (-0.7, 0.7), (-1e-3, 1e-3)]),
}
ULP = {"exp": 2, "log": 2, "log1p": 3, "tanh": 2}


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("name", RANGES)
def test_functions_are_accurate(name, bits):
    from chainrule.engines import functions

    function, (reference, ranges) = getattr(functions, f"{name}{bits}"), RANGES[name]
    dtype = np.dtype(f"float{bits}")

    @numba.njit(error_model="numpy", fastmath={"reassoc", "contract"})
    def mapped(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    for low, high in ranges:
        x = np.random.default_rng(0).uniform(low, high, 50_000).astype(dtype)
        y = np.empty_like(x)
        mapped(x, y)
        exact = reference(x.astype(np.longdouble))
        error = np.abs(y - exact) / np.spacing(np.abs(exact.astype(dtype)))
        assert error.max() <= ULP[name]
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -1.0, -2.0, 1000.0, -1000.0], dtype)
    y = np.empty_like(special)
    mapped(special, y)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y, reference(special), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    program, given = program_of(seed), arguments(seed)
    fast = cr.compile(program, "numba")
    with np.errstate(all="ignore"):
        assert_close(fast(*given), program(*given), 1e-11, smallest=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(networks()), ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    _, model, loss, x, y = case
    optimizer = optim.SGD(0.1)
    step, state = training_step(optimizer, loss), optimizer.init(model)
    fast = cr.compile(step, "numba")
    assert_close(fast(model, state, x, y, np.uint64(1)), step(model, state, x, y, np.uint64(1)))
    assert not fast.plan.note


@pytest.mark.parametrize("sizes", [(40, 96, 10), (300, 64, 5)], ids=str)
def test_any_number_of_threads_gives_the_same_bits(sizes, monkeypatch):
    model = nn.Sequential(nn.Linear(*sizes[:2], rng=0), "tanh", nn.Linear(*sizes[1:], rng=1))
    optimizer = optim.Adam(0.01)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(150, sizes[0])).astype(np.float32), rng.integers(0, sizes[2], 150)

    def step(carry, batch):
        model, state = carry
        value, g = cr.value_and_grad(lambda m: nn.cross_entropy(m(batch[0]), batch[1]))(model)
        return optimizer.update(model, g, state), value

    found = []
    for n in (1, 2, 3):
        monkeypatch.setattr(numba_engine, "n_processors", lambda n=n: n)
        found.append(cr.scan(step, "numba")((model, optimizer.init(model)), data, None, 40))
    assert_same(found[1], found[0])
    assert_same(found[2], found[0])


def test_a_row_is_the_same_in_every_batch():
    model = nn.Sequential(nn.Linear(64, 48, rng=0), "relu", nn.Linear(48, 7, rng=1))
    predict = cr.compile(lambda x: cr.softmax(model(x)), "numba")
    x = np.random.default_rng(0).normal(size=(33, 64)).astype(np.float32)
    whole = predict(x)
    for i in (0, 5, 32):
        np.testing.assert_array_equal(predict(x[i : i + 1].copy())[0], whole[i])
    np.testing.assert_array_equal(predict(x[3:20]), whole[3:20])


def test_the_plan_shows_loops_and_their_shares_of_the_time():
    carry, x = np.ones((30, 40)), np.ones((8, 40))
    scan = cr.scan(lambda w, x: (w - 0.1 * np.tanh(w), np.sum(x @ w.T)), "numba")
    plan = scan.measure(carry, x, None, 4)
    assert 0.0 < sum(plan.shares) <= 1.0
    assert len(plan.shares) == len(plan.groups)
    assert "of the time" in str(plan)
    slow = cr.scan(lambda w, x: (w - 0.1 * np.tanh(w), np.sum(x @ w.T))).measure(carry, x, None, 4)
    assert sum(slow.shares) == pytest.approx(1.0)
