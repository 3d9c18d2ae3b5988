"""What MLPClassifier and MLPRegressor have beyond scikit-learn's."""

from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule import nn, optim, training
from chainrule.errors import ArgumentError, DataError
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.validation import checked_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
RNG = np.random.default_rng(0)
LINE = RNG.uniform(-1, 1, (400, 1))
NOISY = LINE[:, 0] + RNG.exponential(1.0, 400)


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def leaky(z):
    return np.maximum(z, 0.1 * z)


def test_activations_of_each_layer_may_be_functions():
    model = MLPClassifier((8, 6), activation=[leaky, "tanh"], max_iter=40, random_state=0)
    model.fit(IRIS, SPECIES)
    first, second = (x for x in model.network_.layers if isinstance(x, nn.Activation))
    assert (first.function, second.function) == (leaky, "tanh")
    hidden = np.tanh(
        leaky(IRIS @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1]
        + model.intercepts_[1]
    )
    scores = hidden @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_array_equal(model.predict(IRIS), scores.argmax(axis=1))


def test_dropout_and_normalisation_are_of_training_alone():
    options = {"max_iter": 40, "random_state": 0, "learning_rate_init": 0.01}
    model = MLPClassifier((30, 20), dropout=[0.5, 0.0], normalization="batch", **options)
    model.fit(IRIS, SPECIES)
    assert kinds(model.network_) == [
        "Linear", "BatchNorm", "Activation", "Dropout", "Linear", "BatchNorm", "Activation",
        "Linear",
    ]  # fmt: skip
    assert model.score(IRIS, SPECIES) > 0.9
    assert np.abs(nn.named_buffers(model.network_)["1.running_mean"]).max() > 0
    np.testing.assert_array_equal(model.predict_proba(IRIS), model.predict_proba(IRIS))
    alone = np.concatenate([model.predict_proba(row[None]) for row in IRIS])
    np.testing.assert_allclose(model.predict_proba(IRIS), alone, rtol=1e-9)
    again = MLPClassifier((30, 20), dropout=[0.5, 0.0], normalization="batch", **options)
    assert again.fit(IRIS, SPECIES).coefs_[0].tobytes() == model.coefs_[0].tobytes()
    plain = MLPClassifier((30, 20), normalization="batch", **options).fit(IRIS, SPECIES)
    assert not np.array_equal(plain.coefs_[0], model.coefs_[0])
    layer = MLPClassifier((30,), normalization="layer", solver="lbfgs").fit(IRIS, SPECIES)
    assert layer.score(IRIS, SPECIES) > 0.97
    best = MLPClassifier((9,), normalization="batch", early_stopping=True, **options)
    assert best.fit(IRIS, SPECIES).score(IRIS, SPECIES) > 0.8


def test_class_weights_are_weights_of_rows():
    options = {"max_iter": 20, "random_state": 0}
    weight = np.array([1.0, 2.0, 5.0])
    by_class = MLPClassifier(class_weight=dict(enumerate(weight)), **options).fit(IRIS, SPECIES)
    by_row = MLPClassifier(**options).fit(IRIS, SPECIES, sample_weight=weight[SPECIES])
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])
    few = SPECIES[:60]
    balanced = MLPClassifier(class_weight="balanced", **options).fit(IRIS[:60], few)
    plain = MLPClassifier(**options).fit(IRIS[:60], few)
    assert (
        balanced.predict_proba(IRIS[:60])[:, 1].mean() > plain.predict_proba(IRIS[:60])[:, 1].mean()
    )


def test_balanced_weights_are_scikit_learns_and_heed_weights_of_rows():
    from sklearn.utils.class_weight import compute_sample_weight

    few, labels = SPECIES[:70], np.stack([SPECIES > 0, IRIS[:, 0] > 1], axis=1).astype(int)
    for y in (few, labels):
        expected = compute_sample_weight("balanced", y)
        np.testing.assert_allclose(checked_weights(IRIS[: len(y)], None, "balanced", y), expected)
    times = RNG.integers(0, 4, 70)
    found = checked_weights(IRIS[:70], times, "balanced", few)
    repeated = compute_sample_weight("balanced", np.repeat(few, times))
    np.testing.assert_allclose(np.repeat(found / np.maximum(times, 1), times), repeated)


