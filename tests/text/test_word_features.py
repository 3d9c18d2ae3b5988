"""What is seen of a word alone, for any word."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.text import WORD_FEATURES
from chainrule.text.word_features import capitals, digits, normal_form, shape

WORDS = st.text(max_size=12)


@given(WORDS)
def test_every_word_has_every_feature(word):
    for functions in WORD_FEATURES.values():
        values = [function(word) for function in functions]
        assert all(isinstance(value, str) for value in values)
        assert values == [function(word) for function in functions]
    assert capitals(word) in {"lower", "none", "all", "single", "first", "mixed"}
    assert digits(word) in {"none", "all", "number", "some"}


@given(WORDS, st.integers(1, 4))
def test_beginnings_and_endings_are_of_the_normal_form(word, n):
    form = normal_form(word)
    assert WORD_FEATURES["prefixes"][n - 1](word) == form[:n]
    assert WORD_FEATURES["suffixes"][n - 1](word) == (form[-n:] if form else "")


@given(WORDS)
def test_shapes_have_no_runs(word):
    found = shape(word)
    assert all(a != b for a, b in pairwise(found))
    assert len(found) <= len(word)
    assert bool(found) == bool(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("", "none"), ("É", "single"), ("ÉTÉ", "all"), ("été", "lower"), ("北京", "none"),
     ("O'Neill", "mixed"), ("U.S.", "all"), ("-", "none"), ("3D", "single"), ("4th", "lower")],
)  # fmt: skip
def test_capitals(word, expected):
    assert capitals(word) == expected
