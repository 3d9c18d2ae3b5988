"""Averaged weights: what `fit` validates, keeps, returns, resumes; batch norm's statistics."""

import numpy as np
import pytest
from program import StopAt, digest, train

from chainrule import nn, optim
from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.graph.tree import flatten
from chainrule.training import Callback, Checkpoint, EarlyStopping, evaluate, fit, update_bn
from chainrule.training.rows import checked_rows

numba = pytest.param("numba", marks=pytest.mark.slow)
every_engine = pytest.mark.parametrize("engine", ["eager", "numpy", numba], indirect=True)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype(np.float32)
VALID = (X[:20], Y[:20] + 0.1)


class Watching(Callback):
    """Keeps the weights after every step, and what predicts after every epoch."""

    def __init__(self):
        self.weights, self.results = [], []

    def on_step_end(self, state):
        self.weights.append(state.model.weight.copy())

    def on_epoch_end(self, state):
        self.results.append(state.result.weight.copy())


def regress(optimizer, **options):
    settings = {"loss": nn.mse, "epochs": 3, "batch_size": 8, "validation": VALID}
    return fit(nn.Linear(3, 1, rng=0), (X, Y), optimizer=optimizer, **(settings | options))


@every_engine
def test_the_network_that_is_returned_has_the_averages(engine):
    seen = Watching()
    model, _ = regress(optim.SWA(optim.SGD(lr=0.1), after_steps=5), callbacks=[seen], engine=engine)
    np.testing.assert_allclose(model.weight, np.mean(seen.weights[5:], axis=0), rtol=1e-5)
    np.testing.assert_array_equal(model.weight, seen.results[-1])
    assert not np.allclose(model.weight, seen.weights[-1])


@every_engine
def test_averaging_does_not_change_the_course_of_training(engine):
    plain, averaged = Watching(), Watching()
    regress(optim.Adam(lr=0.1), callbacks=[plain], engine=engine)
    regress(optim.EMA(optim.Adam(lr=0.1), decay=0.9), callbacks=[averaged], engine=engine)
    np.testing.assert_allclose(averaged.weights, plain.weights, rtol=1e-5)


def test_the_averages_are_what_is_validated():
    model, history = regress(optim.EMA(optim.SGD(lr=0.1), decay=0.9))
    loss, _ = evaluate(model, checked_rows(VALID), nn.mse)
    assert history["validation_loss"][-1] == pytest.approx(loss, rel=1e-6)


def test_the_averages_are_what_is_best():
    seen = Watching()
    model, history = regress(
        optim.EMA(optim.SGD(lr=1.0), decay=0.5), epochs=6, callbacks=[seen],
        early_stopping=EarlyStopping(patience=10),
    )  # fmt: skip
    assert history.best_epoch < 6
    np.testing.assert_array_equal(model.weight, seen.results[history.best_epoch - 1])


def test_slow_weights_are_returned():
    model, _ = regress(optim.Lookahead(optim.SGD(lr=0.1), k=1000))
    for ours, start in zip(flatten(model)[0], flatten(nn.Linear(3, 1, rng=0))[0], strict=True):
        np.testing.assert_array_equal(ours, start)


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.EMA(optim.Adam(lr=0.01), decay=0.8, after_steps=3, every=2),
        optim.SWA(optim.Lookahead(optim.NAdam(lr=0.01), k=4), after_steps=5),
    ],
    ids=lambda opt: type(opt).__name__,
)
@every_engine
def test_a_resumed_run_ends_in_the_same_bytes(engine, optimizer, tmp_path):
    options = {"epochs": 3, "optimizer": optimizer, "engine": engine}
    model, history = train(**options)
    for step in (2, 11):
        place = Checkpoint(tmp_path / str(step), every_steps=1)
        with pytest.raises(ZeroDivisionError):
            train(place, callbacks=[StopAt(step)], **options)
        resumed, again = train(place, resume=True, **options)
        assert digest(resumed) == digest(model)
        assert again["validation_loss"] == history["validation_loss"]


def test_an_average_of_another_kind_is_refused(tmp_path):
    train(tmp_path, epochs=1, optimizer=optim.EMA(optim.Adam(lr=0.01)))
    with pytest.raises(ArgumentError, match=r"optimizer = .*EMA.*SWA"):
        train(tmp_path, resume=True, epochs=2, optimizer=optim.SWA(optim.Adam(lr=0.01)))


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_averages_are_of_weights_within_their_limit(engine):
    seen = Watching()
    inner = optim.SGD(lr=0.5, momentum=0.9)
    model, _ = regress(optim.SWA(inner), max_norm=0.5, callbacks=[seen], engine=engine)
    lengths = np.linalg.norm(np.squeeze(seen.weights), axis=1)
    assert lengths.max() == pytest.approx(0.5, rel=1e-5)
    np.testing.assert_allclose(model.weight, np.mean(seen.weights, axis=0), rtol=1e-4)


class Noisy(optim.SGD):
    def rule(self, p, g, slots, step, lr):
        return p - lr * g * np.random.uniform(0.5, 1.0), slots


def test_what_cannot_be_traced_is_found_within_a_wrapper():
    with pytest.raises(UnsupportedError, match="something else at every step"):
        regress(optim.EMA(Noisy(lr=0.1)), engine="numpy")


def test_statistics_stay_those_in_training_until_they_are_taken_anew():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm(4), "relu", nn.Linear(4, 1, rng=1))
    seen = {}

    class Last(Callback):
        def on_epoch_end(self, state):
            seen.update({k: b.copy() for k, b in nn.named_buffers(state.model).items()})

    model, _ = fit(
        model, (X, Y), loss=nn.mse, optimizer=optim.EMA(optim.SGD(lr=0.1), decay=0.95), epochs=3,
        batch_size=10, callbacks=[Last()],
    )  # fmt: skip
    for name, buffer in nn.named_buffers(model).items():
        np.testing.assert_array_equal(buffer, seen[name])
    anew = update_bn(model, X)
    weights, found = nn.named_parameters(model), nn.named_buffers(anew)
    hidden = X @ weights["0.weight"].T + weights["0.bias"]
    mean = found["1.running_mean"]
    np.testing.assert_allclose(mean, hidden.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["1.running_var"], hidden.var(0, ddof=1), rtol=1e-4)
    np.testing.assert_array_equal(nn.named_parameters(anew)["0.weight"], weights["0.weight"])
    assert not np.allclose(mean, nn.named_buffers(model)["1.running_mean"])


def test_statistics_of_batches_are_weighted_by_their_rows():
    model = nn.BatchNorm(3, dtype=np.float64)
    found = update_bn(model, X[:7], batch_size=3)  # of 4 and 3 rows
    parts = [X[:4], X[4:7]]
    np.testing.assert_allclose(found.running_mean, X[:7].mean(0), rtol=1e-5)
    variance = sum(len(x) / 7 * x.var(0, ddof=1) for x in parts)
    np.testing.assert_allclose(found.running_var, variance, rtol=1e-5)
    np.testing.assert_array_equal(model.running_mean, 0.0)
    with pytest.raises(ArgumentError, match="rows"):
        update_bn(model, X[:0])


def test_torch_takes_the_same_statistics():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.BatchNorm1d(3)
    torch.optim.swa_utils.update_bn(
        [torch.from_numpy(X[i : i + 10]) for i in range(0, 50, 10)], theirs
    )
    ours = update_bn(nn.BatchNorm(3), X, batch_size=10)
    np.testing.assert_allclose(ours.running_mean, theirs.running_mean.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.running_var, theirs.running_var.numpy(), rtol=1e-4)
