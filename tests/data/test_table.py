"""Tables in memory: from columns and data frames, and their compact columns."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Table, as_table
from chainrule.data.table import ColumnBuilder, NumberColumn, TextColumn
from chainrule.errors import DataError


def test_columns_of_every_kind():
    table = Table.from_columns(
        {
            "floats": [1.5, np.nan, 3.0],
            "ints": np.array([1, 2, 3], np.int8),
            "mixed": [1, None, "a"],
            "truth": [True, False, True],
            "day": np.array(["2020-01-01", "NaT", "2020-01-03"], "datetime64[D]"),
            "objects": [date(2020, 1, 1), None, datetime(2020, 1, 2, 3, 4)],
        }
    )
    assert table["floats"].missing.tolist() == [False, True, False]
    assert table["ints"].categories()[0] == ["1", "2", "3"]
    assert table["mixed"].text(0) == "1"
    assert table["mixed"].missing.tolist() == [False, True, False]
    assert table["truth"].categories()[0] == ["False", "True"]
    assert table["day"].missing.tolist() == [False, True, False]
    assert table["objects"].text(2) == "2020-01-02 03:04:00"
    assert table.lines.tolist() == [1, 2, 3]


def test_data_frames():
    frame = pd.DataFrame(
        {
            "x": [1.5, None, 2.0],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "c": pd.Categorical(["a", None, "b"]),
            "s": pd.array(["u", None, "v"], dtype="string"),
            "t": pd.to_datetime(["2020-01-01", None, "2020-02-01"]),
            7: [1, 2, 3],
        },
        index=[5, 6, 7],
    )
    table = as_table(frame)
    assert table.names == ["x", "n", "c", "s", "t", "7"]
    for name in "xncst":
        assert table[name].missing.tolist() == [False, True, False], name
    assert table["n"].numbers()[[0, 2]].tolist() == [1, 3]
    assert as_table(table) is table


def test_data_without_named_columns_is_refused():
    with pytest.raises(DataError, match="ndarray has no named columns"):
        as_table(np.ones((2, 2)))
    with pytest.raises(DataError, match="share a name"):
        as_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="at least one column"):
        as_table({})
    with pytest.raises(DataError, match="differ in length"):
        as_table({"a": [1], "b": [1, 2]})
    with pytest.raises(DataError, match="one dimension"):
        as_table({"a": [[1, 2]]})
    with pytest.raises(DataError, match="complex"):
        as_table({"a": [1j]})


def test_missing_columns_are_named_with_a_guess():
    table = as_table({"price": [1], "size": [2]})
    with pytest.raises(DataError, match="no column 'prize', did you mean 'price'"):
        table["prize"]
    with pytest.raises(DataError, match="no columns 'a', 'b'; the table has 'price', 'size'"):
        table.require(["a", "size", "b"])


def test_rows_and_columns_are_taken():
    table = as_table({"x": [1.0, 2.0, 3.0], "c": ["a", "b", "c"]})
    part = table.take(np.array([2, 0]))
    assert part["x"].numbers().tolist() == [3, 1]
    assert part["c"].categories() == (["a", "c"], pytest.approx([1, 0]))
    assert part.lines.tolist() == [3, 1]
    assert table.drop(["x"]).names == ["c"]
    error = part.error("odd", column="c", row=0)
    assert (error.row, error.column) == (3, "c")


def test_own_missing_markers():
    table = Table.from_columns({"x": ["NA", "-999", ""]}, missing={"-999"})
    assert table["x"].missing.tolist() == [False, True, True]


@pytest.mark.parametrize("distinct", [5, 1000, 3000, 200_000])
def test_building_is_exact_however_many_texts(distinct):
    texts = [f" {i * 7919 % distinct}.0" + " " * (i % 2) for i in range(200_000)]
    builder = ColumnBuilder()
    for start in range(0, len(texts), 7000):
        builder.extend(texts[start : start + 7000])
    column = builder.build(frozenset({""}))
    assert isinstance(column, TextColumn)
    assert np.array_equal(column.numbers(), [float(t) for t in texts])
    levels, codes = column.categories()
    assert len(levels) == distinct
    assert levels == sorted(levels)
    assert [levels[code] for code in codes[:500]] == [t.strip() for t in texts[:500]]


def test_repeated_texts_take_a_byte_a_row():
    builder = ColumnBuilder()
    for _ in range(100):
        builder.extend(["yes", "no"] * 1000)
    assert builder.build(frozenset()).codes.nbytes == 200_000


def test_numbers_as_texts():
    column = NumberColumn(np.array([1.0, 2.5, np.nan, 1e300, np.inf]))
    text = column.as_text()
    assert [text.text(i) for i in range(5)] == ["1", "2.5", "nan", "1e+300", "inf"]
    assert text.missing.tolist() == column.missing.tolist()
    assert np.array_equal(text.numbers(), column.numbers(), equal_nan=True)
