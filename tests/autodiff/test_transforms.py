"""The transforms on plain functions, trees and each other."""

import threading
from collections import OrderedDict

import numpy as np
import pytest

import chainrule as cr
from chainrule.autodiff import arguments
from chainrule.errors import DtypeError, NotDifferentiableError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((5, 3))
PARAMS = {"W": RNG.standard_normal((2, 3)), "b": RNG.standard_normal(2)}


def loss(params, x):
    return np.mean(np.tanh(x @ params["W"].T + params["b"]) ** 2)


def test_a_tree_of_parameters_gives_a_tree_of_gradients():
    gradient = cr.grad(loss)(PARAMS, X)
    assert gradient.keys() == PARAMS.keys()
    cr.check_grads(lambda p: loss(p, X), (PARAMS,), order=2)
    h = 1e-6
    moved = {"W": PARAMS["W"].copy(), "b": PARAMS["b"]}
    moved["W"][1, 2] += h
    assert (loss(moved, X) - loss(PARAMS, X)) / h == pytest.approx(gradient["W"][1, 2], rel=1e-4)


def test_arguments_are_chosen_by_position_or_name():
    def f(a, b, *, scale=1.0):
        return a * b * scale

    assert cr.grad(f, 1)(2.0, 3.0) == 2.0
    assert cr.grad(f, "b")(2.0, b=3.0) == 2.0
    assert cr.grad(f, (0, "b"))(2.0, 3.0, scale=10.0) == (30.0, 20.0)
    with pytest.raises(ValueError, match="no argument 'c'"):
        cr.grad(f, "c")(2.0, 3.0)
    with pytest.raises(ValueError, match="2 positional"):
        cr.grad(f, 2)(2.0, 3.0)


def test_value_and_aux_come_back_plain():
    def f(x):
        y = x * x
        return np.sum(y), {"y": y}

    (value, aux), gradient = cr.value_and_grad(f, has_aux=True)(X)
    assert type(value) is np.float64
    assert type(aux["y"]) is np.ndarray
    np.testing.assert_allclose(gradient, 2 * X)


def test_forks_accumulate():
    x = cr.Tensor(3.0, name="x")
    y = x * x + np.sin(x) * x + x
    y.backward()
    assert x.grad == pytest.approx(6 + np.sin(3) + 3 * np.cos(3) + 1)
    y2 = x * 2.0
    y2.backward()
    assert x.grad == pytest.approx(6 + np.sin(3) + 3 * np.cos(3) + 3)


def test_intermediate_gradients_are_kept_on_request_and_explained_otherwise():
    x = cr.Tensor(2.0)
    u = x * 3.0
    (u * u).backward()
    with pytest.raises(cr.errors.ChainruleError, match="keep_intermediate"):
        _ = u.grad
    (u * u).backward(keep_intermediate=True)
    assert u.grad == 12.0


def test_an_unused_argument_has_the_gradient_zero():
    gradient = cr.grad(lambda p: p["a"] ** 2)({"a": 3.0, "b": np.ones(2)})
    assert gradient["a"] == 6.0
    np.testing.assert_array_equal(gradient["b"], np.zeros(2))


@pytest.mark.parametrize(
    ("f", "args", "error", "words"),
    [
        (lambda x: x * 2.0, (np.ones(3),), NotDifferentiableError, "shape \\(3,\\)"),
        (lambda x: 1.0, (2.0,), NotDifferentiableError, "float"),
        (lambda x: np.floor(x), (2.0,), NotDifferentiableError, "no derivative"),
        (lambda x: x * 2, (3,), DtypeError, "int64"),
        (lambda x: x * 2.0, (1j,), DtypeError, "complex"),
    ],
)
def test_what_has_no_gradient_is_refused(f, args, error, words):
    with pytest.raises(error, match=words):
        cr.grad(f)(*args)


def test_backward_through_integers_only_is_refused():
    with pytest.raises(NotDifferentiableError, match="real result"):
        (cr.Tensor(3, name="n") * 2).backward()


