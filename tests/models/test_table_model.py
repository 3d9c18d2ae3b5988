"""TableModel, Trial, baselines and the run folder."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from chainrule.data import SCALINGS, Table, derive_target, load_digits, load_iris, read_table
from chainrule.errors import ArgumentError, DataError, FileFormatError
from chainrule.models import ConstantModel, Settings, TableModel, Trial, linear_model
from chainrule.models.run_folder import CHECKPOINT, is_complete, write_columns, write_run
from chainrule.models.scores import headline
from chainrule.models.settings import _ALLOWED, OPTIMIZERS

QUICK = Settings(hidden=(8,), epochs=3)


def mixed(n=240, seed=0):
    """Rows with every kind of column, missing values and an embedded category."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    town = rng.integers(40, size=n)
    colour = rng.choice(["red", "blue"], n)
    price = 3 * size + (colour == "red") + 0.1 * town
    return Table.from_columns({
        "size": [None if i % 17 == 0 else value for i, value in enumerate(size.tolist())],
        "town": [f"town {i}" for i in town],
        "colour": colour,
        "new": rng.choice(["yes", "no"], n),
        "day": [f"2024-0{1 + i % 9}-11" for i in range(n)],
        "price": price,
        "cheap": np.where(price < 2, "yes", "no"),
        "big": np.where(size > 0, "yes", "no"),
        "grade": np.array(["a", "b", "c"])[np.digitize(price, [0, 3])],
    })  # fmt: skip


TASKS = {
    "regression": ["price"],
    "binary": ["cheap"],
    "multiclass": ["grade"],
    "multilabel": ["cheap", "big"],
}


@pytest.mark.parametrize("task", TASKS)
def test_the_task_gives_outputs_activation_and_loss(task):
    trial = Trial.prepare(mixed(), TASKS[task], settings=QUICK)
    model = trial.model
    assert model.target.task == task
    outputs, activation, loss = {
        "regression": (1, "identity", "mse"),
        "binary": (1, "sigmoid", "binary_cross_entropy"),
        "multiclass": (3, "softmax", "cross_entropy"),
        "multilabel": (2, "sigmoid", "binary_cross_entropy"),
    }[task]
    assert (model.target.outputs, model.given.activation, model.given.loss) == (
        outputs,
        activation,
        loss,
    )
    assert model.outputs(trial.held_out).shape == (len(trial.held_out), outputs)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_learnt(task):
    settings = Settings(hidden=(16,), epochs=30, dropout=0.0)
    scores = Trial.prepare(mixed(), TASKS[task], settings=settings).run().metrics()["held_out"]
    name, network = headline(scores["network"])
    assert network > scores["constant"][name] + 0.15
    assert network > 0.7


@pytest.mark.parametrize("scaling", SCALINGS)
def test_numbers_are_scaled_as_the_settings_say_also_after_loading(scaling, tmp_path):
    settings = replace(QUICK, scaling=scaling)
    model = Trial.prepare(mixed(), "price", settings=settings).run().trial.model
    model.save(tmp_path)
    again = TableModel.load(tmp_path)
    assert again.settings.scaling == scaling
    assert again.predict(mixed()) == model.predict(mixed())


def test_balanced_classes_make_the_rare_one_likelier():
    table = mixed(400)
    cheap = np.array(table["cheap"].categories()[0])[table["cheap"].categories()[1]] == "yes"
    table = table.take(np.flatnonzero(~cheap | (np.arange(400) % 8 == 0)))
    shares = []
    for class_weight in ("none", "balanced"):
        settings = Settings(hidden=(), epochs=20, dropout=0.0, class_weight=class_weight)
        model = TableModel.untrained(table, derive_target(table, "cheap"), settings)
        shares.append(model.fit(table)[0].finished(table)[:, 1].mean())
    assert shares[1] > shares[0] + 0.05


def test_numbers_have_no_classes_to_weigh():
    settings = replace(QUICK, class_weight="balanced")
    with pytest.raises(DataError, match="class_weight is for classes"):
        Trial.prepare(mixed(), "price", settings=settings)


