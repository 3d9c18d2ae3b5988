"""The Tensor as NumPy users meet it: an array whose derivatives cannot get lost."""

import copy
import math
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor
from chainrule.errors import DtypeError, NotDifferentiableError, ShapeError, UnsupportedError


@pytest.fixture
def t():
    return Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="t")


def test_ordinary_numpy_runs_unchanged(t):
    a = np.array(t.value)
    for f in (
        lambda x: np.tanh(x @ x.T) + x.sum(axis=1),
        lambda x: (x[:, 1:] / x[0, 0]).reshape(-1).max(),
        lambda x: np.where(x > 2, x**2, -x).mean(0, keepdims=True),
        lambda x: np.concatenate([x, 2 * x], axis=-1).T[::-1],
        lambda x: 1 - x % 2 + abs(-x) // 2.0,
        lambda x: np.einsum("ij,kj->ik", x, x).trace(),
        lambda x: np.add.reduce(x, axis=1) + np.multiply.outer(x[0], x[1])[0, :2],
    ):
        np.testing.assert_array_equal(f(t).value, f(a))


def test_piecewise_constant_functions_return_plain_arrays(t):
    for result in (t > 2, np.argmax(t), np.sign(t), np.floor(t), t == t, np.isnan(t), t.argsort()):
        assert not isinstance(result, Tensor)


def test_both_sides_of_every_operator():
    x = Tensor(np.array([1.5, 2.5]))
    for f in (
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b,
        lambda a, b: a**b, lambda a, b: a % b,
    ):  # fmt: skip
        for other in (2.0, 3, np.float32(2), np.array([2.0, 3.0]), [2.0, 3.0]):
            plain = np.asarray(other) if isinstance(other, list) else other
            np.testing.assert_allclose(f(x, other).value, f(x.value, plain))
            np.testing.assert_allclose(f(other, x).value, f(plain, x.value))


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (np.asarray, r"\.value"),
        (np.array, r"\.value"),
        (float, r"\.item\(\)"),
        (int, r"\.item\(\)"),
        (bool, "np.where"),
        (math.sin, r"\.item\(\)"),
        (lambda x: [1, 2, 3][x], r"\.item\(\)"),
        (lambda x: np.array([x, x]), "np.stack"),
        (lambda x: np.add(x, 1.0, out=np.zeros(())), "array = array"),
        (lambda x: np.add.at(np.zeros(3), [0], x), "add.at"),
        (lambda x: np.sum(x, where=True), "where"),
        (lambda x: np.sum(x, dtype=np.float32), "astype"),
        (lambda x: np.sum(x, axis=Tensor(0.0)), "axis"),
        (lambda x: math.exp(x), r"\.item\(\)"),
    ],
)
def test_what_would_lose_the_derivative_is_refused(lose, words):
    with pytest.raises(UnsupportedError, match=words):
        lose(Tensor(1.0, name="x"))


def test_changes_in_place_are_refused(t):
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        t[0] = 1.0
    array = np.zeros((2, 3))
    with pytest.raises(UnsupportedError, match="array \\+ tensor"):
        array += t
    with pytest.raises(UnsupportedError, match=r"np\.sort"):
        t.sort()
    with pytest.raises(ValueError, match="read-only"):
        t.value[0, 0] = 9.0


def test_a_leaf_does_not_follow_the_array_it_was_made_from():
    a = np.ones(3)
    x = Tensor(a)
    y = np.sum(x * x)
    a[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])


def test_a_leaf_may_get_a_new_value_and_a_result_may_not(t):
    t.value = np.zeros((2, 3))
    assert np.sum(t).item() == 0.0
    with pytest.raises(ShapeError, match="t has shape"):
        t.value = np.zeros(2)
    with pytest.raises(UnsupportedError, match="leaf"):
        (t * 2.0).value = np.zeros((2, 3))


def test_an_error_names_variables_shapes_line_and_repair():
    W = Tensor(np.ones((4, 3)), name="W")
    x = Tensor(np.ones((5, 3)), name="x")
    with pytest.raises(ShapeError) as caught:
        x @ W
    text = str(caught.value)
    assert "x (5, 3)" in text
    assert "W (4, 3)" in text
    assert "test_tensor.py" in text
    assert ".T" in text
    with pytest.raises(IndexError, match="test_tensor"):
        x[7]
    with pytest.raises(DtypeError, match="str"):
        x + "a"


