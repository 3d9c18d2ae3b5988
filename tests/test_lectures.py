"""The lectures' worked numbers: every script runs, prints them, and differences agree."""

import importlib.util
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.testing import check_op

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "lectures"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))


def lecture(name: str) -> ModuleType:
    """Import one of the scripts."""
    spec = importlib.util.spec_from_file_location(f"lecture_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    lecture(name).main()
    return capsys.readouterr().out


def differences(function: Any, x: Any, eps: float = 1e-6) -> Any:
    """Return the gradient of a number by central differences, one element at a time."""
    x = np.asarray(x, float)
    moves = np.eye(x.size).reshape(x.size, *x.shape) * eps
    slopes = [(function(x + move) - function(x - move)) / (2 * eps) for move in moves]
    return np.reshape(slopes, x.shape)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_and_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60
    assert printed(name, capsys)


class TestUnit:
    def test_its_numbers(self, capsys: pytest.CaptureFixture[str]) -> None:
        unit = lecture("unit")
        w, b, x = unit.WEIGHTS, unit.BIAS, unit.INPUTS
        assert unit.weighted_sum(w, b, x) == pytest.approx(0.87, abs=1e-12)
        assert round(unit.unit(w, b, x), 3) == 0.705
        assert round(unit.unit_with_dummy(np.array([b, *w]), x), 3) == 0.705
        out = printed("unit", capsys)
        assert "0.87" in out
        assert out.count("0.705") == 2

    def test_its_gradients(self) -> None:
        unit = lecture("unit")
        w, b, x = unit.WEIGHTS, unit.BIAS, unit.INPUTS
        dw, db, dx = cr.grad(unit.unit, (0, 1, 2))(w, b, x)
        assert np.allclose(dw, differences(lambda w: unit.unit(w, b, x), w), atol=1e-9)
        assert np.allclose(db, differences(lambda b: unit.unit(w, b, x), b), atol=1e-9)
        assert np.allclose(dx, differences(lambda x: unit.unit(w, b, x), x), atol=1e-9)
        dv = cr.grad(unit.unit_with_dummy)(np.array([b, *w]), x)
        assert np.allclose(dv, [db, *dw], rtol=1e-15)


class TestSoftmax:
    @pytest.mark.parametrize("softmax", ["the lecture's", "chainrule's"])
    def test_its_numbers(self, softmax: str) -> None:
        script = lecture("softmax")
        function = script.softmax if softmax == "the lecture's" else cr.softmax
        three, six = function(script.THREE_SCORES), function(script.SIX_SCORES)
        assert three.round(3).tolist() == [0.868, 0.016, 0.116]
        # The lecture cut the digits of some numbers off where it might have rounded them up.
        assert np.all(np.abs(six - [0.055, 0.090, 0.006, 0.099, 0.74, 0.010]) < [
            0.001, 0.001, 0.001, 0.001, 0.01, 0.001,
        ])  # fmt: skip

    def test_its_jacobian(self) -> None:
        script = lecture("softmax")
        z = script.SIX_SCORES
        p = script.softmax(z)
        found = cr.jacobian(script.softmax)(z)
        assert np.allclose(found, np.diag(p) - np.outer(p, p), atol=1e-15)
        for direction, row in zip(np.eye(6), found, strict=True):
            slopes = differences(lambda z, d=direction: d @ script.softmax(z), z)
            assert np.allclose(row, slopes, atol=1e-9)


class TestGraph:
    def test_the_loss(self) -> None:
        graph = lecture("graph")
        value, gradient = cr.value_and_grad(graph.loss, ("a", "b", "c"))(3.0, 1.0, -2.0)
        assert value == -10.0
        assert gradient == (-2.0, -4.0, 5.0)
        assert np.allclose(gradient, differences(lambda x: graph.loss(*x), [3.0, 1.0, -2.0]))

    @pytest.mark.parametrize("mode", ["forward_mode", "reverse_mode"])
    def test_the_product(self, mode: str) -> None:
        graph = lecture("graph")
        found = getattr(graph, mode)(graph.product, (2.0, 1.0))
        assert found == [2.0, 5.0]
        assert np.allclose(found, differences(lambda x: graph.product(*x), [2.0, 1.0]))

    def test_the_work(self) -> None:
        graph = lecture("graph")

        def counts(function: Any, n: int) -> list[int]:
            point = tuple(np.ones(n))
            modes = (graph.forward_mode, graph.reverse_mode)
            return [graph.operations(mode, function, point) for mode in modes]

        forward, reverse = counts(graph.product, 2)
        assert forward == 2 * reverse, "one forward pass an input, one backward pass in all"
        few, many = counts(lambda *x: graph.chain(x), 8), counts(lambda *x: graph.chain(x), 16)
        assert many[0] > 3.5 * few[0], "forward mode grows with the square of the inputs"
        assert many[1] < 2.5 * few[1], "reverse mode grows as the function does"


class TestPerceptron:
    @pytest.mark.parametrize("name", ["AND", "OR"])
    def test_learns(self, name: str) -> None:
        script = lecture("perceptron")
        targets = getattr(script, name)
        w, b = script.learn(targets)
        assert np.array_equal(script.perceptron(w, b, script.X), targets)

    def test_never_learns_xor(self) -> None:
        script = lecture("perceptron")
        assert script.learn(script.XOR) is None

    def test_every_other_function_but_its_complement_is_learned(self) -> None:
        script = lecture("perceptron")
        learned = {t for t in product((0, 1), repeat=4) if script.learn(np.array(t)) is not None}
        assert set(product((0, 1), repeat=4)) - learned == {(0, 1, 1, 0), (1, 0, 0, 1)}
        assert script.truth_tables() == learned


class TestXor:
    def test_given_weights_compute_it(self) -> None:
        script = lecture("xor")
        assert script.network(script.GIVEN, script.X).tolist() == [0, 1, 1, 0]

    @pytest.mark.parametrize("seed", range(5))
    def test_is_learned(self, seed: int) -> None:
        script = lecture("xor")
        outputs = script.network(script.trained(seed), script.X)
        assert np.max(np.abs(outputs - script.XOR)) < 0.01


class TestBackpropagation:
    @pytest.mark.parametrize("label", [0.0, 1.0])
    def test_two_two_one(self, label: float) -> None:
        script = lecture("backprop_221")
        w, u, x = script.W, script.U, script.X
        found = cr.grad(script.loss, ("w", "u"))(w, u, x, label)
        for mine, hand in zip(found, script.by_hand(w, u, x, label), strict=True):
            assert np.allclose(mine, hand, rtol=1e-12)
        by_w = differences(lambda w: script.loss(w, u, x, label), w)
        by_u = differences(lambda u: script.loss(w, u, x, label), u)
        assert np.allclose(found[0], by_w, atol=1e-8)
        assert np.allclose(found[1], by_u, atol=1e-8)

    def test_jacobians(self) -> None:
        script = lecture("jacobians")
        point = {"W": script.W, "b": script.B, "V": script.V, "c": script.C}
        found = cr.grad(lambda params: script.loss(**params))(point)
        for name, hand in script.by_jacobians(**point).items():
            slope = differences(lambda x, name=name: script.loss(**{**point, name: x}), point[name])
            assert np.allclose(found[name], hand, rtol=1e-12)
            assert np.allclose(found[name], slope, atol=1e-7)

    def test_the_recursion(self) -> None:
        script = lecture("recursion")
        rng = np.random.default_rng(1)
        params, x, target = script.initial(rng), rng.normal(size=3), rng.normal(size=2)
        found = cr.grad(script.loss)(params, x, target)
        for hand, mine in zip(script.backward(params, x, target), found, strict=True):
            for h, m in zip(hand, mine, strict=True):
                assert np.allclose(m, h, rtol=1e-10, atol=1e-14)
        cr.check_grads(lambda params: script.loss(params, x, target), (params,))


@pytest.mark.parametrize("name", ["affine", "product", "fork", "weight_decay"])
def test_a_block_of_the_table(name: str) -> None:
    found, by_hand = getattr(lecture("blocks"), name)()
    assert found.keys() == by_hand.keys()
    for key, delta in found.items():
        assert delta.shape == by_hand[key].shape
        assert np.allclose(delta, by_hand[key], rtol=1e-12)


def test_weight_decay_in_a_network() -> None:
    """The last row of the table: a[1] delta_z[2] + 2 lambda w[2] delta_r, where w[2] is used."""
    rng = np.random.default_rng(0)
    W1, w2, x, lam = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3), 0.1

    def loss(w2: Any) -> Any:
        return (w2 @ np.tanh(W1 @ x) - 1.0) ** 2 / 2 + lam * np.sum(w2**2)

    a1 = np.tanh(W1 @ x)
    delta_z2, delta_r = w2 @ a1 - 1.0, 1.0
    assert np.allclose(cr.grad(loss)(w2), a1 * delta_z2 + 2 * lam * w2 * delta_r, rtol=1e-12)
    assert np.allclose(cr.grad(loss)(w2), differences(loss, w2), atol=1e-8)


