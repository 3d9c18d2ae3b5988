"""Every engine of training: the same numbers to rounding, each its own bits however it is run."""

import signal

import numpy as np
import pytest
from program import data, digest, network, train

from chainrule import nn, optim
from chainrule.errors import ArgumentError, Interrupted, NonFiniteError, UnsupportedError
from chainrule.training import Callback, Checkpoint, EarlyStopping, fit, rows
from chainrule.training.checkpoint import latest
from chainrule.training.engine import Traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3


def regress(data=(X, Y), model=None, **options):
    settings = {"loss": nn.mse, "optimizer": optim.Adam(lr=0.05), "epochs": 3, "batch_size": 8}
    return fit(model or nn.Linear(3, 1, rng=0), data, **(settings | options))


class Single(Callback):
    """Wants to see every step."""

    def __init__(self):
        self.losses = []

    def on_step_end(self, state):
        self.losses.append(state.loss)


def assert_close(model, expected, rtol=1e-5):
    for arrays in (nn.named_parameters, nn.named_buffers):
        for name, value in arrays(expected).items():
            np.testing.assert_allclose(arrays(model)[name], value, rtol, 1e-6, err_msg=name)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": optim.SGD(lr=0.1, momentum=0.9, nesterov=True), "clip_norm": None},
        {"schedule": None, "sample_weight": None, "batch_size": 96},
    ],
)
def test_the_numbers_are_those_of_the_eager_engine(engine, options, monkeypatch):
    """With dropout, batch norm, weights, a schedule and clipping; the last batch is shorter.

    A bias before batch norm has no gradient but rounding errors, which Adam would blow up.
    """
    layers = (
        nn.Linear(6, 16, rng=0, bias=False), nn.BatchNorm(16), "relu", nn.Dropout(0.2),
        nn.Linear(16, 2, rng=1),
    )  # fmt: skip
    monkeypatch.setattr("program.network", lambda: nn.Sequential(*layers))
    model, history = train(epochs=3, engine=engine, **({"batch_size": 20} | options))
    expected, eager = train(epochs=3, engine="eager", **({"batch_size": 20} | options))
    assert (history.engine, history.why) == (engine, "as was asked for")
    assert_close(model, expected)
    for name in ("loss", "gradient_norm", "validation_loss"):
        np.testing.assert_allclose(history[name], eager[name], rtol=1e-5)
    assert history["lr"] == eager["lr"]


KINDS = {**optim.OPTIMIZERS, **optim.WRAPPERS}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_optimizer(name):
    options = {"optimizer": KINDS[name](**KINDS[name].samples[-1]), "epochs": 2}
    model, history = regress(engine="numpy", **options)
    expected, eager = regress(engine="eager", **options)
    assert_close(model, expected)
    np.testing.assert_allclose(history["loss"], eager["loss"], rtol=1e-5)


def test_what_is_given_stays_as_it_is(engine):
    model, given = network(), data()
    before, copies = digest(model), [array.copy() for array in given]
    fit(model, given, loss=nn.cross_entropy, optimizer=optim.Adam(), epochs=2, engine=engine)
    assert digest(model) == before
    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_how_many_steps_are_taken_at_once_changes_no_bit(engine, monkeypatch):
    whole, history = train(epochs=3, engine=engine)
    watched, other = train(epochs=3, engine=engine, callbacks=[Single()])
    assert digest(watched) == digest(whole)
    assert other["loss"] == history["loss"]
    made = Traced.__init__

    def two_at_once(self, *arguments):
        made(self, *arguments)
        self.at_once = 2

    monkeypatch.setattr(Traced, "__init__", two_at_once)
    assert digest(train(epochs=3, engine=engine)[0]) == digest(whole)


def test_one_program_serves_every_seed(monkeypatch):
    """A program of Numba takes seconds to compile, and is kept by its source."""
    made, seen = Traced.__init__, []

    def noted(self, eager, state, name, graph):
        made(self, eager, state, name, graph)
        seen.append(graph.fingerprint())

    monkeypatch.setattr(Traced, "__init__", noted)
    monkeypatch.setattr("program.network", lambda: nn.Sequential(nn.Dropout(0.5), network()))
    models = [train(epochs=1, engine="numpy", seed=seed)[0] for seed in (1, 2**40)]
    assert len(set(seen)) == 1
    assert digest(models[0]) != digest(models[1])


def test_large_data_is_converted_piece_by_piece(engine, monkeypatch):
    whole, _ = train(epochs=2, engine=engine)
    for module in ("rows", "engine"):
        monkeypatch.setattr(f"chainrule.training.{module}.SMALL", 2000)
    assert rows.checked_rows((X, Y)).converted is not None
    assert rows.checked_rows((np.ones((500, 3)), np.ones(500))).converted is None
    assert digest(train(epochs=2, engine=engine)[0]) == digest(whole)


class StopAt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, state):
        if state.epoch == self.epoch:
            raise ZeroDivisionError


@pytest.mark.parametrize("every_steps", [None, 4])
def test_a_resumed_run_ends_in_the_same_bits(engine, tmp_path, every_steps):
    whole, history = train(epochs=4, engine=engine)
    place = Checkpoint(tmp_path, every_steps=every_steps)
    with pytest.raises(ZeroDivisionError):
        train(place, epochs=4, engine=engine, callbacks=[StopAt(3)])
    resumed, again = train(place, resume=True, epochs=4)
    assert again.engine == engine
    assert digest(resumed) == digest(whole)
    assert again["loss"] == history["loss"]


