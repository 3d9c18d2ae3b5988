"""Graphs as values: traced, printed, hashed, run again, rewritten."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ShapeError, UnsupportedError
from chainrule.graph import Constant, Rewrite, rewrite


def step(params, x, y):
    def loss(p):
        hidden = np.maximum(x @ p["W"].T + p["b"], 0.0)
        return np.mean((np.sum(hidden, axis=1) - y) ** 2)

    value, gradient = cr.value_and_grad(loss)(params)
    return value, {name: params[name] - 0.1 * gradient[name] for name in params}


def example(n, seed=0):
    rng = np.random.default_rng(seed)
    params = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal(4)}
    return params, rng.standard_normal((n, 3)), rng.standard_normal(n)


def test_a_training_step_is_one_graph_that_serves_every_batch_size():
    graph = cr.trace(step)(*example(7))
    for n in (7, 1, 32):
        args = example(n, seed=n)
        value, new = graph(*args)
        expected_value, expected = step(*args)
        assert value == pytest.approx(expected_value, rel=1e-13)
        for name in new:
            np.testing.assert_allclose(new[name], expected[name], rtol=1e-12)


def test_masks_are_recorded_not_frozen():
    graph = cr.trace(lambda x: np.where(x > 0, x, 0.0) + (x == 2.0) + np.argmax(x))(np.ones(3))
    x = np.array([-1.0, 2.0, 5.0])
    np.testing.assert_array_equal(graph(x), np.where(x > 0, x, 0.0) + (x == 2.0) + 2)


def test_branching_on_values_within_a_trace_is_refused():
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        cr.trace(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(UnsupportedError, match="stop_gradient"):
        cr.trace(lambda x: x * x.value)(1.0)


def test_printing_names_inputs_and_avals():
    text = str(cr.trace(lambda w, x: np.tanh(x @ w))(np.ones(3), np.ones((2, 3))))
    assert text.splitlines() == [
        "graph(w: float64[3], x: float64[2,3])",
        "  v0 = matmul(x, w)  float64[2]",
        "  v1 = tanh(v0)  float64[2]",
        "  return v1",
    ]


def test_equal_mathematics_has_an_equal_fingerprint():
    one = cr.trace(lambda a: np.sum(a * 2.0))(np.ones(3))
    same = cr.trace(lambda other: np.sum(other * 2.0))(np.zeros(3))
    assert one.fingerprint() == same.fingerprint()
    others = [
        cr.trace(lambda a: np.sum(a * 3.0))(np.ones(3)),
        cr.trace(lambda a: np.sum(a * 2.0))(np.ones(4)),
        cr.trace(lambda a: np.sum(a * np.array([2.0, 2.0, 1.0])))(np.ones(3)),
        cr.trace(lambda a: np.sum(a * np.array([2.0, 2.0, 0.0])))(np.ones(3)),
    ]
    prints = {g.fingerprint() for g in [one, *others]}
    assert len(prints) == 5


def test_trees_go_in_and_come_out():
    graph = cr.trace(lambda p, n: {"y": [p["a"] + n, None]})({"a": 1.0}, 2.0)
    assert graph({"a": 3.0}, 4.0) == {"y": [7.0, None]}
    with pytest.raises(ShapeError, match="structure"):
        graph({"b": 3.0}, 4.0)
    with pytest.raises(ShapeError, match="2 arrays"):
        graph.evaluate([1.0])


def test_a_captured_array_is_a_constant():
    c = np.arange(3.0)
    graph = cr.trace(lambda x: x + c)(np.ones(3))
    assert any(isinstance(x, Constant) and x.value is c for x in graph.nodes[0].inputs)


def test_several_results_are_traced():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    f = lambda m: np.linalg.eigh(m @ m.T)
    values, vectors = cr.trace(f)(a)(a)
    np.testing.assert_allclose(values, f(a)[0])
    np.testing.assert_allclose(vectors, f(a)[1])


def test_equal_nodes_are_shared():
    graph = cr.trace(lambda x: np.exp(x) * np.exp(x) + np.exp(x))(np.ones(3))
    assert len(rewrite(graph, []).nodes) == 3


def test_a_rule_is_two_functions():
    double = Rewrite("x + x is 2 x", "simplify", lambda x: x + x, lambda x: 2.0 * x)
    graph = cr.trace(lambda x: np.sin(x) + np.sin(x) + x)(np.ones(3))
    log = []
    new = rewrite(rewrite(graph, []), [double], log)
    assert log == ["simplify: x + x is 2 x"]
    assert [n.op.name for n in new.nodes] == ["sin", "multiply", "add"]
    np.testing.assert_allclose(new(np.ones(3)), graph(np.ones(3)))


def test_a_rule_that_would_change_the_dtype_is_not_applied():
    one = Rewrite("x * 1.0 is x", "simplify", lambda x: x * 1.0, lambda x: x)
    graph = cr.trace(lambda x: x * 1.0)(np.arange(3))
    assert len(rewrite(graph, [one]).nodes) == 1


def test_a_graph_is_differentiated_like_a_function():
    f = lambda x: np.sum(cr.softmax(x) * x[[0, 0, 2]] ** 3)
    x = np.array([0.5, -1.0, 2.0])
    graph = cr.trace(f)(x + 1.0)
    np.testing.assert_allclose(cr.grad(graph)(x), cr.grad(f)(x), rtol=1e-12)
    np.testing.assert_allclose(cr.hessian(graph)(x), cr.hessian(f)(x), rtol=1e-12)
    gradient = cr.trace(cr.grad(f))(x)
    np.testing.assert_allclose(cr.jacobian(gradient)(x), cr.hessian(f)(x), rtol=1e-12)
    np.testing.assert_allclose(cr.trace(gradient)(x)(x), cr.grad(f)(x), rtol=1e-12)
    t = cr.Tensor(x)
    graph(t).backward()
    np.testing.assert_allclose(t.grad, cr.grad(f)(x), rtol=1e-12)


def test_an_op_of_several_results_is_differentiated_within_a_graph():
    m = np.array([[2.0, 1.0], [1.0, 3.0]])
    f = lambda m: np.sum(np.linalg.eigh(m @ m.T).eigenvalues ** 2)
    np.testing.assert_allclose(cr.grad(cr.trace(f)(m))(m), cr.grad(f)(m), rtol=1e-12)


@pytest.mark.parametrize(
    "transform",
    [
        lambda w: cr.trace(lambda x: x * w)(1.0),
        cr.grad(lambda w: cr.trace(lambda x: x * w)(1.0)(w)),
        cr.trace(lambda w: cr.trace(lambda x: x * w)(1.0)(w)),
        cr.trace(lambda w: cr.trace(lambda x: x * np.argmax(w))(1.0)(w)),
    ],
)
def test_a_captured_tensor_is_not_frozen_into_a_graph(transform):
    with pytest.raises(UnsupportedError, match="Tensor w, which would become a constant"):
        transform(cr.Tensor(2.0, name="w"))


def test_a_captured_tensor_without_a_derivative_is_a_constant():
    n, w = cr.Tensor(3), cr.Tensor(2.0)
    assert cr.trace(lambda x: x * n)(1.0)(2.0) == 6.0
    assert cr.trace(lambda x: x * cr.stop_gradient(w))(1.0)(2.0) == 4.0


def test_membership_within_a_trace_is_refused():
    with pytest.raises(UnsupportedError, match="truth"):
        cr.trace(lambda x: x if 1.0 in x else 2.0 * x)(np.ones(3))


def test_params_that_differ_in_one_element_are_not_taken_for_equal():
    @cr.op(lambda x, *, w: x * w, register=False)
    def scaled(g, y, x, *, w):
        return g * w

    zeros, other, near = np.zeros(2000), np.zeros(2000), np.zeros(2000)
    other[1000], near[1000] = 5.0, 5.0 + 1e-12
    graphs = [cr.trace(lambda x, w=w: scaled(x, w=w))(zeros) for w in (zeros, other, near)]
    assert len({graph.fingerprint() for graph in graphs}) == 3
    assert graphs[0].fingerprint() == cr.trace(lambda x: scaled(x, w=zeros))(zeros).fingerprint()
    graph = cr.trace(lambda x: scaled(x, w=zeros) - scaled(x, w=other))(zeros)
    np.testing.assert_array_equal(rewrite(graph, [])(np.ones(2000)), -other)


def test_constants_that_differ_in_their_last_digits_are_not_taken_for_equal():
    graph = cr.trace(lambda x: x * np.array(1e9 + 1) - x * np.array(1e9))(np.ones(2))
    np.testing.assert_array_equal(rewrite(graph, [])(np.ones(2)), np.ones(2))


def test_a_misfit_within_a_graph_names_operands_and_line():
    graph = cr.trace(lambda w, x: x @ w)(np.ones(3), np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"x \(2, 3\), w \(4,\).*test_graph\.py"):
        graph(np.ones(4), np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"args\[1\] are missing"):
        graph(np.ones(3))
