"""Regularisation and gradient practice in fit: by definition, and alike on every engine."""

import numpy as np
import pytest
from program import data, digest, train

from chainrule import nn, optim
from chainrule.autodiff import value_and_grad
from chainrule.data import permutation
from chainrule.errors import ArgumentError, DtypeError, NonFiniteError
from chainrule.training import Callback, Checkpoint, checked_rows, fit
from chainrule.training.practice import Practice
from chainrule.training.step import Step

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3

# What is done in training, by name; every one is deterministic, resumable and the same on every
# engine. Batches are of 16 of the 96 rows.
PRACTICES = {
    "clip_value": {"clip_value": 1e-3, "clip_norm": None},
    "both clips": {"clip_value": 1e-3, "clip_norm": 1e-2},
    "accumulate": {"accumulate": 4},
    "l1": {"l1": 0.01},
    "l2": {"l2": {"1.weight": 0.1, "5.bias": 0.2}},
    "max_norm": {"max_norm": 0.6},
    "weight_noise": {"weight_noise": 0.1},
    "mixup": {"mixup": 0.4},
}
PRACTICES["everything"] = {k: v for options in PRACTICES.values() for k, v in options.items()}


def numba_is_slow(name):
    """Compiling takes seconds, so the fast tests have one on that engine, with the new sums."""
    return pytest.param("numba", marks=[] if name == "accumulate" else pytest.mark.slow)


CASES = [
    pytest.param(name, *engine.values, marks=engine.marks, id=f"{name}-{engine.values[0]}")
    for name in PRACTICES
    for engine in (pytest.param("eager"), pytest.param("numpy"), numba_is_slow(name))
]


class StopAt(Callback):
    def on_epoch_end(self, state):
        if state.epoch == 2:
            raise ZeroDivisionError


def trained(name, engine, checkpoint=None, **options):
    """Train with dropout, batch norm, noise, weights, a schedule; the last batch is shorter.

    A bias before batch norm has no gradient but rounding errors, which Adam would blow up.
    """
    layers = (
        nn.GaussianNoise(0.1), nn.Linear(6, 16, rng=0, bias=False), nn.BatchNorm(16), "relu",
        nn.Dropout(0.2), nn.Linear(16, 2, rng=1),
    )  # fmt: skip
    rows_x, rows_y, weight = data()
    settings = {
        "loss": nn.cross_entropy, "optimizer": optim.SGD(lr=0.1, momentum=0.9), "batch_size": 20,
        "seed": 3, "schedule": optim.Cosine(200), "sample_weight": weight, "clip_norm": 1.0,
        "epochs": 3, "engine": engine,
    }  # fmt: skip
    own = PRACTICES.get(name, {})
    return fit(
        nn.Sequential(*layers), (rows_x, rows_y), checkpoint=checkpoint,
        **(settings | own | options),
    )  # fmt: skip


@pytest.mark.parametrize(("name", "engine"), CASES)
def test_every_practice_on_every_engine(name, engine, tmp_path):
    """The eager engine's numbers, the same bits again, and the same bits when resumed."""
    whole, history = trained(name, engine)
    expected, eager = trained(name, "eager")
    for arrays in (nn.named_parameters, nn.named_buffers):
        for key, value in arrays(expected).items():
            np.testing.assert_allclose(arrays(whole)[key], value, 1e-4, 1e-6, err_msg=key)
    np.testing.assert_allclose(history["loss"], eager["loss"], rtol=1e-5)
    np.testing.assert_allclose(history["gradient_norm"], eager["gradient_norm"], rtol=1e-4)
    place = Checkpoint(tmp_path, every_steps=1)
    with pytest.raises(ZeroDivisionError):
        trained(name, engine, place, callbacks=[StopAt()])
    resumed, _ = trained(name, engine, place, resume=True)
    assert digest(resumed) == digest(whole)
    if engine == "eager":
        assert digest(trained(name, engine)[0]) == digest(whole)
        assert digest(trained("nothing", engine)[0]) != digest(whole)


