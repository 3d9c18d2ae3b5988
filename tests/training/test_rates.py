"""The range test and the search over orders of magnitude: what they propose, and when nothing."""

import json
import re

import numpy as np
import pytest
from program import data, digest, network
from sklearn.datasets import load_digits

from chainrule import nn, optim
from chainrule.errors import ArgumentError, DataError
from chainrule.training import Callback, find_lr, fit, search_lr
from chainrule.training.range_test import ALLOWED

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3
MODEL = nn.Linear(3, 1, rng=0)


def probed(rows=(X, Y), model=MODEL, optimizer=None, **options):
    return find_lr(model, rows, loss=nn.mse, optimizer=optimizer or optim.SGD(lr=7.0), **options)


def searched(rows=(X, Y), model=MODEL, optimizer=None, **options):
    return search_lr(model, rows, loss=nn.mse, optimizer=optimizer or optim.SGD(lr=7.0), **options)


@pytest.mark.parametrize(
    "optimizer", [optim.SGD(lr=1.0, momentum=0.9), optim.Adam()], ids=["SGD", "Adam"]
)
def test_what_is_proposed_trains_well(optimizer):
    digits = load_digits()
    rows = digits.data[:800] / 16, digits.target[:800]
    model = nn.Sequential(nn.Linear(64, 32, rng=0), "relu", nn.Linear(32, 10, rng=1))
    test = find_lr(model, rows, loss=nn.cross_entropy, optimizer=optimizer)
    assert test.smoothed[-1] > test.smoothed.min() + 1
    factors = (1 / 100, 1 / 10, 1, 3, 100)
    found = search_lr(
        model, rows, loss=nn.cross_entropy, optimizer=optimizer, epochs=3,
        lrs=[test.suggestion * factor for factor in factors],
    )  # fmt: skip
    losses = [np.inf if t.validation_loss is None else t.validation_loss for t in found.trials]
    assert losses[2] < 0.5 * min(losses[0], losses[-1])
    assert losses[2] < losses[1]
    assert losses[2] < 2 * min(losses)


def test_the_curve():
    test = probed()
    n = len(test.lrs)
    assert len(test.losses) == len(test.smoothed) == n <= 100
    np.testing.assert_allclose(test.lrs, np.geomspace(1e-6, 10, 100)[:n])
    np.testing.assert_allclose(test.smoothed[:20], test.smoothed[0], rtol=1e-2)
    assert test.diverged
    assert test.smoothed[-1] > test.smoothed.min()
    assert test.lrs[0] < test.suggestion <= test.lrs[np.argmin(test.smoothed)] / 10 * 1.001


def test_the_losses_are_those_of_training():
    seen = []

    class Spy(Callback):
        def on_step_end(self, state):
            seen.append(state.loss)

    test = probed()
    lrs = np.geomspace(1e-6, 10, 100)
    rate = lambda step: lrs[min(step, 99)]
    fit(
        MODEL, (X, Y), loss=nn.mse, optimizer=optim.SGD(lr=1.0), epochs=10, schedule=rate,
        callbacks=[Spy()],
    )  # fmt: skip
    np.testing.assert_allclose(test.losses[:60], seen[:60], rtol=1e-6)


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_it_is_the_same_every_time_and_changes_nothing(engine):
    model, (inputs, labels, weight) = network(), data()
    before, copies = digest(model), [inputs.copy(), labels.copy(), weight.copy()]
    options = {"loss": nn.cross_entropy, "optimizer": optim.Adam(), "engine": engine, "steps": 40}
    tests = [
        find_lr(model, (inputs, labels), sample_weight=weight, seed=seed, **options)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(tests[0].losses, tests[1].losses)
    assert tests[0].suggestion == tests[1].suggestion
    assert tests[0].losses[0] != tests[2].losses[0]
    assert digest(model) == before
    for array, copy in zip((inputs, labels, weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_optimizers_own_rate_plays_no_part():
    np.testing.assert_allclose(probed().losses, probed(optimizer=optim.SGD(lr=1e-9)).losses)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"rows": (np.zeros((50, 3)), np.zeros((50, 1)))}, "has the network anything to learn"),
        ({"min_lr": 1e3, "max_lr": 1e6}, "rises from the first steps on: lower min_lr"),
        ({"min_lr": 1e300, "max_lr": 1e305}, "rises from the first steps on: lower min_lr"),
    ],
)
def test_when_there_is_nothing_to_propose(options, why):
    test = probed(**options, model=replace_bias(MODEL))
    assert test.suggestion is None
    assert why in test.why
    assert "No learning rate to propose" in str(test)
    json.loads(test.to_json())