def test_names_and_lines_survive_in_results(t):
    y = t * 2.0
    file, line = y.site
    assert file == __file__
    assert line > 0
    assert "multiply" in y.label()
    assert "name='t'" in repr(t)
    assert "op=multiply" in repr(y)


def test_leaves_copy_and_pickle_and_results_do_not(t):
    for twin in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        np.testing.assert_array_equal(twin.value, t.value)
        assert twin.name == "t"
    with pytest.raises(UnsupportedError):
        copy.deepcopy(t * 2.0)
    with pytest.raises(UnsupportedError):
        pickle.dumps(t * 2.0)


@pytest.mark.parametrize("value", ["a", None, {"a": 1}, [1, "b"], np.array(["x"]), object()])
def test_only_numbers_make_a_tensor(value):
    with pytest.raises((DtypeError, UnsupportedError)):
        Tensor(value)
    with pytest.raises(UnsupportedError, match="already"):
        Tensor(Tensor(1.0))


def test_integers_are_values_without_a_gradient():
    n = Tensor([2, 0])
    w = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    picked = w[n]
    np.sum(picked * n[:, None]).backward()
    np.testing.assert_array_equal(w.grad, [[0, 0], [0, 0], [2, 2]])
    assert n.grad is None


def test_scalars_are_numpy_scalars_and_float32_stays():
    assert type(Tensor(1.0).value) is np.float64
    x = Tensor(np.ones(3, np.float32))
    for y in (x * 2.0, np.exp(x), x.mean(), x @ x, np.sqrt(x) / 3, cr.sigmoid(x), cr.softmax(x)):
        assert y.dtype == np.float32


def test_length_iteration_and_membership(t):
    assert len(t) == 2
    first, second = t
    np.testing.assert_array_equal(second.value, [4.0, 5.0, 6.0])
    assert 5.0 in t
    with pytest.raises(TypeError, match="0-d"):
        iter(Tensor(1.0))
    a, b, c = first
    assert (a + b + c).item() == 6.0


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("use", [lambda a, t: a * t, lambda a, t: t * a, lambda a, t: Tensor(a)])
def test_arrays_whose_operators_mean_something_else_are_refused(use, t):
    with pytest.raises(UnsupportedError, match=r"np\.asarray"):
        use(np.matrix(np.eye(3)), t)
    with pytest.raises(UnsupportedError, match=r"mask|plain array"):
        use(np.ma.array(np.ones(3), mask=[0, 1, 0]), t)
    with pytest.raises(UnsupportedError, match="mask"):
        cr.grad(np.sum)(np.ma.array(np.ones(3), mask=[0, 1, 0]))


def test_arrays_of_objects_are_refused(t):
    objects = np.empty(3, object)
    for i in range(3):
        objects[i] = Tensor(float(i))
    for use in (lambda: t * objects, lambda: objects * t, lambda: np.multiply(t, objects)):
        with pytest.raises(DtypeError, match="object"):
            use()


def test_other_subclasses_are_plain_arrays(tmp_path):
    stored = np.memmap(tmp_path / "x", dtype=float, shape=(3,), mode="w+")
    stored[:] = [1.0, 2.0, 3.0]
    assert type(cr.grad(lambda x: np.sum(x * stored))(stored)) is np.ndarray
    assert type((Tensor(1.0) * stored).value) is np.ndarray


def test_a_result_of_an_old_value_is_not_differentiated_at_the_new_one():
    w = Tensor([1.0, 2.0], name="w")
    old = np.sum(w * w)
    w.value = np.array([10.0, 20.0])
    with pytest.raises(NotDifferentiableError, match="w was given a new value"):
        old.backward()
    new = np.sum(w * w)
    with pytest.raises(NotDifferentiableError, match="w was given a new value"):
        (old + new).backward()
    new.backward()
    np.testing.assert_array_equal(w.grad, [20.0, 40.0])


def test_a_complex_leaf_has_no_gradient():
    z = Tensor(1.0 + 2.0j, name="z")
    with pytest.raises(DtypeError, match="z holds complex"):
        np.real(z * z).backward()


