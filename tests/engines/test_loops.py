"""Emitted loops, run by Python itself: no compiler is needed to know whether they are right."""

import ast
import ctypes
import math
import threading

import numpy as np
import pytest
from engine_cases import assert_close, network, networks, programs, rows, training_step

from chainrule import nn, optim, trace
from chainrule.engines import emitted, numba_engine
from chainrule.engines.axes import NoLoopsError
from chainrule.engines.emit_loops import HOMES as HOMES_OF_FUNCTIONS
from chainrule.engines.lower import rewritten
from chainrule.engines.names import identifier
from chainrule.engines.program import load
from chainrule.graph import REGISTRY
from chainrule.graph.tree import flatten

OPS = sorted(REGISTRY, key=lambda entry: entry.name)


def product(dtype):
    """What the kernel does: rows of a, of any strides, by those of b."""

    def product(kernel, m, n, k, a, a_row, a_col, b, b_row, beta, c, c_row):
        assert beta == 0
        left, right = (
            strided(a, (m, k), (a_row, a_col), dtype),
            strided(b, (k, n), (b_row, 1), dtype),
        )
        # Term after term: what BLAS makes of a row depends on how many rows there are.
        terms = left[:, :, None] * right
        strided(c, (m, n), (c_row, 1), dtype)[...] = np.add.reduce(terms, axis=1)

    return product


def transpose(kernel, rows, columns, source, source_row, to, to_row):
    dtype = np.dtype(f"float{KERNELS[kernel]}")
    given = strided(source, (rows, columns), (source_row, 1), dtype)
    strided(to, (columns, rows), (to_row, 1), dtype)[...] = given.T


def strided(address, shape, steps, dtype):
    steps = [step * dtype.itemsize for step in steps]
    n_bytes = dtype.itemsize + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    memory = (ctypes.c_char * (n_bytes if 0 not in shape else 0)).from_address(int(address))
    return np.ndarray(shape, dtype, memory, 0, steps)


def carray(address, shape, dtype):
    return strided(address, shape, [math.prod(shape[i + 1 :]) for i in range(len(shape))],
                   np.dtype(dtype))  # fmt: skip


KERNELS = {103: 32, 104: 64}


N_THREADS = 3


def waiting():
    barrier = threading.Barrier(N_THREADS, timeout=20)
    return lambda sync, thread, n_threads: n_threads > 1 and barrier.wait()


def share(n, thread, n_threads):
    return n * thread // n_threads, n * (thread + 1) // n_threads


FUNCTIONS = {
    f"{name}{bits}": getattr(np, name)
    for name in ("exp", "log", "log1p", "tanh")
    for bits in (32, 64)
}
FUNCTIONS |= {f"product{bits}": product(np.dtype(f"float{bits}")) for bits in (32, 64)}
FUNCTIONS |= {"transpose": transpose, "carray": carray, "pointer": lambda address: address}
FUNCTIONS |= {f"{f}{bits}": lambda x: x for f in ("rank", "ranked") for bits in (32, 64)}
FUNCTIONS |= {"flush_denormals": lambda: 0, "restore_denormals": lambda before: None}
FUNCTIONS |= {
    "wait": waiting(),
    "share": share,
    "stay_apart": lambda: None,
    "owners": lambda n: (2 if n > 1 else 1) - 1,
}


