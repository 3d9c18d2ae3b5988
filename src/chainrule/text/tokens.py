"""Tokenisers: functions from a text to its tokens, which JSON can hold."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from chainrule.constraints import TRUTH, check
from chainrule.errors import ArgumentError
from chainrule.text.bpe import BPETokenizer
from chainrule.text.words import split_words

_NO_SPACES = re.compile(r"[^\t-\r\x1c-\x20]+")
_PATTERN_LENGTH = 10_000


@runtime_checkable
class Tokenizer(Protocol):
    """What every tokeniser is: a function of a text, and a description that JSON can hold."""

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `tokenizer_from_dict` makes the tokeniser of."""


class _Plain(ABC):
    """Base of tokenisers that may change text to lower case first."""

    kind: ClassVar[str]

    def __init__(self, lowercase: bool = False) -> None:
        check(type(self).__name__, {"lowercase": TRUTH}, {"lowercase": lowercase})
        self.lowercase = lowercase

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return self._split(text.lower() if self.lowercase else text)

    @abstractmethod
    def _split(self, text: str) -> list[str]:
        """Return the tokens of a text whose case is as it shall be."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `tokenizer_from_dict` makes the tokeniser of."""
        return {"kind": self.kind, "lowercase": self.lowercase}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lowercase={self.lowercase})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


class WhitespaceTokenizer(_Plain):
    """Split at ASCII white space, as fastText does; a no-break space is part of its token.

    Examples
    --------
    >>> WhitespaceTokenizer()("so it 's a film .")
    ['so', 'it', "'s", 'a', 'film', '.']
    """

    kind = "whitespace"

    def _split(self, text: str) -> list[str]:
        return text.split() if text.isascii() else _NO_SPACES.findall(text)


class CharacterTokenizer(_Plain):
    """Every code point is a token.

    Examples
    --------
    >>> CharacterTokenizer()("ad hoc")
    ['a', 'd', ' ', 'h', 'o', 'c']
    """

    kind = "character"

    def _split(self, text: str) -> list[str]:
        return list(text)


class WordTokenizer(_Plain):
    """Words, numbers and signs of running text in any script: see `chainrule.text.words`.

    Examples
    --------
    >>> WordTokenizer(lowercase=True)("I don't think it's worth $9.50 ... see www.x.org!")
    ['i', 'do', "n't", 'think', 'it', "'s", 'worth', '$', '9.50', '...', 'see', 'www.x.org', '!']
    """

    kind = "word"

    def _split(self, text: str) -> list[str]:
        return split_words(text)


class RegexTokenizer(_Plain):
    r"""Whatever a regular expression matches is a token.

    Parameters
    ----------
    pattern : str
        In the language of Python's `re`, without capturing groups.
    lowercase : bool

    Raises
    ------
    ArgumentError
        If the pattern is none; it says where.

    Examples
    --------
    >>> RegexTokenizer(r"\w+")("so, so good")
    ['so', 'so', 'good']
    """

    kind = "regex"

    def __init__(self, pattern: str, lowercase: bool = False) -> None:
        super().__init__(lowercase)
        if not isinstance(pattern, str) or not 0 < len(pattern) <= _PATTERN_LENGTH:
            raise ArgumentError(
                f"RegexTokenizer: pattern must be a string of 1 to {_PATTERN_LENGTH:,} characters"
            )
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            message = f"RegexTokenizer: {pattern!r} is no regular expression: {error}"
            raise ArgumentError(message) from None
        if compiled.groups:
            raise ArgumentError(
                f"RegexTokenizer: {pattern!r} has a capturing group; write (?:...) for (...)"
            )
        self.pattern, self._find = pattern, compiled.findall

    def _split(self, text: str) -> list[str]:
        return [token for token in self._find(text) if token]

    def to_dict(self) -> dict[str, Any]:
        """Return what `tokenizer_from_dict` makes the tokeniser of."""
        return {**super().to_dict(), "pattern": self.pattern}

    def __repr__(self) -> str:
        return f"RegexTokenizer({self.pattern!r}, lowercase={self.lowercase})"


_KINDS: dict[str, Callable[..., Tokenizer]] = {
    "word": WordTokenizer,
    "whitespace": WhitespaceTokenizer,
    "character": CharacterTokenizer,
    "regex": RegexTokenizer,
    "bpe": BPETokenizer,
}
_NAMES = ("word", "whitespace", "character")


def tokenizer_for(spec: str | Tokenizer) -> Tokenizer:
    """Return the tokeniser of a name; one that is a tokeniser already is returned as it is.

    Parameters
    ----------
    spec : {"word", "whitespace", "character"} or tokeniser

    Returns
    -------
    tokeniser
        A function from a text to a list of str, with ``to_dict``.

    Raises
    ------
    ArgumentError
        If it is neither.

    Examples
    --------
    >>> tokenizer_for("character")("abc")
    ['a', 'b', 'c']
    """
    if isinstance(spec, str) and spec in _NAMES:
        return _KINDS[spec]()
    if isinstance(spec, Tokenizer) and not isinstance(spec, type):
        return spec
    names = ", ".join(map(repr, _NAMES))
    raise ArgumentError(f"a tokeniser is one of {names}, or an object of one, not {spec!r}")


def tokenizer_from_dict(document: Mapping[str, Any]) -> Tokenizer:
    """Return the tokeniser that ``to_dict`` described.

    Raises
    ------
    ArgumentError
        If the description is none, or has a wrong argument.
    MissingExtraError
        If it is of a tokeniser that needs the extra ``text``, which is not installed.

    Examples
    --------
    >>> tokenizer_from_dict(WordTokenizer(lowercase=True).to_dict())
    WordTokenizer(lowercase=True)
    """
    arguments = dict(document)
    kind = arguments.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ArgumentError(f"there is no tokeniser of kind {kind!r}")
    try:
        return _KINDS[kind](**arguments)
    except TypeError as error:
        raise ArgumentError(f"this describes no tokeniser of kind {kind!r}: {error}") from None
