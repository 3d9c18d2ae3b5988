"""The jax engine where JAX is installed: numbers, dtypes, shapes, sweeps, errors, source."""

import ast
import re
import subprocess
import sys

import numpy as np
import pytest
from engine_cases import (
    assert_close,
    assert_threads_agree,
    network,
    networks,
    programs,
    rows,
    step_and_arguments,
    training_step,
)
from test_random_programs import arguments, program_of
from test_source import HOSTILE, NODES

import chainrule as cr
from chainrule import nn, optim, trace
from chainrule.engines.emit_jax import NoJaxError
from chainrule.engines.jax_engine import JaxProgram
from chainrule.engines.lower import rewritten
from chainrule.errors import MissingExtraError
from chainrule.graph import REGISTRY
from chainrule.graph.tree import flatten
from chainrule.training import fit

jax = pytest.importorskip("jax")

OPS = sorted(REGISTRY, key=lambda entry: entry.name)

# Entries with samples that run on the numpy engine instead, and why.
WITHOUT = {
    "argpartition": "NumPy leaves the order open",
    "choose": "an index is refused by its number",
    "nanmedian": "how many numbers are left depends on numbers",
    "nanpercentile": "as nanmedian",
    "nanquantile": "as nanmedian",
    "quantile_at": "as nanmedian",
    "where_true": "how many are true depends on numbers",
}


def assert_harmless(text):
    """Only numbers, names, and calls of functions of ``jnp`` and ``ops``."""
    assert text.isascii()
    tree = ast.parse(text)
    ours = {"jnp", "ops", "settings", "fixed", "inputs", "constants"}
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and type(n.ctx) is ast.Store}
    for node in ast.walk(tree):
        assert isinstance(node, NODES), ast.dump(node)
        if isinstance(node, ast.Import):
            assert ast.unparse(node) == "import jax.numpy as jnp"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            assert node.id in stored | ours, node.id
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Attribute)
            root = ast.unparse(node.func).split(".")[0]
            assert root in {"jnp", "ops"} or node.func.attr == "astype"
        if isinstance(node, ast.Attribute):
            root = ast.unparse(node).split(".")[0]
            assert node.attr in {"T", "astype"} or root in {"jnp", "ops"}
            assert not node.attr.startswith("_")
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int | float | None | type(...))


def compared(function, arrays, rtol=1e-12):
    with np.errstate(all="ignore"):
        graph = trace(function)(*arrays)
        leaves = [np.asarray(x)[()] for x in flatten(arrays)[0]]
        expected = rewritten(graph).evaluate(leaves)
        program = JaxProgram(graph, leaves, {})
        kept = [np.copy(x) for x in leaves]
        assert_close(program(leaves), expected, rtol, smallest=1.0)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(leaves, kept, strict=True))
    assert_harmless(program.source)


# Ops --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_every_op(entry):
    for function, arrays in programs(entry):
        try:
            compared(function, arrays)
        except NoJaxError:
            assert entry.name in WITHOUT


IN_NETWORKS = {
    "add", "subtract", "multiply", "divide", "exp", "log", "tanh", "sqrt", "maximum", "where",
    "sum", "mean", "max", "matmul", "relu", "sigmoid", "softplus", "log_softmax", "gelu", "elu",
    "getitem", "take_along_axis", "concatenate", "convolve", "einsum", "sort", "solve", "fft",
}  # fmt: skip


@pytest.mark.parametrize("entry", [x for x in OPS if x.name in IN_NETWORKS], ids=lambda x: x.name)
def test_ops_of_networks(entry):
    compared(*next(iter(programs(entry))))


UFUNCS = sorted(
    {x.forward for x in OPS if isinstance(getattr(x, "forward", None), np.ufunc)},
    key=lambda f: f.__name__,
)
SPECIAL = [0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e30, -1e-30, 88.0, -80.0]
WHOLE = [0, 1, 2, 3, 7, 100, -1, -2, -3, -7, -100]


@pytest.mark.slow
@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_special_numbers_and_integers(function):
    if function.signature is not None or function is np.ldexp:
        return
    fast = cr.compile((lambda a: function(a), lambda a, b: function(a, b))[function.nin - 1], "jax")
    for dtype in (np.float64, np.float32, np.int64, np.int32, np.uint64, np.bool_):
        plain = SPECIAL if dtype in (np.float64, np.float32) else WHOLE
        values = np.array(plain)[np.array(plain) >= (0 if dtype == np.uint64 else -np.inf)]
        values = values.astype(dtype) if np.dtype(dtype).kind != "f" else np.array(plain, dtype)
        given = [x.ravel() for x in np.meshgrid(*[values] * function.nin)]
        try:
            with np.errstate(all="ignore"):
                expected = function(*given)
        except (TypeError, ValueError):
            continue
        actual = fast(*given)
        assert actual.dtype == expected.dtype
        if expected.dtype.kind in "iub":
            np.testing.assert_array_equal(actual, expected)
            continue
        facts = np.finfo(expected.dtype)
        rtol = 8 * facts.eps
        cancels = function in (np.logaddexp, np.logaddexp2)  # and denormal numbers may be zero
        np.testing.assert_allclose(actual, expected, rtol, atol=rtol if cancels else facts.tiny)


