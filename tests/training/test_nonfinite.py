"""What is reported of a step whose loss or gradients are not finite, on every engine."""

import importlib.util

import numpy as np
import pytest

from chainrule import nn, optim
from chainrule.errors import Interrupted, NonFiniteError
from chainrule.io import load_json, load_tensors
from chainrule.training import Callback, Checkpoint, fit
from chainrule.training.checkpoint import latest

ENGINES = ["eager", "numpy", "interpreter"] + [
    name for name in ("numba", "jax") if importlib.util.find_spec(name)
]
RNG = np.random.default_rng(0)


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def caught(data, model, loss, engine, **options):
    settings = {"optimizer": optim.SGD(lr=0.1), "epochs": 3, "batch_size": 8, **options}
    with pytest.raises(NonFiniteError) as found:
        fit(model, data, loss=loss, engine=engine, **settings)
    return found.value


def log_loss(outputs, targets):
    p = 1 / (1 + np.exp(-outputs))
    return -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))


def outlier(row, column, value, n=40):
    X = RNG.normal(size=(n, 3))
    X[row, column] = value
    return X, (X[:, :1] > 0).astype(float)


def test_the_op_the_rows_and_the_column_of_an_overflow(engine):
    X, y = outlier(17, 2, 1e5)
    model = nn.load_parameters(nn.Linear(3, 1, rng=0), {"weight": [[0.1, 0.1, 1.0]], "bias": [0.0]})
    y[17] = 0.0
    error = caught((X, y), model, log_loss, engine)
    report = error.report
    assert report.hunt.birth.op == "log"
    assert report.hunt.birth.line[0] == __file__
    assert report.rows == [17]
    assert report.columns[0].startswith("column 2 of X is 1e+05")
    assert "row 17 of the data" in str(error)
    assert "the logarithm of 0" in str(error)
    assert report.facts()["birth"]["operation"].startswith("log(")


def root_loss(outputs, targets):
    return np.mean(np.sqrt(np.abs(outputs - targets)))


def test_a_birth_in_the_backward_pass(engine):
    X = RNG.normal(size=(40, 3))
    X[5] = 0.0
    y = np.full((40, 1), 2.0)
    y[5] = 0.0
    model = nn.load_parameters(nn.Linear(3, 1, rng=0), {"weight": [[0.1, 0.2, 0.3]], "bias": [0.0]})
    error = caught((X, y), model, root_loss, engine, batch_size=40)
    birth = error.report.hunt.birth
    assert (birth.direction, birth.op) == ("backward", "sqrt")
    assert "a gradient is not finite" in str(error)
    assert "the slope of the root at 0" in str(error)
    assert error.report.rows == [5]


def test_the_last_good_state_is_named(engine, tmp_path):
    X, y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 1))
    error = caught(
        (X, y), nn.Linear(3, 1, rng=0), nn.mse, engine, checkpoint=tmp_path,
        schedule=lambda step: 1.0 if step < 6 else 1e30,
    )  # fmt: skip
    assert error.report.checkpoint == str(tmp_path)
    assert str(tmp_path) in str(error.report)


def test_no_checkpoint_is_named_where_none_was_saved(engine, tmp_path):
    X, y = outlier(1, 0, 1e30)
    error = caught((X, y), nn.Linear(3, 1, rng=0), nn.mse, engine, checkpoint=tmp_path)
    assert error.report.checkpoint == ""


class Stop(Callback):
    def on_step_end(self, state):
        if state.step == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("callbacks", "error"), [((), NonFiniteError), ((Stop(),), Interrupted)], ids=["step", "ctrl-c"]
)
def test_broken_parameters_never_replace_the_last_good_state(engine, tmp_path, callbacks, error):
    X, y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 1))
    every = 2 if callbacks else 1
    with pytest.raises(error):
        fit(
            nn.Linear(3, 1, rng=0), (X, y), loss=nn.mse, optimizer=optim.SGD(lr=0.1), epochs=1,
            batch_size=8, engine=engine, callbacks=callbacks,
            schedule=lambda step: 1.0 if step < 2 else 1e40,
            checkpoint=Checkpoint(tmp_path, every_steps=every),
        )  # fmt: skip
    arrays, _ = load_tensors(latest(tmp_path) / "model.safetensors")
    assert load_json(latest(tmp_path) / "state.json")["step"] == 2
    assert all(np.isfinite(x).all() for x in arrays.values())


def test_every_engine_says_the_same():
    X, y = outlier(17, 2, 1e5)
    messages = {
        str(caught((X, y), nn.Linear(3, 1, rng=0), log_loss, engine, optimizer=optim.SGD(lr=1.0)))
        for engine in ENGINES
    }
    assert len({m.split("(")[0] for m in messages}) == 1, messages
