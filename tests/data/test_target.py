"""The task that the data means, and its arrays."""

import json

import numpy as np
import pytest

from chainrule.data import Table, Target, derive_target, load_digits, load_iris, read_table
from chainrule.errors import ArgumentError, DataError, FileFormatError


def of(columns, names=None, **options):
    table = Table.from_columns(columns)
    return table, derive_target(table, names or table.names, **options)


@pytest.mark.parametrize(
    ("values", "task", "outputs"),
    [
        ([0.5, 1.5, 2.5], "regression", 1),
        (list(range(100)), "regression", 1),
        ([3, 5, 8], "regression", 1),
        ([1, 2, 3] * 3, "multiclass", 3),
        ([0, 1, 1], "binary", 1),
        ([-1, 1], "binary", 1),
        (["yes", "no"], "binary", 1),
        (["a", "b", "c", "a"], "multiclass", 3),
        ([f"class {i % 30}" for i in range(90)], "multiclass", 30),
    ],
)
def test_one_column(values, task, outputs):
    table, target = of({"t": values})
    assert (target.task, target.outputs) == (task, outputs)
    y = target.fit(table).encode(table)
    assert y.dtype == (np.int64 if task == "multiclass" else np.float32)
    assert y.shape == ((len(values),) if task == "multiclass" else (len(values), 1))


def test_several_columns():
    table, target = of({"a": [1.0, 2, 4], "b": [100.0, 300, 200]})
    assert (target.task, target.outputs) == ("regression", 2)
    target = target.fit(table)
    y = target.encode(table)
    assert np.allclose(y.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(target.decode(y), [[1, 100], [2, 300], [4, 200]], rtol=1e-6)
    table, target = of({"a": [0, 1, 1], "b": ["yes", "no", "no"]})
    assert (target.task, target.classes) == ("multilabel", ("a", "b"))
    assert target.encode(table).tolist() == [[0, 1], [1, 0], [1, 0]]
    assert target.decode(np.array([[2.0, -2.0]])).tolist() == [[True, False]]


def test_the_task_can_be_chosen():
    quality = [5, 6, 7] * 4
    assert of({"q": quality})[1].task == "multiclass"
    assert of({"q": quality}, task="regression")[1].task == "regression"
    assert of({"q": [0, 1, 1]}, task="multiclass")[1].outputs == 2
    assert of({"q": [0, 1], "r": [0, 1]}, task="regression")[1].task == "regression"
    with pytest.raises(ArgumentError, match="task must be one of"):
        of({"q": quality}, task="ranking")


def test_labels_in_one_cell_only_if_asked():
    cells = ["joy;fear", "joy", "", "fear; joy;"]
    assert of({"t": cells * 2})[1].task == "multiclass"
    table, target = of({"t": cells}, task="multilabel")
    assert target.classes == ("fear", "joy")
    assert target.labelled(table).tolist() == [0, 1, 2, 3]
    assert target.encode(table).tolist() == [[1, 1], [0, 1], [0, 0], [1, 1]]
    with pytest.raises(DataError, match="row 1, column 't': 'anger' is no label"):
        target.encode(Table.from_columns({"t": ["anger;joy"]}))


def test_classes_are_in_order_and_decoded():
    table, target = of({"t": [10, 9, 100] * 3})
    assert target.classes == ("9", "10", "100")
    assert target.encode(table)[:3].tolist() == [1, 0, 2]
    assert target.decode(np.eye(3)).tolist() == ["9", "10", "100"]
    _, binary = of({"t": ["no", "yes"]})
    assert binary.decode(np.array([[-1.0], [1.0]])).tolist() == ["no", "yes"]


def test_missing_targets_are_dropped_and_reported():
    table, target = of({"t": ["a", None, "b", "a"]})
    assert target.notices[0] == "1 of 4 rows have no target and are dropped"
    assert target.labelled(table).tolist() == [0, 2, 3]
    with pytest.raises(DataError, match="row 2, column 't': the target is missing"):
        target.encode(table)
    assert target.encode(table.take(target.labelled(table))).ravel().tolist() == [0, 1, 0]
    table, target = of({"a": [1.5, None, 3], "b": [1.5, 2, 3]})
    assert target.labelled(table).tolist() == [0, 2]
    with pytest.raises(DataError, match="row 2, column 'a'"):
        target.encode(table)


def test_lone_classes_are_told():
    assert "1 of 3 classes" in of({"t": ["a", "a", "b", "b", "c"]})[1].notices[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"t": ["a", "a"]}, "a single class, 'a'"),
        ({"t": [5.5, 5.5, 5.5]}, "5.5 in every row"),
        ({"t": [None, None]}, "missing in every row"),
        ({"t": [f"w{i}" for i in range(50)]}, "50 classes in 50 rows"),
        ({"t": [1.5] * 30 + ["x"]}, "row 31, column 't': 'x' stands among numbers"),
        ({"t": [1.5, np.inf, 2.5]}, "row 2, column 't'"),
        ({"t": [1.5, 2.5], "u": ["a", "b"]}, "row 1, column 'u': 'a' stands among numbers"),
    ],
)
def test_what_cannot_be_predicted(columns, message):
    with pytest.raises(DataError, match=message) as caught:
        of(columns)
    assert "\n" not in str(caught.value)


