"""How well words were tagged: accuracy, that of unknown words apart, and entities."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from chainrule.text import EntityScores, is_entity_tag, score_entities


@dataclass(frozen=True)
class TagScores:
    """Scores of tags; printed, a line of accuracies, and where there are entities conlleval's.

    Attributes
    ----------
    words, correct : int
        All words, and those with the right tag.
    unknown_words, unknown_correct : int
        Of words that training did not meet.
    entities : EntityScores or None
        Where all tags are those of entities; see `chainrule.text.score_entities`.
    """

    words: int
    correct: int
    unknown_words: int
    unknown_correct: int
    entities: EntityScores | None

    @property
    def accuracy(self) -> float:
        """Share of the words with the right tag; 0 if there are no words."""
        return self.correct / self.words if self.words else 0.0

    @property
    def unknown_accuracy(self) -> float:
        """That of words which training did not meet."""
        return self.unknown_correct / self.unknown_words if self.unknown_words else 0.0

    @property
    def f1(self) -> float | None:
        """Of entities, where there are such."""
        return None if self.entities is None else self.entities.overall.f1

    def __str__(self) -> str:
        line = (
            f"accuracy: {100 * self.accuracy:6.2f}% of {self.words:,} words; "
            f"{100 * self.unknown_accuracy:6.2f}% of {self.unknown_words:,} unknown ones"
        )
        return line if self.entities is None else f"{line}\n{self.entities}"


def score_tags(
    sentences: Sequence[Sequence[str]],
    true: Sequence[Sequence[str]],
    found: Sequence[Sequence[str]],
    known: Container[str],
) -> TagScores:
    """Compare tags, one for each word.

    Parameters
    ----------
    sentences, true, found : sequences of sequences of str
        Words, their tags, and what was found.
    known : container of str
        Words that training met.

    Examples
    --------
    >>> print(score_tags([["a", "cat"]], [["DET", "NOUN"]], [["DET", "VERB"]], {"a"}))
    accuracy:  50.00% of 2 words;   0.00% of 1 unknown ones
    """
    right = [
        (word in known, a == b)
        for triple in zip(sentences, true, found, strict=True)
        for word, a, b in zip(*triple, strict=True)
    ]
    unknown = [hit for met, hit in right if not met]
    of_entities = all(is_entity_tag(tag) for tags in (*true, *found) for tag in tags)
    return TagScores(
        len(right), sum(hit for _, hit in right), len(unknown), sum(unknown),
        score_entities(true, found) if of_entities else None,
    )  # fmt: skip
