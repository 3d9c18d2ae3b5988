"""Sentences and tags as they are given, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import DataError

Sentences = list[list[str]]


def checked_sentences(given: Any, what: str = "words") -> Sentences:
    """Return lists of words, or of tags.

    Raises
    ------
    DataError
        If something else is among them, naming the sentence and the word, counted from 1.

    Examples
    --------
    >>> checked_sentences([("Ada", "sings"), []])
    [['Ada', 'sings'], []]
    """
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise DataError(
            f"a list of sentences, each a list of {what}, is expected, not {_kind(given)}"
        )
    return [_checked(sentence, i, what) for i, sentence in enumerate(given, 1)]


def checked_tags(given: Any, sentences: Sequence[Sequence[str]]) -> Sentences:
    """Return lists of tags, one for each word.

    Raises
    ------
    DataError
        Naming the first sentence that has more or fewer tags than words.
    """
    tags = checked_sentences(given, "tags")
    if len(tags) != len(sentences):
        raise DataError(f"there are {len(sentences)} sentences, and tags of {len(tags)}")
    for i, (words, own) in enumerate(zip(sentences, tags, strict=True), 1):
        if len(words) != len(own):
            raise DataError(f"sentence {i} has {len(words)} words, but {len(own)} tags")
    return tags


def _checked(sentence: Any, number: int, what: str) -> list[str]:
    if isinstance(sentence, (str, bytes)) or not hasattr(sentence, "__iter__"):
        hint = ": divide it first, as by .split()" if isinstance(sentence, str) else ""
        raise DataError(f"sentence {number} is {_kind(sentence)}, not a list of {what}{hint}")
    made = list(sentence)
    for i, word in enumerate(made, 1):
        if not isinstance(word, str):
            raise DataError(f"sentence {number} holds {word!r} at word {i}, which is no string")
    return made


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
