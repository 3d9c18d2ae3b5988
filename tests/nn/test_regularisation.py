"""Penalties, limits and noise: by definition, differentiable, and drawn as is said."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError
from chainrule.graph import trace

MODEL = nn.Sequential(
    nn.Linear(3, 4, rng=0, dtype=np.float64), nn.LayerNorm(4, dtype=np.float64), "tanh",
    nn.Linear(4, 2, rng=1, dtype=np.float64),
)  # fmt: skip
WEIGHTS = [nn.named_parameters(MODEL)[name] for name in ("0.weight", "3.weight")]


def test_penalties_are_of_weights_alone():
    l1 = sum(np.abs(w).sum() for w in WEIGHTS)
    l2 = sum((w**2).sum() for w in WEIGHTS)
    assert nn.l1_penalty(MODEL, 0.3) == pytest.approx(0.3 * l1)
    assert nn.l2_penalty(MODEL, 0.3) == pytest.approx(0.15 * l2)
    chosen = {"0.bias": 2.0, "3.weight": 0.5}
    bias = nn.named_parameters(MODEL)["0.bias"]
    expected = 2 * np.abs(bias).sum() + 0.5 * np.abs(WEIGHTS[1]).sum()
    assert nn.l1_penalty(MODEL, chosen) == pytest.approx(expected)
    assert nn.l2_penalty(MODEL, {}) == 0


@pytest.mark.parametrize("penalty", [nn.l1_penalty, nn.l2_penalty])
def test_penalties_are_part_of_any_loss(penalty):
    x, y = np.ones((5, 3)), np.zeros((5, 2))
    cr.check_grads(lambda m: nn.mse(m(x), y) + penalty(m, 0.3), (MODEL,), rtol=1e-6)
    graph = trace(lambda m: penalty(m, 0.3))(MODEL)
    assert graph(MODEL) == pytest.approx(penalty(MODEL, 0.3))


def test_the_derivative_of_l1_at_zero_is_zero():
    model = nn.Linear(2, 1, rng=0, weight_init="zeros")
    assert not cr.grad(lambda m: nn.l1_penalty(m, 1.0))(model).weight.any()


@pytest.mark.parametrize("function", [nn.l1_penalty, nn.l2_penalty])
def test_what_cannot_be_is_refused(function):
    for amount in (-1.0, np.nan, "1", {"0.weight": -1.0}, {"9.weight": 1.0}):
        with pytest.raises(ArgumentError, match=function.__name__):
            function(MODEL, amount)


def test_max_norm_shortens_what_is_too_long():
    w = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [0.6, 0.8]])
    expected = [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0], [0.6, 0.8]]
    np.testing.assert_allclose(nn.max_norm(w, 1.0), expected, rtol=1e-15)
    assert nn.max_norm(w[1:3], 1.0).tobytes() == w[1:3].tobytes()  # not a bit is changed
    np.testing.assert_allclose(nn.max_norm(np.array([3.0, 4.0]), 1.0), [0.6, 0.8])
    kernels = np.random.default_rng(0).normal(size=(5, 2, 3))
    norms = np.linalg.norm(nn.max_norm(kernels, 0.5).reshape(5, -1), axis=1)
    np.testing.assert_allclose(norms, 0.5)
    assert nn.max_norm(kernels.astype(np.float32), 0.5).dtype == np.float32
    with pytest.raises(ArgumentError, match="limit"):
        nn.max_norm(w, 0.0)


def test_max_norm_is_torchs_renorm():
    torch = pytest.importorskip("torch")
    w = np.random.default_rng(0).normal(size=(6, 4))
    expected = torch.renorm(torch.from_numpy(w), 2, 0, 1.5).numpy()
    np.testing.assert_allclose(nn.max_norm(w, 1.5), expected, rtol=1e-6)


def test_weight_noise_is_on_weights_alone_and_anew_in_every_run():
    noisy = nn.with_weight_noise(MODEL, 0.5, nn.Run(1))
    before, after = nn.named_parameters(MODEL), nn.named_parameters(noisy)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {"0.weight", "3.weight"}
    again = nn.with_weight_noise(MODEL, 0.5, nn.Run(1, step=1))
    assert not np.array_equal(nn.named_parameters(again)["0.weight"], after["0.weight"])
    large = nn.Linear(200, 100, rng=0)
    noise = nn.with_weight_noise(large, {"weight": 0.5}, nn.Run(1)).weight - large.weight
    assert noise.std() == pytest.approx(0.5, rel=0.03)


class TestDraws:
    def test_the_distribution_is_normal(self):
        drawn = nn.Run(7).normal(np.zeros(20_000))
        assert stats.kstest(drawn, "norm").pvalue > 0.01
        assert np.abs(drawn).max() < 5.8
        assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03
        single = nn.Run(7).normal(np.zeros(20_000, np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, drawn, atol=1e-5)

    @pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 4.0])
    def test_the_distribution_of_shares_is_beta(self, alpha):
        drawn = np.array([nn.Run(3, step).beta(alpha) for step in range(800)])
        assert ((drawn >= 0) & (drawn <= 1)).all()
        if alpha < 0.1:  # nearly all are 0 or 1, to rounding
            assert np.mean(drawn > 0.5) == pytest.approx(0.5, abs=0.05)
            assert np.mean((drawn > 0.1) & (drawn < 0.9)) < 0.05
        else:
            assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 0.01

    def test_a_trace_serves_every_step(self):
        def draw(step, like):
            run = nn.Run(5, step)
            return run.normal(like), run.beta(0.4)

        graph = trace(draw)(np.uint64(0), np.zeros(3))
        for step, n in ((0, 3), (9, 5), (2**40, 1)):
            found, expected = graph(np.uint64(step), np.ones(n)), draw(step, np.ones(n))
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)


class TestGaussianNoise:
    def test_nothing_in_inference(self):
        x = np.ones(3)
        assert nn.GaussianNoise(1.0)(x) is x
        assert nn.GaussianNoise(0.0)(x, nn.Run(0)) is x

    def test_mean_and_spread(self):
        y = nn.GaussianNoise(0.3)(np.full((200, 100), 2.0), nn.Run(0))
        assert y.mean() == pytest.approx(2.0, abs=0.01)
        assert y.std() == pytest.approx(0.3, rel=0.02)

    @pytest.mark.parametrize("std", [-0.1, np.nan, "1", None])
    def test_bad_spreads(self, std):
        with pytest.raises(ArgumentError, match="GaussianNoise: std must be"):
            nn.GaussianNoise(std)


class TestLSUV:
    X = np.random.default_rng(0).normal(3.0, 2.0, (300, 5))

    def deep(self, activation, depth=8, width=32):
        sizes = [5, *[width] * depth, 3]
        layers = [
            part
            for i, (n, m) in enumerate(pairwise(sizes))
            for part in (nn.Linear(n, m, rng=i), activation)
        ]
        return nn.Sequential(*layers[:-1])

    @pytest.mark.parametrize("activation", ["relu", "tanh", "selu", "gelu"])
    def test_every_layer_starts_with_variance_one(self, activation):
        model = self.deep(activation)
        before = nn.layer_outputs(model, self.X)
        ready = nn.lsuv(model, self.X, rng=0)
        after = nn.layer_outputs(ready, self.X)
        linear = [name for name, m in nn.named_modules(model) if isinstance(m, nn.Linear)]
        for name in linear:
            assert np.var(after[name]) == pytest.approx(1.0, abs=0.1)
        assert np.var(before[linear[-1]]) < 0.3  # PyTorch's own lets it fade
        biases = [name for name in nn.named_parameters(model) if name.endswith("bias")]
        for name in biases:
            own, other = (nn.named_parameters(m)[name] for m in (model, ready))
            np.testing.assert_array_equal(own, other)

    def test_rows_of_a_weight_stay_orthogonal(self):
        weight = nn.named_parameters(nn.lsuv(self.deep("relu"), self.X, rng=0))["2.weight"]
        product = weight @ weight.T / np.sum(weight[0] ** 2)
        np.testing.assert_allclose(product, np.eye(32), atol=1e-4)

    def test_it_is_the_same_for_a_seed_and_changes_nothing_given(self):
        model = self.deep("relu", depth=2)
        copy = {name: p.copy() for name, p in nn.named_parameters(model).items()}
        first, second = (nn.lsuv(model, self.X, rng=3) for _ in range(2))
        for name, p in nn.named_parameters(first).items():
            np.testing.assert_array_equal(p, nn.named_parameters(second)[name])
            np.testing.assert_array_equal(nn.named_parameters(model)[name], copy[name])

    def test_a_network_in_branches(self):
        model = nn.Sequential(
            nn.Residual(nn.Linear(5, 7, rng=0), shortcut=nn.Linear(5, 7, rng=1)), "relu",
            nn.BatchNorm(7), nn.Linear(7, 2, rng=2),
        )  # fmt: skip
        after = nn.layer_outputs(nn.lsuv(model, self.X, rng=0), self.X)
        for name in ("0.inner", "0.shortcut", "3"):
            assert np.var(after[name]) == pytest.approx(1.0, abs=0.1)

    def test_what_has_no_variance(self):
        for X in (np.zeros((10, 5)), np.full((10, 5), np.nan)):
            with pytest.raises(ArgumentError, match="layer '0' have variance"):
                nn.lsuv(self.deep("relu"), X, rng=0)
        for bad in ({"tol": 0.0}, {"max_iter": 0}):
            with pytest.raises(ArgumentError, match="lsuv"):
                nn.lsuv(self.deep("relu"), self.X, rng=0, **bad)


@pytest.mark.parametrize("activation", sorted(nn.ACTIVATIONS))
def test_there_is_an_initialiser_for_every_activation(activation):
    """Ten layers of it neither lose nor blow up what they are given."""
    name = nn.initialiser_for(activation)
    assert name in nn.INITIALISERS
    assert nn.initialiser_for(nn.ACTIVATIONS[activation]) in (name, "xavier_uniform")
    if activation in ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh"):
        x = np.random.default_rng(0).normal(size=(500, 200))
        for i in range(10):
            layer = nn.Linear(200, 200, rng=i, weight_init=name, bias_init="zeros")
            x = nn.ACTIVATIONS[activation](layer(x))
        assert 0.005 < np.mean(x**2) < 20


def test_functions_go_by_their_names():
    assert nn.initialiser_for(np.tanh) == "xavier_uniform"
    assert nn.initialiser_for(nn.ACTIVATIONS["selu"]) == "lecun_normal"
    assert nn.initialiser_for(lambda x: x) == "xavier_uniform"


def test_a_shortcut_of_another_width():
    inner, shortcut = nn.Linear(3, 4, rng=0), nn.Linear(3, 4, rng=1, bias=False)
    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(nn.Residual(inner, shortcut)(x), inner(x) + shortcut(x))
    with pytest.raises(nn.LayerError, match=r"\(2, 4\), the shortcut to \(2, 5\)"):
        nn.Residual(inner, shortcut=nn.Linear(3, 5, rng=1))(x)