RANGES = [(-1, 1), (-1e-3, 1e-3), (-0.05, 0.05), (0.1, 5), (-30, 30), (1, 1e4)]
# Where their terms cancel, NumPy's are not accurate either; and what no rounding decides.
NOT_ROUNDED = {"logaddexp", "logaddexp2", "spacing", "float_power"}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_four_units_in_the_last_place(function, dtype):
    if function.signature or function.__name__ in NOT_ROUNDED or "d->d" not in function.types[-1]:
        return
    rng = np.random.default_rng(0)
    fast = cr.compile((lambda a: function(a), lambda a, b: function(a, b))[function.nin - 1], "jax")
    for low, high in RANGES:
        given = [rng.uniform(low, high, 5000).astype(dtype) for _ in range(function.nin)]
        with np.errstate(all="ignore"):
            exact = function(*[x.astype(np.longdouble) for x in given])
            there = exact.astype(dtype)
            error = np.abs(fast(*given) - exact) / np.spacing(np.abs(there))
        normal = np.isfinite(there) & (np.abs(there) > np.finfo(dtype).tiny)
        assert np.max(error[normal], initial=0) <= 4


def test_nan_and_infinity_pass_through():
    def function(x):
        parts = np.exp(x), np.tanh(x), np.maximum(x, 0), np.minimum(x, x[::-1]), x - x, x * 0
        return *parts, np.sum(x), np.max(x), np.min(x), np.sort(x), np.where(x > 0, x, 0)

    x = np.array([1.0, np.nan, -np.inf, np.inf])
    for dtype in (np.float64, np.float32):
        with np.errstate(all="ignore"):
            expected = function(x.astype(dtype))
        assert_close(cr.compile(function, "jax")(x.astype(dtype)), expected, 1e-6)


# Networks ---------------------------------------------------------------------------------------


def test_a_hundred_training_steps():
    optimizer, model = optim.Adam(0.01), network()
    step = training_step(optimizer)
    fast, slow = cr.compile(step, "jax"), cr.compile(step, "interpreter")
    a = b = (model, optimizer.init(model))
    for i in range(100):
        x, y = rows(16 if i % 10 else 7, i)
        *a, loss = fast(*a, x, y, np.uint64(i))
        *b, expected = slow(*b, x, y, np.uint64(i))
        np.testing.assert_allclose(loss, expected, rtol=2e-3)
    assert not fast.plan.note
    assert fast.n_programs == 1
    assert_close(a[0], b[0], 2e-3)


def test_a_hundred_training_steps_in_double_precision():
    model = nn.Sequential(nn.Linear(6, 8, rng=0, dtype=np.float64), "tanh",
                          nn.Linear(8, 3, rng=1, dtype=np.float64))  # fmt: skip
    optimizer = optim.Adam(0.01)
    step = training_step(optimizer)
    fast = cr.compile(step, "jax")
    a = b = (model, optimizer.init(model))
    for i in range(100):
        x, y = rows(16, i)
        a = fast(*a, x.astype(float), y, np.uint64(i))[:2]
        b = step(*b, x.astype(float), y, np.uint64(i))[:2]
    assert_close(a, b, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(networks()), ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    _, model, loss, x, y = case
    step, state = training_step(optim.SGD(0.1), loss), optim.SGD(0.1).init(model)
    fast = cr.compile(step, "jax")
    for n in (7, 2):
        given = (model, state, x[:n], y[:n], np.uint64(1))
        with np.errstate(all="ignore"):
            assert_close(fast(*given), step(*given))
    assert not fast.plan.note
    assert_harmless(fast.source)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed):
    program, given = program_of(seed), arguments(seed)
    with np.errstate(all="ignore"):
        expected = program(*given)
        assert_close(cr.compile(program, "jax")(*given), expected, 1e-11, smallest=1.0)


def test_one_source_for_every_batch_size():
    fast, sources, model = cr.compile(step_and_arguments()[0], "jax"), set(), network()
    for n in (8, 2, 1):
        fast(model, optim.Adam(0.01).init(model), *rows(n), np.uint64(0))
        sources.add(fast.source)
    assert len(sources) == fast.n_programs == 1