def test_both_loss_curves_and_any_score():
    from sklearn.metrics import log_loss

    options = {"max_iter": 12, "random_state": 0, "alpha": 0.0}
    held = IRIS[::3], SPECIES[::3]
    model = MLPClassifier(**options).fit(IRIS, SPECIES, validation_data=held)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 12
    assert model.validation_scores_ is None
    last = log_loss(held[1], model.predict_proba(held[0]))
    assert model.validation_loss_curve_[-1] == pytest.approx(last)
    assert model.history_["validation_loss"] == model.validation_loss_curve_
    np.testing.assert_array_equal(
        MLPClassifier(**options).fit(IRIS, SPECIES).coefs_[0], model.coefs_[0]
    )
    stopping = {"early_stopping": True, **options}
    scored = MLPClassifier(scoring="neg_log_loss", **stopping).fit(
        IRIS, SPECIES, validation_data=(*held, np.ones(50))
    )
    losses = np.array(scored.validation_loss_curve_)
    np.testing.assert_allclose(scored.validation_scores_, -losses, rtol=1e-6)
    assert scored.best_validation_score_ == pytest.approx(-losses.min())
    mine = MLPRegressor(scoring=lambda model, X, y: float(len(X)), **stopping)
    mine.fit(LINE, NOISY)
    assert set(mine.validation_scores_) == {40.0}
    with pytest.raises(ArgumentError, match="validation_data must be"):
        MLPClassifier().fit(IRIS, SPECIES, validation_data=IRIS)
    with pytest.raises(DataError, match=r"not in `self.classes_`"):
        MLPClassifier().fit(IRIS[:100], SPECIES[:100], validation_data=held)


def test_early_stopping_returns_to_the_best_epoch():
    model = MLPRegressor(
        hidden_layer_sizes=(50,), early_stopping=True, learning_rate_init=0.05, random_state=0,
        n_iter_no_change=5,
    )  # fmt: skip
    model.fit(LINE, NOISY, validation_data=(LINE[:50], NOISY[:50]))
    assert model.n_iter_ < 200
    assert model.score(LINE[:50], NOISY[:50]) == pytest.approx(model.best_validation_score_)


def test_stopping_may_change_between_fits():
    options = {"max_iter": 3, "warm_start": True, "random_state": 0}
    model = MLPClassifier(**options).fit(IRIS, SPECIES)
    model.set_params(early_stopping=True).fit(IRIS, SPECIES)
    assert (len(model.loss_curve_), len(model.validation_scores_)) == (6, 3)
    assert model.best_loss_ is None
    model.set_params(early_stopping=False).partial_fit(IRIS, SPECIES)
    assert model.best_loss_ == model.loss_curve_[-1]


def test_optimizers_and_schedules_are_objects():
    options = {"max_iter": 20, "random_state": 0, "batch_size": 50}
    falling = optim.Cosine(60)
    seen = []

    class Rates(training.Callback):
        def on_epoch_end(self, state):
            seen.append(state.lr)

    model = MLPClassifier(
        solver=optim.Adam(lr=0.02), learning_rate=falling, callbacks=[Rates()], **options
    ).fit(IRIS, SPECIES)
    np.testing.assert_allclose(seen, [0.02 * falling(3 * i + 2) for i in range(20)])
    assert model.score(IRIS, SPECIES) > 0.95
    plain = MLPClassifier(solver="adam", learning_rate_init=0.02, **options).fit(IRIS, SPECIES)
    same = MLPClassifier(solver=optim.Adam(lr=0.02), **options).fit(IRIS, SPECIES)
    np.testing.assert_allclose(same.predict_proba(IRIS), plain.predict_proba(IRIS), atol=1e-3)


def test_callbacks_of_both_kinds_can_stop():
    class Three(training.Callback):
        def on_epoch_end(self, state):
            return state.epoch == 3

    assert MLPClassifier(callbacks=[Three()]).fit(IRIS, SPECIES).n_iter_ == 3
    pytest.importorskip("sklearn.callback")
    events = []

    class Recorder:
        def setup(self, estimator, context):
            events.append("setup")

        def on_fit_task_begin(self, estimator, context, *, X=None):
            events.append(f"begin {context.task_name} {X is not None}")

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            events.append(f"end {context.task_name}")
            if context.task_name == "epoch":
                events.append(fitted_estimator)
                return context.task_id == 1
            return False

        def teardown(self, estimator, context):
            events.append("teardown")

    model = MLPClassifier(random_state=0).set_callbacks(Recorder()).fit(IRIS, SPECIES)
    assert model.n_iter_ == 2
    words = [event for event in events if isinstance(event, str)]
    assert words == [
        "setup", "begin fit True", "begin epoch True", "end epoch", "begin epoch True",
        "end epoch", "end fit", "teardown",
    ]  # fmt: skip
    first, second = [event for event in events if not isinstance(event, str)]
    np.testing.assert_array_equal(second.predict_proba(IRIS), model.predict_proba(IRIS))
    assert not np.array_equal(first.predict_proba(IRIS), model.predict_proba(IRIS))


