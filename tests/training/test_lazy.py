"""Training with lazy optimizers: the dense rule's numbers, its files and views, and fallbacks."""

import numpy as np
import pytest
from program import StopAt, digest
from test_checkpoint import content

from chainrule import nn, optim
from chainrule.errors import Interrupted, NonFiniteError, UnsupportedError
from chainrule.io import load_tensors
from chainrule.training import Callback, Checkpoint, EarlyStopping, checked_rows, fit
from chainrule.training.checkpoint import latest
from chainrule.training.loop import Training
from chainrule.training.plan import Plan

ENGINES = ["eager", "numpy", pytest.param("numba", marks=pytest.mark.slow)]
every_engine = pytest.mark.parametrize("engine", ENGINES, indirect=True)
N, WIDTH, LENGTH = 40, 3, 5
RNG = np.random.default_rng(0)
X = RNG.zipf(1.4, (90, LENGTH)) % N
Y = RNG.normal(size=(90, 1))


class Bag(nn.Module):
    """The mean of some rows of a table, and a dense layer."""

    def __init__(self, padding_idx=None, dtype=np.float64):
        self.words = nn.Embedding(N, WIDTH, rng=0, dtype=dtype, padding_idx=padding_idx)
        self.out = nn.Linear(WIDTH, 1, rng=1, dtype=dtype)

    def forward(self, x):
        return self.out(np.mean(self.words(x), axis=1))


class Tied(Bag):
    def forward(self, x):
        return super().forward(x) + 0.1 * np.sum(self.words.weight)


class Twice(Bag):
    def forward(self, x):
        return super().forward(x[:, 1:]) * self.out(self.words(x[:, 0]))


def train(optimizer, model=None, place=None, **options):
    settings = {"loss": nn.mse, "epochs": 3, "batch_size": 8, "engine": "eager", "progress": 0}
    return fit(
        model or Bag(), (X, Y), optimizer=optimizer, checkpoint=place, **(settings | options)
    )


def assert_close(model, expected, rtol=1e-11):
    for name, p in nn.named_parameters(expected).items():
        np.testing.assert_allclose(
            nn.named_parameters(model)[name], p, rtol, rtol * 1e-2, err_msg=name
        )


SCHEDULES = {
    "constant": None,
    "cosine": optim.Cosine(40),
    "warm": optim.WarmUp(20, optim.Step(9)),
    "plateau": optim.Plateau(patience=0, threshold=0.5, monitor="validation_loss"),
}
EXACT = [
    lambda lazy: optim.SGD(lr=0.2, momentum=0.9, nesterov=True, weight_decay=0.01, lazy=lazy),
    lambda lazy: optim.Adam(lr=0.02, lazy=lazy),
    lambda lazy: optim.Adam(lr=0.02, weight_decay=0.1, lazy=lazy),
]
WHOLE = "; no parameter is read through row look-ups alone, so all are updated whole"


@pytest.mark.parametrize("make", EXACT, ids=lambda make: repr(make(False)))
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("model", [Bag, Twice])
def test_exact_is_the_dense_rule(make, schedule, model):
    options = {"schedule": SCHEDULES[schedule], "clip_norm": 0.3, "validation": (X[:20], Y[:20])}
    found, history = train(make("exact"), model(), **options)
    expected, dense = train(make(False), model(), **options)
    assert_close(found, expected)
    for name in ("loss", "gradient_norm", "validation_loss"):
        np.testing.assert_allclose(history[name], dense[name], 1e-11)
    assert history.why == (
        "as was asked for; updated by the rows that a step looks up: words.weight"
    )


# Compiling takes seconds: of the rules that go by rows, those with no slots, two and a number.
BY_ROWS = sorted(optim.OPTIMIZERS.keys() - {"LAMB", "Muon"})
RULES = [(name, engine) for name in BY_ROWS for engine in ("eager", "numpy")]
COMPILED = [
    pytest.param(name, "numba", marks=pytest.mark.slow) for name in ("SGD", "Adam", "NAdam")
]


@pytest.mark.parametrize(("name", "engine"), [*RULES, *COMPILED], indirect=["engine"])
def test_every_optimizer_is_lazy(name, engine):
    """The engines agree, and a table of rows that are all read is updated as if it were dense."""
    make, options = optim.OPTIMIZERS[name], {"clip_norm": 0.3, "epochs": 2}
    found, _ = train(make(lr=0.02, lazy=True), engine=engine, **options)
    expected, _ = train(make(lr=0.02, lazy=True), **options)
    assert_close(found, expected)
    every = np.tile(np.arange(N), (24, 1))
    dense, _ = fit(
        Bag(), (every, Y[:24]), loss=nn.mse, optimizer=make(lr=0.02), epochs=1, engine="eager"
    )
    rows, _ = fit(
        Bag(), (every, Y[:24]), loss=nn.mse, optimizer=make(lr=0.02, lazy=True), epochs=1,
        engine=engine,
    )  # fmt: skip
    assert_close(rows, dense)


