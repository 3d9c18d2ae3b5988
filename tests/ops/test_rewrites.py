"""Each rewrite rule fires, keeps the value, and the stabilising ones survive large numbers."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import rewrite, trace
from chainrule.ops.rewrites import RULES, SIMPLIFY, STABILISE

INPUTS = [np.array([[0.3, -1.2], [2.0, 0.7]]), np.array([[1.1, 0.4], [-0.5, -2.0]])]


def arguments(rule):
    x, y = INPUTS
    if rule.name in ("log(1 + x)", "log(x + 1)"):
        x = np.abs(x)
    return [x, y][: rule.before.__code__.co_argcount]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_fires_and_keeps_the_value(rule):
    arrays = arguments(rule)
    graph = trace(rule.before)(*arrays)
    log = []
    rewritten = rewrite(graph, [rule], log)
    assert log == [f"{rule.group}: {rule.name}"]
    np.testing.assert_allclose(rewritten(*arrays), graph(*arrays), rtol=1e-12, atol=1e-15)


def test_names_are_unique():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.group for rule in SIMPLIFY} == {"simplify"}
    assert {rule.group for rule in STABILISE} == {"stabilise"}


BIG = np.array([[1000.0, -1000.0, 1e4], [-1e4, 0.0, 900.0]])
UNSTABLE = {
    "log softmax": lambda x: np.log(np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x), axis=-1)),
    "logsumexp kept": lambda x: np.log(np.exp(x).sum(axis=0, keepdims=True)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "log sigmoid": lambda x: np.log(1 / (1 + np.exp(-x))),
    "log of the complement": lambda x: np.log(1 - 1 / (1 + np.exp(-x))),
    "logaddexp": lambda x: np.log(np.exp(x) + np.exp(2 * x)),
    "modulus": lambda x: np.sqrt((x * 1e200) ** 2 + (x * 1e200) * (x * 1e200)),
}


@pytest.mark.parametrize("function", UNSTABLE.values(), ids=UNSTABLE)
def test_stabilised_programs_are_finite_where_the_original_is_not(function):
    with np.errstate(all="ignore"):
        graph = trace(function)(BIG)
        assert not np.all(np.isfinite(graph(BIG)))
    assert np.all(np.isfinite(rewrite(graph, RULES)(BIG)))


def test_the_complement_of_a_sigmoid_keeps_its_digits():
    graph = rewrite(trace(lambda x: 1 - cr.sigmoid(x))(np.ones(1)), RULES)
    np.testing.assert_allclose(graph(np.array([40.0])), np.exp(-40.0), rtol=1e-12)


def test_a_dtype_is_never_changed_by_a_rule():
    x = np.ones(3, np.float32)
    graph = trace(lambda x: x * np.float64(1.0))(x)
    assert rewrite(graph, RULES)(x).dtype == np.float64


def test_settings_must_agree():
    x = INPUTS[0]
    other_axis = trace(lambda x: np.exp(x) / np.sum(np.exp(x), axis=0))(x)
    log = []
    rewrite(other_axis, RULES, log)
    assert log == []


def training_loss(w1, b1, w2, x, t):
    hidden = np.tanh(x @ w1.T + b1 * 1)
    hidden = hidden.T.T.reshape(-1).reshape(hidden.shape)
    scores = -(-(hidden @ w2.T)) + 0  # noqa: B002
    p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    gate = np.log(1 + np.exp(scores)) - np.log(1 - 1 / (1 + np.exp(-scores)))
    penalty = np.sqrt(np.sum(w1**2)) + np.sum(w2 * w2)
    return -np.mean(np.sum(t * np.log(p), axis=1)) + 0.01 * penalty + np.mean(gate)


def test_a_whole_training_step_is_the_same_with_every_rule_on_and_off():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in [(5, 3), (5,), (4, 5), (6, 3)]]
    arrays.append(rng.dirichlet(np.ones(4), 6))
    step = cr.value_and_grad(training_loss, (0, 1, 2))
    value, gradients = step(*arrays)
    graph = trace(step)(*arrays)
    log = []
    for rules in (RULES, SIMPLIFY, STABILISE, *([rule] for rule in RULES)):
        new_value, new_gradients = rewrite(graph, rules, log)(*arrays)
        np.testing.assert_allclose(new_value, value, rtol=1e-12)
        for new, old in zip(new_gradients, gradients, strict=True):
            np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-12)
    assert len(log) > 20
    assert len(rewrite(graph, RULES).nodes) < len(graph.nodes)
