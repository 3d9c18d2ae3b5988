"""The fit loop: what it computes, and what it shows."""

import csv
import itertools
import signal
import threading

import numpy as np
import pytest
from program import data, digest, network, train

from chainrule import nn, optim
from chainrule.autodiff import value_and_grad
from chainrule.data import batches
from chainrule.errors import ArgumentError, Interrupted, ShapeError
from chainrule.graph.tree import map_leaves
from chainrule.training import (
    Callback,
    EarlyStopping,
    History,
    Record,
    checked_rows,
    evaluate,
    fit,
    metrics,
    predict,
)
from chainrule.training.interrupts import Interrupts
from chainrule.training.step import norm

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3


def linear(dtype=np.float32):
    return nn.Linear(3, 1, rng=0, dtype=dtype)


def regress(rows=(X, Y), model=None, **options):
    settings = {
        "loss": nn.mse,
        "optimizer": optim.SGD(lr=0.1),
        "epochs": 3,
        "batch_size": 8,
    }
    return fit(model or linear(), rows, **(settings | options))


def test_it_learns():
    model, history = regress(epochs=60)
    np.testing.assert_allclose(model.weight, [[1, -2, 0.5]], atol=1e-3)
    np.testing.assert_allclose(model.bias, [0.3], atol=1e-3)
    assert history["loss"][-1] < 1e-5 < history["loss"][0]


@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_the_steps_are_those_written_by_hand(clip_norm):
    """Against a loop of the public pieces, which hold everything twice."""
    opt, schedule = optim.Adam(lr=0.05), optim.InverseTime(0.1)
    model = linear(np.float64)
    state, losses, norms = opt.init(model), [], []
    for epoch in range(3):
        for index in batches(len(X), 8, seed=5, epoch=epoch):
            value, grads = value_and_grad(lambda m, i=index: nn.mse(m(X[i]), Y[i]))(model)
            grads, size = optim.clip_grad_norm(grads, clip_norm or 1e9)
            lr = opt.lr * schedule(state["step"])
            model, state = opt.update(model, grads, state, lr=lr)
            losses.append(float(value) * len(index))
            norms.append(float(size))
    found, history = regress(
        model=linear(np.float64), optimizer=opt, schedule=schedule, clip_norm=clip_norm, seed=5
    )
    np.testing.assert_allclose(found.weight, model.weight, rtol=1e-12)
    np.testing.assert_allclose(found.bias, model.bias, rtol=1e-12)
    np.testing.assert_allclose(history["loss"], np.reshape(losses, (3, -1)).sum(1) / 50)
    np.testing.assert_allclose(history["gradient_norm"], np.reshape(norms, (3, -1)).mean(1))
    assert history["lr"][-1] == lr


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_the_order_of_the_rows_may_be_given(engine):
    asked = []

    def backwards(epoch):
        asked.append(epoch)
        return np.arange(50)[::-1]

    found, history = regress(order=backwards, engine=engine, epochs=2)
    flipped, same = regress((X[::-1], Y[::-1]), order=lambda _: np.arange(50), epochs=2)
    np.testing.assert_allclose(found.weight, flipped.weight, rtol=1e-5)
    np.testing.assert_allclose(history["loss"], same["loss"], rtol=1e-5)
    assert asked == [0, 1]
    with pytest.raises(ShapeError, match=r"order\(0\) has shape \(3,\), and there are 50 rows"):
        regress(order=lambda _: np.arange(3))


def test_the_norm_of_huge_gradients():
    assert norm([np.full(4, 1e30)]) == pytest.approx(2e30)
    assert norm([np.array([3.0]), np.array(4.0)]) == 5
    assert norm([np.array([1.0, np.nan])]) != norm([np.array([1.0, np.nan])])
    assert norm([np.array([np.inf])]) == np.inf


