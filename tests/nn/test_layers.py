"""Layers: values by hand, gradients in both modes, training against inference, refusals."""

from typing import ClassVar

import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DtypeError, NotDifferentiableError, ShapeError

F64 = {"dtype": np.float64}


def perturbed(model, seed=5):
    """Parameters away from ones and zeros, where wrong rules may go unseen."""
    rng = np.random.default_rng(seed)
    arrays = nn.named_parameters(model)
    return nn.load_parameters(
        model, {k: v + 0.3 * rng.normal(size=v.shape) for k, v in arrays.items()}
    )


LAYERS = {
    "linear": (nn.Linear(4, 3, rng=0, **F64), (5, 4)),
    "linear without bias": (nn.Linear(4, 3, rng=0, bias=False, **F64), (5, 4)),
    "linear on sequences": (nn.Linear(4, 3, rng=0, **F64), (2, 5, 4)),
    "linear on one row": (nn.Linear(4, 3, rng=0, **F64), (4,)),
    "layer norm": (nn.LayerNorm(4, **F64), (5, 4)),
    "layer norm on sequences": (nn.LayerNorm(4, **F64), (2, 3, 4)),
    "batch norm": (nn.BatchNorm(4, **F64), (5, 4)),
    "batch norm on sequences": (nn.BatchNorm(4, **F64), (2, 3, 4)),
    "dropout": (nn.Dropout(0.4), (5, 4)),
    "gaussian noise": (nn.GaussianNoise(0.4), (5, 4)),
    "flatten": (nn.Flatten(), (5, 2, 2)),
    "polynomial": (nn.Polynomial(4, 3), (5, 4)),
    "radial basis": (nn.RadialBasis(np.eye(3, 4), 0.7, **F64), (5, 4)),
    "fourier": (nn.Fourier(nn.harmonics(4, 2), **F64), (5, 4)),
    "kernel": (nn.Kernel(np.eye(3, 4), "sigmoid", **F64), (5, 4)),
    "residual": (nn.Residual(nn.Linear(4, 4, rng=0, **F64)), (5, 4)),
    "residual with a projection": (
        nn.Residual(
            nn.Sequential(nn.Linear(4, 6, rng=0, **F64), "tanh", nn.Dropout(0.3)),
            shortcut=nn.Linear(4, 6, rng=1, bias=False, **F64),
        ),
        (5, 4),
    ),
    "sequential": (
        nn.Sequential(
            nn.Linear(4, 6, rng=0, **F64), "tanh", nn.BatchNorm(6, **F64), nn.Dropout(0.3),
            nn.Residual(nn.Sequential(nn.Linear(6, 6, rng=1, **F64), "gelu")),
            nn.LayerNorm(6, **F64), np.sin, nn.Linear(6, 2, rng=2, **F64), "softmax",
        ),
        (5, 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS)
def test_gradients_in_both_modes(layer, shape, training):
    layer = perturbed(layer)
    x = np.random.default_rng(3).normal(size=shape)

    def forward(model, x):
        return model(x, nn.Run(11) if training else None)

    cr.check_grads(forward, (layer, x), rtol=1e-6)


@pytest.mark.parametrize("name", ["layer norm", "batch norm", "sequential"])
def test_second_derivatives(name):
    layer, shape = LAYERS[name]
    x = np.random.default_rng(3).normal(size=shape)
    cr.check_grads(lambda m, x: m(x, nn.Run(1)), (perturbed(layer), x), order=2)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS)
def test_a_trace_serves_every_batch_size(layer, shape, training):
    def forward(model, x):
        return model(x, nn.Run(11) if training else None)

    rng = np.random.default_rng(3)
    graph = cr.trace(forward)(layer, rng.normal(size=shape))
    wide = (shape[0] + 3, *shape[1:]) if len(shape) > 1 else shape
    x = rng.normal(size=wide)
    np.testing.assert_allclose(graph(layer, x), forward(layer, x), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_compute_in_their_own_dtype(dtype):
    model = nn.Sequential(
        nn.Linear(4, 6, rng=0, dtype=dtype), "gelu", nn.BatchNorm(6, dtype=dtype),
        nn.Dropout(0.3), nn.LayerNorm(6, dtype=dtype), "elu", nn.Linear(6, 2, rng=1, dtype=dtype),
    )  # fmt: skip
    for x in (np.ones((3, 4)), np.ones((3, 4), np.float32), np.ones((3, 4), int), [[1, 2, 3, 4]]):
        assert model(x).dtype == dtype
    run = nn.Run(0)
    value, gradient = cr.value_and_grad(lambda m: np.sum(m(np.random.rand(3, 4), run)))(model)
    assert value.dtype == dtype
    assert {g.dtype for g in nn.named_parameters(gradient).values()} == {np.dtype(dtype)}
    moved = nn.named_buffers(run.apply(model)).values()
    assert {b.dtype for b in moved} == {np.dtype(dtype)}


class TestLinear:
    def test_is_affine(self):
        layer = nn.load_parameters(
            nn.Linear(3, 1, rng=None), {"weight": [[0.2, 0.3, 0.9]], "bias": [0.5]}
        )
        np.testing.assert_allclose(layer([[0.5, 0.6, 0.1]]), [[0.87]], rtol=1e-6)

    def test_initial_weights_are_deterministic(self):
        first, second = nn.Linear(4, 3, rng=7), nn.Linear(4, 3, np.random.default_rng(7))
        np.testing.assert_array_equal(first.weight, second.weight)
        np.testing.assert_array_equal(first.bias, second.bias)
        assert not np.array_equal(first.weight, nn.Linear(4, 3, rng=8).weight)

    def test_one_generator_goes_on(self):
        rng = np.random.default_rng(0)
        assert not np.array_equal(nn.Linear(3, 3, rng).weight, nn.Linear(3, 3, rng).weight)

    def test_torchs_bounds(self):
        layer = nn.Linear(100, 200, rng=0)
        for array in (layer.weight, layer.bias):
            assert 0.09 < np.abs(array).max() <= 0.1

    def test_other_initial_weights(self):
        layer = nn.Linear(4, 4, rng=0, weight_init="orthogonal", bias_init="zeros")
        np.testing.assert_allclose(layer.weight @ layer.weight.T, np.eye(4), atol=1e-6)
        assert not layer.bias.any()
        layer = nn.Linear(4, 4, rng=0, weight_init=lambda shape, rng: np.full(shape, 3.0))
        assert (layer.weight == 3.0).all()

    @pytest.mark.parametrize(
        "bad",
        [
            {"in_features": 0}, {"out_features": 2.5}, {"bias": 1}, {"bias_init": "ones"},
            {"weight_init": "magic"}, {"dtype": int},
        ],
        ids=str,
    )  # fmt: skip
    def test_bad_arguments_are_refused(self, bad):
        with pytest.raises(ArgumentError, match="must be"):
            nn.Linear(**{"in_features": 2, "out_features": 2, "rng": 0} | bad)

    def test_an_initialiser_of_a_wrong_shape(self):
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            nn.Linear(4, 3, rng=0, weight_init=lambda shape, rng: np.zeros(2))


class TestEmbedding:
    def test_gradient_counts_the_uses(self):
        table = nn.Embedding(5, 2, rng=0, dtype=np.float64)
        indices = np.array([[1, 1], [3, 1]])
        gradient = cr.grad(lambda m: np.sum(m(indices)))(table)
        np.testing.assert_array_equal(gradient.weight[:, 0], [0, 3, 0, 1, 0])
        cr.check_grads(lambda m: np.tanh(m(indices)), (table,))

    def test_padding_is_zero_and_not_trained(self):
        table = nn.Embedding(4, 3, rng=0, padding_idx=2, dtype=np.float64)
        assert not table.weight[2].any()
        indices = np.array([2, 1, 2])
        gradient = cr.grad(lambda m: np.sum(m(indices) ** 2 + 3.0 * m(indices)))(table)
        assert not gradient.weight[2].any()
        assert gradient.weight[1].all()
        moved = nn.load_parameters(table, {"weight": np.ones((4, 3))})
        np.testing.assert_array_equal(moved(indices), [[0, 0, 0], [1, 1, 1], [0, 0, 0]])

    def test_lists_and_small_integers(self):
        table = nn.Embedding(4, 3, rng=0, padding_idx=0)
        np.testing.assert_array_equal(table([1, 0]), table(np.array([1, 0], np.uint8)))

    @pytest.mark.parametrize("wrong", [-1, 4])
    def test_indices_outside_are_named(self, wrong):
        model = nn.Sequential(nn.Embedding(4, 3, rng=0))
        with pytest.raises(nn.LayerError, match=rf"layer '0' .*{wrong} at \(1, 0\).* 4 rows"):
            model(np.array([[0, 1], [wrong, 1]]))

    def test_only_integers_look_up(self):
        with pytest.raises(DtypeError, match="astype"):
            nn.Embedding(4, 3, rng=0)(np.array([1.0]))

    @pytest.mark.parametrize("padding", [-1, 4, 1.0])
    def test_padding_is_a_row(self, padding):
        with pytest.raises(ArgumentError, match="padding_idx"):
            nn.Embedding(4, 3, rng=0, padding_idx=padding)

    def test_traced_indices(self):
        table = nn.Embedding(4, 3, rng=0, padding_idx=0)
        graph = cr.trace(lambda m, i: m(i))(table, np.array([1, 2]))
        indices = np.array([3, 0, 0, 1])
        np.testing.assert_array_equal(graph(table, indices), table(indices))


class TestDropout:
    def test_inference_does_nothing(self):
        x = np.ones((3, 4))
        assert nn.Dropout(0.9)(x) is x

    def test_rate_scale_and_mean(self):
        y = nn.Dropout(0.25)(np.ones((200, 100)), nn.Run(0))
        assert set(np.unique(y)) == {0.0, 1.0 / 0.75}
        assert np.mean(y == 0) == pytest.approx(0.25, abs=0.01)

    def test_the_gradient_has_the_same_mask(self):
        x = np.ones((20, 5))
        layer = nn.Dropout(0.5)
        gradient = cr.grad(lambda x: np.sum(layer(x, nn.Run(3))))(x)
        np.testing.assert_array_equal(gradient, layer(x, nn.Run(3)))

    def test_calls_of_a_run_differ_and_runs_repeat(self):
        layer, x = nn.Dropout(0.5), np.ones(50)
        run, again = nn.Run(0), nn.Run(0)
        first, second = layer(x, run), layer(x, run)
        assert not np.array_equal(first, second)
        np.testing.assert_array_equal(layer(x, again), first)

    def test_p_of_0_draws_nothing(self):
        run = nn.Run(0)
        nn.Dropout(0.0)(np.ones(3), run)
        np.testing.assert_array_equal(run.uniform(np.ones(3)), nn.Run(0).uniform(np.ones(3)))

    @pytest.mark.parametrize("p", [-0.1, 1.0, 2, "half", None, float("nan")])
    def test_p_is_a_probability_below_1(self, p):
        with pytest.raises(ArgumentError, match="Dropout: p must be"):
            nn.Dropout(p)


class TestNorms:
    def test_layer_norm_by_hand(self):
        x = np.random.default_rng(0).normal(2.0, 3.0, (5, 7))
        expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        np.testing.assert_allclose(nn.LayerNorm(7, **F64)(x), expected, rtol=1e-12)

    def test_layer_norm_of_equal_numbers_is_finite(self):
        layer = nn.LayerNorm(3, **F64)
        gradient = cr.grad(lambda x: np.sum(layer(x) ** 2))(np.ones((2, 3)))
        assert np.isfinite(gradient).all()

    def test_batch_norm_trains_on_the_batch(self):
        x = np.random.default_rng(0).normal(2.0, 3.0, (6, 4, 3))
        flat = x.reshape(-1, 3)
        expected = (x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
        np.testing.assert_allclose(nn.BatchNorm(3, **F64)(x, nn.Run(0)), expected, rtol=1e-12)

    def test_batch_norm_infers_from_running_statistics(self):
        layer = nn.load_buffers(
            nn.BatchNorm(2, eps=1e-3, **F64),
            {"running_mean": [1.0, 2.0], "running_var": [4.0, 9.0]},
        )
        x = np.random.default_rng(0).normal(size=(5, 2))
        expected = (x - [1.0, 2.0]) / np.sqrt(np.array([4.0, 9.0]) + 1e-3)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
        np.testing.assert_allclose(layer(x[:1]), expected[:1], rtol=1e-12)

    def test_statistics_converge_to_those_of_the_data(self):
        x = np.random.default_rng(0).normal(5.0, 2.0, (64, 1))
        layer = nn.BatchNorm(1, **F64)
        for _ in range(200):
            run = nn.Run(0)
            layer(x, run)
            layer = run.apply(layer)
        assert layer.running_mean == pytest.approx(x.mean(), rel=1e-6)
        assert layer.running_var == pytest.approx(x.var(ddof=1), rel=1e-6)

    @pytest.mark.parametrize("shape", [(1, 3), (0, 3), (3,)])
    def test_one_row_has_no_variance(self, shape):
        with pytest.raises(nn.LayerError, match="two rows"):
            nn.BatchNorm(3)(np.ones(shape), nn.Run(0))

    @pytest.mark.parametrize("layer", [nn.BatchNorm, nn.LayerNorm])
    def test_bad_arguments_are_refused(self, layer):
        for bad in ({"features": 0}, {"eps": 0.0}, {"dtype": "int32"}):
            with pytest.raises(ArgumentError, match=layer.__name__):
                layer(**{"features": 2} | bad)
        with pytest.raises(ArgumentError, match="momentum"):
            nn.BatchNorm(2, momentum=1.5)


class TestOthers:
    def test_a_residual_needs_equal_shapes(self):
        with pytest.raises(nn.LayerError, match="as many outputs as inputs"):
            nn.Residual(nn.Linear(3, 1, rng=0))(np.ones((2, 3)))

    def test_flatten_keeps_the_batch(self):
        assert nn.Flatten()(np.ones((0, 2, 3))).shape == (0, 6)
        assert nn.Flatten()(np.ones(4)).shape == (4, 1)

    def test_an_empty_sequence_is_the_identity(self):
        x = np.ones(2)
        assert nn.Sequential()(x) is x

    def test_sequences_nest(self):
        inner = nn.Sequential(nn.Linear(2, 2, rng=0))
        assert list(nn.named_parameters(nn.Sequential(inner, "relu"))) == ["0.0.weight", "0.0.bias"]

    def test_options_reach_the_function(self):
        assert nn.Activation("leaky_relu", negative_slope=0.5)(np.array(-2.0)) == -1.0
        assert cr.grad(lambda x: nn.Activation("relu", at_zero=1.0)(x))(0.0) == 1.0


class TestActivations:
    REFERENCE: ClassVar = {
        "elu": lambda x: np.where(x > 0, x, special.expm1(np.minimum(x, 0))),
        "gelu": lambda x: x * special.ndtr(x),
        "hard_tanh": lambda x: np.clip(x, -1, 1),
        "identity": lambda x: x,
        "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
        "log_sigmoid": special.log_expit,
        "log_softmax": lambda x: special.log_softmax(x, axis=-1),
        "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
        "relu": lambda x: np.maximum(x, 0),
        "selu": lambda x: 1.0507009873554805 * np.where(
            x > 0, x, 1.6732632423543772 * special.expm1(np.minimum(x, 0))
        ),
        "sigmoid": special.expit,
        "silu": lambda x: x * special.expit(x),
        "softmax": lambda x: special.softmax(x, axis=-1),
        "softplus": lambda x: np.logaddexp(0, x),
        "softsign": lambda x: x / (1 + np.abs(x)),
        "tanh": np.tanh,
        "binary_step": lambda x: (x > 0).astype(float),
    }  # fmt: skip

    @pytest.mark.parametrize("name", nn.ACTIVATIONS)
    def test_values(self, name):
        x = np.random.default_rng(0).normal(0.0, 3.0, (4, 5))
        layer = nn.Activation(name)
        np.testing.assert_allclose(layer(x), self.REFERENCE[name](x), rtol=1e-12, atol=1e-15)
        single = layer(x.astype(np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, self.REFERENCE[name](x), rtol=2e-5, atol=1e-6)

    @pytest.mark.parametrize("name", [n for n in nn.ACTIVATIONS if n != "binary_step"])
    def test_gradients(self, name):
        x = np.random.default_rng(0).normal(0.0, 2.0, (4, 5))
        cr.check_grads(nn.Activation(name), (x,))

    @pytest.mark.parametrize("name", nn.ACTIVATIONS)
    def test_large_scores_are_finite(self, name):
        x = np.array([-1e4, -1.0, 0.0, 1.0, 1e4])
        assert np.isfinite(nn.Activation(name)(x)).all()
        if name != "binary_step":
            g = cr.grad(lambda x: np.sum(nn.ACTIVATIONS[name](x) * np.arange(5.0)))(x)
            assert np.isfinite(g).all()

    def test_the_binary_step_infers_and_refuses_to_train(self):
        model = nn.Sequential(nn.Linear(2, 1, rng=0), "binary_step")
        assert set(np.unique(model(np.random.default_rng(0).normal(size=(50, 2))))) == {0.0, 1.0}
        for derive in (
            lambda: cr.grad(lambda m: np.sum(m(np.ones((1, 2)))))(model),
            lambda: cr.jvp(lambda m: m(np.ones((1, 2))), (model,), (model,)),
        ):
            with pytest.raises(NotDifferentiableError, match="derivative is zero everywhere"):
                derive()

    def test_unknown_names_are_refused(self):
        with pytest.raises(ArgumentError, match="'relu'"):
            nn.Activation("rellu")