@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulated_batches_are_one_larger_batch(engine, weighted):
    """Steps of 12 rows in batches of 4, and a last one of 2; a batch of 5 leaves short ones."""
    weight = RNG.uniform(0, 2, 50) if weighted else None
    options = {
        "loss": nn.mse, "optimizer": optim.Adam(lr=0.05), "epochs": 3, "sample_weight": weight,
        "schedule": optim.InverseTime(0.1), "clip_norm": 0.5, "l2": 0.1, "engine": engine,
    }  # fmt: skip
    start = nn.Linear(3, 1, rng=0, dtype=np.float64)
    for size, every in ((4, 3), (5, 3)) if engine == "eager" else ((5, 3),):
        model, history = fit(start, (X, Y), batch_size=size, accumulate=every, **options)
        expected, single = fit(start, (X, Y), batch_size=size * every, **options)
        np.testing.assert_allclose(model.weight, expected.weight, rtol=1e-10)
        np.testing.assert_allclose(model.bias, expected.bias, rtol=1e-10)
        for column in ("loss", "gradient_norm", "lr"):
            np.testing.assert_allclose(history[column], single[column], rtol=1e-10)


def one_step(model=None, given=(X, Y), loss=nn.mse, **options):
    """Take one step of plain descent on all rows; return the network before and after."""
    model = nn.Linear(3, 1, rng=0, dtype=np.float64) if model is None else model
    after, history = fit(
        model, given, loss=loss, optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=len(X),
        engine="eager", **options,
    )  # fmt: skip
    return model, after, history


def gradient(model):
    return value_and_grad(lambda m: nn.mse(m(X), Y))(model)


def test_penalties_pull_on_weights_alone_and_are_not_reported():
    model, after, history = one_step(l1=0.3, l2=0.2)
    value, g = gradient(model)
    w = model.weight
    np.testing.assert_allclose(after.weight, w - 0.1 * (g.weight + 0.3 * np.sign(w) + 0.2 * w))
    np.testing.assert_allclose(after.bias, model.bias - 0.1 * g.bias)
    assert history["loss"][0] == pytest.approx(value, rel=1e-12)
    _, after, _ = one_step(l2={"bias": 0.2})
    np.testing.assert_allclose(after.weight, w - 0.1 * g.weight)
    np.testing.assert_allclose(after.bias, model.bias - 0.1 * (g.bias + 0.2 * model.bias))


def test_l2_is_the_weight_decay_of_sgd_but_for_biases():
    model, _, _ = one_step()
    options = {"loss": nn.mse, "epochs": 3, "engine": "eager"}
    both = {"l2": {"weight": 0.1, "bias": 0.1}}
    ours, _ = fit(model, (X, Y), optimizer=optim.SGD(lr=0.1), **both, **options)
    decayed, _ = fit(model, (X, Y), optimizer=optim.SGD(lr=0.1, weight_decay=0.1), **options)
    np.testing.assert_allclose(ours.weight, decayed.weight, rtol=1e-12)


def test_l1_makes_weights_vanish():
    noise = np.concatenate([X, RNG.normal(size=(50, 20))], axis=1)
    model, _ = fit(
        nn.Linear(23, 1, rng=0), (noise, Y), loss=nn.mse, optimizer=optim.SGD(lr=0.02),
        epochs=300, batch_size=50, l1=0.5,
    )  # fmt: skip
    assert np.sum(np.abs(model.weight) < 0.02) >= 19
    assert np.abs(model.weight[0, 1]) > 1


@pytest.mark.parametrize(("norm", "value"), [(None, 0.1), (0.5, 0.3)])
def test_clipping_by_value(norm, value):
    model, after, history = one_step(clip_value=value, clip_norm=norm)
    _, g = gradient(model)
    if norm:
        g, _ = optim.clip_grad_norm(g, norm)
    g = optim.clip_grad_value(g, value)
    np.testing.assert_allclose(after.weight, model.weight - 0.1 * g.weight)
    np.testing.assert_allclose(after.bias, model.bias - 0.1 * g.bias)
    assert history["gradient_norm"][0] > 1


