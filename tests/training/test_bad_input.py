"""Data that would spoil training is refused before it begins, naming row and column."""

import numpy as np
import pandas as pd
import pytest

from chainrule import nn, optim
from chainrule.errors import ArgumentError, DataError, DtypeError, NonFiniteError, ShapeError
from chainrule.training import Callback, checked_rows, fit
from chainrule.training.checkpoint import latest

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)[:, None]


def planted(array, place, value):
    copy = array.astype(float)
    copy[place] = value
    return copy


FRAME = pd.DataFrame({"age": [1.0, 2.0, np.nan], "height": [1, 2, 3]})


@pytest.mark.parametrize(
    ("data", "weight", "error", "message"),
    [
        (X, None, ArgumentError, r"data must be \(X, y\).*not ndarray"),
        ((X,), None, ArgumentError, r"data must be \(X, y\)"),
        ((X.tolist(), Y), None, ArgumentError, r"X\[0\]\[0\] is float, not an array.*np.asarray"),
        ((X, None), None, ArgumentError, "y holds no array"),
        ((X, Y[:5]), None, ShapeError, "the numbers of rows differ: X has 6, y has 5"),
        (({"a": X, "b": X[:2]}, Y), None, ShapeError, r"X\['a'\] has 6, X\['b'\] has 2, y has 6"),
        ((X[:0], Y[:0]), None, DataError, "there are no rows"),
        ((planted(X, (4, 1), np.nan), Y), None, DataError, "X holds nan in row 4, column 1"),
        ((X, planted(Y, (2, 0), -np.inf)), None, DataError, "y holds -inf in row 2, column 0"),
        ((X, planted(Y[:, 0], 2, np.nan)), None, DataError, "y holds nan in row 2, counted"),
        (
            (planted(X, (0, 0), 1e300), Y),
            None,
            DataError,
            "1e[+]300, too large for float32 in row 0",
        ),
        ((FRAME, Y[:3]), None, DataError, r"row 2, column 0 \('age'\), counted from 0"),
        ((X, np.array(["a"] * 6)), None, DtypeError, "y holds <U1, not numbers: encode"),
        ((X.astype(object), Y), None, DtypeError, "X holds object"),
        ((X, Y), np.ones(5), ShapeError, "y has 6, sample_weight has 5"),
        ((X, Y), np.ones((6, 1)), ShapeError, "sample_weight must be one number a row"),
        ((X, Y), [1, 1, 1, -1, 1, 1], DataError, "sample_weight is negative in row 3"),
        ((X, Y), [1, 1, np.nan, 1, 1, 1], DataError, "sample_weight holds nan in row 2"),
        ((X, Y), np.zeros(6), DataError, "no rows of positive weight"),
        ((X, Y, np.ones(6)), np.ones(6), ArgumentError, "given twice"),
    ],
)
def test_refused(data, weight, error, message):
    with pytest.raises(error, match=message):
        checked_rows(data, weight)


def test_the_place_is_right_beyond_the_first_block():
    tall = np.zeros((3 * 2**20, 1), np.float32)
    tall[2**21 + 5] = np.nan
    with pytest.raises(DataError, match=f"row {2**21 + 5}, column 0"):
        checked_rows((tall, tall))


def test_validation_data_are_named():
    with pytest.raises(DataError, match="X holds nan in row 0"):
        run(validation=(planted(X, (0, 0), np.nan), Y))
    with pytest.raises(ShapeError, match="validation: the numbers of rows differ"):
        run(validation=(X, Y[:2]))


def run(rows=(X, Y), **options):
    settings = {"loss": nn.mse, "optimizer": optim.SGD(lr=0.01), "epochs": 3, "batch_size": 2}
    model = options.pop("model", None) or nn.Linear(2, 1, rng=0)
    return fit(model, rows, **(settings | options))


def test_frames_and_integers_will_do():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]})
    model, _ = run((frame, pd.Series([1.0, 2.0, 3.0]).to_frame()))
    assert np.isfinite(model.weight).all()


def test_divergence_names_the_step_and_the_remedy():
    with pytest.raises(NonFiniteError, match=r"step \d+, in epoch \d+: .*lower the learning rate"):
        run(optimizer=optim.SGD(lr=1e4), epochs=50)


class Bad(nn.Module):
    """Takes the logarithm of what may be negative."""

    def __init__(self):
        self.first, self.second = nn.Linear(2, 4, rng=0), nn.Linear(4, 1, rng=1)

    def forward(self, x):
        return self.second(np.log(self.first(x)))


def test_the_first_nan_is_found():
    with pytest.raises(NonFiniteError) as caught:
        run((X - 6, Y), model=Bad())
    message = str(caught.value)
    assert message.startswith(
        "step 1, in epoch 1: the loss is nan: log in or after the layer 'first'"
    )
    assert "test_bad_input.py:" in message
    assert " numbers, such as nan" in message


def test_a_gradient_that_is_not_finite():
    model = nn.load_parameters(nn.Linear(2, 1, rng=0), {"weight": np.zeros((1, 2)), "bias": [0.0]})

    def root(outputs, targets):
        return np.sum(np.sqrt(np.abs(outputs)))

    with pytest.raises(NonFiniteError, match="a gradient is not finite: the gradient of the param"):
        run((X * 0, Y), model=model, loss=root)


def test_parameters_that_overflow_are_found_before_they_are_saved(tmp_path):
    with pytest.raises(NonFiniteError, match="its update made the parameter 'weight' infinite"):
        run(optimizer=optim.SGD(lr=3e38), epochs=1, batch_size=6, checkpoint=tmp_path)
    assert latest(tmp_path) is None


class Poison(Callback):
    def on_step_end(self, state):
        if state.step == 7:
            state.model.weight[:] = np.nan


def test_the_last_good_checkpoint_is_kept(tmp_path):
    with pytest.raises(NonFiniteError, match=r"step 8, in epoch 3: .*parameter 'weight' was no"):
        run(checkpoint=tmp_path, callbacks=[Poison()])
    model, history = run(checkpoint=tmp_path, resume=True)
    whole, expected = run()
    np.testing.assert_array_equal(model.weight, whole.weight)
    assert history["loss"] == expected["loss"]


def test_a_validation_loss_that_is_not_finite():
    with pytest.raises(NonFiniteError, match="epoch 1: the validation loss is inf"):
        run(validation=(X * 1e30, Y))
