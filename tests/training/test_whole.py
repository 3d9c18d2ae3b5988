"""Full-batch training: SciPy's minimum, engines, resuming, Ctrl-C, and what is refused."""

import signal
from dataclasses import replace

import numpy as np
import pytest
from program import StopAt, data, digest, network
from scipy import optimize
from scipy.special import log_softmax

from chainrule import nn, optim
from chainrule.errors import ArgumentError, Interrupted, NonFiniteError
from chainrule.training import Callback, EarlyStopping, fit

OPTIMIZERS = [optim.LBFGS(), optim.ConjugateGradient()]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)) * [1.0, 3.0, 0.3, 1.0]
Y = np.argmax(X @ RNG.normal(size=(4, 3)) + 2 * RNG.normal(size=(90, 3)), axis=1)
WEIGHT = RNG.uniform(0.5, 2, 90)


def regress(optimizer=OPTIMIZERS[0], model=None, rows=(X, Y), **options):
    model = model or nn.Linear(4, 3, rng=0, dtype=np.float64)
    settings = {"loss": nn.cross_entropy, "epochs": 200}
    return fit(model, rows, optimizer=optimizer, **(settings | options))


def train(checkpoint=None, optimizer=OPTIMIZERS[0], **options):
    """Train with dropout, batch norm, weights, validation and early stopping."""
    inputs, labels, weight = data()
    settings = {
        "loss": nn.cross_entropy, "epochs": 12, "seed": 3, "sample_weight": weight,
        "validation": (inputs[:32], labels[:32]), "early_stopping": EarlyStopping(patience=100),
    }  # fmt: skip
    return fit(
        network(), (inputs, labels), optimizer=optimizer, checkpoint=checkpoint,
        **(settings | options),
    )  # fmt: skip


def reference(weight=None):
    """Minimize the same loss by SciPy, its gradient written by hand."""
    share = np.ones(90) / 90 if weight is None else weight / weight.sum()
    inputs, hot = np.column_stack([X, np.ones(90)]), np.eye(3)[Y]

    def objective(flat):
        logs = log_softmax(inputs @ flat.reshape(3, 5).T, axis=1)
        gradient = ((np.exp(logs) - hot) * share[:, None]).T @ inputs
        return -np.sum(share[:, None] * hot * logs), gradient.ravel()

    options = {"ftol": 0, "gtol": 1e-8}
    return optimize.minimize(objective, np.zeros(15), jac=True, method="L-BFGS-B", options=options)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_logistic_regression_ends_where_scipys_does(optimizer, weight):
    model, history = regress(replace(optimizer, tolerance_change=0), sample_weight=weight)
    expected = reference(weight)
    assert history.stopped == "no element of the gradient is above tolerance_grad"
    assert history["loss"][-1] == pytest.approx(expected.fun, abs=1e-9)
    wanted = expected.x.reshape(3, 5)
    np.testing.assert_allclose(
        X @ model.weight.T + model.bias - (X @ model.weight.T + model.bias).mean(1, keepdims=True),
        X @ wanted[:, :4].T + wanted[:, 4] - (X @ wanted[:, :4].T + wanted[:, 4]).mean(1)[:, None],
        atol=1e-4,
    )
    assert len(history) < 1.5 * expected.nit + 10


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_loss_falls_and_the_history_says_where_an_iteration_ended(optimizer):
    seen = []

    class Spy(Callback):
        def on_step_end(self, state):
            seen.append((state.step, state.batch, state.loss, state.lr, state.gradient_norm))

    model, history = regress(optimizer, epochs=20, callbacks=[Spy()])
    assert [step for step, *_ in seen] == list(range(1, 21))
    assert [loss for _, _, loss, *_ in seen] == history["loss"]
    assert history["lr"] == [lr for _, _, _, lr, _ in seen]
    assert np.all(np.diff(history["loss"]) < 0)
    assert history["loss"][-1] == pytest.approx(float(nn.cross_entropy(model(X), Y)))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_engine_comes_to_the_same(optimizer, engine):
    model, history = train(optimizer=optimizer, engine=engine, epochs=5)
    assert history.engine == engine
    expected, eager = train(optimizer=optimizer, engine="eager", epochs=5)
    np.testing.assert_allclose(history["loss"], eager["loss"], rtol=1e-4)
    for name, value in nn.named_buffers(expected).items():
        np.testing.assert_allclose(nn.named_buffers(model)[name], value, rtol=1e-3, atol=1e-4)
    again, _ = train(optimizer=optimizer, engine=engine, epochs=5)
    assert digest(again) == digest(model)


def test_auto_chooses_an_engine():
    assert regress(epochs=1)[1].engine == "eager"
    _, history = regress(epochs=2000)
    assert history.engine == "numpy"
    _, history = regress(epochs=500, loss=lambda z, y: nn.cross_entropy(z, y) if z.size else 0.0)
    assert history.engine in ("eager", "numpy")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("step", [1, 5, 12])
def test_a_resumed_run_ends_in_the_same_bytes(optimizer, engine, step, tmp_path):
    whole, history = train(optimizer=optimizer, engine=engine)
    with pytest.raises(ZeroDivisionError):
        train(tmp_path, optimizer, engine=engine, callbacks=[StopAt(step)])
    resumed, again = train(tmp_path, optimizer, resume=True, engine=engine)
    assert digest(resumed) == digest(whole)
    for name in ("loss", "lr", "gradient_norm", "validation_loss"):
        assert again[name] == history[name]


