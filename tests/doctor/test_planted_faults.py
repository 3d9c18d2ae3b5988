"""Faults that were planted are found, at their place; healthy runs are left alone."""

import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from chainrule import nn, optim, training
from chainrule.data import load_digits, load_iris, spread_rows
from chainrule.doctor import (
    CHECKS,
    Attempt,
    Doctor,
    course_checks,
    diagnose,
    state_checks,
)
from chainrule.errors import ArgumentError

SEED = 3


def mlp(*sizes, activation="relu", init="kaiming_uniform", seed=0, scale=1.0, bias=None):
    """A perceptron, its weights scaled and its biases set if asked for."""
    rng = np.random.default_rng(seed)
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        layer = nn.Linear(
            n_in, n_out, rng, weight_init="xavier_uniform" if last else init, bias_init="zeros"
        )
        layer.weight = (layer.weight * (1.0 if last else scale)).astype(np.float32)
        if bias is not None and not last:
            layer.bias = np.full_like(layer.bias, bias)
        layers += [layer] if last else [layer, nn.Activation(activation)]
    return nn.Sequential(*layers)


def classes(n=240, k=3, columns=4, seed=SEED, spread=2.0):
    """Clouds of points, one a class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    centres = rng.normal(size=(k, columns)) * spread
    X = centres[y] + rng.normal(size=(n, columns))
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def numbers(n=240, columns=4, seed=SEED):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, columns))
    return X, np.tanh(X[:, :1] - 0.5 * X[:, 1:2]) + 0.1 * rng.normal(size=(n, 1))


def held_out(X, y, n=80):
    return (X[:-n], y[:-n]), (X[-n:], y[-n:])


def examined(model, data, lr=0.01, loss=nn.cross_entropy, optimizer=optim.Adam, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return diagnose(model, data, loss=loss, optimizer=optimizer(lr=lr), **options)


def softmax_loss(outputs, y):
    """The cross-entropy as one should not compute it."""
    p = np.exp(outputs) / np.sum(np.exp(outputs), axis=1, keepdims=True)
    return -np.mean(np.log(np.take_along_axis(p, y[:, None], axis=1)))


class Columns(nn.Module):
    """A layer in a notation where examples are columns, its weight transposed."""

    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        return (self.weight.T @ x.T).T


class Lazy(nn.Module):
    """A network that holds a layer it never calls."""

    def __init__(self):
        self.used, self.unused = nn.Linear(4, 3, rng=0), nn.Linear(4, 3, rng=1)

    def forward(self, x):
        return self.used(x)


class Rooted(nn.Module):
    """A network of the root of a matrix that training makes negative."""

    def __init__(self):
        self.square = np.eye(4)

    def forward(self, x):
        return x @ np.linalg.cholesky(self.square)


def with_cell(value):
    X, y = classes()
    X[17, 2] = value
    return X, y


def leaking():
    X, y = classes()
    X[:, 3] = y * 2.0 - 1.0
    return X, y


def proportional():
    X, y = numbers()
    X[:, 1] = 3.0 * y[:, 0] + 1.0
    return X, y


def imbalanced():
    X, _ = classes()
    y = np.zeros(len(X), int)
    y[:3] = 1
    return X, y


def column(values):
    X, y = classes()
    X[:, 1] = values(X[:, 1])
    return X, y


def shuffled():
    X, y = classes()
    return held_out(X, np.random.default_rng(0).permutation(y))


def unrelated():
    X, _ = classes()
    return held_out(X, (np.random.default_rng(0).random((len(X), 2)) < [0.3, 0.7]).astype(float))


def repeated():
    X, y = classes()
    (A, a), (B, b) = held_out(X, y)
    return (A, a), (np.vstack([B[:40], A[:40]]), np.concatenate([b[:40], a[:40]]))


def few_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 20))
    y = (X[:, 0] + 1.5 * rng.normal(size=90) > 0).astype(int)
    return held_out(X, y, 70)


def _overfitted():
    data, held = few_rows()
    return examined(mlp(20, 128, 2), data, lr=0.02, validation=held, batch_size=4)


FAULTS = {
    "sigmoid stack": (
        lambda: examined(mlp(4, *[8] * 7, 3, activation="sigmoid", init="xavier_uniform"),
                         classes()),
        "vanishing-gradient", "layer ",
    ),
    "lr times 1000": (lambda: examined(mlp(4, 16, 3), classes(), lr=10.0), "lr-too-large", "lr=10"),
    "lr times 1000, sgd": (
        lambda: examined(mlp(4, 16, 1), numbers(), 100.0, nn.mse, optim.SGD), "lr-too-large", "lr=",
    ),
    "lr over 100000": (
        lambda: examined(mlp(4, 16, 3), classes(), lr=1e-8), "lr-too-small", "lr=1e-08",
    ),
    "dead relu": (
        lambda: examined(mlp(4, 16, 16, 3, bias=-10.0), classes()), "dead-relu", "layer 0",
    ),
    "constant feature": (
        lambda: examined(mlp(4, 16, 3), column(lambda x: 0 * x + 7.0)), "constant-feature",
        "column 1",
    ),
    "shuffled labels": (
        lambda: examined(mlp(4, 64, 64, 3), shuffled()[0], lr=0.02, validation=shuffled()[1],
                         batch_size=8),
        "no-signal", "the target",
    ),
    "shuffled labels, several a row": (
        lambda: examined(mlp(4, 64, 64, 2), unrelated()[0], lr=0.02, validation=unrelated()[1],
                         batch_size=8, loss=nn.binary_cross_entropy),
        "no-signal", "the target",
    ),
    "nan cell": (
        lambda: examined(mlp(4, 16, 3), with_cell(np.nan)), "non-finite-data", "row 17, column 2",
    ),
    "infinite cell": (
        lambda: examined(mlp(4, 16, 3), with_cell(-np.inf)), "non-finite-data", "row 17, column 2",
    ),
    "nan in the target": (
        lambda: examined(mlp(4, 16, 1), (numbers()[0], np.where(np.arange(240)[:, None] == 5,
                                                               np.nan, numbers()[1])),
                         loss=nn.mse),
        "non-finite-data", "row 5 of the targets",
    ),
    "log of zero": (
        lambda: examined(mlp(4, 16, 3, scale=60.0), classes(), loss=softmax_loss),
        "non-finite-loss", "the loss",
    ),
    "exploding initialisation": (
        lambda: examined(mlp(4, *[16] * 6, 3, scale=20.0), classes()), "exploding-gradient",
        "layer ",
    ),
    "initialisation beyond float32": (
        lambda: examined(mlp(4, *[16] * 6, 3, scale=1e7), classes()), "non-finite-loss", "the loss",
    ),
    "matrix that is not positive": (
        lambda: examined(Rooted(), (numbers()[0], -numbers()[0]), loss=nn.mse), "failed-step",
        "training",
    ),
    "growing activations": (
        lambda: examined(mlp(4, *[16] * 6, 3, scale=5.0), classes()), "activation-scale",
        "layer 10",
    ),
    "tiny initialisation": (
        lambda: examined(mlp(4, *[16] * 5, 3, activation="tanh", scale=0.05), classes()),
        "activation-scale", "layer 8",
    ),
    "equal weights": (
        lambda: examined(mlp(4, 16, 3, init=lambda shape, rng: np.full(shape, 0.1)), classes()),
        "symmetry", "model.0.weight",
    ),
    "equal units, columns": (
        lambda: examined(Columns(np.tile([[0.1], [0.2], [0.3], [0.4]], 3)), classes()), "symmetry",
        "model.weight",
    ),
    "label leak": (lambda: examined(mlp(4, 16, 3), leaking()), "leak", "column 3"),
    "target leak": (
        lambda: examined(mlp(4, 16, 1), proportional(), loss=nn.mse), "leak", "column 1",
    ),
    "unscaled column": (
        lambda: examined(mlp(4, 16, 3), column(lambda x: x * 1e4)), "unscaled-inputs", "column 1",
    ),
    "named column": (
        lambda: examined(mlp(4, 16, 3), column(lambda x: x * 1e4),
                         names=["age", "income", "c", "d"]),
        "unscaled-inputs", "'income'",
    ),
    "a column too few": (
        lambda: examined(mlp(5, 16, 3), classes()), "failed-forward", "the network",
    ),
    "labels out of range": (
        lambda: examined(mlp(4, 16, 2), classes()), "labels-out-of-range", "row ",
    ),
    "labels from one": (
        lambda: examined(mlp(4, 16, 3), (classes()[0], classes()[1] + 1)), "labels-out-of-range",
        "row ",
    ),
    "class imbalance": (
        lambda: examined(mlp(4, 16, 2), imbalanced()), "class-imbalance", "the target",
    ),
    "overfitting": (_overfitted, "overfitting", "after epoch"),
    "logits blow up": (
        lambda: examined(mlp(4, 16, 3, scale=100.0), classes()), "logits-blow-up", "the outputs",
    ),
    "confident start": (
        lambda: examined(mlp(4, 16, 3, scale=30.0), classes()), "initial-loss", "the first step",
    ),
    "softmax twice": (
        lambda: examined(nn.Sequential(mlp(4, 16, 3), "softmax"), classes()), "softmax-twice",
        "the last layer",
    ),
    "sigmoid twice": (
        lambda: examined(nn.Sequential(mlp(4, 16, 1), "sigmoid"),
                         (classes()[0], (classes()[1][:, None] > 0).astype(float)),
                         loss=nn.binary_cross_entropy),
        "softmax-twice", "the last layer",
    ),
    "unscaled target": (
        lambda: examined(mlp(4, 16, 1), (numbers()[0], numbers()[1] * 1e6), loss=nn.mse),
        "unscaled-target", "the target",
    ),
    "saturated tanh": (
        lambda: examined(mlp(4, 16, 3, activation="tanh", scale=40.0), classes()), "saturation",
        "layer 0",
    ),
    "no activation": (
        lambda: examined(nn.Sequential(nn.Linear(4, 8, rng=0), nn.Linear(8, 3, rng=1)), classes()),
        "linear-layers", "0.weight",
    ),
    "unused layer": (lambda: examined(Lazy(), classes()), "no-gradient", "unused"),
    "shared rows": (
        lambda: examined(mlp(4, 16, 3), repeated()[0], validation=repeated()[1]), "shared-rows",
        "the validation part",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_at_its_place(fault):
    make, code, where = FAULTS[fault]
    diagnosis = make()
    found = [f for f in diagnosis.findings if f.code == code]
    assert found, f"{fault}: found {diagnosis.codes}"
    assert where in found[0].where
    assert found[0].severity in ("error", "warning")
    assert not diagnosis.healthy
    assert code in str(diagnosis)
    assert code in diagnosis.to_json()


def _table(table, target):
    names = [name for name in table.names if name != target]
    X = np.stack([table[name].numbers() for name in names], axis=1)
    _, codes = table[target].categories()
    return (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1), codes


def _digits():
    X, y = _table(load_digits(), load_digits().names[-1])
    return X[:400, np.ptp(X[:400], axis=0) > 0], y[:400]


def _labels():
    X, y = numbers()
    return X, np.hstack([X[:, :1] > 0, X[:, 1:2] + y > 0]).astype(float)


def _binary():
    X, y = classes(k=2, spread=1.0)
    return X, y[:, None].astype(float)


def _embedded():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 12, 200)
    return X, (X % 3)


def _plane():
    X, _ = numbers()
    return X, X @ np.array([[3.0], [-2.0], [2.0], [1.0]]) + 1


def _zeros_last():
    model = mlp(4, 16, 3)
    model.layers[2].weight = np.zeros((3, 16), np.float32)
    return model


def _learnt():
    model, history = training.fit(
        nn.Linear(4, 1, rng=0), numbers(), loss=nn.mse, optimizer=optim.SGD(lr=0.3), epochs=100,
        batch_size=240,
    )  # fmt: skip
    return examined(model, numbers(), 0.3, nn.mse, optim.SGD, history=history, batch_size=240)


HEALTHY = {
    "iris": lambda: examined(mlp(4, 16, 3), _table(load_iris(), "species")),
    "digits": lambda: examined(mlp(_digits()[0].shape[1], 32, 10), _digits()),
    "clouds, validated": lambda: examined(
        mlp(4, 16, 3), held_out(*classes())[0], validation=held_out(*classes())[1]
    ),
    "numbers": lambda: examined(mlp(4, 16, 1), numbers(), loss=nn.mse),
    "few numbers": lambda: examined(mlp(4, 16, 1), numbers(40), loss=nn.mse),
    "hinge, hardly separable": lambda: examined(
        mlp(4, 64, 64, 3), held_out(*classes(spread=0.5, seed=2))[0], 0.02, nn.multiclass_hinge,
        validation=held_out(*classes(spread=0.5, seed=2))[1], batch_size=8,
    ),
    "zeros in the last layer": lambda: examined(_zeros_last(), classes()),
    "equal inputs, columns": lambda: examined(
        Columns(np.tile([0.1, -0.2, 0.3], (4, 1))), classes()
    ),
    "a plane, learnt at once": lambda: examined(
        nn.Linear(4, 1, rng=0), _plane(), 0.3, nn.mse, optim.SGD, batch_size=16
    ),
    "numbers, learnt already": _learnt,
    "binary": lambda: examined(mlp(4, 16, 1), _binary(), loss=nn.binary_cross_entropy),
    "labels": lambda: examined(mlp(4, 16, 2), _labels(), loss=nn.binary_cross_entropy),
    "deep relu": lambda: examined(mlp(4, *[32] * 6, 3), classes(), lr=0.002),
    "tanh": lambda: examined(
        mlp(4, 16, 16, 3, activation="tanh", init="xavier_uniform"), classes()
    ),
    "norm and dropout": lambda: examined(
        nn.Sequential(
            nn.Linear(4, 32, rng=0), nn.BatchNorm(32), "relu", nn.Dropout(0.2),
            nn.Linear(32, 3, rng=1),
        ),
        classes(),
    ),
    "embeddings": lambda: examined(
        nn.Sequential(nn.Embedding(12, 8, rng=0), nn.Linear(8, 3, rng=1)), _embedded()
    ),
}  # fmt: skip


def test_healthy_runs_are_left_alone():
    alarms = {name: [f.code for f in make().findings] for name, make in HEALTHY.items()}
    assert not any(alarms.values()), alarms


@pytest.mark.parametrize(
    ("columns", "options", "left_out"),
    [
        (4, {"optimizer": optim.Adam(), "validation": held_out(*classes())[1]}, set()),
        (4, {"optimizer": optim.Adam()}, {"shared-rows", "overfitting", "no-signal"}),
        (4, {}, {"shared-rows", *course_checks.CHECKS}),
        (5, {}, {"shared-rows", *course_checks.CHECKS, *state_checks.OF_A_PASS}),
    ],
)
def test_only_what_was_looked_at_counts_as_checked(columns, options, left_out):
    diagnosis = diagnose(mlp(columns, 16, 3), held_out(*classes())[0], **options)
    assert set(CHECKS) - set(diagnosis.checked) == left_out
    if not diagnosis.findings:
        assert f"{len(CHECKS) - len(left_out)} things were checked" in str(diagnosis)


def test_what_cannot_compute_is_no_clean_bill():
    diagnosis = diagnose(mlp(5, 16, 3), classes())
    assert diagnosis.codes == ["failed-forward"]
    assert "5 are expected" in diagnosis.findings[0].seen


def test_remedies_cannot_be_tried_without_an_optimizer():
    with pytest.raises(ArgumentError, match="optimizer="):
        diagnose(mlp(4, 16, 3), classes(), try_fixes=True)


def test_an_optimizer_of_full_batches_has_no_course():
    with pytest.raises(ArgumentError, match="a course on mini-batches is watched, which LBFGS"):
        diagnose(mlp(4, 16, 3), classes(), optimizer=optim.LBFGS())


def test_nothing_that_is_given_is_changed():
    X, y = classes()
    model = mlp(4, 16, 3)
    before = [X.copy(), y.copy(), *(p.copy() for p in nn.named_parameters(model).values())]
    examined(model, (X, y), lr=10.0, try_fixes=True)
    after = [X, y, *nn.named_parameters(model).values()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("fault", ["lr times 1000", "sigmoid stack", "unscaled column"])
def test_remedies_are_tried_and_one_helps(fault):
    make = {
        "lr times 1000": lambda: examined(mlp(4, 16, 3), classes(), lr=10.0, try_fixes=True),
        "sigmoid stack": lambda: examined(
            mlp(4, *[8] * 7, 3, activation="sigmoid", init="xavier_uniform"), classes(),
            try_fixes=True,
        ),
        "unscaled column": lambda: examined(
            mlp(4, 16, 3), column(lambda x: x * 1e4), try_fixes=True
        ),
    }[fault]  # fmt: skip
    finding = next(f for f in make().findings if f.code == FAULTS[fault][1])
    assert finding.tried
    assert any(trial.helped for trial in finding.tried)
    assert [t.after for t in finding.tried] == [
        t.after for t in next(f for f in make().findings if f.code == finding.code).tried
    ]


def test_a_remedy_helps_only_where_a_lower_loss_was_seen():
    inf = float("inf")
    losses = [(1.0, 0.9), (inf, 1.0), (1.0, 0.99), (1.0, inf), (inf, inf)]
    helped = [Attempt("", before, after, "training loss").helped for before, after in losses]
    assert helped == [True, True, False, False, False]


@pytest.mark.parametrize("fault", ["unscaled target", "class imbalance", "label leak"])
def test_what_changes_the_meaning_of_the_loss_is_not_tried(fault):
    model, data, options = {
        "unscaled target": (mlp(4, 16, 1), (numbers()[0], numbers()[1] * 1e6), {"loss": nn.mse}),
        "class imbalance": (mlp(4, 16, 2), imbalanced(), {}),
        "label leak": (mlp(4, 16, 3), leaking(), {}),
    }[fault]
    found = examined(model, data, try_fixes=True, **options).findings
    finding = next(f for f in found if f.code == FAULTS[fault][1])
    assert finding.remedies
    assert not finding.tried


def test_labels_are_counted_from_zero_in_the_validation_part_too():
    (X, y), (A, a) = held_out(*classes())
    found = examined(mlp(4, 16, 3), (X, y + 1), validation=(A, a + 1), try_fixes=True).findings
    (trial,) = next(f for f in found if f.code == "labels-out-of-range").tried
    assert trial.measure == "best validation loss"
    assert trial.helped
    assert trial.after < 1


@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 255, 256, 1000])
def test_rows_are_taken_evenly(n):
    rows = spread_rows(n, 128)
    assert min(n, 65) <= len(rows) <= 128
    assert len(set(np.diff(rows))) <= 1
    assert not n or np.diff([*rows, n]).max() == np.diff([*rows, n])[0]
    X = np.arange(n)[:, None]
    np.testing.assert_array_equal(Doctor((X, X), nn.mse).X, X[rows])


def test_a_history_is_read_too():
    (X, y), held = few_rows()
    model, history = training.fit(
        mlp(20, 128, 2), (X, y), loss=nn.cross_entropy, optimizer=optim.Adam(lr=0.02), epochs=40,
        batch_size=4, validation=held, engine="eager",
    )  # fmt: skip
    codes = diagnose(model, (X, y), loss=nn.cross_entropy, validation=held, history=history).codes
    assert "overfitting" in codes
    assert "initial-loss" not in codes


def test_a_loss_with_settings_is_understood():
    loss = partial(nn.cross_entropy, label_smoothing=0.1)
    assert examined(mlp(4, 16, 3), leaking(), loss=loss).codes == ["leak"]
