"""Features of a text that a person thought of."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.estimator import Estimator
from chainrule.graph import Array
from chainrule.text.tokens import Tokenizer, tokenizer_for

_PRONOUNS = frozenset(
    {"i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"}
    | {"you", "your", "yours", "yourself", "yourselves"}
)
_NAMES = ("positive_words", "negative_words", "has_no", "pronouns", "has_exclamation", "log_words")


class LexiconFeatures(Estimator):
    """Six features for the sentiment of a text, as a lecture would choose them [1]_.

    They are the number of words and phrases that a list of positive ones has, the number for the
    negative ones, whether "no" is a word, the number of first and second person pronouns, whether
    there is an exclamation mark, and the natural logarithm of the number of tokens (0 of an empty
    text). Case does not matter. Where phrases overlap, the longest from the left counts.

    Parameters
    ----------
    positive, negative : collection of str
        Words and phrases, such as `read_words` reads.
    tokenizer : {"word", "whitespace", "character"} or tokeniser

    Attributes
    ----------
    positive_, negative_ : dict of int to set of tuple of str
        The lists as tokens, by their number.

    References
    ----------
    .. [1] Jurafsky and Martin, "Speech and language processing", 3rd edition draft, chapter on
       logistic regression, table of features of a film review.

    Examples
    --------
    >>> features = LexiconFeatures({"great", "well made"}, {"dull"}).fit()
    >>> X = features.transform(["A well made film, great!", "No. You will find it dull."])
    >>> X[:, :5].tolist()
    [[2.0, 0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0]]
    """

    _estimator_type: ClassVar[str | None] = "transformer"

    def __init__(
        self,
        positive: Collection[str],
        negative: Collection[str],
        tokenizer: str | Tokenizer = "word",
    ) -> None:
        self.positive, self.negative, self.tokenizer = positive, negative, tokenizer

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Make the lists ready; texts and labels are not looked at.

        Returns
        -------
        LexiconFeatures
            Itself.

        Raises
        ------
        ArgumentError
            If a list is one string or holds what is none, or the tokeniser is none.
        """
        split = tokenizer_for(self.tokenizer)
        self.positive_ = _phrases("positive", self.positive, split)
        self.negative_ = _phrases("negative", self.negative, split)
        return self

    def transform(self, X: Iterable[str]) -> Array:
        """Return the features of texts.

        Parameters
        ----------
        X : iterable of str

        Returns
        -------
        array of float64, shape (n, 6)

        Raises
        ------
        NotFittedError
            Before `fit`.
        ArgumentError
            If a text is no string, or all of X is one.
        """
        self._check_fitted()
        split = tokenizer_for(self.tokenizer)
        rows = [self._row(text.lower(), split) for text in _strings("X", X)]
        return np.array(rows, np.float64).reshape(-1, len(_NAMES))

    def fit_transform(self, X: Iterable[str], y: Any = None) -> Array:
        """Return the features of texts, as `fit` and `transform` do."""
        return self.fit().transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the six features."""
        return np.array(_NAMES, object)

    def _row(self, text: str, split: Tokenizer) -> Sequence[float]:
        tokens = split(text)
        return (
            _count(tokens, self.positive_),
            _count(tokens, self.negative_),
            "no" in tokens,
            sum(map(_PRONOUNS.__contains__, tokens)),
            "!" in text,
            math.log(max(len(tokens), 1)),
        )


def _strings(name: str, texts: Any) -> list[str]:
    found = [texts] if isinstance(texts, str) else list(texts)
    if isinstance(texts, str) or not all(isinstance(text, str) for text in found):
        odd = next((text for text in found if not isinstance(text, str)), texts)
        raise ArgumentError(f"LexiconFeatures: {name} must be strings, not {odd!r:.60}")
    return found


def _phrases(
    name: str, entries: Collection[str], split: Tokenizer
) -> dict[int, set[tuple[str, ...]]]:
    phrases: dict[int, set[tuple[str, ...]]] = {}
    for tokens in map(split, map(str.lower, _strings(name, entries))):
        if tokens:
            phrases.setdefault(len(tokens), set()).add(tuple(tokens))
    return dict(sorted(phrases.items(), reverse=True))


def _count(tokens: Sequence[str], phrases: Mapping[int, set[tuple[str, ...]]]) -> int:
    """Return how many phrases there are, none within another: at each token the longest first."""
    count = place = 0
    while place < len(tokens):
        step = 1
        for length, known in phrases.items():
            if tuple(tokens[place : place + length]) in known:
                count, step = count + 1, length
                break
        place += step
    return count