def test_lazy_sgd_is_the_dense_rules_bits():
    found, _ = train(optim.SGD(lr=0.2, lazy=True))
    assert digest(found) == digest(train(optim.SGD(lr=0.2))[0])


@every_engine
def test_rows_that_no_batch_reads_stay(engine):
    found, _ = train(optim.Adam(lr=0.1, weight_decay=0.3, lazy=True), engine=engine)
    unread = np.setdiff1d(np.arange(N), X)
    assert len(unread)
    before = Bag().words.weight
    np.testing.assert_array_equal(found.words.weight[unread], before[unread])
    assert (found.words.weight[np.unique(X)] != before[np.unique(X)]).any(axis=1).all()


@pytest.mark.parametrize("lazy", [True, "exact"])
def test_the_row_of_padding_stays_zero(lazy):
    found, _ = train(optim.Adam(lr=0.1, lazy=lazy), Bag(padding_idx=1))
    np.testing.assert_array_equal(found.words.weight[1], 0.0)
    assert 1 in X


@every_engine
@pytest.mark.parametrize("lazy", [True, "exact"])
def test_a_table_that_is_read_otherwise_is_updated_whole(lazy, engine):
    if lazy == "exact" and engine != "eager":
        engine = "numpy"
    found, history = train(optim.Adam(lr=0.02, lazy=lazy), Tied(), engine=engine)
    assert_close(found, train(optim.Adam(lr=0.02), Tied())[0])
    assert history.why.endswith(WHOLE)


class Sometimes(Bag):
    """Reads the table whole for some batches: what the first says does not hold for all."""

    def forward(self, x):
        total = 0.001 * np.sum(self.words.weight) if np.any(x == 7) else 0.0
        return super().forward(x) + total


def test_a_batch_that_reads_the_table_whole():
    first = X[~np.any(X == 7, axis=1)][:1]
    model, y = Sometimes(), Y[:40]
    rows = np.concatenate([first, X[:39]])
    assert np.any(rows == 7)
    options = {"loss": nn.mse, "epochs": 3, "batch_size": 1, "engine": "eager"}
    for make in EXACT[1:]:
        found, _ = fit(model, (rows, y), optimizer=make("exact"), **options)
        assert_close(found, fit(model, (rows, y), optimizer=make(False), **options)[0])


class Pointer(Bag):
    """What is looked up depends on what was: more rows must be up to date than one look shows."""

    def forward(self, x):
        rows = self.words(x)
        best = np.argmax(np.sum(rows, axis=-1), axis=1)
        again = self.words((best + 3) % N)
        return self.out(np.mean(rows, axis=1) + again)


def test_rows_that_are_found_by_what_other_rows_hold():
    for make in EXACT:
        found, _ = train(make("exact"), Pointer())
        assert_close(found, train(make(False), Pointer())[0])


def test_exact_is_eager_and_the_history_says_why():
    _, history = train(optim.Adam(lazy="exact"), engine="auto")
    assert history.engine == "eager"
    assert history.why.startswith('a step cannot be traced: lazy="exact" makes one after another')
    assert history.why.endswith("words.weight")
    with pytest.raises(UnsupportedError, match='engine="eager" alone'):
        train(optim.Adam(lazy="exact"), engine="numpy")


@pytest.mark.slow
def test_the_history_says_where_there_are_no_loops():
    """As for rows that are looked up twice, which are joined."""
    pytest.importorskip("numba")
    found, history = train(optim.Adam(lr=0.02, lazy=True), Twice(), engine="numba")
    assert history.why == (
        "as was asked for; numpy instead of numba: there are no loops for concatenate; "
        "updated by the rows that a step looks up: words.weight"
    )
    assert_close(found, train(optim.Adam(lr=0.02, lazy=True), Twice())[0])


# Beside the update --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("lazy", [True, "exact"])
@pytest.mark.parametrize("practice", ["l1", "l2", "weight_noise"])
def test_what_is_done_to_all_weights_updates_the_table_whole(practice, lazy, engine):
    options = {practice: 0.01, "engine": engine, "epochs": 1}
    found, history = train(optim.Adam(lr=0.02, lazy=lazy), **options)
    assert digest(found) == digest(train(optim.Adam(lr=0.02), **options)[0])
    assert history.why.endswith(WHOLE)
    others = {practice: {"out.weight": 0.01}, "engine": "eager", "epochs": 1}
    found, history = train(optim.Adam(lr=0.02, lazy="exact"), **others)
    assert_close(found, train(optim.Adam(lr=0.02), **others)[0])
    assert history.why.endswith("looks up: words.weight")


