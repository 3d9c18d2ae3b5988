"""The worked backward pass: every line checked, forks added up, names and numbers the user's."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from lectures import U, W, X, Y, loss_abc, network_221, product, unit
from test_derivation_ops import OPS, losses

import chainrule as cr
from chainrule import nn, optim, training
from chainrule.errors import ArgumentError, NotDifferentiableError
from chainrule.explanation.verify import verify_arrival


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_every_sample_of_every_op_sums_to_its_gradient(entry):
    for case, loss in losses(entry):
        positions = range(len(case.arrays))
        explanation = cr.explain(loss, positions)(*case.arrays)
        assert explanation.ok, str(case)
        for v in explanation.account.backward:
            if v.arrivals and not v.is_bundle:
                total = sum(np.asarray(a.value) for a in v.arrivals)
                np.testing.assert_allclose(total, v.delta, rtol=1e-12, atol=1e-12)
        for i, g in enumerate(cr.grad(loss, positions)(*case.arrays)):
            if f"arg{i}" in explanation.gradients:
                shown = explanation.gradients[f"arg{i}"]
                np.testing.assert_allclose(shown, g, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_a_product_off_by_a_thousandth_is_wrong(entry):
    def verdict(line, factor):
        arrival = replace(line.arrival, value=factor * line.arrival.value)
        return verify_arrival(arrival, line.variable, np.random.default_rng(0))

    for case, loss in losses(entry):
        for line in cr.explain(loss, range(len(case.arrays)))(*case.arrays).lines:
            if line.arrival.use.op.name == "pick":
                continue
            right = verdict(line, 1.0)
            along = abs(right.shown) > max(1e-6, 0.01 * np.linalg.norm(line.arrival.value))
            if right.status == "verified" and along:
                assert verdict(line, 1.001).status == "wrong", f"{case}: {line.rule}"


def test_a_wrong_rule_is_shown_as_wrong():
    @cr.op(lambda x: x * x, register=False)
    def careless(g, y, x):
        return 2.002 * g * x

    explanation = cr.explain(lambda x: np.sum(careless(x)))(np.array([1.0, 2.0]))
    assert not explanation.ok
    text = str(explanation)
    assert "lines are wrong" in text
    assert "✗ WRONG" in text
    assert explanation.facts()["ok"] is False


def test_the_lectures():
    gradients = cr.explain(loss_abc)(3.0, 1.0, -2.0).gradients
    assert {k: float(v) for k, v in gradients.items()} == {"a": -2, "b": -4, "c": 5}
    gradients = cr.explain(product)(2.0, 1.0).gradients
    assert {k: float(v) for k, v in gradients.items()} == {"a": 2, "b": 5}
    text = str(
        cr.explain(unit, ("w", "b"))(np.array([0.2, 0.3, 0.9]), 0.5, np.array([0.5, 0.6, 0.1]))
    )
    assert "0.87" in text
    assert "0.7047" in text


def test_the_users_names_and_lines():
    explanation = cr.explain(network_221, ("w", "u"))(W, U, X, Y)
    names = [v.name for v in explanation.account.variables]
    assert {"w", "u", "x", "y", "z", "a", "s", "c", "loss"} <= set(names)
    text = str(explanation)
    assert "w @ x" in text
    assert "lectures.py:" in text


def test_a_tensor_takes_its_name_from_the_variable():
    weights = cr.Tensor([1.0, 2.0])
    score = weights @ np.array([3.0, 4.0])
    error = (score - 1.0) ** 2
    names = [v.name for v in cr.explain(error).account.variables]
    assert {"weights", "score", "error"} <= set(names)


def test_a_fork_shows_every_contribution_and_their_sum():
    text = str(cr.explain(product)(2.0, 1.0))
    assert "= the sum of 2 contributions" in text
    assert "δ_b" in text


def test_kinks_are_said_to_be_conventions():
    explanation = cr.explain(lambda x: np.sum(cr.relu(x)))(np.array([0.0, 1.0]))
    assert explanation.ok
    assert "at a kink" in str(explanation)


def test_what_differences_cannot_tell_is_said():
    explanation = cr.explain(lambda x, b: np.sum(x) + b)(np.zeros(0), 1.0)
    assert explanation.ok
    assert "3 of 5 lines were checked by finite differences, 2 could not be" in str(explanation)


class TestTrails:
    def test_one_weight_through_every_path(self):
        trail = cr.explain(network_221, ("w", "u"))(W, U, X, Y).at("w", (1, 0))
        gradient = cr.grad(network_221)(W, U, X, Y)[1, 0]
        assert trail.total == pytest.approx(gradient, rel=1e-12)
        assert trail.n_rest == 0
        for path in trail.paths:
            assert path.product == pytest.approx(np.prod([s.slope for s in path.steps]))

    def test_a_sum_over_paths(self):
        trail = cr.explain(product)(2.0, 1.0).at("b")
        assert sorted(path.product for path in trail.paths) == [2, 3]

    def test_large_networks_are_cut_and_add_up(self):
        rng = np.random.default_rng(0)
        model = nn.Sequential(
            nn.Linear(20, 30, rng, dtype=np.float64),
            "tanh",
            nn.Linear(30, 5, rng, dtype=np.float64),
        )
        x, y = rng.normal(size=(16, 20)), rng.integers(0, 5, 16)
        explanation = cr.explain(lambda model, x, y: nn.cross_entropy(model(x), y))(model, x, y)
        trail = explanation.at("model.0.weight", (2, 0))
        assert len(trail.paths) == 24
        assert trail.n_rest > 0
        assert trail.total == pytest.approx(trail.gradient, rel=1e-12)
        assert trail.gradient == explanation.gradients["model.0.weight"][2, 0]

    def test_what_is_not_there(self):
        explanation = cr.explain(product)(2.0, 1.0)
        with pytest.raises(KeyError, match="no variable 'q'"):
            explanation.at("q")
        with pytest.raises(IndexError, match="no element"):
            explanation.at("a", (0,))


class TestShares:
    def loss(self, w, x, y):
        return np.mean(np.log1p(np.exp(-y * (x @ w))))

    def test_they_are_the_gradients_of_the_examples(self):
        rng = np.random.default_rng(0)
        w, x, y = rng.normal(size=3), rng.normal(size=(6, 3)), np.sign(rng.normal(size=6))
        shares = cr.explain(self.loss, "w")(w, x, y).examples("w")
        each = cr.per_example_grad(lambda w, x, y: np.mean(np.log1p(np.exp(-y * (x @ w)))))(w, x, y)
        np.testing.assert_allclose(shares.each, np.asarray(each) / 6, rtol=1e-12)
        assert np.sum(shares.shares) == pytest.approx(1.0)
        np.testing.assert_allclose(shares.rest, 0, atol=1e-15)

    def test_a_penalty_belongs_to_no_example(self):
        rng = np.random.default_rng(0)
        w, x, y = rng.normal(size=3), rng.normal(size=(6, 3)), np.sign(rng.normal(size=6))

        def penalised(w, x, y):
            return self.loss(w, x, y) + 0.1 * np.sum(w * w)

        shares = cr.explain(penalised, "w")(w, x, y).examples("w")
        np.testing.assert_allclose(shares.rest, 0.2 * w, rtol=1e-10)
        assert "Not of any example" in str(shares)

    def test_without_examples(self):
        with pytest.raises(ArgumentError, match="no examples"):
            cr.explain(product)(2.0, 1.0).examples("a")


def test_a_trained_compiled_network_is_explained():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)).astype(np.float32), rng.integers(0, 3, 40)
    model = nn.Sequential(nn.Linear(4, 8, rng), "relu", nn.Linear(8, 3, rng))
    model, _ = training.fit(
        model, (x, y), loss=nn.cross_entropy, optimizer=optim.Adam(), epochs=3, engine="numpy"
    )
    explanation = cr.explain(lambda model, x, y: nn.cross_entropy(model(x), y))(model, x, y)
    assert explanation.ok
    assert len(explanation.gradients) == 4


def test_what_cannot_be_explained():
    with pytest.raises(NotDifferentiableError):
        cr.explain(lambda x: np.ones(3))(1.0)
    with pytest.raises(NotDifferentiableError, match="single number"):
        cr.explain(lambda x: x * np.ones(3))(1.0)


class TestModes:
    def test_the_lectures_counts(self):
        found = cr.modes(product)(2.0, 1.0)
        assert (found.forward.passes, found.reverse.passes) == (2, 1)
        assert (found.forward.operations, found.reverse.operations) == (11, 6)
        assert found.cheaper == "reverse"

    def test_the_more_inputs_the_more_reverse_saves(self):
        def chain(*x):
            return sum(a * b for a, b in pairwise(x))

        ratios = []
        for n in (2, 4, 8, 16):
            found = cr.modes(chain, range(n))(*np.ones(n))
            ratios.append(found.forward.operations / found.reverse.operations)
        assert ratios == sorted(ratios)
        assert ratios[-1] > 10

    def test_many_outputs_of_one_input_are_cheaper_forward(self):
        found = cr.modes(lambda x: np.stack([x, x**2, np.exp(x), x]))(2.0)
        assert found.cheaper == "forward"
        assert "forward mode is cheaper" in str(found)
