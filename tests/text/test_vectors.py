"""Word vectors: read and written in three forms, or refused with the place."""

import gzip
import io
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.errors import ArgumentError, DataError
from chainrule.io import Limits
from chainrule.text import MappedVectors, Vocabulary, load_vectors, save_vectors

GLOVE = "king 1 0 0.5\nqueen 0 -1e-3 .25\n"


def binary(words, vectors, end=b"\n"):
    vectors = np.asarray(vectors, "<f4")
    rows = [w.encode() + b" " + v.tobytes() + end for w, v in zip(words, vectors, strict=True)]
    return b"%d %d\n" % vectors.shape + b"".join(rows)


class TestText:
    @pytest.mark.parametrize("header", ["", "2 3\n", "2 3 \r\n"])
    @pytest.mark.parametrize("end", ["\n", " \n", "\r\n", " \r\n\r\n"])
    def test_with_and_without_header(self, write, header, end):
        table = load_vectors(write(header + GLOVE.replace("\n", end)))
        assert table.words == ["king", "queen"]
        assert table.vectors.dtype == np.float32
        assert np.array_equal(table.vectors, np.float32([[1, 0, 0.5], [0, -1e-3, 0.25]]))
        assert repr(table) == "<WordTable of 2 words, 3 numbers each>"

    def test_only_some_words(self, write):
        path = write(GLOVE + "odd x y z\n")
        with pytest.raises(DataError, match="row 3: could not convert"):
            load_vectors(path)
        assert load_vectors(path, {"queen", "none"}).words == ["queen"]
        assert load_vectors(path, Vocabulary.of([["king"]])).words == ["king"]
        with pytest.raises(ArgumentError, match="words must be several"):
            load_vectors(path, "queen")
        none = load_vectors(path, [])
        assert none.vectors.shape == (0, 3)

    def test_words_with_spaces_and_digits(self, write):
        table = load_vectors(write(". . . 1 2\n2010 5 3 4\nking 5 6\n"))
        assert table.words == [". . .", "2010 5", "king"]
        assert table.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]

    def test_the_first_of_two_is_kept(self, write):
        table = load_vectors(write("a 1 2\nb 3 4\na 5 6\n"))
        assert table.words == ["a", "b"]
        assert table.vectors.tolist() == [[1, 2], [3, 4]]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "there is no vector"),
            ("\n \n", "there is no vector"),
            ("king\nqueen\n", "row 1: there are no numbers behind a word"),
            ("a 1 2\nb 3\nc 4 5\n", "row 2: 1 numbers behind a word, not 2"),
            ("a 1 2\nb 3 x\n", "row 2: could not convert string to float: 'x'"),
            ("a 1 2\nb 3  4\n", "row 2: could not convert string to float: ''"),
            ("a 1 2\nb 3 1_0\n", "row 2: no number"),
            ("a 1 2\nb 3 \u0663\n", "row 2: no number"),
            ("a 1 2\nb 3 nan\n", "row 2: a number is NaN or infinite"),
            ("a 1 2\nb -inf 4\n", "row 2: a number is NaN or infinite"),
            ("a 1 2\nb 3 1e39\n", "row 2: a number is NaN or infinite"),
            ("5 3\na 1 2 3 4\nb 1 2 3 4\n", "row 1: it promises rows of 3 numbers, not 4"),
            ("3 2\na 1 2\nb 3 4\n", "2 rows, where the first line promises 3"),
            ("3 2\n", "there are no numbers|byte"),
            (b"a 1 2\n\xff 3 4\n", r"byte 6 \(0xff\) is not utf-8"),
            (b"\xba\x16\x4f\x2f\x0c\0\0\0", "fastText's model"),
        ],
    )
    def test_refusals(self, write, content, message):
        path = write(content)
        with pytest.raises(DataError, match=message) as caught:
            load_vectors(path)
        assert str(path) in str(caught.value)

    def test_rows_beyond_a_block(self, write, monkeypatch):
        monkeypatch.setattr("chainrule.text.vector_files._BLOCK", 3)
        lines = [f"w{i} {i} 0" for i in range(10)]
        assert load_vectors(write("\n".join(lines))).vectors[:, 0].tolist() == list(range(10))
        lines[7] = "w7 nan 0"
        with pytest.raises(DataError, match="row 8: a number is NaN"):
            load_vectors(write("\n".join(lines)))