def test_nested_transforms_do_not_confuse_their_variables():
    inner = lambda x: cr.grad(lambda y: x + y)(1.0) * x
    assert cr.grad(inner)(5.0) == 1.0
    assert cr.grad(lambda x: x * cr.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    third = cr.grad(cr.grad(cr.grad(lambda x: x**5)))
    assert third(2.0) == pytest.approx(240.0)
    assert cr.jvp(cr.grad(np.sin), (1.0,), (1.0,))[1] == pytest.approx(-np.sin(1.0))
    rof = cr.grad(lambda x: cr.jvp(np.sin, (x,), (1.0,))[1])
    assert rof(1.0) == pytest.approx(-np.sin(1.0))
    fof = cr.jvp(lambda x: cr.jvp(np.sin, (x,), (1.0,))[1], (1.0,), (1.0,))
    assert fof[1] == pytest.approx(-np.sin(1.0))


def test_a_captured_tensor_is_an_outer_variable():
    w = cr.Tensor(2.0, name="w")
    gradient = cr.grad(lambda x: w * x * x)(3.0)
    assert isinstance(gradient, cr.Tensor)
    gradient.backward()
    assert w.grad == 6.0


def test_vjp_and_jvp_are_transposes():
    f = lambda x: np.exp(x[:, :1]) @ np.ones((1, 2)) * x[:, 1:]
    v, u = RNG.standard_normal(X.shape), RNG.standard_normal((5, 2))
    _, tangent = cr.jvp(f, (X,), (v,))
    _, pullback = cr.vjp(f, X)
    assert np.sum(tangent * u) == pytest.approx(np.sum(pullback(u)[0] * v))
    np.testing.assert_array_equal(pullback(u)[0], pullback(u)[0])  # it may be called again


def test_misfit_gradients_and_tangents_are_refused():
    _, pullback = cr.vjp(lambda x: x * 2.0, np.ones(3))
    with pytest.raises(ShapeError, match="\\(2,\\)"):
        pullback(np.ones(2))
    with pytest.raises(ShapeError, match="tangent of x"):
        cr.jvp(lambda x: x * 2.0, (np.ones(3),), (np.ones(2),))
    with pytest.raises(ShapeError, match="structure"):
        cr.jvp(lambda x: x * 2.0, (np.ones(3),), (np.ones(3), 1.0))


@pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])
def test_jacobian_in_both_layouts_and_modes(mode):
    f = lambda x: np.stack([x[0] * x[1], np.sin(x[2])])
    x = np.array([1.0, 2.0, 0.5])
    expected = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, np.cos(0.5)]])
    np.testing.assert_allclose(cr.jacobian(f, mode=mode)(x), expected)
    np.testing.assert_allclose(cr.jacobian(f, mode=mode, layout="denominator")(x), expected.T)


def test_jacobian_of_trees():
    blocks = cr.jacobian(lambda p: {"y": p["a"] * 2.0, "z": 1.0 * p["b"]})(
        {"a": np.ones(2), "b": 3.0}
    )
    np.testing.assert_array_equal(blocks["y"]["a"], 2 * np.eye(2))
    np.testing.assert_array_equal(blocks["y"]["b"], np.zeros(2))
    assert blocks["z"]["b"] == 1.0
    with pytest.raises(ValueError, match="layout"):
        cr.jacobian(np.sin, layout="rows")


def test_hessian_is_symmetric_and_multiplies():
    f = lambda x: np.sum(np.log(np.cosh(x @ PARAMS["W"].T))) + x[0] * x[1] ** 2
    x = np.array([0.3, -1.0, 2.0])
    H = cr.hessian(f)(x)
    assert np.max(np.abs(H - H.T)) < 1e-8
    v = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(cr.hvp(f, (x,), (v,)), H @ v, rtol=1e-10)
    np.testing.assert_allclose(cr.jacobian(cr.grad(f), mode="reverse")(x), H, atol=1e-10)
    np.testing.assert_allclose(cr.jacobian(cr.grad(f), mode="forward")(x), H, atol=1e-10)


def test_hessian_of_a_tree_is_a_tree_of_blocks():
    H = cr.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0})
    assert H["a"]["a"] == 6.0
    assert H["a"]["b"] == H["b"]["a"] == 4.0
    assert H["b"]["b"] == 0.0


