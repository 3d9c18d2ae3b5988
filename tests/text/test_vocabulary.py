"""Vocabularies and padding."""

import copy
import json
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError, DataError
from chainrule.text import BOS, EOS, PAD, UNK, Vocabulary, pad

TEXTS = [["b", "a", "b"], [], ["c", "a", "b", "d"]]


class TestVocabulary:
    def test_order(self):
        vocabulary = Vocabulary.of(TEXTS)
        assert vocabulary.words == [PAD, UNK, "b", "a", "c", "d"]
        assert vocabulary.counts.tolist() == [0, 0, 3, 2, 1, 1]
        assert vocabulary.counts.dtype == np.int64
        assert (vocabulary.pad, vocabulary.unk, vocabulary.bos, vocabulary.eos) == (
            0,
            1,
            None,
            None,
        )

    def test_cut_offs(self):
        assert Vocabulary.of(TEXTS, min_count=2).words == [PAD, UNK, "b", "a"]
        assert Vocabulary.of(TEXTS, max_size=5).words == [PAD, UNK, "b", "a", "c"]
        assert Vocabulary.of(TEXTS, max_size=5).counts.tolist() == [0, 1, 3, 2, 1]
        assert Vocabulary.of(TEXTS, max_size=2).words == [PAD, UNK]
        assert Vocabulary.of([]).words == [PAD, UNK]

    def test_specials_in_the_text_are_specials(self):
        vocabulary = Vocabulary.of([["x", UNK, "y", UNK, EOS]], 2, specials=(BOS, EOS, UNK))
        assert vocabulary.words == [BOS, EOS, UNK]
        assert vocabulary.counts.tolist() == [0, 1, 4]
        assert (vocabulary.bos, vocabulary.eos, vocabulary.pad) == (0, 1, None)

    def test_a_stream_is_read_once(self):
        read = []
        vocabulary = Vocabulary.of(read.append(text) or text for text in TEXTS)
        assert read == TEXTS
        assert vocabulary.words == Vocabulary.of(TEXTS).words

    def test_ids_and_tokens(self):
        vocabulary = Vocabulary.of(TEXTS)
        ids = vocabulary.ids(["a", "zebra", "b", PAD])
        assert ids.dtype == np.int32
        assert ids.tolist() == [3, 1, 2, 0]
        assert vocabulary.tokens(ids) == ["a", UNK, "b", PAD]
        assert vocabulary["a"] == 3
        assert vocabulary["zebra"] == 1
        assert "a" in vocabulary
        assert "zebra" not in vocabulary
        assert 3 not in vocabulary
        assert len(vocabulary) == 6
        assert vocabulary.ids([]).tolist() == []

    def test_asking_does_not_add(self):
        vocabulary = Vocabulary.of(TEXTS)
        vocabulary.ids(["zebra"])
        assert "zebra" not in vocabulary
        assert len(vocabulary) == 6

    @pytest.mark.parametrize("bad", [-1, 6, 1.0, "a"])
    def test_no_such_id(self, bad):
        with pytest.raises(DataError, match=r"no word of 6 has the id|ids are whole numbers"):
            Vocabulary.of(TEXTS).tokens([0, bad])

    def test_without_unknown(self):
        vocabulary = Vocabulary.of(TEXTS, specials=())
        with pytest.raises(DataError, match="'zebra' is not in the vocabulary"):
            vocabulary.ids(["a", "zebra"])

    def test_as_json(self):
        vocabulary = Vocabulary.of(TEXTS, max_size=4)
        again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
        assert again.words == vocabulary.words
        assert again.counts.tolist() == vocabulary.counts.tolist()
        assert again.unk == 1

    def test_texts_are_made_tokens_first(self):
        with pytest.raises(ArgumentError, match="a list of tokens, not 'a text'"):
            Vocabulary.of(["a text"])

    def test_copies(self):
        vocabulary = Vocabulary.of(TEXTS)
        for again in (copy.deepcopy(vocabulary), pickle.loads(pickle.dumps(vocabulary))):
            assert again.words == vocabulary.words
            assert again.ids(["a", "zebra"]).tolist() == [3, 1]

    def test_a_stream_takes_no_memory(self):
        texts = ([f"w{i % 100}"] * 20 for i in range(20_000))
        tracemalloc.start()
        assert Vocabulary.of(texts).counts.sum() == 400_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"words": ["a", "a"], "counts": [1, 1]}, "'a' is in the vocabulary twice"),
            ({"words": ["a", 1], "counts": [1, 1]}, "not 1"),
            ({"words": ["a", ["b"]], "counts": [1, 1]}, "not \\['b'\\]"),
            ({"words": "ab", "counts": [1, 1]}, "a list of strings"),
            ({"words": ["a"], "counts": []}, "counts must be 1, one a word, not 0"),
            ({"words": ["a"], "counts": [-1]}, "not negative"),
            ({"words": ["a"], "counts": [0.5]}, "whole numbers"),
            ({"words": ["a"], "counts": ["x"]}, "whole numbers"),
        ],
    )
    def test_documents_that_are_none(self, document, message):
        with pytest.raises((DataError, ArgumentError), match=message):
            Vocabulary.from_dict(document)

    @pytest.mark.parametrize(
        "options", [{"min_count": 0}, {"max_size": 1}, {"max_size": 0}, {"min_count": 1.5}]
    )
    def test_arguments(self, options):
        with pytest.raises(ArgumentError):
            Vocabulary.of(TEXTS, **options)

    @given(
        st.lists(st.lists(st.text(max_size=2), max_size=9), max_size=9),
        st.integers(1, 3),
        st.none() | st.integers(2, 9),
    )
    def test_counts_add_up(self, texts, min_count, max_size):
        vocabulary = Vocabulary.of(texts, min_count, max_size)
        assert vocabulary.counts.sum() == sum(map(len, texts))
        assert max_size is None or len(vocabulary) <= max_size
        kept = vocabulary.counts[2:].tolist()
        assert kept == sorted(kept, reverse=True)
        assert all(count >= min_count for count in kept)
        flat = [token for text in texts for token in text]
        counted = np.bincount(vocabulary.ids(flat), minlength=len(vocabulary))
        assert counted.tolist() == vocabulary.counts.tolist()


class TestPad:
    def test_shapes(self):
        rows = [np.array([1, 2, 3]), np.array([], int), np.array([4])]
        padded = pad(rows, value=9)
        assert padded.dtype == np.int32
        assert padded.tolist() == [[1, 2, 3], [9, 9, 9], [4, 9, 9]]
        assert pad(rows, 2).tolist() == [[1, 2], [0, 0], [4, 0]]
        assert pad(rows, 4).shape == (3, 4)
        assert pad(rows, 0).shape == (3, 0)
        assert pad([]).shape == (0, 0)
        assert pad([], 3).shape == (0, 3)
        assert pad([np.array([], int)]).shape == (1, 0)

    @given(st.lists(st.lists(st.integers(1, 99), max_size=6), max_size=6), st.integers(0, 8))
    def test_rows_are_there(self, rows, length):
        padded = pad([np.array(row, int) for row in rows], length)
        expected = [(row[:length] + [0] * length)[:length] for row in rows]
        assert padded.tolist() == expected

    @pytest.mark.parametrize("bad", [-1, 1.5, "2"])
    def test_lengths(self, bad):
        with pytest.raises(ArgumentError, match="length"):
            pad([np.array([1])], bad)
