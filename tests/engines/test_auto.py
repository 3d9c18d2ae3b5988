"""Which engine is chosen: from the graph and the number of its runs alone."""

import importlib.util

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import auto
from chainrule.engines.auto import COSTS, choose, step_seconds, total_seconds
from chainrule.errors import ArgumentError


def graph(width=8):
    def step(w, x):
        return w - 0.1 * cr.grad(lambda w: np.mean(np.tanh(x @ w) ** 2))(w)

    return cr.trace(step)(np.zeros((width, width)), np.zeros((4, width)))


@pytest.fixture
def installed(monkeypatch):
    """Return a function that says which packages there are."""

    def say(*names):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in names or None)

    return say


def test_the_more_steps_the_more_may_be_done_before(installed):
    installed("numba")
    small = graph()
    engines = [choose(small, n).engine for n in (1, 1_000, 1_000_000)]
    assert engines == ["eager", "numpy", "numba"]


def test_the_choice_is_the_least_of_the_estimates(installed):
    installed("numba")
    for n in (1, 10, 100, 10_000, 10**7):
        choice = choose(graph(), n)
        seconds = {name: total_seconds(graph(), name, n) for name in ("eager", "numpy", "numba")}
        assert seconds[choice.engine] == min(seconds.values())
        assert choice.reason.startswith(f"seconds estimated for {n} steps: eager ")
        assert choice.advice == ""


def test_what_is_missing_is_named_if_it_would_pay_by_far(installed):
    installed()
    assert choose(graph(), 1_000).advice == ""
    choice = choose(graph(), 10**7)
    assert choice.engine == "numpy"
    assert choice.advice.startswith("numba would make this about ")
    assert choice.advice.endswith("times faster: pip install 'chainrule[fast]'")
    installed("numba")
    assert choose(graph(), 10**7).advice == ""


def test_a_step_that_takes_long_is_left_to_the_eager_engine(monkeypatch):
    monkeypatch.setattr(auto, "_LONG", 0.0)
    assert choose(graph(), 10**6).engine == "eager"


def test_an_engine_of_unknown_costs_counts_as_numpy():
    assert step_seconds(graph(), "other") == step_seconds(graph(), "numpy")
    assert "other" not in COSTS


def squared(x):
    return np.tanh(x) ** 2


def test_a_compiled_function_is_told_how_often_it_will_be_called():
    for calls, engine in ((1, "numpy"), (10**9, "numba")):
        fast = cr.compile(squared, engine="auto", calls=calls)
        np.testing.assert_allclose(fast(np.ones(3)), squared(np.ones(3)), rtol=1e-14)
        assert fast.engine == engine
    with pytest.raises(ArgumentError, match="compile: calls must be"):
        cr.compile(squared, engine="auto", calls=0)


def test_a_scan_counts_its_steps():
    run = cr.scan(lambda carry, x: (carry + x, carry), "auto")
    total, before = run(np.array(0.0), np.arange(4.0), np.arange(4))
    assert total == 6
    assert run.engine == run.latest.plan.engine == "numpy"
    np.testing.assert_array_equal(before, [0, 0, 1, 3])