class PressCtrlC(Callback):
    """Presses it when an epoch's steps are done and its record is not yet written."""

    def on_progress(self, state):
        if (state.epoch, state.batch) == (1, state.steps_per_epoch):
            signal.raise_signal(signal.SIGINT)


def test_a_run_interrupted_at_the_very_end_of_an_epoch(engine, tmp_path):
    whole, history = train(epochs=3, engine=engine)
    with pytest.raises(Interrupted):
        train(tmp_path, epochs=3, engine=engine, callbacks=[PressCtrlC()])
    resumed, again = train(tmp_path, resume=True, epochs=3)
    assert digest(resumed) == digest(whole)
    assert (again["lr"], again["loss"]) == (history["lr"], history["loss"])


def test_another_engine_is_refused_when_a_run_is_resumed(tmp_path):
    train(tmp_path, epochs=1, engine="numpy")
    with pytest.raises(ArgumentError, match="engine = 'numpy', this training has 'eager'"):
        train(tmp_path, epochs=2, resume=True, engine="eager")


def test_early_stopping_restores_the_best(engine):
    stopping = EarlyStopping(patience=1, min_delta=10)
    model, history = train(engine=engine, early_stopping=stopping)
    assert (history.best_epoch, len(history)) == (1, 2)
    assert digest(model) == digest(train(epochs=1, engine=engine)[0])


class Fragile(nn.Module):
    """Takes the logarithm of what becomes negative when training has gone on for a while."""

    def __init__(self):
        self.slope = np.array([1.0, 1.0], np.float32)

    def forward(self, x):
        return np.log(x @ self.slope)


def test_the_step_the_op_and_the_row_of_the_first_nan(engine, tmp_path):
    inputs = np.ones((40, 2))
    inputs[17] = [0.1, 0.0]
    targets = np.full(40, -3.0)
    seen = Single()
    options = {
        "model": Fragile(), "optimizer": optim.SGD(lr=0.004), "batch_size": 4, "epochs": 50,
        "engine": engine,
    }  # fmt: skip
    with pytest.raises(NonFiniteError) as caught:
        regress((inputs, targets), checkpoint=tmp_path, **options)
    message = str(caught.value)
    assert ": the loss is nan: log" in message
    assert "test_engines.py:" in message
    with pytest.raises(NonFiniteError) as again:
        regress((inputs, targets), callbacks=[seen], **options)
    assert str(again.value) == message
    step = int(message.split()[1].rstrip(","))
    assert len(seen.losses) == step - 1 > 10
    assert np.isfinite(seen.losses).all()
    assert latest(tmp_path) is not None


def test_the_row_to_blame(engine):
    inputs = np.ones((40, 2))
    inputs[17] = -1
    weight = np.ones(40)
    weight[:3] = 0
    with pytest.raises(NonFiniteError, match=r"log .*; first in row 17 of the data, counted from"):
        regress(
            (inputs, np.ones(40)), model=Fragile(), engine=engine, sample_weight=weight,
            loss=lambda y, t, sample_weight: np.mean(sample_weight * (y - t) ** 2),
        )  # fmt: skip


def test_gradients_whose_squares_overflow_are_no_error(engine):
    def steep(outputs, targets):
        return 1e25 * nn.mse(outputs, targets)

    model, history = regress(loss=steep, clip_norm=1.0, engine=engine)
    expected, eager = regress(loss=steep, clip_norm=1.0, engine="eager")
    assert np.isfinite(model.weight).all()
    assert history["gradient_norm"][0] > 1e20
    np.testing.assert_allclose(model.weight, expected.weight, rtol=1e-4)
    np.testing.assert_allclose(history["loss"], eager["loss"], rtol=1e-4)


def branching(outputs, targets):
    error = nn.mse(outputs, targets)
    return error if error > 0 else -error


class Noisy(nn.Module):
    """Draws numbers that no trace knows of."""

    def __init__(self):
        self.inner = nn.Linear(3, 1, rng=0)

    def forward(self, x):
        return self.inner(x) + np.random.default_rng().normal(size=(len(x), 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": branching}, "the truth of the Tensor .* cannot be recorded"),
        ({"model": Noisy()}, "computes something else at every step"),
    ],
)
def test_what_cannot_be_traced_is_run_eagerly_and_the_history_says_why(options, message):
    _, history = regress(epochs=200, **options)
    assert history.engine == "eager"
    assert history.why.startswith("a step cannot be traced: ")
    with pytest.raises(UnsupportedError, match=message):
        regress(engine="numpy", **options)


def test_auto_depends_on_how_many_steps_there_are():
    few = regress(epochs=1)[1]
    assert (few.engine, few.why) == ("eager", "7 steps are done before a trace of one would be")
    assert regress(epochs=2)[1].why.startswith("seconds estimated for 14 steps: eager ")
    _, history = regress(epochs=100)
    assert history.engine == "numpy"
    assert history.why.startswith("seconds estimated for 700 steps: eager ")


def test_an_engine_that_is_not_there():
    with pytest.raises(ArgumentError, match=r"fit: engine must be one of .*'eager'"):
        regress(engine="fortran")
