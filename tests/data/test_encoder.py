"""From tables to arrays: fitted on the training rows, strict with new ones."""

import json

import numpy as np
import pytest

from chainrule.data import SCALINGS, Table, TableEncoder, column_types, read_table
from chainrule.data.columns import number_values
from chainrule.errors import ArgumentError, DataError, FileFormatError


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 200
    return Table.from_columns(
        {
            "size": np.where(np.arange(n) % 9 == 0, np.nan, rng.normal(50, 9, n)),
            "flag": ["yes", "no", None, "no"] * 50,
            "colour": ["red", "green", "blue", ""] * 50,
            "city": [f"city {i % 40}" for i in range(n)],
            "day": [f"2020-{1 + i % 12:02}-15 06:00" for i in range(n)],
            "same": [1] * n,
            "price": rng.normal(size=n),
        }
    )


def test_shapes_names_and_types(table):
    encoder = TableEncoder.fit(table, target="price")
    arrays = encoder.transform(table)
    assert encoder.feature_names == [
        "size",
        "size is missing",
        "flag",
        "flag is missing",
        "colour=blue",
        "colour=green",
        "colour=red",
        "colour is missing",
        "day elapsed",
        "day year",
        "day month sine",
        "day month cosine",
        "day weekday sine",
        "day weekday cosine",
        "day day of year sine",
        "day day of year cosine",
        "day hour sine",
        "day hour cosine",
    ]
    assert arrays["numbers"].shape == (200, 18)
    assert arrays["numbers"].dtype == np.float32
    assert np.isfinite(arrays["numbers"]).all()
    assert arrays["codes"].shape == (200, 1)
    assert arrays["codes"].dtype == np.int64
    assert encoder.embedded == {"city": (42, 13)}
    assert encoder.left_out == {"same": "left out: it is 1 in every row"}


def test_numbers_are_standardised_and_missing_ones_marked(table):
    numbers = TableEncoder.fit(table, target="price").transform(table)["numbers"]
    known = numbers[numbers[:, 1] == 0, 0]
    assert known.mean() == pytest.approx(0, abs=1e-6)
    assert known.std() == pytest.approx(1, abs=1e-6)
    filled = numbers[numbers[:, 1] == 1, 0]
    assert np.allclose(filled, np.median(known), atol=1e-6)


def test_dates_go_round():
    days = {"day": ["2020-01-01", "2020-07-01", "2021-01-01", "2019-12-31"]}
    encoder = TableEncoder.fit(days)
    numbers = encoder.transform(days)["numbers"].astype(float)
    place = {name.removeprefix("day "): i for i, name in enumerate(encoder.feature_names)}
    angle = 2 * np.pi * 6 / 12
    assert numbers[1, place["month sine"]] == pytest.approx(np.sin(angle), abs=1e-6)
    assert numbers[1, place["month cosine"]] == pytest.approx(np.cos(angle), abs=1e-6)
    wednesday = 2 * np.pi * 2 / 7
    assert numbers[0, place["weekday sine"]] == pytest.approx(np.sin(wednesday), abs=1e-6)
    wave = [place["day of year sine"], place["day of year cosine"]]
    assert np.linalg.norm(numbers[0, wave] - numbers[3, wave]) < 0.05
    assert np.linalg.norm(numbers[0, wave] - numbers[1, wave]) > 1.9
    assert numbers[:, place["elapsed"]].mean() == pytest.approx(0, abs=1e-6)


def test_only_the_training_rows_are_seen(table):
    types = column_types(table)
    train = table.take(np.arange(20))
    encoder = TableEncoder.fit(train, target="price", types=types)
    arrays = encoder.transform(table)
    numbers = arrays["numbers"][:20]
    assert numbers[numbers[:, 1] == 0, 0].mean() == pytest.approx(0, abs=1e-6)
    assert len(encoder.inputs[3].levels) == 20


def test_unknown_categories_are_zeros_and_reported():
    encoder = TableEncoder.fit({"c": ["a", "b", "a"], "x": [1, 2, 4]})
    new = {"x": [1, None, 3], "c": ["z", "b", None], "more": ["?", "?", "?"]}
    assert encoder.transform(new)["numbers"][:, :2].tolist() == [[0, 0], [0, 1], [0, 0]]
    assert encoder.surprises(new) == {
        "c": "1 of 3 rows: a category that training never met, 'z'",
        "x": "1 of 3 rows: a missing value, which training never met; the median stands for it",
    }
    assert encoder.surprises({"c": ["a"], "x": [3]}) == {}


def test_embedded_codes():
    encoder = TableEncoder.fit({"c": ["b", "a", "c", "c"]}, embed_above=2)
    assert encoder.embedded == {"c": (5, 4)}
    assert encoder.feature_names == []
    arrays = encoder.transform({"c": ["a", "b", "c", "q", None]})
    assert list(arrays) == ["codes"]
    assert arrays["codes"].tolist() == [[2], [3], [4], [0], [1]]


def test_constants_of_a_part_do_no_harm():
    types = column_types(Table.from_columns({"x": [0.1] * 5 + [3]}))
    encoder = TableEncoder.fit({"x": [0.1] * 5}, types=types)
    assert encoder.transform({"x": [0.1, 1.1]})["numbers"].tolist() == [[0.0], [1.0]]