class TestBinary:
    @pytest.mark.parametrize("end", [b"\n", b""])
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_read(self, write, end, pack):
        vectors = [[1, 0.1], [-2.5, 3e-38], [0, 0]]
        table = load_vectors(write(pack(binary(["a", "né", "c"], vectors, end))))
        assert table.words == ["a", "né", "c"]
        assert np.array_equal(table.vectors, np.float32(vectors))

    def test_only_some_words(self, write):
        path = write(binary("abc", np.eye(3)))
        table = load_vectors(path, words={"c", "a"})
        assert table.words == ["a", "c"]
        assert table.vectors.tolist() == [[1, 0, 0], [0, 0, 1]]

    def test_the_form_may_be_named(self, write):
        path = write(b"1 2\na 1 2     \n")  # text, or a word and eight bytes
        assert load_vectors(path, binary=True).vectors.shape == (1, 2)
        assert load_vectors(path, binary=False).vectors.tolist() == [[1, 2]]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "byte 0: no number of rows"),
            (b"x 2\n", "byte 0"),
            (b"1 0\n", "byte 0"),
            (b"1 999999999\na ", "byte 0"),
            (b"2 2\na " + b"\1" * 8, "byte 14: no word with a space behind it"),
            (b"9999999999 2\na " + b"\1" * 8, "byte 23: no word"),
            (b"1 2\na " + b"\1" * 7, "byte 6: the file ends within a vector"),
            (b"1 2\n\xff " + b"\1" * 8, "byte 4: a word is not utf-8"),
            (binary("ab", [[1, 2], [np.nan, 0]]), "byte 14: a number is NaN"),
            (
                binary("ab", [[1, 2], [3, 4]]).replace(b"2 2", b"1 2"),
                "byte 14: there are more than",
            ),
            (b"1 2\n" + b"a" * 70_000, "byte 4: no word with a space"),
        ],
    )
    def test_refusals(self, write, content, message):
        path = write(content)
        with pytest.raises(DataError, match=message) as caught:
            load_vectors(path, binary=True)
        assert str(path) in str(caught.value)

    def test_limits(self, write):
        with pytest.raises(DataError, match="larger than 20 bytes"):
            load_vectors(write(binary("abc", np.eye(3))), limits=Limits(size=20))

    def test_a_bomb_is_stopped_early(self, write):
        path = write(gzip.compress(b"5000 1000\n" + (b"w " + bytes(4000)) * 5000))
        tracemalloc.start()
        with pytest.raises(DataError, match="expands more than 200 times"):
            load_vectors(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5 * 2**20


def test_standard_input(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(GLOVE.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    with pytest.raises(ArgumentError, match="binary=True"):
        load_vectors("-")
    assert load_vectors("-", binary=False).words == ["king", "queen"]


class TestMapped:
    @pytest.mark.parametrize("end", [b"\n", b""])
    def test_the_same_as_loaded(self, write, end):
        path = write(binary(["a", "né", "a", "c"], np.arange(12).reshape(4, 3) / 7, end))
        mapped, table = MappedVectors(path), load_vectors(path)
        assert list(mapped) == table.words == ["a", "né", "c"]
        assert repr(mapped) == "<MappedVectors of 3 words, 3 numbers each>"
        for word, vector in zip(table.words, table.vectors, strict=True):
            assert np.array_equal(mapped[word], vector)
            assert mapped[word].dtype == np.float32
        some = mapped.table(["c", "none", "a", "c"])
        assert some.words == ["c", "a"]
        assert np.array_equal(some.vectors, table.vectors[[2, 0]])
        assert mapped.table([]).vectors.shape == (0, 3)
        with pytest.raises(KeyError):
            mapped["none"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (gzip.compress(binary("a", [[1]]), mtime=0), "gzip data cannot be mapped"),
            (binary("ab", [[1], [2]])[:-2], "the file ends within a vector"),
            (GLOVE.encode(), "byte 0"),
        ],
    )
    def test_refusals(self, write, content, message):
        with pytest.raises(DataError, match=message):
            MappedVectors(write(content))

    def test_numbers_are_checked_when_they_are_read(self, write):
        mapped = MappedVectors(write(binary("ab", [[1], [np.inf]])))
        assert mapped["a"].tolist() == [1]
        with pytest.raises(DataError, match=r"byte 13: the vector of 'b' holds NaN"):
            mapped["b"]

    def test_vectors_stay_in_their_file(self, write):
        path = write(binary([f"w{i}" for i in range(2000)], np.ones((2000, 1000))))
        tracemalloc.start()
        mapped = MappedVectors(path)
        assert mapped["w1999"].sum() == 1000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20 < path.stat().st_size


class TestSaving:
    def test_forms(self, tmp_path):
        save_vectors(tmp_path / "a.vec", ["a", "b"], [[0.1, 2], [1e-30, -0.0]])
        assert (tmp_path / "a.vec").read_text() == "2 2\na 0.100000001 2\nb 1e-30 -0\n"
        save_vectors(tmp_path / "a.bin", ["né"], [[0.5, 2]], binary=True)
        packed = struct.pack("<2f", 0.5, 2)
        assert (tmp_path / "a.bin").read_bytes() == b"1 2\nn\xc3\xa9 " + packed + b"\n"

    @settings(max_examples=50)
    @given(
        st.lists(st.text("aé你5-\u2028", min_size=1), unique=True, min_size=1),
        st.integers(1, 4),
        st.booleans(),
        st.data(),
    )
    def test_what_is_written_is_read(self, tmp_path_factory, words, dimension, packed, data):
        floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
        vectors = data.draw(arrays(np.float32, (len(words), dimension), elements=floats))
        path = tmp_path_factory.mktemp("vectors") / "file"
        save_vectors(path, words, vectors, binary=packed)
        table = load_vectors(path, binary=packed)
        assert table.words == words
        assert np.array_equal(table.vectors.view(np.int32), vectors.view(np.int32))

    @pytest.mark.parametrize(
        ("words", "vectors", "message"),
        [
            (["a"], [1, 2], r"vectors of shape \(1, dimension\), not \(2,\)"),
            (["a"], np.zeros((2, 2)), r"not \(2, 2\)"),
            (["a"], np.zeros((1, 0)), "dimension"),
            (["a", "a"], np.zeros((2, 2)), "'a' comes twice"),
            (["a", ""], np.zeros((2, 2)), "'' cannot be a word"),
            (["a\nb"], np.zeros((1, 2)), "cannot be a word"),
            (["a b"], np.zeros((1, 2)), "cannot be a word"),
            (["a", "b"], [[0, 0], [0, np.nan]], "the vector of 'b' is not finite"),
            (["a", "b"], [[0, 0], [1e39, 0]], "the vector of 'b' is not finite"),
        ],
    )
    def test_refusals(self, tmp_path, words, vectors, message):
        with pytest.raises(ArgumentError, match=message):
            save_vectors(tmp_path / "a.vec", words, vectors)
        assert not list(tmp_path.iterdir())


ODD = {
    "crlf_trailing_space_blank": (["king", "queen"], 4),
    "duplicate_words": (["king"], 4),
    "empty": "there is no vector",
    "header_disagrees": "row 1: it promises rows of 3 numbers, not 4",
    "invalid_utf8": r"byte 13 \(0xff\)",
    "nan_and_exponents": "row 2: a number is NaN or infinite",
    "nbsp_and_line_separator_tokens": (["a\u00a0b", "\u2028", "\x85"], 4),
    "no_header": (["king", "queen", "man"], 4),
    "token_with_spaces": ([". . .", "at name@domain.com", "king"], 4),
    "word2vec_header": (["king", "queen", "man"], 4),
    "wrong_length_row": "row 2: 3 numbers behind a word, not 4",
    "zero_vector": (["king", "queen"], 4),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files(shared_data, name):
    path = shared_data(f"odd-files/handmade/vectors/{name}.txt")
    if isinstance(ODD[name], str):
        with pytest.raises(DataError, match=ODD[name]):
            load_vectors(path)
    else:
        table = load_vectors(path)
        assert (table.words, table.vectors.shape[1]) == ODD[name]


def test_glove(shared_data):
    path = shared_data("glove-twitter-25d/glove.twitter.25d.12k.txt.gz")
    table = load_vectors(path)
    assert table.vectors.shape == (11_925, 25)
    some = load_vectors(path, {"king", "queen", "woman"})
    assert sorted(some.words) == ["king", "queen", "woman"]
    row = table.words.index("queen")
    assert np.array_equal(some.vectors[some.words.index("queen")], table.vectors[row])
