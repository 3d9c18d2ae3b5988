"""Readers of tests of word vectors."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.text import WordPair, read_analogies, read_word_pairs


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content, name="test.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_pairs_are_read_whatever_ends_lines(written, end):
    text = end.join(["# a comment", "cat\tdog\t7.5", "", "OPEC  oil 8"])
    expected = [WordPair("cat", "dog", 7.5), WordPair("OPEC", "oil", 8.0)]
    assert read_word_pairs(written(text)) == expected
    assert read_word_pairs(written("\ufeff" + text)) == expected
    assert read_word_pairs(written(gzip.compress(text.encode()), "test.txt.gz")) == expected


@pytest.mark.parametrize(("text", "row"), [
    ("a b 1\na b\n", 2), ("a b c d\n", 1), ("a b nan\n", 1), ("a b inf\n", 1), ("a b 1e999\n", 1),
    ("a b 1\n\nx y z\n", 3),
])  # fmt: skip
def test_lines_that_are_no_pairs_are_refused_with_their_number(written, text, row):
    with pytest.raises(DataError, match=f"test.txt.*row {row}"):
        read_word_pairs(written(text))


@pytest.mark.parametrize("read", [read_word_pairs, read_analogies])
@pytest.mark.parametrize("content", ["", "\n\n", ": empty\n", b"\xff\xfe", b"\0" * 9])
def test_files_without_tests_are_refused(written, read, content):
    with pytest.raises(DataError, match=r"test.txt"):
        read(written(content))


def test_analogies_come_in_sections(written):
    path = written("a b c d\n: one\nman woman king queen\n\n:two\nA B C D\n")
    assert read_analogies(path) == {
        "": [("a", "b", "c", "d")],
        "one": [("man", "woman", "king", "queen")],
        "two": [("A", "B", "C", "D")],
    }


@pytest.mark.parametrize(("text", "row"), [("a b c\n", 1), (": x\na b c d\n: x\n", 3)])
def test_odd_questions_are_refused_with_their_number(written, text, row):
    with pytest.raises(DataError, match=f"test.txt.*row {row}"):
        read_analogies(written(text))


@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any bytes.txt"
    path.write_bytes(content)
    for read in (read_word_pairs, read_analogies):
        try:
            assert read(path)
        except DataError as error:
            assert "any bytes.txt" in str(error)  # noqa: PT017


def test_the_shared_lists_are_read_whole(shared_data):
    folder = shared_data("word-vector-tests")
    counts = {"WS-353-ALL": 353, "WS-353-SIM": 203, "WS-353-REL": 252, "RG-65": 65, "MC-30": 30}
    for name, count in counts.items():
        assert len(read_word_pairs(folder / f"EN-{name}.txt")) == count
    sections = read_analogies(folder / "questions-words.txt.gz")
    assert len(sections) == 14
    assert sum(map(len, sections.values())) == 19_544