def test_scikit_learns_own_callbacks_watch():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring=["accuracy"])
    model = MLPClassifier(max_iter=5, random_state=0).set_callbacks(monitor)
    model.fit(IRIS, SPECIES)
    log = monitor.get_logs()
    scores = [row["accuracy"] for row in log.data if row["task_name"] == "epoch"]
    assert len(scores) == 5
    assert scores[-1] == model.score(IRIS, SPECIES)


def test_progress_is_printed_or_a_bar(capsys):
    MLPClassifier(max_iter=2, verbose=True, early_stopping=True).fit(IRIS, SPECIES)
    out, err = capsys.readouterr()
    assert "Iteration 2, loss = " in out
    assert "Validation score: " in out
    MLPClassifier(max_iter=2, verbose="bar").fit(IRIS, SPECIES)
    out, err = capsys.readouterr()
    assert not out
    assert "epoch 2/2" in err


def mean_square(outputs, targets):
    return np.mean((outputs - targets) ** 2)


def test_a_loss_may_be_a_plain_function():
    options = {"max_iter": 30, "random_state": 0, "learning_rate_init": 0.02}
    named = MLPRegressor(loss=nn.mse, **options).fit(LINE, NOISY)
    plain = MLPRegressor(loss=mean_square, **options).fit(LINE, NOISY)
    np.testing.assert_allclose(plain.predict(LINE), named.predict(LINE), rtol=1e-6)
    rows = MLPRegressor(loss=lambda o, t: (o - t)[:, 0] ** 2, **options)
    weight = RNG.random(400)
    rows.fit(LINE, NOISY, sample_weight=weight)
    expected = MLPRegressor(loss=nn.mse, **options).fit(LINE, NOISY, sample_weight=weight)
    np.testing.assert_allclose(rows.predict(LINE), expected.predict(LINE), rtol=1e-6)
    with pytest.raises(ArgumentError, match="one cost a row"):
        MLPRegressor(loss=mean_square, **options).fit(LINE, NOISY, sample_weight=weight)
    smooth = partial(nn.cross_entropy, label_smoothing=0.3)
    soft = MLPClassifier(loss=smooth, **options).fit(IRIS, SPECIES)
    hard = MLPClassifier(**options).fit(IRIS, SPECIES)
    assert soft.predict_proba(IRIS).max() < hard.predict_proba(IRIS).max()


def test_each_target_may_have_a_loss_of_its_own():
    pd = pytest.importorskip("pandas")
    counts = RNG.poisson(np.exp(LINE[:, 0] + 1))
    grades = np.digitize(LINE[:, 0] + RNG.normal(0, 0.1, 400), [-0.3, 0.4]) * 10
    Y = pd.DataFrame({"delay": NOISY, "count": counts, "grade": grades})
    losses = {"grade": "ordinal", "delay": partial(nn.quantile, level=0.9), "count": "poisson"}
    options = {"hidden_layer_sizes": (20,), "solver": "lbfgs", "random_state": 0}
    model = MLPRegressor(losses, **options).fit(LINE, Y)
    delay, count, grade = model.predict(LINE).T
    assert model.n_outputs_ == 4
    assert model.out_activation_ == "mixed"
    assert 0.87 < np.mean(delay > NOISY) < 0.93
    assert np.all(count > 0)
    assert np.corrcoef(count, np.exp(LINE[:, 0] + 1))[0, 1] > 0.95
    assert set(grade) <= {0, 10, 20}
    assert np.mean(grade == grades) > 0.85
    listed = MLPRegressor([losses[name] for name in Y], **options).fit(LINE, Y.to_numpy())
    np.testing.assert_array_equal(listed.predict(LINE), model.predict(LINE))
    alone = MLPRegressor("ordinal", **options).fit(LINE, grades)
    assert np.mean(alone.predict(LINE) == grades) > 0.85
    for loss in ("absolute_error", "huber", "quantile"):
        middle = MLPRegressor(loss, **options).fit(LINE, NOISY).predict(LINE)
        assert 0.4 < np.mean(middle > NOISY) < 0.75
    assert model.explain_(LINE[:3], Y[:3]).ok
    with pytest.raises(ArgumentError, match="names the columns"):
        MLPRegressor({"delay": "huber"}).fit(LINE, Y)
    with pytest.raises(ArgumentError, match="2 losses for 3 columns"):
        MLPRegressor(["huber", "huber"]).fit(LINE, Y)
    with pytest.raises(DataError, match="other values than"):
        MLPRegressor("ordinal").partial_fit(LINE, grades).partial_fit(LINE, grades + 1)
    with pytest.raises(DataError, match="row 0 has one"):
        MLPRegressor("poisson").fit(LINE, NOISY - 100)