NODES = (
    ast.Module, ast.Import, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg,
    ast.Assign, ast.AugAssign, ast.Expr, ast.Name, ast.Load, ast.Store, ast.Tuple, ast.Set,
    ast.Call, ast.keyword, ast.Attribute, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare,
    ast.BoolOp, ast.boolop, ast.IfExp, ast.If, ast.For, ast.While, ast.Raise, ast.Subscript,
    ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip
IMPORTS = {
    "import math", "import numpy as np", "from numba import carray, njit",
}  # fmt: skip
ENTRY_DECORATOR = "njit(cache=True, error_model='numpy')"
CACHED = "cache=True, "
HOMES = {f"from chainrule.engines.{home}" for home in ("functions", "calls", "meeting")}
DECORATOR = "njit(cache=True, nogil=True, error_model='numpy', fastmath={'reassoc', 'contract'})"


def assert_harmless(source):
    """Only loops, arithmetic, and calls of functions that are known."""
    assert source.isascii()
    tree = ast.parse(source)
    *parts, function = (x for x in tree.body if isinstance(x, ast.FunctionDef))
    if function.name == "entry":
        entry, function = function, parts.pop()
        assert [ast.unparse(x) for x in entry.decorator_list] == [ENTRY_DECORATOR]
        entry.decorator_list.clear()
    assert [ast.unparse(x) for x in function.decorator_list] == [DECORATOR]
    for part in parts:
        assert [ast.unparse(x) for x in part.decorator_list] == [DECORATOR.replace(CACHED, "")]
    for x in (*parts, function):
        x.decorator_list.clear()
    called = {*FUNCTIONS, *(x.name for x in parts), "range", "abs", "max", "min", "IndexError"}
    called |= {"program"}
    for node in ast.walk(tree):
        assert isinstance(node, NODES), ast.dump(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
            assert text in IMPORTS or text.split(" import ")[0] in HOMES
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id in called
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            root, name = ast.unparse(node.func).split(".")
            assert root in {"np", "math"} or name == "reshape"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value == "out of bounds"


def as_python(source):
    assert_harmless(source)
    kept = [x for x in source.splitlines() if not x.startswith(("from ", "@njit"))]
    program = load("\n".join(kept), **FUNCTIONS)

    def checked(*args):
        try:
            program(*args)
        except IndexError as error:  # compiled, it would write where it must not
            if str(error) != "out of bounds":
                raise AssertionError from error
            raise

    return checked


@pytest.fixture(autouse=True, params=["alone", "together"])
def no_compiler(request, monkeypatch):
    if request.param == "together":
        monkeypatch.setattr(numba_engine, "SHARED_CALL", 0)
        monkeypatch.setattr(numba_engine, "SHARED_STEP", 0)
        monkeypatch.setattr(numba_engine, "SHARED_ROWS", 0)
    monkeypatch.setitem(FUNCTIONS, "wait", waiting())
    monkeypatch.setattr(emitted, "_loaded", as_python)
    monkeypatch.setattr(emitted, "_header", lambda: "")
    monkeypatch.setattr(emitted, "_addresses", lambda source: (101, 102, 103, 104))
    monkeypatch.setattr(numba_engine, "n_processors", lambda: N_THREADS)


def compared(function, arguments, rtol=1e-12):
    with np.errstate(all="ignore"):
        graph = trace(function)(*arguments)
        leaves = [np.asarray(x)[()] for x in flatten(arguments)[0]]
        program = numba_engine.NumbaProgram(graph, leaves, {})
        expected = rewritten(graph).evaluate(leaves)
        for _ in range(2):
            assert_close(program(leaves), expected, rtol)
    return program


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_every_op_that_has_loops(entry):
    for program, arrays in programs(entry):
        try:
            compared(program, arrays)
        except NoLoopsError:
            continue


EMITTED = {
    "add", "subtract", "multiply", "divide", "negative", "exp", "log", "tanh", "sqrt", "maximum",
    "where", "sum", "mean", "max", "matmul", "transpose", "relu", "sigmoid", "softplus", "softmax",
    "log_softmax", "softmax_cross_entropy", "sigmoid_cross_entropy", "gelu", "spread",
    "sum_to", "flip", "silu", "elu", "leaky_relu", "concatenate", "window", "embed", "pad_zeros",
}  # fmt: skip


@pytest.mark.parametrize("entry", [x for x in OPS if x.name in EMITTED], ids=lambda x: x.name)
def test_ops_of_networks_have_loops(entry):
    program, arrays = next(iter(programs(entry)))
    compared(program, arrays)


@pytest.mark.parametrize("n", [8, 5, 2])
@pytest.mark.parametrize("optimizer", [optim.SGD(0.1, momentum=0.9), optim.Adam(0.01)], ids=repr)
def test_training_steps(optimizer, n):
    model = network()
    arguments = (model, optimizer.init(model), *rows(n), np.uint64(1))
    compared(training_step(optimizer), arguments, 2e-5)


@pytest.mark.parametrize("case", list(networks()), ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    _, model, loss, x, y = case
    step, state = training_step(optim.SGD(0.1), loss), optim.SGD(0.1).init(model)
    for n in (7, 3, 2):
        compared(step, (model, state, x[:n], y[:n], np.uint64(1)), 1e-4)


def test_large_products_go_to_a_kernel():
    model = nn.Sequential(nn.Linear(6, 60, rng=0), "relu", nn.Linear(60, 3, rng=1))
    step = training_step(optim.SGD(0.1))
    arguments = (model, optim.SGD(0.1).init(model), *rows(200), np.uint64(1))
    assert "product32(" in compared(step, arguments, 2e-5).source


def test_one_source_for_every_batch_size():
    model = network()
    step = training_step(optim.Adam(0.01))
    sources = {
        compared(step, (model, optim.Adam(0.01).init(model), *rows(n), np.uint64(1)), 2e-5).source
        for n in (2, 5, 7, 8, 6, 3)
    }
    assert len(sources) == 1


def test_hostile_names_reach_no_loops():
    names = ["x'); import os; os.system('id') #", "line\nbreak", "kernels", "i0", "exp64", "\u2028"]

    def function(tree):
        return sum(np.sum(np.exp(x)) for x in tree.values())

    source = compared(function, ({name: np.ones((2, 2)) for name in names},)).source
    assert "system(" not in source
    assert "def program(frame, thread, n_threads):" in source


def test_what_programs_call_is_no_name_for_an_input():
    for names in HOMES_OF_FUNCTIONS.values():
        for name in names:
            assert identifier(name) != name
