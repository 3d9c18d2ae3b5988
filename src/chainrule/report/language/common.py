"""What reports about text have in common: facts, effects of words, words and their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.data import principal_components, spread_rows
from chainrule.graph import Array
from chainrule.language import WordEffects
from chainrule.pages import Block, Code, Fold, Heading, Paragraph, Table, Text
from chainrule.pages.blocks import Piece
from chainrule.report.charts import bars, named_points
from chainrule.report.network import (
    derivation_section,
    diagnosis_section,
    settings_section,
    source_section,
)
from chainrule.training import Exhibit, History

_MOVED = 12  # words whose effects are drawn
_ASKED, _OF, _FOUND = 16, 320, 6  # words that neighbours are told of, so many of the commonest
_PICTURED = 150  # words


def facts_section(facts: Mapping[str, Text]) -> list[Block]:
    """Return what is known of the data."""
    rows: list[list[Text]] = [[name, value] for name, value in facts.items()]
    return [Heading("Data"), Table(["", ""], rows)]


def share_told(part: int, whole: int) -> str:
    """Return a number and its share of another, as words.

    Examples
    --------
    >>> share_told(12, 1600)
    '12 (0.75 %)'
    """
    return f"{part:,} ({100 * part / whole:.3g} %)" if whole else f"{part:,}"


def told(words: Sequence[tuple[str, float]], form: str) -> Text:
    """Return words with a number each; of marks and commas it is clear where they end."""
    found: list[Piece] = []
    for i, (word, value) in enumerate(words):
        found += [", " if i else "", Code(word), f" {value:{form}}"]
    return found


def looked_into(exhibit: Exhibit, history: History, settings: Mapping[str, Any]) -> list[Block]:
    """Return what closes a report: diagnosis, derivation, source, settings."""
    return [
        *diagnosis_section(exhibit, history),
        *derivation_section(exhibit),
        *source_section(exhibit),
        *settings_section(settings, history.engine),
    ]


def effects(found: WordEffects) -> list[Block]:
    """Return which words moved a decision, drawn and in numbers."""
    order = np.argsort(-np.abs(found.left_out), kind="stable")[:_MOVED]
    moved = {_once(found.words, i): float(found.left_out[i]) for i in order}
    said, *tables, verdict = found.blocks()
    return [
        said,
        bars(
            "What moved the answer", moved, x_label=f"towards {found.target}, or away from it",
            caption="How much larger the log-odds are with the word than without it.",
        ),
        Fold("In numbers", tables),
        verdict,
    ]  # fmt: skip


def _once(words: Sequence[str], i: int) -> str:
    """Return a word, with its place where it comes several times."""
    return words[i] if words.count(words[i]) == 1 else f"{words[i]} ({i + 1})"


def words_section(
    words: Sequence[str], vectors: Array, near: Callable[[str, int], list[tuple[str, float]]]
) -> list[Block]:
    """Return the neighbours of frequent words, and a picture of the commonest.

    Parameters
    ----------
    words : sequence of str
        The commonest first.
    vectors : array, shape (len(words), d)
    near : callable
        The words nearest to one, and the cosines: of a word and how many.
    """
    common = words[:_OF]
    asked = [word for word in common if any(c.isalnum() for c in word)] or common
    rows: list[list[Text]] = [
        [[Code(asked[i])], told(near(asked[i], _FOUND), ".2f")]
        for i in spread_rows(len(asked), _ASKED)
    ]
    blocks: list[Block] = [
        Heading("Nearest words"),
        Paragraph(f"Of some of the {len(common):,} commonest words, with the cosine of the angle."),
        Table(["word", "nearest to it"], rows),
    ]
    shown = np.asarray(vectors[:_PICTURED], np.float64)
    plane = principal_components(shown)
    if len(shown) < 3 or not plane.shares[0]:
        return blocks
    (x, y), share = plane.scores.T, plane.shares.sum()
    return [
        *blocks,
        Heading("The commonest words in a plane"),
        named_points(
            "The commonest words", x, y, words[:_PICTURED], x_label="first direction",
            y_label="second direction",
            caption=f"The {len(shown)} commonest words along the two directions in which their "
            f"vectors differ most; these hold {100 * share:.0f} % of their variance.",
        ),
    ]  # fmt: skip