# Sweeps -----------------------------------------------------------------------------------------


def epoch(engine, step, carry, *args, **kwargs):
    run = cr.scan(step, engine)
    return (*run(carry, *args, **kwargs), run.latest)


def training_sweep(optimizer):
    step = training_step(optimizer)

    def one(carry, batch, now):
        model, state, value = step(*carry, *batch, now)
        return (model, state), value

    return one


@pytest.mark.parametrize("n", [24, 27])
def test_an_epoch_is_one_program(n):
    optimizer, model = optim.Adam(0.01), network()
    carry, data = (model, optimizer.init(model)), rows(n)
    order = np.random.default_rng(0).permutation(n)
    given = carry, data, order, 8, np.arange(-(-n // 8)).astype(np.uint64)
    found = epoch("jax", training_sweep(optimizer), *given)
    expected = epoch("numpy", training_sweep(optimizer), *given)
    assert_close(found[:2], expected[:2], 1e-4)
    assert not found[2].plan.note
    assert all(x.flags.writeable for x in flatten(found[:2])[0])


def test_single_rows_and_places_from_the_end():
    step = lambda w, x: (w * 0.5 + x, (np.sum(w), x))
    x = np.random.default_rng(0).normal(size=(5, 3))
    for order in (None, np.array([4, -1, 0, -5, 2])):
        given = np.zeros(3), x, order
        assert_close(epoch("jax", step, *given)[:2], epoch("numpy", step, *given)[:2], 1e-15)


def test_a_carry_that_is_overwritten_and_one_that_is_not():
    step = lambda w, x: (w + x, None)
    w, x = np.zeros(2), np.ones((4, 2))
    run = cr.scan(step, "jax")
    assert run(w, x)[0].tolist() == [4.0, 4.0]
    assert w.tolist() == [0.0, 0.0]
    assert run(w, x, in_place=True)[0] is w
    assert w.tolist() == [4.0, 4.0]
    assert x.tolist() == [[1.0, 1.0]] * 4


def test_data_that_may_change_is_read_anew_and_other_data_is_moved_once():
    run = cr.scan(lambda w, x: (w + x, None), "jax")
    x = np.ones((3, 2))
    assert run(np.zeros(2), x)[0].tolist() == [3.0, 3.0]
    x[0] = 5.0
    x.flags.writeable = False
    view = np.ones((3, 2))[:, :]
    view.flags.writeable = False
    for data, total in ((x, 7.0), (x, 7.0), (view, 3.0)):
        assert run(np.zeros(2), data)[0].tolist() == [total, total]
    ((sweep, _),) = run._sweeps.values()
    assert not sweep._moved
    run(np.zeros(2), x)
    ((known, moved),) = sweep._moved
    run(np.zeros(2), x)
    assert known is x
    assert sweep._moved[0][1] is moved
    view.base[...] = 2.0
    assert run(np.zeros(2), view)[0].tolist() == [6.0, 6.0]


def test_a_step_that_goes_wrong_raises_and_leaves_the_carry():
    step = lambda w, place: (w + w[place], None)
    w = np.ones(3)
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        cr.scan(step, "jax")(w, np.array([0, 1, 3]), in_place=True)
    assert w.tolist() == [1.0] * 3


def test_what_is_not_finite_and_does_not_raise_is_a_result():
    step = lambda w, a: (w + np.linalg.inv(a), None)
    matrices = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    found, expected = (cr.scan(step, engine)(np.zeros((2, 2)), matrices)[0]
                       for engine in ("jax", "numpy"))  # fmt: skip
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found).all()
    assert np.isnan(cr.compile(lambda a: np.linalg.inv(a), "jax")(matrices[1])).all()


def test_a_step_without_a_form_runs_step_by_step():
    step = lambda w, x: (w + np.sum(x[x > 0]), None)
    x = np.random.default_rng(0).normal(size=(4, 3))
    w, _, program = epoch("jax", step, 0.0, x)
    np.testing.assert_allclose(w, np.sum(x[x > 0]))
    assert program.plan.note.startswith("numpy instead of jax: the shape of a result depends")


# What is refused, and what is left alone --------------------------------------------------------


@pytest.mark.parametrize("place", [9, -10])
def test_positions_out_of_bounds_raise(place):
    table, places = np.ones((9, 2)), np.array([0, place])
    for function in (
        lambda table, places: table[places] * 2.0,
        lambda table, places: np.take_along_axis(table, places[:, None], axis=0),
        lambda table, places: cr.grad(lambda t: np.sum(t[places]))(table),
    ):
        fast = cr.compile(function, "jax")
        fast(table, np.array([8, -9]))
        with pytest.raises(IndexError, match=f"index {place} is out of bounds"):
            fast(table, places)


def test_singular_matrices_raise():
    fast = cr.compile(lambda a: np.linalg.inv(a), "jax")
    np.testing.assert_allclose(fast(2.0 * np.eye(2)), 0.5 * np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        fast(np.zeros((2, 2)))


def test_what_has_no_form_runs_on_numpy_and_the_plan_says_so():
    @cr.op(lambda x: x + 1.0, register=False)
    def own(g, y, x):
        return g

    fast = cr.compile(lambda x: own(x), "jax")
    assert fast(np.ones(2)).tolist() == [2.0, 2.0]
    assert str(fast.plan).startswith("numpy instead of jax: there is no form of own in JAX\nnumpy")
    masked = cr.compile(lambda x: np.sum(x[x > 0]), "jax")
    assert masked(np.array([1.0, -1.0])) == 1.0
    assert "depends on numbers" in masked.plan.note


def test_masks_that_are_known_select():
    mask = np.array([True, False, True])
    fast = cr.compile(lambda x: cr.value_and_grad(lambda x: np.sum(x[mask] ** 2))(x), "jax")
    assert_close(fast(np.arange(3.0)), (4.0, np.array([0.0, 0.0, 4.0])))
    assert not fast.plan.note


def test_results_are_arrays_of_their_own():
    fast = cr.compile(lambda x: (x, x.T, np.exp(x)), "jax")
    x = np.ones((2, 2))
    for y in fast(x):
        assert type(y) is np.ndarray
        y[...] = 7.0
    assert x.tolist() == [[1.0, 1.0]] * 2
    assert type(cr.compile(lambda x: np.sum(x), "jax")(x)) is np.float64


def test_dtypes_are_those_of_numpy():
    def function(i, f):
        whole = i * 2, i // 3, i + True, np.sum(i), np.prod(i), np.max(i), np.cumsum(i)
        mixed = i * f, i / 2, f * 2.0, np.mean(i), np.concatenate([i, f]), np.where(i > 0, i, f)
        return *whole, *mixed, f > 0, np.where(i > 0, 1.0, 0.0), np.argmax(f), np.round(f)

    for kind in (np.int32, np.int64, np.uint8):
        for floating in (np.float32, np.float64):
            given = np.arange(4, dtype=kind), np.ones(4, floating)
            assert_close(cr.compile(function, "jax")(*given), function(*given))


def test_threads():
    assert_threads_agree("jax", columns=40, calls=20)


def test_no_setting_of_jax_is_changed():
    program = (
        "import sys, numpy as np, chainrule as cr\n"
        "fast = cr.compile(lambda x: x * 2.0, 'jax')\n"
        "assert 'jax' not in sys.modules\n"
        "assert fast(np.ones(2)).dtype == np.float64\n"
        "import jax\n"
        "assert jax.numpy.asarray(1.0).dtype == np.float32\n"
        "assert not jax.config.jax_enable_x64\n"
        "assert jax.config.jax_default_matmul_precision is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"chainrule\[jax\]"):
        cr.compile(lambda x: x + 1.0, "jax")(1.0)


def test_hostile_names_reach_no_source():
    def function(tree):
        return sum(np.tanh(x) for x in tree.values())

    fast = cr.compile(function, "jax")
    fast({name: np.ones((2, 2)) for name in [*HOSTILE, "jnp", "fixed"]})
    assert not fast.plan.note
    assert_harmless(fast.source)
    assert "system(" not in fast.source


def test_a_training_step_reads_well():
    step, given = step_and_arguments()
    fast = cr.compile(step, "jax")
    fast(*given)
    assert_harmless(fast.source)
    line = step.__code__.co_firstlineno + 1
    assert re.search(rf" = x @ v\d+ +# line {line}\n", fast.source)
    assert max(map(len, fast.source.splitlines())) < 140


def test_rows_of_a_table_that_are_looked_up_are_updated_alone():
    rng = np.random.default_rng(0)
    data = rng.integers(0, 30, (40, 4)), rng.normal(size=(40, 1))
    made = nn.Embedding(30, 3, rng=0), nn.Flatten(), nn.Linear(12, 1, rng=1)
    settings = {"loss": nn.mse, "optimizer": optim.Adam(lr=0.1, lazy=True), "max_norm": 1.0}
    found = [
        fit(nn.Sequential(*made), data, epochs=2, batch_size=8, engine=engine, **settings)
        for engine in ("jax", "eager")
    ]
    assert found[0][1].why == "as was asked for; updated by the rows that a step looks up: 0.weight"
    assert_close(*(list(nn.named_parameters(model).values()) for model, _ in found), rtol=1e-3)