def test_instances_sum_to_the_corpus() -> None:
    script = lecture("instances")
    w, x, y = script.WEIGHTS, script.COUNTS, script.LABELS
    each = cr.per_example_grad(script.loss)(w, x, y)
    corpus = cr.grad(script.loss)(w, x, y)
    assert each.shape == (4, 2)
    assert np.allclose(each.sum(axis=0), corpus, rtol=1e-12)
    assert np.allclose(corpus, differences(lambda w: script.loss(w, x, y), w), atol=1e-8)
    one = cr.grad(script.loss)(w, x[1:2], y[1:2])
    assert np.allclose(each[1], one, rtol=1e-15)


class TestGates:
    def test_the_gate_is_right(self) -> None:
        gates = lecture("gates")
        assert cr.grad(gates.multiply_gate, (0, 1))(-2.0, 5.0) == (5.0, -2.0)
        check_op(gates.multiply_gate)
        w, x = np.array([0.1, -0.2]), np.array([1.0, 2.0])
        found = cr.grad(gates.unit)(w, x, 0.5)
        assert np.allclose(found, differences(lambda w: gates.unit(w, x, 0.5), w), atol=1e-9)

    def test_a_wrong_gate_is_caught(self) -> None:
        with pytest.raises(AssertionError):
            check_op(lecture("gates").careless_gate)


class TestIrises:
    def test_virginica_is_linear(self) -> None:
        irises = lecture("irises")
        x, labels = irises.petals("virginica")
        assert irises.logistic_regression(x, labels) >= 0.95

    def test_versicolor_is_not(self) -> None:
        irises = lecture("irises")
        x, labels = irises.petals("versicolor")
        majority = np.mean(labels == 0)
        assert irises.logistic_regression(x, labels) <= majority + 0.05
        for name in ("polynomial", "five bumps"):
            assert irises.logistic_regression(irises.BASES[name](x), labels) >= 0.95
        assert irises.network(x, labels) >= 0.95
