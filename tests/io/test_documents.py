"""JSON is read strictly."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import FileFormatError
from chainrule.io import load_json, parse_json, save_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text("abc"), children),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value at character 0"),
        ("{} {}", "Extra data at character 3"),
        ('{"a": 1, "b": {"a": 1, "c": 2, "c": 3}}', "the key 'c' appears twice"),
        ("[NaN]", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("1e999", "too large"),
        ("9" * 5000, "too large"),
        ("[" * 128 + "]" * 128, "nested deeper than 127"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper than 127"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\udc00": 1}', "surrogate"),
        ('["\n"]', "Invalid control character"),
        ("\ufeff{}", "BOM"),
        ("{'a': 1}", "Expecting property name"),
        ("[1,]", "at character"),
    ],
)
def test_what_readers_disagree_about_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_what_is_just_allowed():
    assert parse_json("[" * 127 + "]" * 127)
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
    assert math.copysign(1, parse_json("-0")) == -1


def test_files(tmp_path):
    path = tmp_path / "config.json"
    save_json(path, {"names": ["é", 1, None]})
    assert path.read_text("utf-8") == '{\n  "names": [\n    "é",\n    1,\n    null\n  ]\n}\n'
    assert load_json(path) == {"names": ["é", 1, None]}


def test_bad_values_leave_the_old_file(tmp_path):
    path = tmp_path / "config.json"
    save_json(path, [1])
    with pytest.raises(ValueError, match="JSON compliant"):
        save_json(path, [math.nan])
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_json(path, [object()])
    assert load_json(path) == [1]


def test_bad_files_are_named(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(FileFormatError, match=r"config\.json: not UTF-8 at offset 2"):
        load_json(path)
    path.write_text("[1")
    with pytest.raises(FileFormatError, match=r"config\.json: .* at character 2"):
        load_json(path)
    path.write_text("[" + "1," * 600 + "1]")
    with pytest.raises(FileFormatError, match="more than 1000 bytes"):
        load_json(path, max_bytes=1000)
