"""`tag_report`: one page about a tagger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Array
from chainrule.language import WindowTagger
from chainrule.language.exhibits import tag_exhibit
from chainrule.language.tag_scores import score_tags
from chainrule.models.scores import by_name
from chainrule.pages import Block, Fold, Heading, Paragraph, Strong, Table, Text
from chainrule.report.course import course_section
from chainrule.report.data import shares_told
from chainrule.report.examples import chosen
from chainrule.report.judgement import class_table, confusions, headline
from chainrule.report.language.common import effects, facts_section, looked_into, share_told
from chainrule.report.network import network_section
from chainrule.report.page import Report
from chainrule.text import EntityScores
from chainrule.training.metrics import confusion_matrix, precision_recall_f1

Part = tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]

_MATRIX, _LISTED = 12, 15  # tags whose transitions are all shown; else so many of each kind
_SEARCHED = 500  # sentences among which examples are looked for
_AROUND = 12  # words of an example on each side


def tag_report(
    model: WindowTagger, training: Part, judged: Mapping[str, Part], metrics: dict[str, Any],
    title: str, settings: Mapping[str, Any],
) -> Report:  # fmt: skip
    """Make the report of a run of ``chainrule tag``.

    Parameters
    ----------
    model : WindowTagger
        Just fitted.
    training : tuple ``(X, y)``
        As for `WindowTagger.fit`.
    judged : mapping of str to tuple ``(X, y)``
        Sentences to judge by, by the names of the parts, of which the last is that of the headline.
    metrics : dict
        Of the run.
    title : str
    settings : mapping of str to value
        What was decided.

    Returns
    -------
    Report
    """
    exhibit = tag_exhibit(model, *training)
    with np.errstate(all="ignore"):
        blocks = [
            Heading(title, 1),
            *headline({"held_out": metrics["held_out"][[*judged][-1]]}),
            *_data(model, training, metrics),
            *network_section(exhibit, _follows(model)),
            *course_section(model.history_),
            *(block for name, part in judged.items() for block in _judged(model, name, part)),
            *_transitions(model),
            *_examples(model, [*judged.values()][-1]),
            *looked_into(exhibit, model.history_, settings),
        ]
    return Report(title, blocks, metrics)


def _data(model: WindowTagger, training: Part, metrics: dict[str, Any]) -> list[Block]:
    counts = Counter(tag for own in training[1] for tag in own)
    shares = [n / counts.total() for n in counts.values()]
    facts = {
        "sentences": ", ".join(f"{n:,} {name}" for name, n in metrics["sentences"].items()),
        "words to train on": f"{counts.total():,}",
        "vocabulary": f"{len(model.known_words_):,} different words, {len(model.vocabulary_):,} "
        "vectors: in lower case, digits as zeros, rare ones as one",
        "tags": shares_told(shares, [*counts]),
    }
    for name, scores in metrics["held_out"].items():
        own = scores["network"]
        told = share_told(own["unknown_words"], own["words"])
        facts[f"unknown words, {name}"] = f"{told} of {own['words']:,}"
    return facts_section(facts)


def _follows(model: WindowTagger) -> str:
    loss = "of each word's tag by itself"
    if model.loss == "sentence":
        loss = "of whole sentences, with scores of a tag following another"
    return f"What follows from the data: {len(model.classes_)} outputs; the loss is that {loss}."


def _judged(model: WindowTagger, name: str, part: Part) -> list[Block]:
    """Return how well the words of a part were tagged."""
    sentences, true = part
    found = model.predict(sentences)
    scores = score_tags(sentences, true, found, model.known_words_)
    known = scores.words - scores.unknown_words
    right = scores.correct - scores.unknown_correct
    rows: list[list[Text]] = [
        ["all words", f"{scores.words:,}", _share(scores.correct, scores.words)],
        ["known", f"{known:,}", _share(right, known)],
        ["unknown", f"{scores.unknown_words:,}",
         _share(scores.unknown_correct, scores.unknown_words)],
    ]  # fmt: skip
    actual, predicted = ([tag for own in tags for tag in own] for tags in (true, found))
    names = sorted({*actual, *predicted})
    each = class_table(
        by_name(names, precision_recall_f1(actual, predicted, names)), "tag", "words"
    )
    tags: list[Block] = [each, confusions(confusion_matrix(actual, predicted, names), names)]
    heading = Heading(f"On {len(sentences):,} sentences ({name})")
    accuracy = Table(["words", "", "accuracy"], rows, frozenset({1, 2}))
    if scores.entities is None:
        return [heading, accuracy, *tags]
    return [heading, accuracy, _entities(scores.entities), Fold("Tag by tag", tags)]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "—"


def _entities(scores: EntityScores) -> Table:
    """Return what conlleval prints."""
    each = {**scores.types, "all": scores.overall}
    rows: list[list[Text]] = [
        [name, *(f"{100 * x:.2f}" for x in (own.precision, own.recall, own.f1)),
         f"{own.true:,}", f"{own.found:,}", f"{own.correct:,}"]
        for name, own in each.items()
    ]  # fmt: skip
    columns = ["entities", "precision", "recall", "F1", "there are", "found", "correct"]
    return Table(columns, rows, frozenset(range(1, 7)), "In per cent, as conlleval counts")


def _transitions(model: WindowTagger) -> list[Block]:
    """Return the scores of a tag following another."""
    chain, names = model.network_.chain, model.classes_.tolist()
    if chain is None:
        return []
    scores = np.asarray(chain.transitions, np.float64)
    words = "What is added to a sentence's score where a tag, in rows, is followed by another."
    blocks: list[Block] = [Heading("Transitions"), Paragraph(words)]
    if len(names) <= _MATRIX:
        ends = zip(names, scores, np.asarray(chain.end), strict=True)
        rows = [["beginning", *map(_signed, np.asarray(chain.start)), ""]]
        rows += [[name, *map(_signed, own), _signed(end)] for name, own, end in ends]
        right = frozenset(range(1, len(names) + 2))
        return [*blocks, Table(["", *names, "end"], rows, right)]
    order = np.argsort(-scores, axis=None, kind="stable").tolist()
    for title, places in (("The highest", order), ("The lowest", order[::-1])):
        pairs = [divmod(place, len(names)) for place in places[:_LISTED]]
        listed: list[list[Text]] = [[names[i], names[j], _signed(scores[i, j])] for i, j in pairs]
        blocks.append(Table(["tag", "followed by", "score"], listed, frozenset({2}), title))
    return blocks


def _signed(value: Any) -> str:
    return f"{float(value):+.2f}"


def _examples(model: WindowTagger, part: Part) -> list[Block]:
    """Return some words of a part, with what moved the decisions for their tags."""
    sentences, tags = (side[:_SEARCHED] for side in part)
    number = {tag: i for i, tag in enumerate(model.classes_.tolist())}
    places = [
        (i, j) for i, own in enumerate(tags) for j, tag in enumerate(own) if tag in number
    ]  # fmt: skip
    if not places:
        return []
    proba = model.predict_proba(sentences)
    shares: Array = np.stack([proba[i][j] for i, j in places])
    actual = np.array([number[tags[i][j]] for i, j in places])
    blocks: list[Block] = [Heading("Words explained")]
    for title, row in chosen("multiclass", shares, actual).items():
        i, j = places[row]
        words = list(sentences[i])
        first = max(0, j - _AROUND)
        before, after = words[first:j], words[j + 1 : j + 1 + _AROUND]
        blocks += [
            Heading(title, 3),
            Paragraph([" ".join([*before, ""]), Strong(words[j]), " ".join(["", *after])]),
            Paragraph(f"Actual: {tags[i][j]}."),
            *effects(model.explain_(words, j)),
        ]
    return blocks
