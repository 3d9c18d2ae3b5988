"""Schemes of entity tags: read, written, converted, refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError, DataError
from chainrule.text import SCHEMES, Entity, convert_tags, entities, entity_tags

SENTENCE = ["New", "York", "Paris", "and", "Ada", "King", "Lovelace"]
FOUND = [Entity("LOC", 0, 2), Entity("LOC", 2, 3), Entity("PER", 4, 7)]
WRITTEN = {
    "IOB1": ["I-LOC", "I-LOC", "B-LOC", "O", "I-PER", "I-PER", "I-PER"],
    "IOB2": ["B-LOC", "I-LOC", "B-LOC", "O", "B-PER", "I-PER", "I-PER"],
    "BIOES": ["B-LOC", "E-LOC", "S-LOC", "O", "B-PER", "I-PER", "E-PER"],
    "BILOU": ["B-LOC", "L-LOC", "U-LOC", "O", "B-PER", "I-PER", "L-PER"],
}


@pytest.mark.parametrize("source", WRITTEN)
@pytest.mark.parametrize("target", WRITTEN)
def test_conversions(source, target):
    assert entities(WRITTEN[source], source) == FOUND
    assert entity_tags(FOUND, 7, target) == WRITTEN[target]
    assert convert_tags(WRITTEN[source], source, target) == WRITTEN[target]


def test_raw():
    tags = ["LOC", "LOC", "O", "PER", "ORG", "creative-work"]
    assert convert_tags(tags, "raw", "IOB2") == [
        "B-LOC", "I-LOC", "O", "B-PER", "B-ORG", "B-creative-work",
    ]  # fmt: skip
    assert convert_tags(["B-LOC", "I-LOC", "O"], "IOB2", "raw") == ["LOC", "LOC", "O"]
    with pytest.raises(DataError, match=r"token 3: two entities of type 'LOC' are neighbours"):
        convert_tags(WRITTEN["IOB2"], "IOB2", "raw")


def test_types_are_what_stands_behind_the_first_hyphen():
    tags = ["B-creative-work", "I-creative-work", "B-", "B", "I"]
    assert entities(tags) == [
        Entity("creative-work", 0, 2),
        Entity("", 2, 3),
        Entity("", 3, 5),
    ]
    assert entity_tags([Entity("", 0, 2)], 2) == ["B", "I"]


@pytest.mark.parametrize(
    ("scheme", "tags", "message"),
    [
        ("IOB2", ["O", "I-LOC"], r"token 2: the tag 'I-LOC' goes on with an entity"),
        ("IOB2", ["B-LOC", "I-PER"], r"token 2: the tag 'I-PER' goes on"),
        ("IOB2", ["b-per"], r"token 1: .* begins with one of B, I, as IOB2 does not allow"),
        ("IOB2", ["E-PER"], "token 1"),
        ("IOB2", [""], "token 1"),
        ("IOB1", ["B-LOC"], r"token 1: .* does not follow on an entity of its own type"),
        ("IOB1", ["I-PER", "B-LOC"], "token 2"),
        ("IOB1", ["S-PER"], "token 1"),
        ("BIOES", ["B-LOC", "O"], r"token 1: the tag 'B-LOC' does not end its entity"),
        ("BIOES", ["B-LOC"], "token 1"),
        ("BIOES", ["B-LOC", "I-LOC", "S-LOC"], "token 2"),
        ("BIOES", ["S-LOC", "E-LOC"], "token 2"),
        ("BIOES", ["B-LOC", "E-PER"], "token 2"),
        ("BIOES", ["E-LOC"], "token 1"),
        ("BILOU", ["B-LOC", "E-LOC"], "token 2: .* one of B, I, L, U"),
        ("raw", ["LOC", ""], "token 2: the tag '' is empty"),
    ],
)
def test_broken_schemes(scheme, tags, message):
    with pytest.raises(DataError, match=message):
        entities(tags, scheme)


def test_unknown_schemes():
    with pytest.raises(ArgumentError, match="one of 'IOB1', 'IOB2'"):
        entities(["O"], "BIO")
    with pytest.raises(ArgumentError, match="target"):
        convert_tags(["O"], "IOB2", "iob2")


@st.composite
def sentences(draw):
    """Entities that do not overlap, and the length of their sentence."""
    bounds = draw(st.lists(st.integers(0, 12), unique=True, max_size=8).map(sorted))
    kinds = st.sampled_from(["PER", "LOC", "a-b", ""])
    spans = [(a, b) for a, b in pairwise(bounds) if draw(st.booleans())]
    return [Entity(draw(kinds), a, b) for a, b in spans], 12


@given(sentences(), st.sampled_from(SCHEMES))
def test_what_is_written_is_read(sentence, scheme):
    found, length = sentence
    if scheme == "raw":
        found = [entity for entity in found[::2] if entity.type]  # none beside another
    tags = entity_tags(found, length, scheme)
    assert len(tags) == length
    assert entities(tags, scheme) == found


@given(
    st.lists(
        st.sampled_from(["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "L-X", "U", ""])
    ),
    st.sampled_from(SCHEMES),
    st.sampled_from(list(WRITTEN)),
)
def test_any_tags_are_converted_or_refused(tags, source, target):
    try:
        converted = convert_tags(tags, source, target)
    except DataError:
        return
    assert entities(converted, target) == entities(tags, source)