@pytest.mark.parametrize("task", TASKS)
def test_a_run_is_written_whole_and_read_back(task, tmp_path):
    result = Trial.prepare(mixed(), TASKS[task], settings=QUICK).run()
    (tmp_path / CHECKPOINT).mkdir()
    metrics = write_run(result, tmp_path / ".")
    assert is_complete(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "config.json", "history.csv", "metrics.json", "predictions.csv", "weights.safetensors",
    ]  # fmt: skip
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    held_out = result.trial.held_out
    loaded = TableModel.load(tmp_path)
    assert loaded.predict(held_out) == result.trial.model.predict(held_out)
    assert loaded.score(held_out) == metrics["held_out"]["network"]
    assert loaded.settings == result.trial.model.settings
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == held_out.lines.tolist()
    assert set(TASKS[task]) < set(rows[0])
    history = (tmp_path / "history.csv").read_text().splitlines()
    assert len(history) == 4
    assert "seconds" not in history[0]


def test_targets_are_no_inputs():
    model = Trial.prepare(mixed(), ["cheap", "big"], settings=QUICK).model
    names = {column.name for column in model.encoder.inputs}
    assert names == {"size", "town", "colour", "new", "day", "price", "grade"}


def test_many_categories_are_embedded_and_all_rows_predicted():
    model = Trial.prepare(mixed(), "price", settings=QUICK).model
    assert model.encoder.embedded == {"town": (42, 13)}
    assert model.network.embeddings[0].weight.shape == (42, 13)
    strange = mixed(4)
    columns = {name: [strange[name].text(i) for i in range(4)] for name in strange.names}
    columns["town"] = ["nowhere", "", "town 1", "?"]
    assert np.isfinite(model.predict(columns)["predicted price"]).all()


@pytest.mark.parametrize(
    ("rows", "regression", "held"),
    [(199, True, 0.0), (200, True, 0.1), (5_000, False, 0.0), (5_001, False, 0.1)],
)
def test_rows_are_held_out_to_stop_early_where_there_are_enough(rows, regression, held):
    assert Settings().resolved(rows, regression).validation == held


def test_parts_are_stratified_disjoint_and_seeded():
    table = mixed(400)
    trial, same, other = (
        Trial.prepare(table, "grade", settings=Settings(seed=s, epochs=1, validation=0.1))
        for s in (3, 3, 4)
    )
    lines = [
        set(part.lines.tolist()) for part in (trial.training, trial.validation, trial.held_out)
    ]
    assert sum(map(len, lines)) == len(set().union(*lines)) == 400
    assert trial.held_out.lines.tolist() == same.held_out.lines.tolist()
    assert trial.held_out.lines.tolist() != other.held_out.lines.tolist()
    whole, held = (
        np.unique(part["grade"].categories()[1], return_counts=True)[1]
        for part in (table, trial.held_out)
    )
    assert np.abs(held / whole - 0.2).max() < 0.03


def test_rows_without_a_target_are_dropped():
    table = Table.from_columns(
        {"x": [i % 7 for i in range(50)], "y": [None, 1.5] + [i / 7 for i in range(48)]}
    )
    trial = Trial.prepare(table, "y", settings=QUICK)
    assert len(trial.training) + len(trial.held_out) == 49
    assert "1 of 50 rows have no target" in trial.model.target.notices[0]