def test_the_steps_are_torchs():
    """Penalties, accumulation, clipping by value and max-norm, written by hand there."""
    torch = pytest.importorskip("torch")
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    ours, _ = fit(
        model, (X[:48], Y[:48]), loss=nn.mse, optimizer=optim.Adam(lr=0.05), epochs=3,
        batch_size=8, accumulate=2, l1=0.1, l2=0.2, clip_value=0.3, max_norm=1.2, engine="eager",
    )  # fmt: skip
    theirs = torch.nn.Linear(3, 1).double()
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(model.weight))
        theirs.bias.copy_(torch.tensor(model.bias))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.05)
    for epoch in range(3):
        for rows in np.split(permutation(48, 0, epoch), 3):
            optimizer.zero_grad()
            for part in np.split(rows, 2):
                error = theirs(torch.tensor(X[part])) - torch.tensor(Y[part])
                w = theirs.weight
                loss = torch.mean(error**2) + 0.1 * w.abs().sum() + 0.1 * (w**2).sum()
                (loss / 2).backward()
            torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.3)
            optimizer.step()
            with torch.no_grad():
                theirs.weight.copy_(torch.renorm(theirs.weight, 2, 0, 1.2))
    np.testing.assert_allclose(ours.weight, theirs.weight.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.bias, theirs.bias.detach().numpy(), rtol=1e-6)


def test_max_norm_holds_after_every_update():
    start = nn.Sequential(nn.Linear(3, 8, rng=0), "relu", nn.Linear(8, 1, rng=1))
    options = {"loss": nn.mse, "optimizer": optim.Adam(lr=0.1), "epochs": 4}
    model, _ = fit(start, (X, Y), max_norm=0.5, **options)
    for name in ("0.weight", "2.weight"):
        norms = np.linalg.norm(nn.named_parameters(model)[name], axis=1)
        assert norms.max() == pytest.approx(0.5, rel=1e-5)
    model, _ = fit(start, (X, Y), max_norm={"0.weight": 0.5}, **options)
    assert np.linalg.norm(nn.named_parameters(model)["2.weight"]) > 0.6


@pytest.mark.parametrize("weighted", [False, True])
def test_mixup_of_classes_is_cross_entropy_with_mixed_targets(weighted):
    """For equal weights; with others each half of the mixture is weighted by its own row."""
    classes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    weight = RNG.uniform(0.5, 2, 50) if weighted else None
    rows = checked_rows((X, classes), weight, np.float64)
    model = nn.Linear(3, 3, rng=0, dtype=np.float64)
    step = Step(nn.cross_entropy, optim.SGD(lr=0.1), Practice(mixup=0.4), seed=5)
    found = step.gradients(model, rows, step.run(7))
    share = nn.Run(5, 7).beta(0.4)
    mixed = share * X + (1 - share) * X[::-1]
    one_hot = np.eye(3)[classes]

    def by_hand(m):
        own, other = one_hot, one_hot[::-1]
        costs = [nn.cross_entropy(m(mixed), t, reduction="none") for t in (own, other)]
        w = np.ones(50) if weight is None else weight
        parts = [share * w / w.sum(), (1 - share) * w[::-1] / w.sum()]
        return np.sum(costs[0] * parts[0]) + np.sum(costs[1] * parts[1])

    value, g = value_and_grad(by_hand)(model)
    assert found.loss == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found.arrays["weight"], g.weight, rtol=1e-10)


def test_mixup_of_numbers_has_the_gradient_of_mixed_targets():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    step = Step(nn.mse, optim.SGD(lr=0.1), Practice(mixup=1.0), seed=2)
    found = step.gradients(model, checked_rows((X, Y), None, np.float64), step.run(0))
    share = nn.Run(2, 0).beta(1.0)
    mix = lambda a: share * a + (1 - share) * a[::-1]
    _, g = value_and_grad(lambda m: nn.mse(m(mix(X)), mix(Y)))(model)
    np.testing.assert_allclose(found.arrays["weight"], g.weight, rtol=1e-10)


