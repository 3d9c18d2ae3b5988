"""The suite of ops turns red for every kind of broken declaration."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Sample
from chainrule.graph import REGISTRY, Kind, Op
from chainrule.testing import ConformanceError, check_op

SAMPLES = [Sample((3,), (3,)), Sample((2, 3), (3,)), Sample((), ())]


def gate(rule, **declaration):
    declaration.setdefault("samples", SAMPLES)
    return cr.op(lambda x, y: x * y, register=False, **declaration)(rule)


def test_a_right_op_passes_whatever_its_kind():
    for kind in (cr.multilinear, cr.elementwise, cr.general):
        check_op(gate(lambda g, z, x, y: (g * y, g * x), kind=kind))


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, z, x, y: (g * y * (1 + 1e-5), g * x),  # a relative error of 1e-5
        lambda g, z, x, y: (g * x, g * y),
        lambda g, z, x, y: (g * y, -g * x),
        lambda g, z, x, y: (np.abs(g) * y, g * x),  # not linear in g
    ],
)
def test_a_wrong_rule_is_found(rule):
    with pytest.raises((cr.GradientError, ConformanceError)):
        check_op(gate(rule))


def test_a_wrong_kind_is_found():
    @cr.op(lambda x: x**3, kind=cr.linear, samples=[Sample((3,))], register=False)
    def cube(g, y, x):
        return 3.0 * g * x**2

    with pytest.raises((cr.GradientError, ConformanceError)):
        check_op(cube)


def test_a_rule_that_does_not_run_on_tensors_is_found():
    @cr.op(np.sin, samples=[Sample((3,))], register=False)
    def detached(g, y, x):
        return g * np.cos(np.asarray(x))

    with pytest.raises(cr.errors.UnsupportedError, match="plain array"):
        check_op(detached)


def test_a_frozen_shape_is_harmless_only_at_its_own_batch_size():
    graph = cr.trace(cr.grad(lambda x: np.sum(np.mean(x * x, axis=0))))(np.ones((3, 2)))
    np.testing.assert_allclose(graph(np.ones((5, 2))), 2 / 5 * np.ones((5, 2)))


def test_an_op_that_changes_its_input_is_found():
    def forward(x):
        x += 1.0
        return x

    with pytest.raises((ConformanceError, ValueError)):
        check_op(cr.op(forward, samples=[Sample((3,))], register=False)(lambda g, y, x: g))


def test_an_op_without_samples_is_found():
    with pytest.raises(ConformanceError, match="no samples"):
        check_op(gate(lambda g, z, x, y: (g * y, g * x), samples=[]))


def test_the_wrong_number_of_gradients_is_named():
    with pytest.raises(cr.errors.NotDifferentiableError, match="3 gradients for 2 inputs"):
        cr.grad(gate(lambda g, z, x, y: (g, g, g)))(1.0, 2.0)


def test_a_rule_that_returns_none_is_named():
    with pytest.raises(cr.errors.NotDifferentiableError, match="returned None"):
        cr.grad(gate(lambda g, z, x, y: (None, g)))(1.0, 2.0)


@pytest.mark.parametrize("name", ["multiply", "matmul", "softmax", "sum", "reshape", "einsum"])
def test_a_rule_planted_wrong_in_the_registry_is_found(name):
    entry = REGISTRY.by_name[name]
    assert isinstance(entry, Op)
    right = entry.vjp

    def scaled(gradient):
        if callable(gradient):
            return lambda: gradient() * (1 + 1e-5)
        return gradient * (1 + 1e-5)

    def wrong(g, y, *inputs, **params):
        found = right(g, y, *inputs, **params)
        return tuple(map(scaled, found)) if isinstance(found, tuple | list) else scaled(found)

    try:
        entry.vjp = wrong
        with pytest.raises((cr.GradientError, ConformanceError)):
            check_op(entry)
    finally:
        entry.vjp = right


def test_every_kind_is_used():
    kinds = {entry.kind for entry in REGISTRY if isinstance(entry, Op)}
    assert kinds == set(Kind)