def test_wrong_choices():
    with pytest.raises(DataError, match="has 2 classes, this one 3"):
        of({"t": ["a", "b", "c", "c"]}, task="binary")
    with pytest.raises(DataError, match="one target column, not 2"):
        of({"t": [0, 1], "u": [0, 1]}, task="binary")
    with pytest.raises(DataError, match="named twice"):
        of({"t": [0, 1]}, ["t", "t"])
    with pytest.raises(DataError, match="no column 'u'"):
        of({"t": [0, 1]}, "u")
    with pytest.raises(DataError, match="need a separator"):
        of({"t": ["a"]}, task="multilabel", separator="")


def test_strata():
    table, target = of({"t": ["b", "a", "b"]})
    assert target.strata(table).tolist() == [1, 0, 1]
    table, target = of({"t": [0.5, 1.5, 2.5]})
    assert target.strata(table) is None


def test_it_is_data():
    for columns in ({"t": [0.5, 1.5, 4]}, {"t": ["a", "b", "c", "c"]}, {"t": [0, 1], "u": [1, 0]}):
        table, target = of(columns)
        target = target.fit(table)
        again = Target.from_dict(json.loads(json.dumps(target.to_dict())))
        assert np.array_equal(again.encode(table), target.encode(table))
    good = target.to_dict()
    for key, value in [
        ("version", 0),
        ("task", "x"),
        ("columns", "t"),
        ("classes", [1]),
        ("separator", None),
        ("scaler", {"center": [0], "scale": [0]}),
    ]:
        with pytest.raises(FileFormatError):
            Target.from_dict({**good, key: value})


def test_real_files(shared_data):
    assert derive_target(load_iris(), "species").task == "multiclass"
    digits = derive_target(load_digits(), "digit")
    assert digits.classes == tuple("0123456789")
    adult = read_table(shared_data("adult/adult.data.gz"))
    target = derive_target(adult, "column15")
    assert (target.task, target.classes) == ("binary", ("<=50K", ">50K"))
    assert target.encode(adult).mean() == pytest.approx(0.2408, abs=1e-4)
    test = read_table(shared_data("adult/adult.test.gz"), skip_rows=1)
    with pytest.raises(DataError, match=r"row 2, .*'<=50K\.' is no class .* '<=50K', '>50K'"):
        target.encode(test)
    housing = read_table(shared_data("california-housing/housing.csv.gz"))
    assert derive_target(housing, "median_house_value").task == "regression"