@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("lazy", [True, "exact"])
def test_gradients_of_several_batches_update_the_table_whole(lazy, engine):
    options = {"accumulate": 3, "clip_norm": 0.3, "engine": engine}
    found, history = train(optim.Adam(lr=0.02, lazy=lazy), **options)
    assert digest(found) == digest(train(optim.Adam(lr=0.02), **options)[0])
    assert history.why.endswith("; sums over several batches are of whole parameters, which are "
                                "updated so")  # fmt: skip


def test_what_is_drawn_at_random_is_that_of_the_dense_rule():
    class Dropping(Bag):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.4)

        def forward(self, x, run=None):
            return self.out(self.drop(np.mean(self.words(x), axis=1), run))

    for make in EXACT:
        assert_close(train(make("exact"), Dropping())[0], train(make(False), Dropping())[0])


@pytest.mark.parametrize("clips", [{"clip_value": 1e-3}, {"clip_value": 2e-3, "clip_norm": 0.1}])
def test_the_sum_of_a_rows_gradients_is_clipped(clips):
    for make in (*EXACT, lambda lazy: optim.SGD(lr=0.2, lazy=bool(lazy))):
        assert_close(train(make("exact"), **clips)[0], train(make(False), **clips)[0])
    opt = optim.SGD(lr=1.0, lazy=True)
    found, _ = train(opt, epochs=1, batch_size=len(X), clip_value=1e-3)
    moves = np.abs(found.words.weight - Bag().words.weight)
    assert moves.max() == pytest.approx(1e-3)  # of rows that are looked up many times too
    agreeing, _ = train(opt, engine="numpy", **clips)
    assert_close(agreeing, train(opt, **clips)[0])


@pytest.mark.parametrize("make", EXACT, ids=lambda make: repr(make(False)))
def test_exact_rows_have_limited_norms_as_the_dense_rules_have(make):
    limited = {"max_norm": {"words.weight": 0.6}}
    found, history = train(make("exact"), **limited)
    assert_close(found, train(make(False), **limited)[0])
    assert history.why.endswith("looks up: words.weight")


@every_engine
def test_the_norms_of_rows_that_are_looked_up_are_limited(engine):
    opt = optim.Adam(lr=0.02, lazy=True)
    found, _ = train(opt, max_norm=0.6, engine=engine)
    read, before = np.unique(X), Bag().words.weight
    unread = np.setdiff1d(np.arange(N), read)
    assert np.linalg.norm(found.words.weight[read], axis=1).max() <= 0.6 + 1e-12
    np.testing.assert_array_equal(found.words.weight[unread], before[unread])
    assert np.linalg.norm(before[unread], axis=1).max() > 0.6
    assert_close(found, train(opt, max_norm=0.6)[0])


class Column(nn.Module):
    """A number for each word; a norm is that of all of them."""

    def __init__(self):
        self.numbers = np.cos(np.arange(float(N)))

    def forward(self, x):
        return np.sum(self.numbers[x], axis=1, keepdims=True)


def test_a_column_of_numbers_whose_norm_is_limited_is_updated_whole():
    for lazy in (True, "exact"):
        found, history = train(optim.Adam(lr=0.02, lazy=lazy), Column(), max_norm={"numbers": 1.5})
        assert digest(found) == digest(
            train(optim.Adam(lr=0.02), Column(), max_norm={"numbers": 1.5})[0]
        )
        assert history.why.endswith(WHOLE)
        _, history = train(optim.Adam(lr=0.02, lazy=lazy), Column())
        assert history.why.endswith("looks up: numbers")


AVERAGES = [
    lambda lazy: optim.EMA(optim.Adam(lr=0.02, lazy=lazy), decay=0.8, after_steps=7, every=2),
    lambda lazy: optim.SWA(optim.SGD(lr=0.2, momentum=0.9, lazy=lazy), every=3),
    lambda lazy: optim.Lookahead(optim.Adam(lr=0.02, lazy=lazy), k=4),
]


@pytest.mark.parametrize("make", AVERAGES, ids=lambda make: repr(make(False)))
def test_averages_are_those_of_the_dense_rule(make, tmp_path):
    options = {"validation": (X[:20], Y[:20]), "early_stopping": EarlyStopping(patience=9)}
    found, history = train(make("exact"), **options)
    expected, dense = train(make(False), **options)
    assert_close(found, expected)
    np.testing.assert_allclose(history["validation_loss"], dense["validation_loss"], 1e-11)
    place = Checkpoint(tmp_path, every_steps=5)
    with pytest.raises(ZeroDivisionError):
        train(make("exact"), place=place, callbacks=[StopAt(17)], **options)
    assert digest(train(make("exact"), place=place, resume=True, **options)[0]) == digest(found)
    with pytest.raises(Interrupted) as caught:
        train(make("exact"), callbacks=[StopAt(17, KeyboardInterrupt)])
    with pytest.raises(Interrupted) as other:
        train(make(False), callbacks=[StopAt(17, KeyboardInterrupt)])
    assert_close(caught.value.model, other.value.model)