class PressCtrlC(Callback):
    """Presses it when an iteration is done and its record is not yet written."""

    def __init__(self, step):
        self.step = step

    def on_progress(self, state):
        if state.step == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ctrl_c_just_when_it_has_converged(optimizer, tmp_path):
    whole, history = regress(optimizer)
    with pytest.raises(Interrupted):
        regress(optimizer, checkpoint=tmp_path, callbacks=[PressCtrlC(len(history))])
    resumed, again = regress(optimizer, checkpoint=tmp_path, resume=True)
    assert digest(resumed) == digest(whole)
    assert (again.stopped, again["loss"], again["lr"]) == (
        history.stopped, history["loss"], history["lr"],
    )  # fmt: skip
    assert again.stopped


def test_ctrl_c_in_the_midst_of_a_line(monkeypatch):
    evaluations, before = [], nn.Linear(4, 3, rng=0, dtype=np.float64)

    def loss(outputs, targets):
        evaluations.append(1)
        if len(evaluations) == 2:
            signal.raise_signal(signal.SIGINT)
        return nn.cross_entropy(outputs, targets)

    with pytest.raises(Interrupted, match="in epoch 1, after step 0") as caught:
        regress(model=before, loss=loss, engine="eager")
    assert digest(caught.value.model) == digest(before)


def test_early_stopping_and_validation():
    stopping = EarlyStopping(patience=1, min_delta=10)
    model, history = train(early_stopping=stopping)
    assert (history.best_epoch, len(history)) == (1, 2)
    assert digest(model) == digest(train(epochs=1)[0])


def test_random_layers_are_drawn_once_for_a_run():
    first, history = train(epochs=8)
    assert np.all(np.diff(history["loss"]) <= 0)
    assert digest(train(epochs=8)[0]) == digest(first)
    assert digest(train(epochs=8, seed=4)[0]) != digest(first)


def test_rows_of_weight_zero_are_left_out_and_weights_count():
    weight = np.where(np.arange(90) % 3 == 0, 0.0, 2.0)
    model, _ = regress(sample_weight=weight)
    kept, _ = regress(rows=(X[weight > 0], Y[weight > 0]))
    np.testing.assert_allclose(model.weight, kept.weight, rtol=1e-6)


def test_single_precision_ends_at_its_rounding():
    model, history = regress(model=nn.Linear(4, 3, rng=0))
    assert history.stopped
    assert history["loss"][-1] == pytest.approx(reference().fun, rel=1e-6)
    assert model.weight.dtype == np.float32


def test_a_loss_that_is_not_finite_at_the_start_is_explained():
    def broken(outputs, targets):
        return np.log(np.sum(outputs) * 0 - 1)

    with pytest.raises(NonFiniteError, match=r"step 1, in epoch 1: the loss is nan: log"):
        regress(loss=broken)


def test_a_loss_that_leaves_the_numbers_along_a_line_is_gone_round():
    """Where the second parameter is at the first step's end, there is no logarithm."""
    rows = (np.ones((4, 1)), np.zeros((4, 1)))

    def barrier(outputs, targets):
        return np.mean(1e6 * outputs - np.log(outputs))

    start = nn.load_parameters(
        nn.Linear(1, 1, rng=0, bias=False, dtype=np.float64), {"weight": np.array([[0.5]])}
    )
    model, history = regress(model=start, rows=rows, loss=barrier)
    assert model.weight[0, 0] == pytest.approx(1e-6, rel=1e-3)
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 32}, "LBFGS takes all 90 rows at once, not batch_size=32: leave batch_"),
        ({"batch_size": 0}, "takes all 90 rows"),
        ({"schedule": optim.Cosine(10)}, "LBFGS searches for the length of each step: no schedule"),
        ({"clip_norm": 1.0}, "LBFGS needs the gradients and the steps as they are: no clip_norm"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        regress(**options)


def test_all_rows_may_be_asked_for():
    model, _ = regress(epochs=3, batch_size=90)
    assert digest(regress(epochs=3, batch_size=1000)[0]) == digest(model)
    assert digest(regress(epochs=3)[0]) == digest(model)


def test_no_epochs():
    start = nn.Linear(4, 3, rng=0)
    assert digest(regress(model=start, epochs=0)[0]) == digest(start)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_running_statistics_stay_where_no_step_is_taken(optimizer):
    """Otherwise they would depend on how often a run was resumed."""
    start, rows = network(), data()[:2]
    model, history = regress(optimizer, start, rows, loss=lambda z, y: np.mean(z) * 0.0)
    assert digest(model) == digest(start)
    assert (len(history), history["lr"]) == (1, [0.0])
    moved, _ = regress(optimizer, start, rows, epochs=1)
    buffers = nn.named_buffers(moved)
    assert all(np.any(b != buffers[name]) for name, b in nn.named_buffers(start).items())


def test_another_optimizer_is_refused_when_a_run_is_resumed(tmp_path):
    regress(epochs=1, checkpoint=tmp_path)
    with pytest.raises(ArgumentError, match="optimizer = "):
        regress(optim.LBFGS(history_size=3), epochs=2, checkpoint=tmp_path, resume=True)
