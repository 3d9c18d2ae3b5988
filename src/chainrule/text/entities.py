"""Entities in tag sequences, and their precision, recall and F1 as conlleval counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chainrule.errors import DataError
from chainrule.text.tags import OUTSIDE, Entity

_PREFIXES = frozenset("BIES")


def is_entity_tag(tag: str) -> bool:
    """Return whether a tag is ``O``, or ``B``, ``I``, ``E`` or ``S`` with a type.

    Examples
    --------
    >>> [is_entity_tag(tag) for tag in ("B-creative-work", "O", "NOUN", "-LRB-")]
    [True, True, False, False]
    """
    return tag == OUTSIDE or tag.partition("-")[0] in _PREFIXES


def lenient_entities(tags: Iterable[str]) -> list[Entity]:
    """Return the entities of a sentence, also where its tags break their scheme, as conlleval does.

    An entity goes on with I and E of its type, and ends with E and S; whatever else is not O starts
    one, so that an I needs no B. A type is what follows the first hyphen. On IOB tags that is what
    Tjong Kim Sang's ``conlleval`` (CoNLL-2000) does. That script does not know S, nor that B may
    follow E; there it is as in its ports.

    Raises
    ------
    DataError
        If a tag is not one of `is_entity_tag`.

    Examples
    --------
    >>> lenient_entities(["O", "I-LOC", "I-ORG", "I-ORG"])
    [Entity(type='LOC', start=1, stop=2), Entity(type='ORG', start=2, stop=4)]
    """
    found = []
    start, kind = -1, ""
    for i, tag in enumerate([*tags, OUTSIDE]):
        if not is_entity_tag(tag):
            raise DataError(
                f"{tag!r} at word {i + 1} is no tag of entities: they are O, and B, I, E and S "
                "with a type, such as B-PER"
            )
        prefix, _, now = tag.partition("-")
        goes_on = prefix in ("I", "E") and now == kind
        if start >= 0 and not goes_on:
            found.append(Entity(kind, start, i))
            start = -1
        if prefix != OUTSIDE and start < 0:
            start = i
        kind = now
        if prefix in ("E", "S"):
            found.append(Entity(kind, start, i + 1))
            start = -1
    return found


@dataclass(frozen=True)
class EntityCounts:
    """How many entities there are, were found, and both.

    Attributes
    ----------
    true, found, correct : int
        Correct are those of the same first and last word and type.
    """

    true: int
    found: int
    correct: int

    @property
    def precision(self) -> float:
        """Share of what was found that is correct; 0 if nothing was found."""
        return _percent(self.correct, self.found) / 100.0

    @property
    def recall(self) -> float:
        """Share of what there is that was found; 0 if there is nothing."""
        return _percent(self.correct, self.true) / 100.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if both are."""
        return self._percents[2] / 100.0

    @property
    def _percents(self) -> tuple[float, float, float]:
        """Precision, recall and F1 by conlleval's own operations, so that they round as there."""
        precision, recall = _percent(self.correct, self.found), _percent(self.correct, self.true)
        both = precision + recall
        return precision, recall, 2.0 * precision * recall / both if both else 0.0

    def __str__(self) -> str:
        precision, recall, f1 = self._percents
        return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


@dataclass(frozen=True)
class EntityScores:
    """Precision, recall and F1 of entities; printed, the lines of conlleval.

    Attributes
    ----------
    overall : EntityCounts
        Of all types together (micro average).
    types : mapping of str to EntityCounts
        By type, in order.
    words, correct_words : int
        All words, and those with the right tag.
    """

    overall: EntityCounts
    types: Mapping[str, EntityCounts]
    words: int
    correct_words: int

    @property
    def accuracy(self) -> float:
        """Share of the words with the right tag; 0 if there are no words."""
        return _percent(self.correct_words, self.words) / 100.0

    def __str__(self) -> str:
        whole = self.overall
        lines = [
            f"processed {self.words} tokens with {whole.true} phrases; "
            f"found: {whole.found} phrases; correct: {whole.correct}."
        ]
        if self.words:
            lines.append(f"accuracy: {_percent(self.correct_words, self.words):6.2f}%; {whole}")
        lines += [f"{name:>17}: {each}  {each.found}" for name, each in self.types.items()]
        return "\n".join(lines)


def score_entities(true: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> EntityScores:
    """Compare the entities of tag sequences.

    Parameters
    ----------
    true, found : sequences of sequences of str
        A list of tags for each sentence.

    Raises
    ------
    DataError
        If the lengths differ, naming the sentence, or a tag is not one of `is_entity_tag`.

    Examples
    --------
    >>> print(score_entities([["B-PER", "I-PER", "O"]], [["B-PER", "I-PER", "B-LOC"]]))
    processed 3 tokens with 1 phrases; found: 2 phrases; correct: 1.
    accuracy:  66.67%; precision:  50.00%; recall: 100.00%; FB1:  66.67
                  LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
                  PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  1
    """
    if len(true) != len(found):
        raise DataError(f"there are tags of {len(true)} sentences, and {len(found)} were found")
    counts: dict[str, Counter[str]] = {"true": Counter(), "found": Counter(), "correct": Counter()}
    n_words = n_correct = 0
    for i, (ours, theirs) in enumerate(zip(true, found, strict=True), 1):
        if len(ours) != len(theirs):
            raise DataError(
                f"sentence {i} has {len(ours)} words, and {len(theirs)} tags were found"
            )
        n_words += len(ours)
        n_correct += sum(a == b for a, b in zip(ours, theirs, strict=True))
        known, seen = lenient_entities(ours), lenient_entities(theirs)
        both = set(known) & set(seen)
        for name, group in (("true", known), ("found", seen), ("correct", both)):
            counts[name].update(entity.type for entity in group)
    names = sorted(counts["true"].keys() | counts["found"].keys())
    types = {
        name: EntityCounts(**{key: own[name] for key, own in counts.items()}) for name in names
    }
    overall = EntityCounts(**{key: own.total() for key, own in counts.items()})
    return EntityScores(overall, types, n_words, n_correct)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
