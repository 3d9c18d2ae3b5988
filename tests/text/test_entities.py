"""Entities and their scores: figures of conlleval.pl, and its rules word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.text import is_entity_tag, lenient_entities, read_conll, score_entities

SAMPLE = [
    ("I-creative-work O B-LOC I-PER O", "I-creative-work O B-LOC I-PER O"),
    ("O O O B-PER I-PER O", "B-creative-work O O B-PER I-PER O"),
    (
        "I-PER O I-PER I-PER B-creative-work I-LOC I-LOC I-PER",
        "I-PER O I-PER I-PER O I-LOC B-LOC I-PER",
    ),
    ("I-LOC I-creative-work O I-creative-work", "B-PER I-creative-work O I-creative-work"),
    (
        "O B-creative-work I-creative-work B-LOC I-creative-work O O",
        "O B-creative-work I-creative-work B-LOC I-creative-work O O",
    ),
]
# What conlleval.pl (version of 2004-01-26) prints for these.
PRINTED = """\
processed 30 tokens with 15 phrases; found: 16 phrases; correct: 12.
accuracy:  86.67%; precision:  75.00%; recall:  80.00%; FB1:  77.42
              LOC: precision:  50.00%; recall:  50.00%; FB1:  50.00  4
              PER: precision:  83.33%; recall: 100.00%; FB1:  90.91  6
    creative-work: precision:  83.33%; recall:  83.33%; FB1:  83.33  6"""


def test_the_lines_are_those_of_conlleval():
    true, found = ([line.split() for line in side] for side in zip(*SAMPLE, strict=True))
    assert str(score_entities(true, found)) == PRINTED


def begins(before, prefix, changes):
    return (
        prefix in ("B", "S")
        or (before in ("O", "E", "S") and prefix in ("I", "E"))
        or (prefix != "O" and changes)
    )


def ends(before, prefix, changes):
    return (
        before in ("E", "S")
        or (before in ("B", "I") and prefix in ("B", "S", "O"))
        or (before != "O" and changes)
    )


def word_by_word(true, found):
    """Entities there are, found and correct, counted as conlleval counts, in one pass."""
    n_true = n_found = n_correct = 0
    matching, last = False, (("O", ""), ("O", ""))
    pairs = [
        pair
        for a, b in zip(true, found, strict=True)
        for pair in [*zip(a, b, strict=True), ("O", "O")]
    ]
    for pair in pairs:
        now = tuple((tag.partition("-")[0], tag.partition("-")[2]) for tag in pair)
        changed = [old[1] != new[1] for old, new in zip(last, now, strict=True)]
        over = [ends(o[0], n[0], c) for o, n, c in zip(last, now, changed, strict=True)]
        new = [begins(o[0], n[0], c) for o, n, c in zip(last, now, changed, strict=True)]
        same = now[0][1] == now[1][1]
        if matching and all(over) and last[0][1] == last[1][1]:
            n_correct += 1
            matching = False
        elif matching and (over[0] != over[1] or not same):
            matching = False
        matching = matching or (all(new) and same)
        n_true, n_found, last = n_true + new[0], n_found + new[1], now
    return n_true, n_found, n_correct


TAGS = st.sampled_from(["O", "O", *(f"{p}-{t}" for p in "BIES" for t in ("PER", "a-b"))])
PAIRS = st.lists(st.lists(st.tuples(TAGS, TAGS), max_size=9), max_size=5)


@given(PAIRS)
def test_counts_are_those_of_conlleval(sentences):
    true, found = ([[pair[i] for pair in s] for s in sentences] for i in (0, 1))
    scores = score_entities(true, found)
    overall = scores.overall
    assert (overall.true, overall.found, overall.correct) == word_by_word(true, found)
    assert sum(each.true for each in scores.types.values()) == overall.true
    assert sum(each.correct for each in scores.types.values()) == overall.correct


def test_entities_of_the_broad_twitter_corpus(shared_data):
    sentences = read_conll(shared_data("btc-ner/btc.dev.conll.gz"))
    tags = [sentence.tags for sentence in sentences]
    scores = score_entities(tags, tags)
    assert {name: each.true for name, each in scores.types.items()} == {
        "LOC": 156, "ORG": 380, "PER": 1194,
    }  # fmt: skip
    assert scores.overall.f1 == scores.accuracy == 1.0


def test_nothing_found_and_nothing_there():
    scores = score_entities([["O", "B-PER"], []], [["O", "O"], []])
    assert (scores.overall.precision, scores.overall.recall, scores.overall.f1) == (0, 0, 0)
    assert str(score_entities([], [])) == (
        "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0."
    )


def test_what_is_refused():
    with pytest.raises(DataError, match="'NOUN' at word 2"):
        lenient_entities(["O", "NOUN"])
    with pytest.raises(DataError, match="sentence 2 has 1 words"):
        score_entities([["O"], ["O"]], [["O"], []])
    with pytest.raises(DataError, match="1 sentences, and 2"):
        score_entities([["O"]], [["O"], ["O"]])
    assert not is_entity_tag("")
    assert not is_entity_tag("BAD-X")
