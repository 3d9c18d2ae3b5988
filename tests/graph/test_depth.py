"""Deep graphs need no recursion, a step gives its memory back at once, and peaks stay low."""

import gc
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

DEPTH = 100_000


def decay(x: Any, n_nodes: int) -> Any:
    """Return x / e, in so many multiplications."""
    for _ in range(n_nodes):
        x = x * (1.0 - 1.0 / n_nodes)
    return x


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Leave the freeing of memory to reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def in_child(program: str) -> str:
    """Run a program in a process of its own, where a stack overflow kills nothing else."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


class TestDepth:
    def test_backward(self) -> None:
        x = cr.Tensor(2.0)
        decay(x, DEPTH).backward()
        assert x.grad == pytest.approx(np.exp(-1.0), rel=1e-5)

    def test_grad(self) -> None:
        assert cr.grad(decay)(2.0, DEPTH) == pytest.approx(np.exp(-1.0), rel=1e-5)

    def test_jvp(self) -> None:
        value, tangent = cr.jvp(lambda x: decay(x, DEPTH), (2.0,), (3.0,))
        assert value == pytest.approx(2.0 * np.exp(-1.0), rel=1e-5)
        assert tangent == pytest.approx(3.0 * np.exp(-1.0), rel=1e-5)

    def test_second_derivative(self) -> None:
        n = DEPTH // 10
        second = cr.grad(cr.grad(lambda x: decay(x, n) ** 2))(2.0)
        assert second == pytest.approx(2.0 * np.exp(-2.0), rel=1e-3)

    def test_trace_runs_and_prints(self) -> None:
        n = DEPTH // 10
        graph = cr.trace(lambda x: decay(x, n))(1.0)
        assert graph(1.0) == pytest.approx(np.exp(-1.0), rel=1e-3)
        assert str(graph).count("\n") == n + 1

    def test_forks_are_walked_once(self) -> None:
        """A chain of forks has 2 ** depth paths; visiting each would never end."""
        x = cr.Tensor(1.0)
        y = x
        for _ in range(1_000):
            y = y * 0.5 + y * 0.5
        y.backward()
        assert x.grad == 1.0


@pytest.mark.parametrize("use", ["y.backward()", "cr.grad(decay)(2.0)", "pass"])
def test_a_deep_graph_is_freed_without_recursion(use: str) -> None:
    in_child(
        f"""
import chainrule as cr
def decay(x):
    for _ in range({DEPTH}):
        x = x * 0.99999
    return x
y = decay(cr.Tensor(2.0))
{use}
del y
"""
    )


@pytest.mark.slow
def test_a_million_nodes() -> None:
    n = 10 * DEPTH
    x = cr.Tensor(2.0)
    decay(x, n).backward()
    assert x.grad == pytest.approx(np.exp(-1.0), rel=1e-6)
    assert cr.grad(decay)(2.0, n) == pytest.approx(np.exp(-1.0), rel=1e-6)
    tangent = cr.jvp(lambda x: decay(x, n), (2.0,), (1.0,))[1]
    assert tangent == pytest.approx(np.exp(-1.0), rel=1e-6)


class TestNoCycles:
    """What a step made dies with its last reference, not at some later collection."""

    def test_the_graph_dies_with_its_result(self, no_collector: None) -> None:
        x = cr.Tensor([1.0, 2.0])
        hidden = np.tanh(x)
        loss = np.sum(hidden * hidden)
        loss.backward()
        watched = [weakref.ref(hidden), weakref.ref(loss)]
        del hidden, loss
        assert [ref() for ref in watched] == [None, None]

    @pytest.mark.parametrize(
        "step",
        [
            lambda x: np.sum(np.tanh(cr.Tensor(x))).backward(),
            lambda x: cr.grad(lambda x: np.sum(np.tanh(x) * x))(x),
            lambda x: cr.grad(cr.grad(lambda x: np.tanh(x) ** 3.0))(x[0]),
            lambda x: cr.vjp(np.tanh, x)[1](x),
            lambda x: cr.jvp(np.tanh, (x,), (x,)),
            lambda x: cr.trace(lambda x: np.sum(np.tanh(x)))(x)(x),
        ],
        ids=["backward", "grad", "grad of grad", "vjp", "jvp", "trace"],
    )
    def test_a_transform_leaves_none(self, step: Callable[[Any], Any], no_collector: None) -> None:
        x = np.array([0.5, 1.5])
        step(x)
        gc.collect()
        step(x)
        assert gc.collect() == 0


class TestMemory:
    def test_ten_thousand_steps_do_not_grow(self) -> None:
        """What is resident is read, for the peak of a child begins at that of its parent."""
        if not Path("/proc/self/statm").exists():
            pytest.skip("this system does not say what is resident")
        growth = in_child(
            """
import gc, mmap
import numpy as np
import chainrule as cr
gc.disable()
w, x = cr.Tensor(np.ones((20, 50))), np.ones((20, 50))
def step():
    w.grad = None
    np.sum(np.tanh(w * x) ** 2.0).backward()
    w.value = w.value - 1e-3 * w.grad
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE / 2**20
for _ in range(1_000):
    step()
before = resident()
for _ in range(10_000):
    step()
print(resident() - before)
"""
        )
        assert float(growth) < 5.0  # MiB

    @pytest.mark.parametrize("mode", ["backward", "grad", "jvp"])
    def test_the_peak_is_little_more_than_the_saved_activations(self, mode: str) -> None:
        """Gradients of intermediate results are dropped as soon as they were passed on."""
        layers, x = 30, np.full(100_000, 0.5)

        def network(x: Any) -> Any:
            for _ in range(layers):
                x = np.tanh(x)
            return np.sum(x)

        def run() -> None:
            if mode == "backward":
                network(cr.Tensor(x)).backward()
            elif mode == "grad":
                cr.grad(network)(x)
            else:
                cr.jvp(network, (x,), (x,))

        run()
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 1.2 * (layers + 4) * x.nbytes

    def test_the_peak_of_a_training_step(self) -> None:
        """At most a fifth over four times the parameters and what the layers recorded."""
        numbers = in_child(
            """
import tracemalloc
import numpy as np
import chainrule as cr
rng, sizes, n = np.random.default_rng(0), (200, 300, 300, 10), 1024
params = [(rng.standard_normal((o, i)) / i**0.5, np.zeros(o)) for i, o in zip(sizes, sizes[1:])]
x, labels = rng.standard_normal((n, sizes[0])), rng.integers(0, sizes[-1], n)
def loss(params):
    h = x
    for W, b in params[:-1]:
        h = np.tanh(h @ W.T + b)
    W, b = params[-1]
    return -np.mean(cr.log_softmax(h @ W.T + b)[np.arange(n), labels])
step = cr.value_and_grad(loss)
step(params)
tracemalloc.start()
kept = step(params)
print(tracemalloc.get_traced_memory()[1])
print(sum(a.nbytes for layer in params for a in layer))
print(8 * n * sum(3 * size for size in sizes[1:]))  # product, sum, activation
"""
        )
        peak, parameters, activations = map(int, numbers.split())
        assert peak <= 1.2 * (4 * parameters + activations)
        assert activations > 4 * parameters  # else keeping every gradient would go unnoticed