def replace_bias(model):
    return nn.load_parameters(model, {"weight": model.weight, "bias": np.zeros(1)})


def test_noise_is_no_fall():
    """Targets without any relation to the inputs, and as far from the outputs as before."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(400, 3)), rng.normal(size=(400, 1))
        model = nn.load_parameters(MODEL, {"weight": np.zeros((1, 3)), "bias": np.zeros(1)})
        assert probed(rows, model).suggestion is None


def test_a_range_that_ends_too_soon_is_said():
    test = probed(max_lr=0.01)
    assert not test.diverged
    assert "so that a larger one may show more" in test.why
    assert len(test.lrs) == 100


def test_it_prints():
    test = probed()
    text = str(test)
    assert f"Learning rate {test.suggestion:.2g}: " in text
    assert "smoothed" in text
    assert "<table" in test._repr_html_()
    assert json.loads(test.to_json())["suggestion"] == test.suggestion


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_arguments_out_of_range_are_refused(name):
    for value in ALLOWED[name].bad_values():
        with pytest.raises(ArgumentError, match=f"find_lr: {name} must be"):
            probed(**{name: value})


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(ArgumentError, match="max_lr must be above min_lr"):
        probed(min_lr=1.0, max_lr=1.0)
    with pytest.raises(ArgumentError, match="LBFGS has no learning rate to find"):
        probed(optimizer=optim.LBFGS())
    with pytest.raises(ArgumentError, match="LBFGS has no learning rate to search"):
        searched(optimizer=optim.LBFGS())
    with pytest.raises(ArgumentError, match="no parameters"):
        probed(model=nn.Activation("tanh"))
    with pytest.raises(DataError, match="X holds nan"):
        probed((X * np.nan, Y))


def test_a_search_is_so_many_courses_of_training():
    found = searched(lrs=(10.0, 0.1, 0.001), validation=(X[:50], Y[:50]), epochs=3)
    assert [trial.lr for trial in found.trials] == [10.0, 0.1, 0.001]
    first, *others = found.trials
    assert (first.loss, first.validation_loss) == (None, None)
    assert "lower the learning rate" in first.failure
    for trial in others:
        _, history = fit(
            MODEL, (X, Y), loss=nn.mse, optimizer=optim.SGD(lr=trial.lr), epochs=3,
            validation=(X[:50], Y[:50]),
        )  # fmt: skip
        assert trial.loss == history["loss"][-1]
        assert trial.validation_loss == history["validation_loss"][-1]
    assert found.best == 0.1


def test_a_part_is_held_out_and_weights_go_along():
    weight = RNG.uniform(1, 2, 200)
    found = searched(sample_weight=weight, epochs=1)
    assert found == searched(sample_weight=weight, epochs=1)
    assert found != searched(epochs=1)
    assert found != searched(sample_weight=weight, epochs=1, validation=0.5)
    assert [trial.lr for trial in found.trials] == [0.1, 0.01, 0.001, 0.0001]


@pytest.mark.parametrize(
    ("lrs", "advice"),
    [
        ((0.1, 0.001), "it is the largest that was tried: try larger ones too"),
        ((0.9, 0.1), "it is the smallest that was tried: try smaller ones too"),
        ((0.9, 0.1, 0.0001), r"after 5 epochs$"),
        ((0.1,), r"after 5 epochs$"),
        ((1e9, 1e10), "every course diverged: try smaller learning rates"),
    ],
)
def test_advice(lrs, advice):
    found = searched(lrs=lrs)
    assert re.search(advice, found.advice)
    assert f"{lrs[0]:g}" in str(found)
    assert json.loads(found.to_json())["best"] == found.best


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrs": ()}, "lrs must be one learning rate at least"),
        ({"lrs": (0.1, -1.0)}, "search_lr: lrs must be a number in"),
        ({"epochs": 0}, "search_lr: epochs must be"),
        ({"validation": 0.0}, "search_lr: validation must be"),
        ({"validation": None}, "search_lr: validation must be"),
        ({"batch_size": 0}, "fit: batch_size must be"),
    ],
)
def test_bad_arguments_of_a_search(options, message):
    with pytest.raises(ArgumentError, match=message):
        searched(**options)
