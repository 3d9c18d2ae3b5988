"""What columns mean, and what is refused because it could mean two things."""

import numpy as np
import pytest

from chainrule.data import ColumnType, Table, column_types, read_table
from chainrule.data.columns import boolean_values, date_values, number_values
from chainrule.errors import DataError


def kind(values, name="x", **options):
    return column_types(Table.from_columns({name: values}), **options)[name].kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, 2, None], "number"),
        (["1.5", "?", "-2e3"], "number"),
        ([0, 1, 1, None], "boolean"),
        (["Yes", "no", ""], "boolean"),
        (["t", "f"], "boolean"),
        ([True, False], "boolean"),
        (["2020-01-01", "2020-12-31 10:00", "NA"], "date"),
        (["2020-01-01T10:00:00Z", "2020-01-01T10:00:00.5+01:00"], "date"),
        (["red", "blue", "red"], "category"),
        (["11th", "1st-4th", "12th"], "category"),
        ([str(i) for i in range(5)] * 3 + ["more", "less"] * 3, "category"),
        (["", "NA", None], "empty"),
        ([7, 7, 7], "constant"),
        (["a"] * 3, "constant"),
        (["a", "", "a"], "category"),
        ([7, None, 7], "number"),
        (list(range(100)), "identifier"),
        ([i * i for i in range(100)], "number"),
        ([f"N{i}" for i in range(100)], "identifier"),
        ([f"some words {i % 60}" for i in range(100)], "text"),
        ([f"city {i % 25}" for i in range(100)], "category"),
        ([f"{1000 + i % 25:05}" for i in range(100)], "category"),  # postcodes
        ([f"{1000 + i:05}" for i in range(0, 200, 2)], "number"),
        (["007", "1234", "7"] * 9, "number"),
        ([f"{10 + i % 25}" for i in range(100)], "number"),
    ],
)
def test_kinds(values, expected):
    assert kind(values) == expected


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "Row", "userId", "Passenger ID", "Unnamed: 0"]
)
def test_names_of_identifiers(name):
    assert kind([5, 3, 9, 4], name) == "identifier"
    assert kind([5, 3, 9, 9], name) == "number"
    assert kind(["u5", "u3", "u9", "u4"], name) == "identifier"


@pytest.mark.parametrize("name", ["humid", "paid", "width", "lunch"])
def test_names_that_only_end_alike(name):
    assert kind([5, 3, 9, 4], name) == "number"


def test_dates_that_need_a_pattern_are_pointed_out():
    days = [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(84)]
    for values in (days, ["1/2/24", "3/4/24"] * 9):
        found = column_types(Table.from_columns({"day": values}))["day"]
        assert "types={'day': 'date:%d.%m.%Y'}" in found.notice
    assert kind(days, types={"x": "date:%d.%m.%Y"}) == "date"


def test_errors_stay_short_whatever_a_cell_holds():
    with pytest.raises(DataError, match=r"'9{30,}\.\.\.' is too large") as caught:
        number_values(Table.from_columns({"x": ["9" * 5000]}), "x")
    assert len(str(caught.value)) < 200


def test_what_is_left_out_says_why():
    types = column_types(Table.from_columns({"a": [3, 3], "b": ["u", "v"]}))
    assert types["a"].notice == "left out: it is 3 in every row"
    assert not types["a"].used
    assert types["b"].used


def test_choices_of_the_user():
    table = Table.from_columns({"zip": [1, 2, 2], "d": ["01.02.2020"] * 3, "x": [1, 2, 3]})
    given = ColumnType("number")
    types = column_types(table, {"zip": "category", "d": "date:%d.%m.%Y", "x": "ignore"})
    assert [t.kind for t in types.values()] == ["category", "date", "ignore"]
    assert types["d"].pattern == "%d.%m.%Y"
    assert column_types(table, {"zip": given})["zip"] is given
    with pytest.raises(DataError, match="no type is called 'float'; there are number"):
        column_types(table, {"x": "float"})
    with pytest.raises(DataError, match="no column 'y'"):
        column_types(table, {"y": "number"})
    with pytest.raises(DataError, match="holds no value"):
        kind([None, None], types={"x": "number"})