def test_the_model_given_and_the_data_stay_as_they_are():
    model = network()
    before, rows = digest(model), data()
    copies = [array.copy() for array in rows]
    train(epochs=2)
    fit(model, rows[:2], loss=nn.cross_entropy, optimizer=optim.Adam(), epochs=2)
    assert digest(model) == before
    for array, copy in zip(rows, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_read_only_arrays_will_do():
    model = linear()
    arrays = [X.copy(), Y.copy(), model.weight, model.bias]
    for array in arrays:
        array.flags.writeable = False
    regress(rows=arrays[:2], model=model)


def test_dtypes_are_kept():
    for dtype in (np.float32, np.float64):
        model, _ = regress(model=linear(dtype))
        assert model.weight.dtype == dtype


def test_a_row_of_weight_two_counts_twice_and_one_of_zero_not_at_all():
    weight = np.array([0.0, 1.0, 2.0] * 10)
    rows = np.repeat(np.arange(30), weight.astype(int))
    one = {"batch_size": 1000, "model": linear(np.float64), "epochs": 5}
    weighted, history = regress((X[:30], Y[:30]), sample_weight=weight, **one)
    repeated, expected = regress((X[rows], Y[rows]), **one)
    np.testing.assert_allclose(weighted.weight, repeated.weight, rtol=1e-12)
    np.testing.assert_allclose(history["loss"], expected["loss"])
    left_out, _ = regress((X[:30][weight > 0], Y[:30][weight > 0]), batch_size=4)
    zeros, _ = regress((X[:30], Y[:30]), sample_weight=(weight > 0), batch_size=4)
    np.testing.assert_allclose(zeros.weight, left_out.weight, rtol=1e-6)


class TwoInputs(nn.Module):
    def __init__(self):
        self.left, self.right = nn.Linear(2, 1, rng=0), nn.Linear(1, 1, rng=1)

    def forward(self, x):
        return self.left(x["numbers"]) + self.right(x["others"][0])


def test_trees_of_inputs():
    tree = {"numbers": X[:, :2], "others": [X[:, 2:]]}
    model, _ = regress((tree, Y), model=TwoInputs(), epochs=60)
    np.testing.assert_allclose(model.left.weight, [[1, -2]], atol=1e-3)
    np.testing.assert_allclose(predict(model, tree, batch_size=7), Y, atol=1e-2)


def test_validation_and_metrics():
    weight = RNG.uniform(1, 2, 50)
    model, history = regress(
        validation=(X, Y, weight), metrics={"rmse": metrics.rmse, "mae": metrics.mae}
    )
    last = history[-1]
    outputs = model(X.astype(np.float32))
    assert last.validation_loss == pytest.approx(metrics.rmse(Y, outputs, weight) ** 2, rel=1e-5)
    assert last.metrics["rmse"] == pytest.approx(metrics.rmse(Y, outputs, weight), rel=1e-5)
    assert history["mae"][-1] == pytest.approx(metrics.mae(Y, outputs, weight), rel=1e-5)


def test_evaluation_does_not_depend_on_the_batch_size():
    model, rows = linear(np.float64), checked_rows((X, Y), RNG.uniform(1, 2, 50), np.float64)
    expected = nn.mse(model(X), Y, sample_weight=rows.weight)
    for size in (1, 7, 50, 1000):
        loss, measured = evaluate(model, rows, nn.mse, {"r2": metrics.r2}, size)
        assert loss == pytest.approx(expected)
        assert measured["r2"] == pytest.approx(metrics.r2(Y, model(X), rows.weight))
        np.testing.assert_allclose(predict(model, X, size), model(X))


def test_predicting_no_rows():
    assert predict(linear(), X[:0]).shape == (0, 1)


class Spy(Callback):
    def __init__(self, stop_after=None):
        self.events, self.stop_after = [], stop_after

    def on_start(self, state):
        self.events.append("start")

    def on_step_end(self, state):
        self.events.append((state.epoch, state.batch, state.step))

    def on_epoch_end(self, state):
        self.events.append(f"epoch {state.epoch}, {len(state.history)}")
        return state.epoch == self.stop_after

    def on_end(self, state):
        self.events.append("end")


def test_callbacks_see_every_step():
    spy = Spy()
    regress(batch_size=25, epochs=2, callbacks=[spy])
    assert spy.events == [
        "start", (0, 1, 1), (0, 2, 2), "epoch 1, 1", (1, 1, 3), (1, 2, 4), "epoch 2, 2", "end",
    ]  # fmt: skip


def test_a_callback_can_stop():
    _, history = regress(epochs=9, callbacks=[Spy(stop_after=2), Spy()])
    assert len(history) == 2
    assert history.stopped == "a callback asked for it"


def test_no_epochs():
    spy = Spy()
    model, history = regress(epochs=0, callbacks=[spy])
    assert digest(model) == digest(linear())
    assert len(history) == 0
    assert spy.events == ["start", "end"]


class Losses:
    """Stands for a loss on validation data that goes as told."""

    def __init__(self, values):
        self.values = itertools.chain(values)

    def __call__(self, targets, outputs):
        return next(self.values)


@pytest.mark.parametrize(
    ("values", "options", "best", "ended"),
    [
        ([3, 2, 1, 1, 1, 1, 1], {"patience": 2}, 3, 5),
        ([3, 2, 2.5, 2.4, 1, 9, 9, 9], {"patience": 3}, 5, 8),
        ([3, 2.95, 2.9, 2.85, 2.7, 2.6], {"patience": 3, "min_delta": 0.25}, 1, 4),
        ([1, 2, 3, 2, 2, 2], {"patience": 2, "mode": "max"}, 3, 5),
        ([np.nan, 2, np.nan, np.nan], {"patience": 2}, 2, 4),
    ],
)
def test_early_stopping(values, options, best, ended):
    stopping = EarlyStopping(monitor="score", **options)
    told = {"validation": (X, Y), "metrics": {"score": Losses(values)}}
    model, history = regress(epochs=8, early_stopping=stopping, **told)
    assert (history.best_epoch, len(history)) == (best, ended)
    assert digest(model) == digest(regress(epochs=best)[0])
    assert history.stopped == f"score has not improved since epoch {best}"
    told["metrics"] = {"score": Losses(values)}
    last, _ = regress(
        epochs=8,
        early_stopping=EarlyStopping(monitor="score", restore_best=False, **options),
        **told,
    )
    assert digest(last) == digest(regress(epochs=ended)[0])


def test_the_best_epoch_is_restored_also_at_the_last():
    told = {"validation": (X, Y), "metrics": {"score": Losses([1, 2, 3])}}
    model, history = regress(early_stopping=EarlyStopping(monitor="score"), **told)
    assert (history.best_epoch, history.stopped) == (1, "")
    assert digest(model) == digest(regress(epochs=1)[0])


def test_history(tmp_path):
    _, history = regress(validation=(X, Y), metrics={'=a,"b': metrics.rmse})
    assert History.from_dict(history.to_dict()) == history
    assert [record.epoch for record in history] == history["epoch"] == [1, 2, 3]
    assert history[1:] == history.records[1:]
    assert sum(history["seconds"]) > 0
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    assert names == list(history.columns())
    assert [float(row[1]) for row in rows] == history["loss"]


def test_a_metric_that_is_not_a_number_survives_json():
    history = History((Record(1, 1.0, 0.1, 1.0, 0.1, None, {"r2": np.nan}),))
    document = history.to_dict()
    assert document["records"][0]["metrics"] == {"r2": None}
    assert np.isnan(History.from_dict(document)["r2"][0])


class PressCtrlC(Callback):
    def __init__(self, event, step):
        self.event, self.step = event, step

    def on_step_end(self, state):
        if self.event == "step" and state.step == self.step:
            signal.raise_signal(signal.SIGINT)

    def on_epoch_end(self, state):
        if self.event == "epoch" and state.step >= self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("event", ["step", "epoch"])
def test_ctrl_c_in_a_callback(event, tmp_path):
    whole, _ = regress()
    press = PressCtrlC(event, 9)
    spy = Spy()
    with pytest.raises(Interrupted, match="interrupted in epoch") as caught:
        regress(callbacks=[press, spy], checkpoint=tmp_path)
    assert caught.value.checkpoint == str(tmp_path)
    assert spy.events[-1] == "end"
    assert not isinstance(caught.value, Exception)
    assert len(caught.value.history) == (1 if event == "step" else 2)
    assert caught.value.model.weight.shape == (1, 3)
    again, _ = regress(checkpoint=tmp_path, resume=True)
    assert digest(again) == digest(whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(("presses", "called"), [(1, 2), (2, 1)])
def test_the_end_of_an_epoch_is_told_to_all_callbacks_before_ctrl_c_acts(presses, called):
    told = []

    class Told(Callback):
        def on_epoch_end(self, state):
            told.append(state.epoch)
            for _ in range(presses if len(told) == 1 else 0):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="in epoch 2"):
        regress(callbacks=[Told(), Told()])
    assert told == [1] * called


def test_ctrl_c_without_a_checkpoint():
    with pytest.raises(Interrupted, match=r"in epoch 1, after step 3$") as caught:
        regress(callbacks=[PressCtrlC("step", 3)])
    assert caught.value.checkpoint is None


def test_ctrl_c_in_the_midst_of_an_update(monkeypatch):
    """It waits until the books are right, and then acts."""
    update = optim.SGD.rule
    steps = []

    def pressed(self, p, g, slots, step, lr):
        steps.append(step)
        if step == 4:
            signal.raise_signal(signal.SIGINT)
        return update(self, p, g, slots, step, lr)

    monkeypatch.setattr(optim.SGD, "rule", pressed)
    with pytest.raises(Interrupted, match="after step 4"):
        regress(engine="eager")
    assert steps == [1, 1, 2, 2, 3, 3, 4, 4]


def test_ctrl_c_is_left_alone_in_other_threads_and_where_it_is_ignored():
    thread = threading.Thread(target=regress)
    thread.start()
    thread.join()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as held, held.allowed():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_pressed_key_is_not_lost_at_the_end():
    def pressed():
        with Interrupts():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        pressed()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": -1}, "fit: epochs must be a whole number"),
        ({"epochs": 1.5}, "fit: epochs must be"),
        ({"batch_size": 0}, "fit: batch_size must be"),
        ({"seed": -1}, "fit: seed must be"),
        ({"clip_norm": 0.0}, "fit: clip_norm must be"),
        ({"metrics": {"a": metrics.mae}}, "give validation="),
        ({"metrics": {"loss": metrics.mae}, "validation": (X, Y)}, "cannot be called 'loss'"),
        ({"early_stopping": EarlyStopping()}, "monitor must be one of .* give validation data"),
        (
            {"early_stopping": EarlyStopping(monitor="acc"), "validation": (X, Y)},
            r"one of \['loss', 'validation_loss'\], not 'acc'",
        ),
        ({"progress": "loud"}, "progress must be 'auto', 0, 1 or 2, not 'loud'"),
        ({"progress": 3}, "progress must be"),
        ({"model": nn.Activation("tanh")}, "no parameters"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        regress(**options)


@pytest.mark.parametrize(
    "options",
    [{"patience": 0}, {"min_delta": -1.0}, {"mode": "most"}, {"restore_best": "yes"}],
)
def test_bad_arguments_of_early_stopping(options):
    with pytest.raises(ArgumentError, match=f"EarlyStopping: {next(iter(options))} must be"):
        EarlyStopping(**options)


def test_progress_lines(capsys):
    regress(progress=2, epochs=2, validation=(X, Y), metrics={"rmse": metrics.rmse})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1/2: loss ")
    assert ", validation " in lines[1]
    assert ", rmse " in lines[1]


def test_progress_lines_say_why_training_stopped(capsys):
    regress(progress=2, callbacks=[Spy(stop_after=1)])
    assert capsys.readouterr().err.endswith("stopped after epoch 1: a callback asked for it\n")


def test_progress_bar(capsys):
    regress(progress=True, epochs=2)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 2/2" in shown.err
    assert "loss " in shown.err


@pytest.mark.parametrize("progress", ["auto", 0, False])
def test_quiet(capsys, progress):
    regress(progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_network_that_is_its_own_tree_is_kept_whole():
    model, _ = train(epochs=1)
    assert map_leaves(np.shape, model).layers[0].weight == (16, 6)
