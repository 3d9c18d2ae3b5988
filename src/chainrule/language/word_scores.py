"""Neighbours and analogies among word vectors, and how they agree with people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph import Array
from chainrule.text import Vocabulary

_BLOCK = 2**24  # products that are held at a time


class SimilarityScore(NamedTuple):
    """How cosines agree with people's scores.

    Attributes
    ----------
    spearman : float
        Correlation of ranks over the pairs that are known; NaN for fewer than two.
    known, total : int
        Pairs.
    """

    spearman: float
    known: int
    total: int


class AnalogyScore(NamedTuple):
    """How many analogies are right.

    Attributes
    ----------
    accuracy : float
        Of the questions whose four words are known; NaN if there are none.
    known, total : int
        Questions.
    sections : dict of str to tuple
        Right, known and all questions of each section.
    """

    accuracy: float
    known: int
    total: int
    sections: dict[str, tuple[int, int, int]]


def unit(vectors: Array) -> Array:
    """Return vectors of length 1; those of zeros stay."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)


def best(scores: Array, without: Sequence[int], n: int) -> Array:
    """Return where the n largest scores are, the largest first, some places left out."""
    scores = np.array(scores)
    scores[list(without)] = -np.inf
    n = min(n, len(scores) - len(set(without)))
    found = np.argpartition(-scores, n - 1)[:n] if n else np.zeros(0, np.int64)
    return found[np.lexsort((found, -scores[found]))]


def known_as(vocabulary: Vocabulary, word: str) -> int | None:
    """Return the id of a word, or of it in small letters; None if there is neither."""
    for form in (word, word.lower()):
        if form in vocabulary:
            return vocabulary[form]
    return None


def similarity_score(
    vocabulary: Vocabulary, vectors: Array, pairs: Iterable[tuple[str, str, float]]
) -> SimilarityScore:
    """Return how cosines of vectors agree with people's scores."""
    pairs = list(pairs)
    rows = [(known_as(vocabulary, a), known_as(vocabulary, b), score) for a, b, score in pairs]
    known = [(a, b, score) for a, b, score in rows if a is not None and b is not None]
    if len(known) < 2:
        return SimilarityScore(float("nan"), len(known), len(pairs))
    first, second, judged = map(np.array, zip(*known, strict=True))
    a, b = (unit(vectors[ids].astype(np.float64)) for ids in (first, second))
    return SimilarityScore(spearman(np.sum(a * b, axis=1), judged), len(known), len(pairs))


def spearman(x: Array, y: Array) -> float:
    """Return the correlation of ranks; equal values share their mean rank.

    Examples
    --------
    >>> round(spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 9.0, 9.0])), 4)
    0.7379
    """
    with np.errstate(invalid="ignore"):
        return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(x: Array) -> Array:
    _, which, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[which]


def analogy_score(
    vocabulary: Vocabulary,
    vectors: Array,
    sections: Mapping[str, Sequence[tuple[str, str, str, str]]],
) -> AnalogyScore:
    """Return how many analogies are right: the nearest to ``b - a + c``, none of the three, is d.

    Mikolov et al. (2013); the vectors have length 1 (Levy and Goldberg's 3CosAdd, 2014).
    """
    table, counts = unit(vectors), {}
    for name, questions in sections.items():
        ids = [[known_as(vocabulary, word) for word in question] for question in questions]
        known = np.array([row for row in ids if None not in row], np.int64).reshape(-1, 4)
        counts[name] = (_right(table, known), len(known), len(questions))
    right, known_, total = (sum(column) for column in zip(*counts.values(), strict=True))
    return AnalogyScore(right / known_ if known_ else float("nan"), known_, total, counts)


def _right(table: Array, questions: Array) -> int:
    """Return how many questions, rows of four ids, are answered right."""
    right, size = 0, max(1, _BLOCK // len(table))
    for start in range(0, len(questions), size):
        part = questions[start : start + size]
        a, b, c, d = part.T
        scores = (table[b] - table[a] + table[c]) @ table.T
        np.put_along_axis(scores, part[:, :3], -np.inf, axis=1)
        right += int(np.sum(scores.argmax(axis=1) == d))
    return right