def test_refusals(table):
    encoder = TableEncoder.fit(table, target="price")
    with pytest.raises(DataError, match="no columns 'size', 'city'"):
        encoder.transform(table.drop(["city", "size"]))
    new = {name: [table[name].text(1)] * 3 for name in table.names}
    with pytest.raises(DataError, match="row 2, column 'size': 'big' stands among numbers"):
        encoder.transform({**new, "size": ["1", "big", "2"]})
    with pytest.raises(DataError, match="row 1, column 'flag'"):
        encoder.transform({**new, "flag": ["perhaps", "yes", "no"]})
    with pytest.raises(DataError, match="row 3, column 'size': '1e\\+200' is too far"):
        encoder.transform({**new, "size": [1.0, 2.0, 1e200]})
    with pytest.raises(DataError, match="no column is left to learn from: 'x' is left out"):
        TableEncoder.fit({"x": [1, 1], "y": [1, 2]}, target="y")
    with pytest.raises(DataError, match="no column 'z'"):
        TableEncoder.fit(table, target="z")
    with pytest.raises(DataError, match="no row"):
        TableEncoder.fit(table.take(np.arange(0)))


@pytest.mark.parametrize("scaling", SCALINGS)
def test_it_is_data(table, scaling):
    encoder = TableEncoder.fit(table, target="price", scaling=scaling)
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    for key, array in encoder.transform(table).items():
        assert np.array_equal(array, again.transform(table)[key])


@pytest.mark.parametrize("scaling", SCALINGS)
def test_numbers_are_scaled_as_is_said(table, scaling):
    encoder = TableEncoder.fit(table, target="price", scaling=scaling)
    values = number_values(table, "size")
    filled = np.where(np.isnan(values), np.nanmedian(values), values)
    expected = SCALINGS[scaling](values).transform(filled)
    np.testing.assert_allclose(encoder.transform(table)["numbers"][:, 0], expected, rtol=1e-6)


def test_a_scaling_that_is_not_there(table):
    with pytest.raises(ArgumentError, match="scaling must be one of 'standard'"):
        TableEncoder.fit(table, scaling="log")


def test_hostile_names_stay_texts():
    name = '"); import os\n\u2028#'
    encoder = TableEncoder.fit({name: ["a'", 'b"', "a'"]})
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again.feature_names == [f"{name}=a'", f'{name}=b"']


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.update(version=2),
        lambda d: d.update(inputs={}),
        lambda d: d.pop("left_out"),
        lambda d: d["inputs"].append("x"),
        lambda d: d["inputs"].append(d["inputs"][0]),
        lambda d: d["inputs"][0].update(kind="os.system"),
        lambda d: d["inputs"][0].update(kind=["number"]),
        lambda d: d["inputs"][0].update(scale=0.0),
        lambda d: d["inputs"][0].update(scale=float("nan")),
        lambda d: d["inputs"][0].update(center="1"),
        lambda d: d["inputs"][0].update(indicator=1),
        lambda d: d["inputs"][0].pop("median"),
        lambda d: d["inputs"][0].update(extra=1),
        lambda d: d["inputs"][2].update(levels=[1]),
    ],
)
def test_damaged_data_is_refused(table, damage):
    data = json.loads(json.dumps(TableEncoder.fit(table, target="price").to_dict()))
    damage(data)
    with pytest.raises(FileFormatError):
        TableEncoder.from_dict(data)


@pytest.mark.parametrize(
    "damage",
    [
        {"quantiles": [1.0]}, {"quantiles": [2.0, 1.0]}, {"quantiles": ["a", "b"]},
        {"quantiles": [0.0, float("nan")]}, {"output": "gamma"}, {"output": 1},
    ],
)  # fmt: skip
def test_damaged_quantiles_are_refused(table, damage):
    encoder = TableEncoder.fit(table, target="price", scaling="quantile-normal")
    data = json.loads(json.dumps(encoder.to_dict()))
    data["inputs"][0].update(damage)
    with pytest.raises(FileFormatError):
        TableEncoder.from_dict(data)


def test_unseen_category_files(shared_data):
    folder = shared_data("odd-files/handmade/csv")
    encoder = TableEncoder.fit(read_table(folder / "unseen_category_train.csv"), target="label")
    test = read_table(folder / "unseen_category_test.csv")
    assert "'green'" in encoder.surprises(test)["colour"]
    assert encoder.transform(test)["numbers"][:, :2].tolist() == [[0, 0], [0, 1]]


def test_real_files(shared_data):
    train = read_table(shared_data("adult/adult.data.gz"))
    test = read_table(shared_data("adult/adult.test.gz"), skip_rows=1)
    encoder = TableEncoder.fit(train, target="column15")
    arrays = encoder.transform(test)
    assert list(encoder.embedded) == ["column14"]
    assert arrays["numbers"].shape == (16_281, len(encoder.feature_names))
    assert np.abs(arrays["numbers"]).max() < 30
    assert encoder.surprises(test) == {}
    housing = read_table(shared_data("california-housing/housing.csv.gz"))
    encoder = TableEncoder.fit(housing, target="median_house_value")
    assert "total_bedrooms is missing" in encoder.feature_names
    assert np.isfinite(encoder.transform(housing)["numbers"]).all()
    raw = read_table(shared_data("penguins/penguins_raw.csv"))
    assert np.isfinite(TableEncoder.fit(raw, target="Species").transform(raw)["numbers"]).all()