def test_mixup_draws_another_share_at_every_step():
    shares = [float(nn.Run(0, step).beta(0.4)) for step in range(200)]
    assert len(set(shares)) == 200
    assert 0 <= min(shares) < 0.1 < 0.9 < max(shares) <= 1


def test_weight_noise_is_drawn_anew_for_every_batch_and_never_kept():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    step = Step(nn.mse, optim.SGD(lr=0.1), Practice(weight_noise=0.5, accumulate=2), seed=2)
    rows = checked_rows((X, Y), None, np.float64)
    losses = [float(step.gradients(model, rows, step.run(*at)).loss) for at in ((0, 0), (0, 1))]
    noisy = nn.with_weight_noise(model, 0.5, step.run(0, 1))
    assert losses[1] == pytest.approx(nn.mse(noisy(X), Y), rel=1e-12)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_the_batch_of_a_step_that_is_not_finite_is_named(engine):
    class Fragile(nn.Module):
        def __init__(self):
            self.slope = np.array([1.0, 1.0], np.float32)

        def forward(self, x):
            return np.log(x @ self.slope)

    inputs = np.ones((40, 2))
    inputs[17] = -1
    step = int(np.flatnonzero(permutation(40, 0, 0) == 17)[0]) // 12 + 1
    with pytest.raises(NonFiniteError, match=rf"step {step}, .*first in row 17 of the data"):
        fit(
            Fragile(), (inputs, np.ones(40)), loss=lambda y, t: np.mean((y - t) ** 2),
            optimizer=optim.SGD(lr=1e-3), epochs=1, batch_size=4, accumulate=3, engine=engine,
        )  # fmt: skip


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_sums_of_gradients_whose_squares_overflow_are_no_error(engine):
    def steep(outputs, targets):
        return 1e25 * nn.mse(outputs, targets)

    options = {
        "loss": steep, "optimizer": optim.SGD(lr=0.1), "epochs": 2, "clip_norm": 1.0,
        "engine": engine,
    }  # fmt: skip
    model, history = fit(nn.Linear(3, 1, rng=0), (X, Y), batch_size=5, accumulate=2, **options)
    expected, single = fit(nn.Linear(3, 1, rng=0), (X, Y), batch_size=10, **options)
    np.testing.assert_allclose(model.weight, expected.weight, rtol=1e-4)
    np.testing.assert_allclose(history["gradient_norm"], single["gradient_norm"], rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_value": 0.0}, "fit: clip_value must be"),
        ({"accumulate": 0}, "fit: accumulate must be"),
        ({"accumulate": 2.5}, "fit: accumulate must be"),
        ({"l1": -1.0}, "fit: l1 must be"),
        ({"l2": np.nan}, "fit: l2 must be"),
        ({"l2": {"weight": -1.0}}, r"fit: l2\['weight'\] must be"),
        ({"l2": {"wieght": 1.0}}, "l2 names 'wieght'; the network's parameters are"),
        ({"max_norm": 0.0}, "fit: max_norm must be"),
        ({"weight_noise": "x"}, "fit: weight_noise must be"),
        ({"mixup": -0.1}, "fit: mixup must be"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        one_step(**options)


def test_whole_numbers_are_not_mixed():
    codes = {"numbers": X, "codes": np.zeros((50, 2), np.int64)}
    with pytest.raises(DtypeError, match=r"mixup mixes .* and X\['codes'\] holds int64"):
        one_step(given=(codes, Y), mixup=0.2)


def test_a_run_is_resumed_as_it_was_trained(tmp_path):
    train(tmp_path, epochs=1, l2={"0.weight": 0.5})
    with pytest.raises(ArgumentError, match=r"with l2 = \{'0.weight': 0.5\}, this .* has None"):
        train(tmp_path, epochs=2, resume=True)
