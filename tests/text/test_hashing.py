"""Hashed n-grams against fastText 0.9.2: numbers that its own program computed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError
from chainrule.text import hash_tokens, hashed_ngrams, ngram_table, subword_ngrams, subword_table

# model.get_subwords(word)[1] less the number of words, trained with minn=2, maxn=5, bucket=1000
SUBWORDS = {
    "where": [84, 652, 715, 707, 706, 941, 621, 176, 254, 420, 811, 991, 446, 33, 469, 64, 498,
        490],
    "é": [627, 231, 781],
    "нет": [436, 515, 204, 166, 317, 362, 860, 501, 593, 180],
    "你好": [176, 985, 781, 643, 495, 192],
    "नमस्ते": [229, 85, 555, 547, 411, 829, 273, 467, 243, 139, 129, 999, 483, 945, 135, 611,
        827, 121, 485, 933, 273, 503],
    "😀": [818, 420, 514],
}  # fmt: skip

# The ids of word n-grams of which model.f.predict's probabilities are made: wordNgrams=3,
# bucket=1000, "</s>" behind the text.
NGRAMS = {
    "good fine film é dull": [861, 658, 930, 55, 962, 712, 813, 784, 663],
    "नमस्ते bad never seen 你好": [19, 186, 577, 45, 77, 138, 377, 372, 34],
    "dull": [663],
}


def fnv(data):
    """FNV-1a as the C++ code has it, byte by byte."""
    h = 2166136261
    for byte in data:
        signed = byte - 256 if byte > 127 else byte
        h = ((h ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return h


def slow_ngrams(tokens, orders, buckets):
    """Word n-grams as ``addWordNgrams`` makes them, one by one."""
    signed = [h - 2**32 if h >= 2**31 else h for h in (fnv(t.encode()) for t in tokens)]
    found = []
    for i in range(len(tokens)):
        h = signed[i] % 2**64
        for j in range(i, len(tokens)):
            if j > i:
                h = (h * 116049371 + signed[j]) % 2**64
            if j - i + 1 in orders:
                found.append(h % buckets)
    return found


def slow_subwords(word, shortest, longest, buckets):
    """Character n-grams as ``computeSubwords`` makes them, one by one."""
    text, found = f"<{word}>", []
    for i in range(len(text)):
        for n in range(shortest, longest + 1):
            if i + n <= len(text) and not (n == 1 and i in (0, len(text) - 1)):
                found.append(fnv(text[i : i + n].encode()) % buckets)
    return found


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(words, max_size=20))
def test_hashes(tokens):
    assert hash_tokens(tokens).tolist() == [fnv(token.encode()) for token in tokens]


@pytest.mark.parametrize("text", NGRAMS)
def test_word_ngrams_are_fasttexts(text):
    assert hashed_ngrams([*text.split(), "</s>"], (2, 3), 1000).tolist() == NGRAMS[text]


@pytest.mark.parametrize("word", SUBWORDS)
def test_subwords_are_fasttexts(word):
    assert subword_ngrams(word, 2, 5, 1000).tolist() == SUBWORDS[word]


def of_texts(texts, *arguments):
    hashes = hash_tokens([token for text in texts for token in text])
    return ngram_table(hashes, [*map(len, texts)], *arguments)


@given(
    st.lists(st.lists(words, max_size=9), max_size=6),
    st.lists(st.integers(1, 5), unique=True, max_size=3).map(sorted),
    st.integers(1, 2**31),
)
def test_many_texts_are_as_one_by_one(texts, orders, buckets):
    ids, offsets = of_texts(texts, orders, buckets)
    assert ids.dtype == np.int32
    assert len(offsets) == len(texts) + 1
    parts = [ids[a:b].tolist() for a, b in pairwise(offsets)]
    assert parts == [slow_ngrams(text, orders, buckets) for text in texts]
    assert parts == [hashed_ngrams(text, orders, buckets).tolist() for text in texts]


def test_blocks_join(monkeypatch):
    monkeypatch.setattr("chainrule.text.hashing._BLOCK", 5)
    texts = [["a", "b", "c"], [], ["d"] * 7, ["e"], [], ["f", "g"]]
    expected = [slow_ngrams(text, [1, 2], 97) for text in texts]
    ids, offsets = of_texts(texts, (1, 2), 97)
    parts = [ids[a:b].tolist() for a, b in pairwise(offsets)]
    assert parts == expected


@given(st.lists(words, max_size=6), st.integers(1, 4), st.integers(1, 6), st.integers(1, 2**31))
def test_subwords_of_many_words(tokens, shortest, longest, buckets):
    ids, offsets = subword_table(tokens, shortest, longest, buckets)
    assert ids.dtype == np.int32
    parts = [ids[a:b].tolist() for a, b in pairwise(offsets)]
    assert parts == [slow_subwords(word, shortest, longest, buckets) for word in tokens]


def test_nothing_has_no_ngrams():
    assert hashed_ngrams([], (2,)).tolist() == []
    assert hashed_ngrams(["one"], (2,)).tolist() == []
    assert hashed_ngrams(["one", "two"], ()).tolist() == []
    assert of_texts([])[1].tolist() == [0]
    assert subword_table([])[1].tolist() == [0]


def test_texts_are_made_tokens_first():
    with pytest.raises(ArgumentError, match="a list of tokens"):
        hashed_ngrams("ab")


@pytest.mark.parametrize("bad", [0, -1, 1.5, None, 2**31 + 1])
def test_numbers_out_of_range(bad):
    with pytest.raises(ArgumentError, match="buckets"):
        hashed_ngrams(["a", "b"], (2,), bad)
    with pytest.raises(ArgumentError, match="buckets"):
        subword_ngrams("a", 3, 6, bad)
    if bad != 2**31 + 1:
        with pytest.raises(ArgumentError, match="order"):
            hashed_ngrams(["a", "b"], (bad,))
        with pytest.raises(ArgumentError, match="shortest"):
            subword_ngrams("a", bad, 6)
