"""`text_report`: one page about a classifier of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language import TextClassifier
from chainrule.language.exhibits import text_exhibit
from chainrule.language.moving_words import moving_words
from chainrule.pages import Block, Heading, Paragraph, Table, Text
from chainrule.report.course import course_section
from chainrule.report.data import shares_told, sparkline
from chainrule.report.examples import chosen
from chainrule.report.judgement import classes_judged, headline, labels_judged
from chainrule.report.language.common import effects, facts_section, looked_into, share_told, told
from chainrule.report.network import network_section
from chainrule.report.page import Report

_MOST_CLASSES, _WORDS = 40, 12  # that are told of, with so many words each
_LONGEST = 1_000  # characters of a text that are shown


def text_report(
    model: TextClassifier, training: tuple[Sequence[str], Sequence[Any]],
    held_out: tuple[Sequence[str], Sequence[Any]], metrics: dict[str, Any], title: str,
    settings: Mapping[str, Any],
) -> Report:  # fmt: skip
    """Make the report of a run of ``chainrule text``.

    Parameters
    ----------
    model : TextClassifier
        Just fitted.
    training, held_out : tuple ``(X, y)``
        As for `TextClassifier.fit`.
    metrics : dict
        Of the run.
    title : str
    settings : mapping of str to value
        What was decided.

    Returns
    -------
    Report
    """
    exhibit = text_exhibit(model, *training)
    texts, (one, actual) = held_out[0], _coded(model, held_out[1])
    with np.errstate(all="ignore"):
        shares = model.predict_proba(texts).astype(np.float64)
        blocks = [
            Heading(title, 1),
            *headline(metrics),
            *_data(model, training, texts),
            *network_section(exhibit, _follows(model, one)),
            *course_section(model.history_),
            *_judged(model, metrics, shares, one, actual),
            *_moving(model, training[0]),
            *_examples(model, texts, shares, one, actual),
            *looked_into(exhibit, model.history_, settings),
        ]
    return Report(title, blocks, metrics)


def _coded(model: TextClassifier, y: Any) -> tuple[bool, Array]:
    """Return whether a text has one class, and the numbers of classes, or 0 and 1."""
    return model._labels.one, np.asarray(model._labels.encode(y))


def _names(model: TextClassifier) -> list[str]:
    return [str(name) for name in model.classes_.tolist()]


def _data(
    model: TextClassifier, training: tuple[Sequence[str], Sequence[Any]], texts: Sequence[str]
) -> list[Block]:
    features, known = model.features_, set(model.features_.words)
    lengths = np.array([len(features.tokens(text)) for text in training[0]])
    tokens = [token for text in texts for token in features.tokens(text)]
    unknown = sum(token not in known for token in tokens)
    one, coded = _coded(model, training[1])
    counts = np.bincount(coded, minlength=len(model.classes_)) if one else coded.sum(axis=0)
    ngrams, subwords = map(len, features.met)
    facts = {
        "texts": f"{len(lengths):,} to train on, {len(texts):,} held out",
        "tokens to train on": f"{lengths.sum():,}",
        "tokens of a text": f"{np.median(lengths):g} in the middle, {lengths.max():,} at most; "
        f"from short to long {sparkline(np.histogram(lengths, 12)[0])}",
        "vocabulary": f"{len(known):,} words, {ngrams:,} n-grams of words and {subwords:,} of "
        "characters",
        "unknown tokens held out": f"{share_told(unknown, len(tokens))} of {len(tokens):,}",
        "classes" if one else "labels": shares_told(counts / len(coded), _names(model)),
    }
    return facts_section(facts)


def _follows(model: TextClassifier, one: bool) -> str:
    k = len(model.classes_)
    loss = "a softmax and its cross-entropy" if one else "a sigmoid and its cross-entropy for each"
    return f"What follows from the data: {k} outputs, {loss}; pooling is {model.pooling!r}."


def _judged(
    model: TextClassifier, metrics: dict[str, Any], shares: Array, one: bool, actual: Array
) -> list[Block]:
    scores = metrics["held_out"]["network"]
    if one:
        blocks = classes_judged(scores, _names(model), shares, actual)
    else:
        blocks = labels_judged(scores, shares, actual)
    return [Heading("On the held-out texts"), *blocks]


def _moving(model: TextClassifier, texts: Sequence[str]) -> list[Block]:
    found = moving_words(model, texts, _WORDS)
    rows: list[list[Text]] = [
        [name, told(words, "+.2f")]
        for name, words in list(zip(_names(model), found, strict=True))[:_MOST_CLASSES]
    ]
    if not any(found):
        return []
    more = "" if len(found) <= _MOST_CLASSES else f" The first {_MOST_CLASSES} classes are told."
    words = (
        "What a word does for a class when it is all of a text: the log-odds, above those of a "
        f"text without a word. Words that come less than three times are left out.{more}"
    )
    return [Heading("Words that move most"), Paragraph(words), Table(["class", "words"], rows)]


def _examples(
    model: TextClassifier, texts: Sequence[str], shares: Array, one: bool, actual: Array
) -> list[Block]:
    blocks: list[Block] = []
    for title, row in chosen("multiclass" if one else "multilabel", shares, actual).items():
        text, names = texts[row], np.array(_names(model), object)
        own = [names[actual[row]]] if one else names[actual[row] > 0].tolist()
        cut = text[:_LONGEST] + (" …" if len(text) > _LONGEST else "")
        try:
            moved = effects(model.explain_(text))
        except DataError:  # no token of it is known
            continue
        blocks += [
            Heading(title, 3), Paragraph(cut), Paragraph(f"Actual: {', '.join(own) or 'none'}."),
            *moved,
        ]  # fmt: skip
    return [Heading("Held-out texts explained"), *blocks] if blocks else []
