"""Autoencoders: shapes, tied weights, noise in training alone, and penalties on the code."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(6, 5))
F64 = {"dtype": np.float64}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_gradients(tied, noise):
    model = nn.Autoencoder([5, 4, 2], 0, tied=tied, noise=noise, **F64)
    cr.check_grads(lambda m: nn.mse(m(X, nn.Run(3)), X), (model,), rtol=1e-6)
    assert model.encode(X).shape == (6, 2)
    np.testing.assert_array_equal(model(X), model.decode(model.encode(X)))


def test_tied_weights_are_one_parameter_used_twice():
    tied, free = (nn.Autoencoder([5, 4, 2], 0, tied=tied, **F64) for tied in (True, False))
    assert [p.shape for p in nn.named_parameters(tied).values()] == [
        (4, 5), (4,), (2, 4), (2,), (4,), (5,),
    ]  # fmt: skip
    assert nn.count_parameters(free) == nn.count_parameters(tied) + 4 * 5 + 2 * 4
    copied = nn.load_parameters(free, {
        **nn.named_parameters(free),
        "decoder.0.weight": tied.encoder.layers[2].weight.T,
        "decoder.2.weight": tied.encoder.layers[0].weight.T,
    })  # fmt: skip
    np.testing.assert_allclose(copied(X), tied(X), rtol=1e-12)
    both = cr.grad(lambda m: nn.mse(m(X), X))
    by_parts, whole = both(copied), both(tied)
    np.testing.assert_allclose(
        whole.encoder.layers[0].weight,
        by_parts.encoder.layers[0].weight + by_parts.decoder.layers[2].weight.T,
        rtol=1e-10,
    )


def test_noise_sets_its_share_to_zero_in_training_alone():
    model = nn.Autoencoder([5, 2], 0, noise=0.3)
    ones = np.ones((2000, 5))
    corrupted = model.corrupted(ones, nn.Run(1))
    assert np.mean(corrupted == 0) == pytest.approx(0.3, abs=0.02)
    assert np.all((corrupted == 0) | (corrupted == 1))
    assert model.corrupted(ones) is ones


@pytest.mark.parametrize("penalty", ["l1", "kl"])
def test_penalties_of_the_code(penalty):
    model = nn.WithCode(nn.Autoencoder([5, 3], 0, code_activation="sigmoid", **F64))

    def loss(m, strength=0.5):
        return nn.sparse_reconstruction(m(X), X, penalty=penalty, strength=strength, rate=0.2)

    cr.check_grads(loss, (model,), rtol=1e-6)
    code = model(X)["code"]
    mean = code.mean(axis=0)
    by_hand = {
        "l1": np.abs(code).sum() / 6,
        "kl": np.sum(0.2 * np.log(0.2 / mean) + 0.8 * np.log(0.8 / (1 - mean))),
    }
    assert loss(model) - loss(model, 0.0) == pytest.approx(0.5 * by_hand[penalty])
    assert loss(model, 0.0) == pytest.approx(nn.mse(model(X)["reconstruction"], X))


@pytest.mark.parametrize(
    ("sizes", "options", "match"),
    [
        ([5], {}, "two widths or more"),
        ([5, 0], {}, r"sizes\[1\] must be"),
        ([5, 2], {"noise": 1.0}, "noise must be"),
        ([5, 2], {"tied": 1}, "tied must be"),
        ([5, 2], {"code_activation": "none"}, "function must be"),
    ],
)
def test_arguments_out_of_range_are_refused(sizes, options, match):
    with pytest.raises(ArgumentError, match=match):
        nn.Autoencoder(sizes, 0, **options)


def test_options_of_the_penalty():
    outputs = {"code": X, "reconstruction": X}
    with pytest.raises(ArgumentError, match="penalty must be"):
        nn.sparse_reconstruction(outputs, X, penalty="l2")
    with pytest.raises(ArgumentError, match="rate must be"):
        nn.sparse_reconstruction(outputs, X, rate=1.0)


@pytest.mark.parametrize("penalty", ["l1", "kl"])
def test_weight_2_is_the_row_twice_in_penalties_too(penalty):
    model = nn.WithCode(nn.Autoencoder([5, 3], 0, code_activation="sigmoid", **F64))
    times = np.array([2, 0, 1, 3, 1, 1])
    rows = np.repeat(X, times, axis=0)
    weighted = nn.sparse_reconstruction(model(X), X, penalty=penalty, sample_weight=times)
    repeated = nn.sparse_reconstruction(model(rows), rows, penalty=penalty)
    assert weighted == pytest.approx(repeated, rel=1e-12)
