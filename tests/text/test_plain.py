"""Lines of text, labelled or not."""

import bz2
import gzip
import lzma
import tracemalloc

import pytest

from chainrule.errors import ArgumentError, DataError
from chainrule.io import Limits
from chainrule.text import Labelled, read_labelled, read_texts, stream_lines


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("last", [True, False])
    def test_every_line_is_one_text(self, write, end, last):
        texts = ["one", "", " two\u00a0\t", "th\u2028r\u0085e\x0ce", "\ufeff4"]
        path = write(end.join(texts) + end * last)
        assert read_texts(path) == texts

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_compressed_and_marked(self, write, pack, encoding):
        path = write(pack("né\nzwei\n".encode(encoding)), "no-ending-tells")
        assert read_texts(path) == ["né", "zwei"]

    def test_other_encodings_are_named(self, write):
        path = write(b"n\xe9\n")
        with pytest.raises(DataError, match=r"byte 1 \(0xe9\) is not utf-8 .* encoding='latin-1'"):
            read_texts(path)
        assert read_texts(path, encoding="latin-1") == ["né"]

    def test_a_stream_may_be_looped_over_again(self, write):
        lines = stream_lines(write("a\nb\n"))
        assert list(lines) == list(lines) == ["a", "b"]
        assert list(zip(lines, lines, strict=True)) == [("a", "a"), ("b", "b")]

    def test_a_stream_takes_no_memory(self, write):
        path = write(b"some words of a line\n" * 100_000)
        tracemalloc.start()
        assert sum(map(len, stream_lines(path))) == 2_000_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20

    def test_limits(self, write):
        path = write("short\n" + "long" * 99)
        with pytest.raises(DataError, match=r"row 2: .* more than 100 characters"):
            read_texts(path, limits=Limits(line=100))
        with pytest.raises(DataError, match="larger than 100 bytes"):
            read_texts(path, limits=Limits(size=100))
        with pytest.raises(DataError, match="expands more than 200 times"):
            read_texts(write(gzip.compress(b"a\n" * 5_000_000)))

    def test_a_missing_file_is_missed_when_it_is_read(self, tmp_path):
        lines = stream_lines(tmp_path / "none")
        with pytest.raises(DataError, match="none: cannot be opened"):
            list(lines)

    def test_an_empty_file_has_no_lines(self, write):
        assert read_texts(write("")) == []


class TestLabelled:
    def test_labels_are_words_anywhere(self, write):
        path = write(
            "__label__a one  two\n \t\n\t__label__b\tthree\ntext __label__c behind\n__label__d\n"
        )
        assert read_labelled(path) == Labelled(
            ["one  two", "three", "text behind", ""], ["a", "b", "c", "d"], [1, 3, 4, 5]
        )

    def test_several_labels(self, write):
        path = write("__label__a __label__b one\nnone here\n__label__c two\n")
        assert read_labelled(path, multi=True) == Labelled(
            ["one", "none here", "two"], [["a", "b"], [], ["c"]], [1, 2, 3]
        )
        with pytest.raises(DataError, match=r"row 1: has 2 labels \('a', 'b'\); .* multi=True"):
            read_labelled(path)

    def test_words_that_hold_the_prefix_are_words(self, write):
        path = write("__label__a x__label__b __label_ c\u00a0__label__d\n")
        assert read_labelled(path) == Labelled(
            ["x__label__b __label_ c\u00a0__label__d"], ["a"], [1]
        )

    def test_other_prefixes(self, write):
        assert read_labelled(write("+good so (be) it\n"), prefix="+") == (
            ["so (be) it"],
            ["good"],
            [1],
        )
        for bad in ("", "a b", "\t"):
            with pytest.raises(ArgumentError, match="prefix"):
                read_labelled(write("a"), prefix=bad)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "there is no line of text"),
            (" \n\n", "there is no line of text"),
            ("__label__a b\nc\n", "row 2: has no label: .* '__label__'"),
            ("__label__ b\n", "row 1: a label has no name"),
            (b"__label__a \xff", "byte 11 "),
        ],
    )
    def test_refusals(self, write, content, message):
        with pytest.raises(DataError, match=message):
            read_labelled(write(content))

    def test_flair_file(self, shared_data):
        path = shared_data("odd-files/flair/fasttext_multi_label.txt")
        texts, labels, lines = read_labelled(path, multi=True)
        assert texts[:3] == ["tv", "apple tv", "apple"]
        assert labels[:3] == [["tv"], ["apple", "tv"], ["apple"]]
        assert lines[:3] == [1, 2, 3]


def test_real_lines(shared_data):
    assert len(read_texts(shared_data("rt-polarity/train.pos.gz"))) == 4265
    text = "\n".join(read_texts(shared_data("tiny-shakespeare/input.txt.gz")))
    assert len(text) == 1_115_394 - 1  # the last line end