def test_what_an_op_returns_is_checked():
    def returns(value, **declaration):
        return cr.op(lambda x: value, register=False, **declaration)(lambda g, y, x: g)

    for value in (None, "a", (1.0, 2.0), [1.0]):
        with pytest.raises(DtypeError, match="outputs="):
            returns(value)(Tensor(1.0))
    for value in (1.0, (1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(ShapeError, match="outputs=2 and returned"):
            returns(value, outputs=2)(Tensor(1.0))
    assert returns(3)(Tensor(1.0)).dtype == np.int64


def test_several_results_may_be_a_list():
    @cr.op(lambda x: [np.sin(x), np.cos(x)], outputs=2, register=False)
    def both(g, y, x):
        return g[0] * y[1] - g[1] * y[0]

    assert cr.trace(both)(1.0)(2.0) == (np.sin(2.0), np.cos(2.0))
    assert cr.hessian(lambda x: both(x)[0])(1.0) == pytest.approx(-np.sin(1.0))


def test_a_tensor_is_formatted_as_its_number():
    assert f"{Tensor(2.0):.3f}" == "2.000"
    assert f"{Tensor(2.0)}" == "Tensor(2.)"


def test_both_sides_of_divmod():
    quotient, rest = divmod(7.5, Tensor(2.0))
    assert (quotient, rest.item()) == (3.0, 1.5)
    assert divmod(Tensor(7.5), 2.0)[1].item() == 1.5


def test_an_op_takes_its_inputs_by_keyword_and_keeps_its_rule():
    @cr.op(lambda x, y: x * y, register=False)
    def thrice(g, z, x, y):
        return 3.0 * g * y, g * x

    for call in (
        lambda t: thrice(t, y=2.0), lambda t: thrice(x=t, y=2.0), lambda t: thrice(y=2.0, x=t),
    ):  # fmt: skip
        assert cr.grad(call)(1.0) == 6.0
    assert cr.grad(lambda t: thrice(5.0, y=t))(1.0) == 5.0
    assert thrice(x=2.0, y=3.0) == 6.0
    with pytest.raises(TypeError, match="lacks its input 'x'"):
        thrice(y=Tensor(1.0))
    assert cr.softmax(x=Tensor([1.0, 2.0])).op.name == "softmax"


def test_an_op_called_wrongly_says_how_to_call_it(t):
    for call in (lambda: cr.softmax(t, 0), lambda: cr.softmax(t, dim=0)):
        with pytest.raises(UnsupportedError, match=r"call softmax\(x, axis=-1\)"):
            call()
    with pytest.raises(UnsupportedError, match=r"np\.stack"):
        cr.softmax([Tensor(1.0), 2.0])
    double = cr.op(lambda x, *, k=1.0: x * k, register=False)(lambda g, y, x, *, k=1.0: g * k)
    with pytest.raises(UnsupportedError, match="'k'"):
        double(1.0, k=Tensor(2.0))


def test_a_tensor_differs_from_what_is_no_number(t):
    assert (t == None) is False  # noqa: E711
    assert (t != "mean") is True
    assert "mean" not in [t]
    with pytest.raises(DtypeError, match="NoneType"):
        t + None


@pytest.mark.parametrize(
    ("name", "remedy"), [("detach", "value"), ("zero_grad", "t.grad = None"), ("view", "reshape")]
)
def test_attributes_of_other_libraries_name_ours(t, name, remedy):
    assert not hasattr(t, name)
    with pytest.raises(AttributeError, match=f"{name}.*{remedy}"):
        getattr(t, name)


def test_a_parameter_updated_as_an_array_is_explained():
    w = Tensor([1.0, 2.0])
    np.sum(w * w).backward()
    w -= 0.1 * w.grad
    with pytest.raises(cr.errors.ChainruleError, match=r"w\.value = w\.value"):
        _ = w.grad


def test_functions_of_other_packages_are_named_without_numpy():
    special = pytest.importorskip("scipy.special")
    with pytest.raises(UnsupportedError, match=r"^betainc"):
        special.betainc(1.0, 2.0, Tensor(0.5))