def test_the_type_of_the_target_decides_the_task():
    table = Table.from_columns({"x": [i % 9 for i in range(60)], "y": [i % 3 for i in range(60)]})

    def task(**types):
        return Trial.prepare(table, "y", types=types, settings=QUICK).model.target.task

    assert (task(), task(y="number"), task(y="category")) == (
        "multiclass",
        "regression",
        "multiclass",
    )
    with pytest.raises(DataError, match="not 'date'"):
        task(y="date")


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_run(Trial.prepare(mixed(), "grade", settings=QUICK).run(), tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_baselines_answer_as_they_should():
    table = mixed()
    model = TableModel.untrained(table, derive_target(table, "price"))
    mean = ConstantModel.fit(model, table).score(table)
    assert abs(mean["r2"]) < 1e-9
    numbers = table["price"].numbers()
    assert mean["outputs"][0]["rmse"] == pytest.approx(numbers.std())
    assert linear_model(model, table).score(table)["r2"] > 0.85
    labels = TableModel.untrained(table, derive_target(table, ["cheap", "big"]))
    constant = ConstantModel.fit(labels, table).score(table)
    share = (numbers < 2).mean(), (table["big"].categories()[1] == 1).mean()
    assert constant["accuracy"] == pytest.approx(np.mean([max(p, 1 - p) for p in share]))


def test_a_damaged_folder_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"config\.json is missing"):
        TableModel.load(tmp_path)
    model = Trial.prepare(mixed(), "price", settings=QUICK).model
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for change, match in [
        ({"format": 99}, "format 1"),
        ({"network": {"layer": "os.system"}}, "no configuration of a TableNetwork"),
        ({"network": {**config["network"], "n_numbers": 3}}, "sizes"),
        ({"target": {}}, "target"),
        ({"encoder": None}, "encoder"),
        ({"settings": {"epochs": 0}}, "settings"),
    ]:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(FileFormatError, match=match):
            TableModel.load(tmp_path)


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="too few"):
        Trial.prepare(Table.from_columns({"x": [1.5, 2.0], "y": [1.0, 2.5]}), "y")


@pytest.mark.parametrize("name", _ALLOWED)
def test_settings_refuse_what_cannot_be(name):
    for value in _ALLOWED[name].bad_values():
        if value is not None:
            with pytest.raises(ArgumentError, match=name):
                Settings(**{name: value})
    with pytest.raises(ArgumentError, match="hidden"):
        Settings(hidden=(4, 0))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("regression", [False, True])
def test_every_optimizer_has_settings(name, regression):
    settings = Settings(optimizer=name).resolved(100, regression)
    assert None not in vars(settings).values()
    made = settings.make_optimizer()
    assert type(made) is OPTIMIZERS[name]
    assert made.lr == settings.lr
    assert made.hyperparameters().get("weight_decay", 0.0) == settings.weight_decay


def test_settings_refuse_what_an_optimizer_does_not_have():
    with pytest.raises(ArgumentError, match=r"weight_decay is 0.1.*'rprop' does not have"):
        Settings(optimizer="rprop", weight_decay=0.1)
    assert Settings(optimizer="rprop", weight_decay=0.0).resolved(10).lr == 0.01
    assert Settings(optimizer="adamw").resolved(1000).weight_decay == 0.01
    assert Settings(optimizer="adamw", weight_decay=0.3).resolved(10).weight_decay == 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(name):
    trial = Trial.prepare(load_iris(), "species", settings=Settings(optimizer=name))
    model, _ = trial.model.fit(trial.training, engine="numpy")
    assert model.score(trial.held_out)["accuracy"] >= 0.85