def test_training_that_is_gone_on_with():
    rows, model, state = checked_rows((X, Y), None, np.float64), Bag(), None
    for _ in range(2):
        plan = Plan(nn.mse, optim.Adam(lr=0.02, lazy="exact"), 2, 8, 0, engine="eager")
        training = Training(plan, rows, model, optimizer_state=state)
        model, _ = training.run()
        state = training.state.optimizer_state
    expected, other = Bag(), None
    for _ in range(2):
        plan = Plan(nn.mse, optim.Adam(lr=0.02), 2, 8, 0, engine="eager")
        training = Training(plan, rows, expected, optimizer_state=other)
        expected, _ = training.run()
        other = training.state.optimizer_state
    assert_close(model, expected)


# Who looks ---------------------------------------------------------------------------------------


class Watching(Callback):
    """Keeps what it is shown after some steps."""

    def __init__(self):
        self.seen = {}

    def on_step_end(self, state):
        self.seen[state.step] = (
            state.model.words.weight.copy(),
            {k: v.copy() for k, v in state.optimizer_state["slots"]["words.weight"].items()},
        )


@pytest.mark.parametrize("make", EXACT, ids=lambda make: repr(make(False)))
def test_who_looks_sees_rows_up_to_date_and_changes_no_bit(make, tmp_path):
    watched, dense = Watching(), Watching()
    found, _ = train(make("exact"), callbacks=[watched])
    train(make(False), callbacks=[dense])
    for step, (table, slots) in watched.seen.items():
        expected, others = dense.seen[step]
        np.testing.assert_allclose(table, expected, 1e-11, 1e-13)
        for name, slot in others.items():
            np.testing.assert_allclose(slots[name], slot, 1e-11, 1e-200)
    quiet, _ = train(make("exact"))
    assert digest(found) == digest(quiet)
    often, _ = train(make("exact"), place=Checkpoint(tmp_path, every_steps=2))
    assert digest(often) == digest(quiet)


@pytest.mark.parametrize("lazy", [True, "exact"])
def test_a_resumed_run_ends_in_the_same_bytes(lazy, tmp_path):
    opt = optim.Adam(lr=0.02, lazy=lazy)
    stopping = EarlyStopping(patience=9, monitor="loss")
    whole = Checkpoint(tmp_path / "whole", every_steps=5)
    model, history = train(opt, place=whole, early_stopping=stopping)
    for step in (8, 17):
        place = Checkpoint(tmp_path / str(step), every_steps=5)
        with pytest.raises(ZeroDivisionError):
            train(opt, place=place, early_stopping=stopping, callbacks=[StopAt(step)])
        resumed, again = train(opt, place=place, early_stopping=stopping, resume=True)
        assert digest(resumed) == digest(model)
        assert again["loss"] == history["loss"]
        assert content(place.folder) == content(whole.folder)


def test_the_network_of_a_checkpoint_within_an_epoch_is_up_to_date(tmp_path):
    for lazy in (False, "exact"):
        with pytest.raises(ZeroDivisionError):
            train(
                optim.Adam(lr=0.02, lazy=lazy), callbacks=[StopAt(8)],
                place=Checkpoint(tmp_path / str(lazy), every_steps=7),
            )  # fmt: skip
    tables = [
        load_tensors(latest(tmp_path / str(lazy)) / "model.safetensors")[0]["words.weight"]
        for lazy in (False, "exact")
    ]
    np.testing.assert_allclose(tables[1], tables[0], 1e-11)
    state, _ = load_tensors(latest(tmp_path / "exact") / "state.safetensors")
    assert np.abs(state["waiting.words.weight"] - tables[0]).max() > 1e-3


def test_the_network_of_an_interrupted_run_is_up_to_date():
    models = []
    for lazy in (False, "exact"):
        with pytest.raises(Interrupted) as caught:
            train(optim.Adam(lr=0.02, lazy=lazy), callbacks=[StopAt(8, KeyboardInterrupt)])
        models.append(caught.value.model)
    assert_close(models[1], models[0])


@every_engine
def test_a_gradient_that_is_not_finite_is_named(engine):
    def steep(outputs, targets):
        return np.mean(np.sqrt(np.abs(outputs - outputs * 1.0)) * 1e200 * 1e200)

    with pytest.raises(NonFiniteError, match="step 1"):
        train(optim.Adam(lazy=True), loss=steep, engine=engine)