def test_instance_gradients_sum_to_the_corpus_gradient():
    f = lambda p, x: np.sum(np.tanh(x @ p["W"].T + p["b"]) ** 2)
    rows = cr.per_example_grad(f)(PARAMS, X)
    whole = cr.grad(f)(PARAMS, X)
    assert rows["W"].shape == (5, 2, 3)
    for name in PARAMS:
        np.testing.assert_allclose(rows[name].sum(0), whole[name], rtol=1e-12)
    with pytest.raises(ShapeError, match="empty"):
        cr.per_example_grad(f)(PARAMS, X[:0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_keep_shape_and_dtype(dtype):
    params = {name: p.astype(dtype) for name, p in PARAMS.items()}
    for x in (X, X.astype(np.float32), X.astype(int)):
        gradient = cr.grad(loss)(params, x)
        for name, p in params.items():
            assert gradient[name].dtype == dtype
            assert gradient[name].shape == p.shape


def test_stop_gradient_cuts_only_the_derivative():
    assert cr.grad(lambda x: x * cr.stop_gradient(x))(3.0) == 3.0
    graph = cr.trace(lambda x: x * cr.stop_gradient(x))(3.0)
    assert graph(4.0) == 16.0


def test_threads_do_not_disturb_each_other():
    results = {}

    def work(k):
        results[k] = [float(cr.grad(lambda x: x ** float(k))(1.5)) for _ in range(200)]

    threads = [threading.Thread(target=work, args=(k,)) for k in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results[2]) == {3.0}
    assert results[3] == [pytest.approx(6.75)] * 200


def test_check_grads_finds_a_small_error():
    @cr.op(lambda x: x * x, register=False)
    def wrong(g, y, x):
        return g * 2.0 * x * (1 + 1e-5)

    with pytest.raises(cr.GradientError, match="reverse mode"):
        cr.check_grads(wrong, (np.array([1.0, 2.0]),), modes=("reverse",))
    with pytest.raises(cr.GradientError, match="forward mode"):
        cr.check_grads(wrong, (np.array([1.0, 2.0]),), modes=("forward",))


def test_an_argument_is_named_once():
    with pytest.raises(ValueError, match="twice"):
        cr.grad(lambda a, b: a * b, (0, -2))(2.0, 3.0)


def test_gradients_may_be_changed_in_place():
    a, b, u = np.ones(3), np.ones(3), np.ones(3)
    first, second = cr.grad(lambda a, b: np.sum((a + b) ** 2), (0, 1))(a, b)
    first *= 2.0
    np.testing.assert_array_equal(second, 4.0 * np.ones(3))
    total = cr.grad(np.sum)(a)  # a view of a single number, unless it is copied
    total[0] = 5.0
    np.testing.assert_array_equal(total, [5.0, 1.0, 1.0])
    (gradient,) = cr.vjp(lambda x: x + 1.0, a)[1](u)
    _, tangent = cr.jvp(lambda x: x + 1.0, (a,), (u,))
    gradient *= 2.0
    tangent *= 3.0
    np.testing.assert_array_equal(u, np.ones(3))


def test_gradients_of_numbers_are_numbers():
    used, unused = cr.grad(lambda a, b: a * 2.0, (0, 1))(1.0, 2.0)
    assert type(used) is type(unused) is np.float64


def test_nested_gradients_do_not_walk_the_outer_graph(monkeypatch):
    """Unrolled gradient descent takes work that grows with its steps, not with their square."""
    visited = []
    original = arguments.ancestors

    def counted(*args, **kwargs):
        found = original(*args, **kwargs)
        visited.append(len(found))
        return found

    monkeypatch.setattr(arguments, "ancestors", counted)

    def descend(w):
        for _ in range(20):
            w = w - 0.1 * cr.grad(lambda p: (p - 3.0) ** 2)(w)
        return w

    assert cr.grad(descend)(1.0) == pytest.approx(0.8**20)
    assert max(visited[:-1]) == visited[0]  # the last is the outer one


def test_arguments_by_keyword_and_by_default_can_be_wanted():
    def f(x, w=2.0):
        return x * w

    assert cr.grad(f, "w")(3.0) == 3.0
    assert cr.grad(f)(x=3.0, w=4.0) == 4.0
    assert cr.grad(f, 1)(3.0, w=4.0) == 3.0
    with pytest.raises(ValueError, match="'k' by position"):
        cr.grad(lambda x, *, k: x * k, "k")(1.0, k=2.0)


def test_a_gradient_of_another_shape_is_refused():
    five = cr.op(lambda x: 2.0 * x, register=False)(lambda g, y, x: np.ones(5))
    with pytest.raises(ShapeError, match=r"shape \(5,\) for an input of shape \(3,\)"):
        cr.vjp(five, np.ones(3))[1](np.ones(3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: cr.jvp(np.sin, x, x), "primals is a tuple"),
        (lambda x: cr.jvp(np.sin, (x,), x), "tangents is a tuple"),
        (lambda x: cr.hvp(np.sum, x, x), "primals is a tuple"),
        (lambda x: cr.check_grads(np.sin, x), "args is a tuple"),
        (lambda x: cr.grad(lambda x: None)(x), "lack a return"),
        (lambda x: cr.grad(lambda x: (np.sum(x), x))(x), "has_aux=True"),
        (lambda x: cr.grad(lambda p: p["w"])({"w": 1.0, "name": "a"}), r"p\['name'\] has no"),
        (lambda x: cr.per_example_grad(lambda w, x, k: w * k)(1.0, x, 0.1), "batch_argnums"),
        (lambda x: cr.per_example_grad(lambda w: w)(1.0), "batch_argnums"),
        (lambda x: cr.grad(lambda p: p["w"])(OrderedDict(w=x)), "register"),
    ],
)
def test_frequent_mistakes_are_explained(call, words):
    with pytest.raises(cr.errors.ChainruleError, match=words):
        call(np.ones(3))