@pytest.mark.parametrize(
    "asked", ["from_dtype", ["kind", "text"], [1, 2], [False, True, True, False], [-3, "text"]]
)
def test_categories_have_vectors(asked):
    pd = pytest.importorskip("pandas")
    text = np.where(RNG.random(150) < 0.2, None, "t")
    frame = pd.DataFrame({"a": IRIS[:, 0], "kind": np.array(list("xyz"))[SPECIES], "text": text})
    frame["d"] = IRIS[:, 3].astype(np.float32)
    frame["kind"] = frame["kind"].astype("category")
    model = MLPClassifier(
        (10,), categorical_features=asked, learning_rate_init=0.02, max_iter=60, random_state=0
    )
    model.fit(frame, SPECIES)
    assert model.score(frame, SPECIES) == 1.0
    assert model.feature_names_in_.tolist() == ["a", "kind", "text", "d"]
    assert [len(e.weight) for e in model.network_.embeddings] == [5, 3]
    array = MLPClassifier(
        (10,), categorical_features=[1, 2], learning_rate_init=0.02, max_iter=60, random_state=0
    )
    array.fit(frame.to_numpy(dtype=object), SPECIES)
    np.testing.assert_allclose(
        array.predict_proba(frame.to_numpy(dtype=object)), model.predict_proba(frame), rtol=1e-9
    )
    table = model.network_.embeddings[0].weight
    np.testing.assert_allclose(table[:2], np.tile(table[2:].mean(axis=0), (2, 1)))
    strange = frame.head(3).assign(kind=["q", None, "x"])
    assert np.isfinite(model.predict_proba(strange)).all()
    model.partial_fit(strange, SPECIES[:3])
    with pytest.raises(ValueError, match="NaN: column 'd', row 1"):
        model.predict(frame.head(3).assign(d=[0.0, np.nan, 1.0]))
    with pytest.raises(DataError, match=r"column 2 holds .* not numbers"):
        MLPClassifier(categorical_features=["kind"]).fit(frame, SPECIES)
    watched = MLPClassifier(categorical_features=asked, early_stopping=True, scoring="f1_macro")
    assert watched.fit(frame, SPECIES, validation_data=(frame, SPECIES)).validation_scores_
    assert model.explain_(frame[:4], SPECIES[:4]).ok


def test_fitted_networks_explain_and_diagnose_themselves():
    model = MLPClassifier((5,), activation="tanh", max_iter=10, random_state=0).fit(IRIS, SPECIES)
    explanation = model.explain_(IRIS[:3], SPECIES[:3])
    assert explanation.ok
    assert float(explanation.account.loss.value) == pytest.approx(
        -np.log(model.predict_proba(IRIS[:3])[range(3), SPECIES[:3]]).mean()
    )
    wild = MLPClassifier((5,), max_iter=10, random_state=0).fit(IRIS * [1, 1, 1, 1e4], SPECIES)
    diagnosis = wild.diagnose_(IRIS * [1, 1, 1, 1e4], SPECIES, optimizer=optim.Adam())
    assert isinstance(diagnosis, cr.doctor.Diagnosis)
    assert "unscaled-inputs" in diagnosis.codes
    numbers = MLPRegressor(hidden_layer_sizes=(5,), max_iter=5).fit(LINE, NOISY)
    assert numbers.explain_(LINE[:4], NOISY[:4]).ok
    assert isinstance(numbers.diagnose_(LINE, NOISY), cr.doctor.Diagnosis)


def test_one_class_and_no_hidden_layer():
    one = MLPClassifier(max_iter=3).fit(IRIS, np.full(150, "only"))
    assert set(one.predict(IRIS)) == {"only"}
    np.testing.assert_array_equal(one.predict_proba(IRIS), np.ones((150, 1)))
    linear = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(
        IRIS, IRIS @ [1, 2, 3, 4]
    )
    np.testing.assert_allclose(linear.coefs_[0][:, 0], [1, 2, 3, 4], rtol=1e-3)