def test_a_rare_text_among_numbers_is_refused_with_its_place(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * 0.5}\n" for i in range(50)) + "50,l2.5\n")
    with pytest.raises(DataError, match=r"row 52, column 'y': 'l2\.5' stands among numbers"):
        column_types(read_table(path))
    assert column_types(read_table(path), {"y": "category"})["y"].kind == "category"
    assert column_types(read_table(path, missing=["l2.5"]))["y"].kind == "number"


def test_a_rare_text_among_dates_is_refused():
    with pytest.raises(DataError, match=r"row 21.*'2020-02-30' stands among dates"):
        kind(["2020-02-29"] * 20 + ["2020-02-30"])


@pytest.mark.parametrize("bad", ["inf", "-Infinity", "1e400", "1e308", np.inf])
def test_numbers_beyond_reckoning_are_refused(bad):
    with pytest.raises(DataError, match=r"row 3, column 'x': .* too large"):
        kind([1.0, 2.0, bad, 4.0])


def test_nan_is_missing_unless_the_markers_say_otherwise():
    assert np.isnan(number_values(Table.from_columns({"x": ["nan", "1"]}), "x")[0])
    table = Table.from_columns({"x": ["nan"] + ["1.5"] * 20}, missing=[])
    with pytest.raises(DataError, match="row 1, column 'x': 'nan' stands among numbers"):
        column_types(table)


@pytest.mark.parametrize(
    "values",
    [["1,5", "3,0"], ["1,000", "2 000", "+3"], ["5%", "7 %"], ["$5", "6 €"], ["0x10", "1_0"]],
)
def test_numbers_with_more_than_one_reading_are_refused(values):
    with pytest.raises(DataError, match=r"row 1, column 'x': .* is not a plain number"):
        kind(values)
    assert kind(values, types={"x": "category"}) == "category"


def test_values_are_strict():
    table = Table.from_columns({"x": ["yes", "", "maybe"], "d": ["2020-01-01", "", "soon"]})
    with pytest.raises(DataError, match="row 3, column 'x': 'maybe' stands among truth values"):
        boolean_values(table, "x")
    with pytest.raises(DataError, match="row 3, column 'd': 'soon' stands among dates"):
        date_values(table, "d")
    with pytest.raises(DataError, match="row 1, column 'x': 'yes' stands among numbers"):
        number_values(table, "x")


def test_long_cells_are_shortened_in_messages():
    with pytest.raises(DataError) as caught:
        kind(["1"] * 20 + ["x" * 1000])
    assert len(str(caught.value)) < 300


def test_handmade_files(shared_data):
    folder = shared_data("odd-files/handmade/csv")
    assert column_types(read_table(folder / "constant_column.csv"))["x"].kind == "constant"
    for name, row in [("huge_and_tiny", 2), ("nan_inf_words", 3), ("thousands_and_units", 4)]:
        with pytest.raises(DataError, match=f"row {row}, column 'x'"):
            column_types(read_table(folder / f"{name}.csv"))
    path = folder / "semicolon_decimal_comma.csv"
    with pytest.raises(DataError, match="decimal=','"):
        column_types(read_table(path))
    assert column_types(read_table(path, decimal=","))["y"].kind == "number"


def test_real_files(shared_data):
    raw = column_types(read_table(shared_data("penguins/penguins_raw.csv")))
    kinds = {name: found.kind for name, found in raw.items()}
    assert kinds["Region"] == kinds["Stage"] == "constant"
    assert kinds["Individual ID"] == "identifier"
    assert kinds["Clutch Completion"] == "boolean"
    assert kinds["Date Egg"] == "date"
    assert kinds["Body Mass (g)"] == kinds["Delta 15 N (o/oo)"] == "number"
    adult = column_types(read_table(shared_data("adult/adult.data.gz"))).values()
    assert [found.kind for found in adult].count("number") == 6
    assert [found.kind for found in adult].count("category") == 9
