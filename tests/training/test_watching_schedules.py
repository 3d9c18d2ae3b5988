"""Schedules that watch how training goes: what they are told, and resuming."""

import numpy as np
import pytest
from program import StopAt, digest, train

from chainrule import nn, optim
from chainrule.errors import ArgumentError
from chainrule.training import Checkpoint, EarlyStopping, fit

X = np.random.default_rng(0).normal(size=(40, 3))
PLATEAU = optim.Plateau(gamma=0.5, patience=0, threshold=0.3)


def regress(values, schedule, **options):
    """Train with a metric called score that goes as told."""
    told = iter(values)
    return fit(
        nn.Linear(3, 1, rng=0), (X, X[:, :1]), loss=nn.mse, optimizer=optim.SGD(lr=0.08),
        epochs=len(values), batch_size=8, validation=(X, X[:, :1]), schedule=schedule,
        metrics={"score": lambda targets, outputs: next(told)}, **options,
    )  # fmt: skip


def test_the_rate_falls_one_epoch_after_what_was_measured():
    plateau = optim.Plateau(gamma=0.5, patience=1, monitor="score", mode="max")
    _, history = regress([1, 2, 2, 2, 1, 3, 3, 3], plateau)
    assert history["lr"] == [0.08, 0.08, 0.08, 0.08, 0.04, 0.04, 0.04, 0.04]
    _, history = regress([1, 1, 1, 1, 1, 1, 1], plateau)
    assert history["lr"] == [0.08, 0.08, 0.08, 0.04, 0.04, 0.02, 0.02]


def test_a_chain_counts_steps_and_watches_epochs():
    plateau = optim.Plateau(gamma=0.5, patience=0, monitor="score")
    schedule = optim.Sequential((optim.Constant(0.25), plateau), milestones=(5,))
    _, history = regress([3, 3, 3, 2], schedule)
    assert history["lr"] == [0.02, 0.08, 0.04, 0.02]
    _, history = regress([3, 3, 3, 2], optim.Chained((optim.Step(10, gamma=0.5), plateau)))
    np.testing.assert_allclose(history["lr"], [0.08, 0.08, 0.02, 0.01])


@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("step", [25, 31, 36])
def test_a_resumed_run_has_the_same_rates_and_bytes(engine, step, tmp_path):
    options = {"schedule": PLATEAU, "epochs": 12, "engine": engine}
    options["early_stopping"] = EarlyStopping(patience=100)
    whole, history = train(**options)
    assert len(set(history["lr"])) > 2
    place = Checkpoint(tmp_path, every_steps=2)
    with pytest.raises(ZeroDivisionError):
        train(place, callbacks=[StopAt(step)], **options)
    resumed, again = train(place, resume=True, **options)
    assert digest(resumed) == digest(whole)
    assert again["lr"] == history["lr"]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (PLATEAU, "Plateau: monitor must be one of .*'loss'.*, not 'validation_loss'; give valid"),
        (optim.WarmUp(3, optim.Plateau(monitor="r2")), "WarmUp: monitor must be .*, not 'r2'"),
    ],
)
def test_what_no_epoch_measures_is_refused(schedule, message):
    with pytest.raises(ArgumentError, match=message):
        train(schedule=schedule, validation=None, early_stopping=None)


def test_another_plateau_is_refused_when_a_run_is_resumed(tmp_path):
    train(tmp_path, schedule=PLATEAU, epochs=1)
    with pytest.raises(ArgumentError, match="schedule = "):
        train(tmp_path, schedule=optim.Plateau(), epochs=2, resume=True)
