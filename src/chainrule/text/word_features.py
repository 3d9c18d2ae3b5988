"""What is seen of a word alone: its capitals, digits, shape, beginning and end.

Collobert and others, "Natural language processing (almost) from scratch" (JMLR 2011), sections 3.2
and 6.1, look up a table for each such feature beside the one for words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

Feature = Callable[[str], str]


def normal_form(word: str) -> str:
    """Return a word in lower case, its digits as zeros.

    Examples
    --------
    >>> normal_form("Boeing-747")
    'boeing-000'
    """
    return re.sub(r"\d", "0", word.lower())


def capitals(word: str) -> str:
    """Return which letters are capitals.

    Examples
    --------
    >>> [capitals(word) for word in ("the", "The", "I", "NATO", "iPod", "42")]
    ['lower', 'first', 'single', 'all', 'mixed', 'none']
    """
    if word == word.lower():
        return "lower" if word != word.upper() else "none"
    if word == word.upper():
        return "all" if sum(map(str.isalpha, word)) > 1 else "single"
    return "first" if word[0].isupper() and word[1:] == word[1:].lower() else "mixed"


def digits(word: str) -> str:
    """Return where there are digits.

    Examples
    --------
    >>> [digits(word) for word in ("ten", "1984", "3.14", "4th")]
    ['none', 'all', 'number', 'some']
    """
    if not any(map(str.isdigit, word)):
        return "none"
    if word.isdigit():
        return "all"
    return "some" if any(map(str.isalpha, word)) else "number"


def shape(word: str) -> str:
    """Return the kinds of characters, a run of one kind as one.

    Letters are ``X`` and ``x``, or ``c`` where there are no capitals, digits ``0``; any other
    character stands for itself.

    Examples
    --------
    >>> [shape(word) for word in ("McDonald's", "B-52", "U.S.", "北京")]
    ["XxXx'x", 'X-0', 'X.X.', 'c']
    """
    return re.sub(r"(.)\1+", r"\1", "".join(map(_kind, word)), flags=re.DOTALL)


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    if not character.isalpha():
        return character
    if character.isupper():
        return "X"
    return "x" if character.islower() else "c"


def beginning(n: int, word: str) -> str:
    """Return the first `n` characters of a word's normal form."""
    return normal_form(word)[:n]


def ending(n: int, word: str) -> str:
    """Return the last `n` characters of a word's normal form.

    Examples
    --------
    >>> ending(3, "Walking"), ending(3, "A")
    ('ing', 'a')
    """
    return normal_form(word)[-n:]


WORD_FEATURES: dict[str, Sequence[Feature]] = {
    "capitals": (capitals,),
    "digits": (digits,),
    "shape": (shape,),
    "prefixes": tuple(partial(beginning, n) for n in (1, 2, 3, 4)),
    "suffixes": tuple(partial(ending, n) for n in (1, 2, 3, 4)),
}
"""By name: what is looked up for a word beside the word, a table each."""
