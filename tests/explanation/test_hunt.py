"""The first number that is not finite is found, forward and backward, with what led to it."""

import numpy as np
import pytest

import chainrule as cr

X = np.array([[4.0, 1.0], [0.0, 2.0], [-3.0, 0.5]])


def hunted(function, *args):
    with np.errstate(all="ignore"):
        return cr.hunt(function)(*args)


FORWARD = {
    "log": (lambda x: np.sum(np.log(x)), (1, 0), [0.0], "the logarithm of 0"),
    "sqrt": (lambda x: np.sum(np.sqrt(x)), (2, 0), [-3.0], "no real root"),
    "exp": (lambda x: np.sum(np.exp(200 * x)), (0, 0), [800.0], "exp leaves float64"),
    "divide": (lambda x: np.sum(1 / x), (1, 0), [1, 0.0], "a division by 0"),
    "power": (lambda x: np.sum(x**-1.0), (1, 0), [0.0, -1.0], "0 to a negative power"),
}


@pytest.mark.parametrize("op", FORWARD)
def test_a_birth_in_the_forward_pass(op):
    function, index, operands, reason = FORWARD[op]
    birth = hunted(function, X).birth
    assert (birth.direction, birth.op) == ("forward", op)
    assert birth.elements[0] == (index, operands)
    assert reason in birth.reason
    assert birth.line[0] == __file__


BACKWARD = {
    "sqrt": (lambda x: np.sum(np.sqrt(np.abs(x))), (1, 0)),
    "power": (lambda x: np.sum(np.abs(x) ** 0.5), (1, 0)),
}


@pytest.mark.parametrize("op", BACKWARD)
def test_a_birth_in_the_backward_pass(op):
    function, index = BACKWARD[op]
    found = hunted(function, X)
    assert (found.birth.direction, found.birth.op) == ("backward", op)
    assert found.birth.elements[0][0] == index
    assert "infinite" in found.birth.reason
    assert "The forward pass is finite" in str(found)


def test_a_number_that_is_not_chosen():
    def loss(x):
        return np.sum(np.where(x > 0, np.log(np.abs(x) + np.minimum(x, 0.0)), 0.0))

    found = hunted(loss, np.array([2.0, -1.0]))
    assert found.birth is not None
    assert found.birth.op in ("log", "divide")


def test_the_trap_of_where_is_explained():
    found = hunted(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), np.array([1.0, 0.0]))
    assert (found.birth.direction, found.birth.op) == ("backward", "log")
    assert found.masked
    assert "choose a harmless operand" in " ".join(str(found).split())


def test_a_masked_number_without_a_gradient_is_harmless():
    found = hunted(lambda x: np.sum(x * np.isfinite(np.log(x))), np.array([1.0, 0.0]))
    assert found.birth is None


def test_nothing_is_found_where_all_is_finite():
    found = hunted(lambda x: np.sum(x**2), X)
    assert found.birth is None
    assert "Every value" in str(found)
    assert found.facts() == {"found": False}


def test_independent_births_are_counted():
    found = hunted(lambda x: np.sum(np.log(x)) + np.sum(np.sqrt(x)), X)
    assert (found.birth.op, found.more) == ("log", 1)


def test_a_tensor_is_hunted_at_once():
    w = cr.Tensor(X, name="w")
    with np.errstate(all="ignore"):
        found = cr.hunt(np.sum(np.log(w)))
    assert found.birth.use.operands[0].name == "w"