@pytest.mark.parametrize("n_rows", [10, 1_000, 10_000, 50_000, 10**6])
def test_settings_decide_everything_that_is_open(n_rows):
    settings = Settings(dropout=0.25).resolved(n_rows)
    assert None not in vars(settings).values()
    assert settings.dropout == 0.25
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_formulas_are_disarmed_on_request_only(capsys):
    import sys

    columns = {"+a": ["=1+1", "@x", "-3", "\tb", "fine"], "p": [-0.5, 1, 2, 3, 4]}
    write_columns(sys.stdout, columns)
    assert capsys.readouterr().out.splitlines()[:2] == ["+a,p", "=1+1,-0.5"]
    write_columns(sys.stdout, columns, safe=True)
    assert capsys.readouterr().out.splitlines() == [
        "'+a,p", "'=1+1,-0.5", "'@x,1", "-3,2", "'\tb,3", "fine,4",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
def test_iris_with_the_defaults(seed):
    trial = Trial.prepare(load_iris(), "species", settings=Settings(seed=seed))
    model, _ = trial.model.fit(trial.training, trial.validation)
    assert model.score(trial.held_out)["accuracy"] >= 0.93


def test_digits_with_the_defaults():
    trial = Trial.prepare(load_digits(), "digit")
    model, _ = trial.model.fit(trial.training, trial.validation)
    assert model.score(trial.held_out)["accuracy"] >= 0.97


@pytest.mark.parametrize("task", TASKS)
def test_a_prediction_does_not_hang_on_the_rows_beside_it(task):
    table = mixed()
    model = Trial.prepare(table, TASKS[task], settings=QUICK).model
    together = model.predict(table)
    for size in (1, 7):
        parts = [
            model.predict(table.take(np.arange(start, min(start + size, len(table)))))
            for start in range(0, len(table), size)
        ]
        assert {name: [x for part in parts for x in part[name]] for name in together} == together


def test_held_out_rows_leave_no_trace_in_what_is_fitted():
    table, settings = mixed(), Settings(hidden=(8,), validation=0.2)
    first = Trial.prepare(table, "price", settings=settings)
    parts = [first.training.lines, first.validation.lines, first.held_out.lines]
    assert sorted(np.concatenate(parts).tolist()) == table.lines.tolist()
    unseen = ~np.isin(table.lines, first.training.lines)
    towns = [f"elsewhere {i}" if new else table["town"].text(i) for i, new in enumerate(unseen)]
    other = Table.from_columns({
        "size": np.where(unseen, 1e6, table["size"].numbers()),
        "town": towns,
        "price": np.where(unseen, -1e6, table["price"].numbers()),
    })  # fmt: skip
    changed = Table({**table.columns, **other.columns}, table.lines)
    second = Trial.prepare(changed, "price", settings=settings, types={"town": "category"})
    assert second.model.encoder.to_dict()["inputs"] == first.model.encoder.to_dict()["inputs"]
    assert second.model.target.to_dict() == first.model.target.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_adult_with_the_defaults(shared_data, seed):
    table = read_table(shared_data("adult/adult.data.gz"))
    result = Trial.prepare(table, "column15", settings=Settings(seed=seed)).run()
    scores = result.metrics()["held_out"]
    assert scores["network"]["accuracy"] >= 0.85
    assert scores["network"]["log_loss"] < scores["linear"]["log_loss"]
    assert 0.74 < scores["constant"]["accuracy"] < 0.78


@pytest.mark.slow
def test_california_with_the_defaults(shared_data):
    table = read_table(shared_data("california-housing/housing.csv.gz"))
    scores = Trial.prepare(table, "median_house_value").run().metrics()["held_out"]
    rmse = {name: found["outputs"][0]["rmse"] for name, found in scores.items()}
    assert rmse["network"] < 56_000 < rmse["linear"] < 75_000 < rmse["constant"]


def test_few_noisy_numbers_are_not_learnt_by_heart(shared_data):
    table = read_table(shared_data("wine-quality/winequality-red.csv"))
    found = []
    for seed in range(3):
        rows = np.sort(np.random.default_rng(seed).choice(len(table), 200, replace=False))
        trial = Trial.prepare(
            table.take(rows), "quality", task="regression", hold_out=0.3,
            settings=Settings(seed=seed),
        )  # fmt: skip
        found.append(trial.model.fit(trial.training)[0].score(trial.held_out)["r2"])
    assert np.mean(found) > 0.1


@pytest.mark.parametrize(("name", "target"), [("", "species"), ("_raw", "Species")])
def test_penguins_with_the_defaults(shared_data, name, target):
    table = read_table(shared_data(f"penguins/penguins{name}.csv"))
    trial = Trial.prepare(table, target)
    model, _ = trial.model.fit(trial.training, trial.validation)
    assert model.score(trial.held_out)["accuracy"] >= 0.97
