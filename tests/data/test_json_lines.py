"""Tables from JSON lines."""

import gzip
import json

import numpy as np
import pytest

from chainrule.data import Limits, read_blocks, read_table
from chainrule.errors import DataError


def rows(table):
    return [[table[name].text(i) for name in table.names] for i in range(len(table))]


SAMPLE = '{"text": "a, \\"b\\"\\n\\u00e9", "x": 1.50, "y": true}\n\n{"x": null, "text": "c"}\n'


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_objects_are_rows(write, pack):
    table = read_table(write(pack(SAMPLE.encode())))
    assert table.names == ["text", "x", "y"]
    assert rows(table) == [['a, "b"\né', "1.5", "true"], ["c", "", ""]]
    assert table.lines.tolist() == [1, 3]
    assert table["x"].missing.tolist() == [False, True]


def test_keys_are_chosen(write):
    line = {"a": {"b": {"c": 1}, "d": [1]}, "a.b": "dotted", "e": "x"}
    table = read_table(write(json.dumps(line) + "\n" + '{"new": 3, "e": "y"}'),
                       names=["a.b.c", "e", "a.b"])  # fmt: skip
    assert table.names == ["a.b.c", "e", "a.b"]
    assert rows(table) == [["1", "x", "dotted"], ["", "y", ""]]


def test_blocks(write):
    path = write("".join(json.dumps({"x": i}) + "\n" for i in range(1000)))
    blocks = list(read_blocks(path, 300))
    assert [len(block) for block in blocks] == [300, 300, 300, 100]
    numbers = np.concatenate([block["x"].numbers() for block in blocks])
    assert numbers.tolist() == list(range(1000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"b": 2}\n', r"row 2: the key 'b' is not in row 1; .* names=\[\.\.\.\]"),
        ('{"a": 1}\n[2]\n', "row 2: no JSON object"),
        ('{"a": 1}\n{"a": 2\n', "row 2: no JSON: .* at character 7"),
        ('{"a": 1}\nx\n', "row 2: no JSON"),
        ('{"a": 1, "a": 2}\n', "row 1: no JSON: the key 'a' appears twice"),
        ('{"a": NaN}\n', "row 1: no JSON: NaN is not a number"),
        ('{"a": [1]}\n', "row 1, column 'a': a list is no cell; name the keys"),
        ('{"a": 1}\n{"a": {"b": 1}}\n', "row 2, column 'a': an object is no cell"),
        ("{}\n", "row 1: the first object has no key"),
        (b'{"a": "\xff"}\n', r"byte 7 \(0xff\)"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested deeper than 127"),
        (json.dumps({"a": "x" * 200_000}), "row 1, column 'a': a cell holds more than 131,072"),
        (json.dumps({f"k{i}": 1 for i in range(20_000)}), "20,000 columns are more"),
    ],
)
def test_one_clear_line(write, content, message):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_long_lines(write):
    with pytest.raises(DataError, match=r"row 2: .* more than 50 characters"):
        read_table(write('{"a": 1}\n{"a": "' + "x" * 99), limits=Limits(line=50))


def test_a_table_with_braces_is_a_table(write):
    assert rows(read_table(write("{a},b\n1,2\n3,4\n"))) == [["1", "2"], ["3", "4"]]
    assert read_table(write('{"a": 1}\t2\n{"b"}\t3\n'), delimiter="\t").names[0] == "column1"
