"""Bounds of computed positions: no element lies outside, and what is not known is refused."""

import numpy as np
import pytest
from test_loops import no_compiler
from test_scan import run

import chainrule as cr
from chainrule import nn, trace
from chainrule.engines.axes import NoLoopsError
from chainrule.engines.bounds import Bounds, measure
from chainrule.engines.lower import lowered
from chainrule.nn.arrays import lookup
from chainrule.ops.broadcast import cast

__all__ = ["no_compiler"]

WORD = np.uint64(0)
INTEGERS = {
    "sums": lambda a, b: a + 3 * b - 7,
    "products": lambda a, b: a * b,
    "extremes": lambda a, b: np.minimum(np.maximum(a, b), 4),
    "choices": lambda a, b: np.where(np.less(a, b), a, -b),
    "joined": lambda a, b: np.concatenate([a, np.pad(b, 2)]),
    "wrapped": lambda a, b: cast(a, np.int8(0)) * np.int8(100),
    "fractions": lambda a, b: cast(np.floor(a * 0.3), b) + b,
    "bits": lambda a, b: (cast(a, WORD) & np.uint64(12)) ^ np.uint64(5),
    "shifts": lambda a, b: cast(a, WORD) >> np.uint64(60),
    "looked up": lambda a, b: lookup(np.array([3, -9, 4]), np.minimum(np.maximum(a, 0), 2)),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_no_element_lies_outside(name):
    rng = np.random.default_rng(0)
    for _ in range(50):
        low, width = rng.integers(-9, 9), rng.integers(1, 9)
        a, b = rng.integers(low, low + width, (2, 20))
        with np.errstate(all="ignore"):
            graph = lowered(trace(INTEGERS[name])(a, b))
            found = np.asarray(graph.evaluate([a, b])[0])
        measured = dict(zip(map(id, graph.inputs), map(measure, (a, b)), strict=True))
        (place,) = graph.outputs
        for n in range(1, 200):
            if Bounds(graph, [(place, n)]).hold(measured):
                assert -n <= found.min() <= found.max() < n


def test_bounds_are_tight_where_numbers_are_drawn():
    def draws(key):
        column = nn.Run(key).uniform(np.zeros(8))
        return cast(np.floor(column * 273), np.int64(0))

    graph = lowered(trace(draws)(np.uint64(1)))
    (place,), measured = graph.outputs, {id(graph.inputs[0]): (0, 2**64 - 1)}
    assert Bounds(graph, [(place, 273)]).hold(measured)
    assert not Bounds(graph, [(place, 272)]).hold(measured)


def test_what_has_no_bounds_is_named():
    graph = lowered(trace(lambda a: np.cumsum(a))(np.arange(3)))
    with pytest.raises(NoLoopsError, match="positions that cumsum computes"):
        Bounds(graph, [(graph.outputs[0], 3)])
    graph = lowered(trace(lambda a: cast(np.floor(a), np.int64(0)))(np.ones(3)))
    with pytest.raises(NoLoopsError, match="given fractions"):
        Bounds(graph, [(graph.outputs[0], 3)])


def shifted(p, batch):
    words, labels = batch

    def loss(p):
        return nn.cross_entropy(np.mean(lookup(p["table"], words + 1), axis=1) @ p["w"].T, labels)

    value, g = cr.value_and_grad(loss)(p)
    return {name: p[name] - 0.5 * g[name] for name in p}, value


def test_positions_that_a_step_computes():
    rng = np.random.default_rng(1)
    p = {"table": rng.normal(size=(9, 6)), "w": rng.normal(size=(3, 6))}
    data = rng.integers(-3, 8, (20, 4)), rng.integers(0, 3, 20)
    expected = run("interpreter", shifted, p, data, None, 7)
    for a, b in zip(run("numba", shifted, p, data, None, 7)[0].values(), expected[0].values(),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_computed_positions_out_of_bounds_are_refused_and_nothing_changes():
    rng = np.random.default_rng(1)
    p = {"table": rng.normal(size=(9, 6)), "w": rng.normal(size=(3, 6))}
    words, labels = rng.integers(0, 8, (20, 4)), rng.integers(0, 3, 20)
    words[7, 2] = 8
    before = np.array(p["table"])
    with pytest.raises(IndexError, match="9 is out of bounds"):
        cr.scan(shifted, "numba")(p, (words, labels), None, 5, in_place=True)
    np.testing.assert_array_equal(p["table"], before)
    run("numba", shifted, p, (words, labels), np.arange(7), 5)  # that row is not used


def test_a_compiled_function_refuses_them_too():
    table = np.arange(12.0).reshape(6, 2)
    fast = cr.compile(lambda places: lookup(table, places * 2) * 2.0, "numba")
    np.testing.assert_array_equal(fast(np.array([0, 2])), table[[0, 4]] * 2)
    assert not fast.plan.note
    with pytest.raises(IndexError, match="6 is out of bounds"):
        fast(np.array([0, 3]))
