"""Full-batch optimizers: the strong Wolfe conditions, SciPy's minima at SciPy's price, refusals."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import chainrule as cr
from chainrule import nn, optim
from chainrule.errors import ArgumentError, NonFiniteError
from chainrule.graph.tree import flatten
from chainrule.optim.full_batch import Point, Vector
from chainrule.optim.line_search import ALLOWED, Trial

ALL = [*optim.FULL_BATCH.values()]
RNG = np.random.default_rng(0)


def rosenbrock(x):
    return optimize.rosen(x), optimize.rosen_der(x)


INPUTS = RNG.normal(size=(300, 20)) * np.logspace(0, 1, 20)
LABELS = np.where(INPUTS @ RNG.normal(size=20) + 5 * RNG.normal(size=300) > 0, 1.0, -1.0)


def logistic(w):
    """Ridge logistic regression, its inputs of very different scales."""
    margins = LABELS * (INPUTS @ w)
    share = -LABELS * np.exp(-np.logaddexp(0, margins))
    return (
        np.mean(np.logaddexp(0, -margins)) + 0.005 * w @ w,
        INPUTS.T @ share / len(LABELS) + 0.01 * w,
    )


PROBLEMS = {
    "rosenbrock 2": (rosenbrock, np.array([-1.2, 1.0])),
    "rosenbrock 10": (rosenbrock, np.tile([-1.2, 1.0], 5)),
    "logistic": (logistic, np.zeros(20)),
}
THEIRS = {
    optim.LBFGS: ("L-BFGS-B", {"maxcor": 10, "ftol": 0, "gtol": 1e-6}),
    optim.ConjugateGradient: ("CG", {"gtol": 1e-6}),
}


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_scipys_minimum_with_as_many_evaluations(cls, problem):
    function, start = PROBLEMS[problem]
    method, options = THEIRS[cls]
    theirs = optimize.minimize(function, start, jac=True, method=method, options=options)
    ours = cls(tolerance_grad=1e-6, tolerance_change=0).minimize(function, start)
    assert ours.stopped == "no element of the gradient is above tolerance_grad"
    assert np.max(np.abs(ours.gradient)) <= 1e-6
    # Gradients of 1e-6 over a curvature of 0.01, the least: so far may either be from the minimum.
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
    assert ours.value == pytest.approx(theirs.fun, abs=1e-10)
    assert ours.evaluations <= 1.25 * theirs.nfev
    assert ours.iterations <= 1.25 * theirs.nit


@pytest.mark.parametrize("problem", PROBLEMS)
def test_torchs_minimum_with_as_many_evaluations(problem):
    torch = pytest.importorskip("torch")
    function, start = PROBLEMS[problem]
    x, calls = torch.tensor(start, requires_grad=True), []
    theirs = torch.optim.LBFGS(
        [x], max_iter=1000, max_eval=10000, history_size=10, tolerance_grad=1e-6,
        tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure():
        value, gradient = function(x.detach().numpy())
        x.grad = torch.tensor(gradient)
        calls.append(value)
        return torch.tensor(value)

    theirs.step(closure)
    ours = optim.LBFGS(tolerance_grad=1e-6, tolerance_change=0).minimize(function, start)
    np.testing.assert_allclose(ours.x, x.detach().numpy(), atol=2e-5)
    assert ours.evaluations <= 1.1 * len(calls)


def test_known_numbers():
    """Frozen, so that the iterations stay what they are."""
    start = np.array([-1.2, 1.0])
    np.testing.assert_allclose(optim.LBFGS().minimize(rosenbrock, start, 5).x, LBFGS_NUMBERS)
    np.testing.assert_allclose(
        optim.ConjugateGradient().minimize(rosenbrock, start, 5).x, CG_NUMBERS
    )


LBFGS_NUMBERS = [-1.0203084803940996, 1.0352769866467515]
CG_NUMBERS = [-0.6871002783880291, 0.4147223831269139]


def test_a_quadratic_function_of_n_variables_takes_conjugate_gradients_about_n_lines():
    matrix = np.diag(np.arange(1.0, 11.0))
    found = optim.ConjugateGradient(tolerance_change=0).minimize(
        lambda x: (float(x @ matrix @ x) / 2 - x.sum(), matrix @ x - 1.0), np.zeros(10)
    )
    np.testing.assert_allclose(found.x, 1 / np.arange(1.0, 11.0), atol=1e-7)
    assert found.iterations <= 25


def curves():
    """Return lines with several humps, that fall at 0 and rise in the end."""
    waves = st.tuples(st.floats(-3, 3), st.floats(0.1, 20), st.floats(0, 6))
    return st.tuples(
        st.lists(waves, max_size=4), st.floats(1e-4, 10), st.floats(0.01, 50), st.floats(-6, 3)
    )


@settings(max_examples=300)
@given(curves(), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_strong_wolfe_conditions_hold(curve, c2):
    waves, steepness, where, power = curve

    def line(alpha):
        value = steepness * (alpha - where) ** 2 / 2
        slope = steepness * (alpha - where)
        for height, pace, phase in waves:
            value += height * math.sin(pace * alpha + phase)
            slope += height * pace * math.cos(pace * alpha + phase)
        return Trial(alpha, value, slope)

    start = line(0.0)
    if start.slope >= -1e-6:
        return
    found = optim.strong_wolfe(line, start, 10.0**power, c1=1e-4, c2=c2, max_evaluations=200)
    rounding = 1e-12 * (1 + abs(start.value))
    assert found.alpha > 0
    assert found.value <= start.value + 1e-4 * found.alpha * start.slope + rounding
    assert abs(found.slope) <= -c2 * start.slope


def test_a_line_that_leaves_the_numbers_is_followed_as_far_as_it_goes():
    def line(alpha):
        inside = 1.0 - alpha
        if inside <= 0:
            return Trial(alpha, math.nan, math.inf)
        return Trial(alpha, -math.log(inside) - 5 * alpha, 1 / inside - 5)

    found = optim.strong_wolfe(line, line(0.0), 1000.0, c2=0.1)
    assert abs(found.slope) <= 0.1 * 4
    assert 0 < found.alpha < 1


@pytest.mark.parametrize("beyond", [(-math.inf, -1.0), (-9.0, math.nan), (math.nan, -1.0)])
def test_no_step_ends_where_the_value_or_the_slope_is_no_number(beyond):
    def line(alpha):
        return (
            Trial(alpha, *beyond)
            if alpha > 1
            else Trial(alpha, (alpha - 0.9) ** 2, 2 * alpha - 1.8)
        )

    found = optim.strong_wolfe(line, line(0.0), 5.0, c2=0.1)
    assert found.alpha == pytest.approx(0.9, abs=0.1)


def test_a_line_that_only_falls_ends_at_the_last_evaluation():
    calls = []

    def line(alpha):
        calls.append(alpha)
        return Trial(alpha, -alpha, -1.0)

    found = optim.strong_wolfe(line, line(0.0), max_evaluations=7)
    assert len(calls) == 8
    assert found.alpha == max(calls)


def test_a_line_that_does_not_fall_gives_the_start():
    start = Trial(0.0, 0.0, -1.0)
    found = optim.strong_wolfe(lambda alpha: Trial(alpha, 1.0, 1.0), start)
    assert found is start


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_arguments_of_the_search_are_checked(name):
    for value in ALLOWED[name].bad_values():
        with pytest.raises(ArgumentError, match=f"strong_wolfe: {name} must be"):
            optim.strong_wolfe(lambda alpha: None, Trial(0.0, 0.0, -1.0), **{name: value})


@pytest.mark.parametrize(
    ("slope", "options", "message"),
    [
        (-1.0, {"c1": 0.5, "c2": 0.5}, "c1 must be below c2, 0.5, not 0.5"),
        (0.0, {}, "the line must fall where it begins, its slope is 0.0"),
        (math.nan, {}, "its slope is nan"),
    ],
)
def test_lines_and_conditions_that_cannot_be(slope, options, message):
    with pytest.raises(ArgumentError, match=message):
        optim.strong_wolfe(lambda alpha: None, Trial(0.0, 0.0, slope), **options)


@pytest.mark.parametrize("cls", ALL)
def test_huge_gradients_are_no_error(cls):
    steep = lambda x: (float(np.sum(np.abs(x))) * 1e300, np.sign(x) * 1e308)
    found = cls(max_eval=2000).minimize(steep, np.full(10, 3.0), max_iter=2)
    assert np.isfinite(found.x).all()


@pytest.mark.parametrize("cls", ALL)
def test_every_step_of_a_course_satisfies_the_wolfe_conditions(cls):
    opt, seen = cls(), []

    def evaluate(x):
        seen.append(Point(x, *rosenbrock(x)))
        return seen[-1]

    at, slots = evaluate(np.tile([-1.2, 1.0], 4)), opt.init(np.tile([-1.2, 1.0], 4))["slots"][""]
    for _ in range(30):
        direction, _ = opt.line(at, slots)
        after, slots, length = opt.iterate(evaluate, at, slots)
        slope = at.gradient @ direction
        np.testing.assert_allclose(after.x, at.x + length * direction)
        assert after.value <= at.value + 1e-4 * length * slope
        assert abs(after.gradient @ direction) <= -opt.c2 * slope
        at = after


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_trees_and_dtypes_stay(cls, dtype):
    tree = {"W": np.zeros((2, 3), dtype), "b": [np.zeros((), dtype), np.zeros((0, 2), dtype)]}
    given = [leaf.copy() for leaf in flatten(tree)[0]]

    def bowl(t):
        return np.sum((t["W"] - 3.0) ** 2) + (t["b"][0] + 1.0) ** 2 + np.sum(t["b"][1])

    found = cls(tolerance_grad=1e-5).minimize(cr.value_and_grad(bowl), tree)
    np.testing.assert_allclose(found.x["W"], 3.0, atol=1e-5)
    np.testing.assert_allclose(found.x["b"][0], -1.0, atol=1e-5)
    for leaf, old in zip(flatten(found.x)[0], given, strict=True):
        assert (leaf.dtype, leaf.shape) == (old.dtype, old.shape)
    for leaf, old in zip(flatten(tree)[0], given, strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_vectors_there_and_back():
    tree = {"a": np.arange(3, dtype=np.float32), "b": (np.ones((2, 2)),)}
    vector = Vector(tree)
    assert vector.join(tree).dtype == np.float64
    back = vector.split(vector.join(tree))
    assert back["a"].dtype == np.float32
    np.testing.assert_array_equal(back["b"][0], np.ones((2, 2)))
    assert Vector({}).split(Vector({}).join({})) == {}


def test_a_module_is_a_tree_too():
    X = RNG.normal(size=(40, 3))
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    loss = lambda m: nn.mse(m(X), X @ np.array([[1.0], [2.0], [3.0]]))
    found = optim.LBFGS().minimize(cr.value_and_grad(loss), model)
    np.testing.assert_allclose(found.x.weight, [[1, 2, 3]], atol=1e-6)


@pytest.mark.parametrize("cls", ALL)
def test_nothing_of_the_callers_is_changed(cls):
    opt, x = cls(), np.tile([-1.2, 1.0], 2)
    at, slots = Point(x, *rosenbrock(x)), opt.init(x)["slots"][""]
    evaluate = lambda y: Point(y, *rosenbrock(y))
    at, slots, _ = opt.iterate(evaluate, at, slots)
    kept = {name: slot.copy() for name, slot in slots.items()}
    for array in (at.x, at.gradient, *slots.values()):
        array.flags.writeable = False
    first, again = (opt.iterate(evaluate, at, slots) for _ in range(2))
    np.testing.assert_array_equal(first[0].x, again[0].x)
    for name, slot in kept.items():
        np.testing.assert_array_equal(slots[name], slot)


@pytest.mark.parametrize("cls", ALL)
def test_why_it_ended(cls):
    bowl = lambda x: (float(np.sum(x * x)), 2 * x)
    assert cls().minimize(bowl, np.zeros(2)).stopped.startswith("no element of the gradient")
    assert cls().minimize(bowl, np.zeros(2)).iterations == 1
    assert cls(tolerance_change=10.0).minimize(rosenbrock, np.zeros(2)).stopped == (
        "an iteration changed nothing by more than tolerance_change"
    )
    found = cls().minimize(lambda x: (float(np.any(x != 1)), np.ones(2)), np.ones(2))
    assert found.stopped == "no step lowers the loss by more than its rounding"
    np.testing.assert_array_equal(found.x, np.ones(2))
    assert found.evaluations == 1 + cls().max_eval
    assert cls().minimize(bowl, np.ones(2), max_iter=0).stopped == ""


def test_a_memory_that_misleads_is_forgotten():
    """The remembered curvature is negative, and the direction leads upward."""
    bowl = lambda x: Point(x, float(x @ x), 2 * x)
    opt, at = optim.LBFGS(history_size=1), bowl(np.array([1.0, 1.0]))
    slots = {"end": np.array(0), "steps": np.array([[0.0, 1]]), "changes": np.array([[0.0, -1]])}
    direction, _ = opt.line(at, slots)
    assert direction @ at.gradient > 0
    after, slots, _ = opt.iterate(bowl, at, slots)
    assert after.value < at.value
    np.testing.assert_array_equal(slots["steps"], [after.x - at.x])


def test_a_step_along_which_the_slope_falls_is_not_remembered():
    opt, slots = optim.LBFGS(), optim.LBFGS().start(np.zeros(1))
    hill = lambda x: Point(np.array([x]), -(x**2), np.array([-2 * x]))
    assert opt.moved(hill(1.0), hill(2.0), slots) is slots


def test_a_start_that_is_not_finite_is_refused():
    with pytest.raises(NonFiniteError, match="not finite at the start"):
        optim.LBFGS().minimize(lambda x: (math.nan, x), np.ones(2))


@pytest.mark.parametrize("cls", ALL)
def test_hyperparameters_out_of_range_are_refused(cls):
    for name, constraint in cls.allowed.items():
        for value in constraint.bad_values():
            with pytest.raises(ArgumentError, match=f"{cls.__name__}: {name} must be"):
                cls(**{name: value})
    with pytest.raises(ArgumentError, match="max_iter must be"):
        cls().minimize(rosenbrock, np.ones(2), max_iter=-1)


@pytest.mark.parametrize("cls", ALL)
def test_configurations_survive_json(cls):
    opt = cls(tolerance_grad=0.5)
    assert optim.optimizer_from_config(json.loads(json.dumps(opt.config()))) == opt
