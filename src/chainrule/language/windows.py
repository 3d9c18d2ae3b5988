"""Windows of words around each word, as the numbers that a network looks up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Self

import numpy as np

from chainrule.graph import Array
from chainrule.text import BOS, EOS, UNK, WORD_FEATURES, Vocabulary
from chainrule.text.word_features import Feature, normal_form

Tokens = Sequence[str]
CENTRAL = frozenset({"prefixes", "suffixes"})  # looked up for a window's own word alone
_SPECIALS = (UNK, BOS, EOS)


class Windows:
    """Turns sentences into windows: a word with as many words before it as behind it.

    Parameters
    ----------
    width : int
        Words on each side; beyond a sentence's ends there are places of their own.
    words : Vocabulary
        Of words in their normal form.
    features : mapping of str to sequence of Vocabulary
        Of the values of features in `WORD_FEATURES`, by name.
    separate : bool
        Whether each place has rows of its own in the table of words.

    Attributes
    ----------
    n_places : int
        Words of a window.
    n_rows : int
        Of the table of words.
    n_values : int
        Values of all features, which are rows of one table.
    n_lookups : int
        Values that are looked up for a window.
    unknown : int array, shape (n_places,)
        The row of unknown words in each place.
    """

    def __init__(
        self,
        width: int,
        words: Vocabulary,
        features: Mapping[str, Sequence[Vocabulary]],
        separate: bool,
    ) -> None:
        self.width, self.words, self.features = width, words, dict(features)
        self.separate, self.n_places = separate, 2 * width + 1
        self._values = [v for own in self.features.values() for v in own]
        self._functions = [f for name in self.features for f in WORD_FEATURES[name]]
        ends = np.cumsum([0, *map(len, self._values)])
        self._firsts, self.n_values = ends[:-1].astype(np.int32), int(ends[-1])
        self.n_rows = len(words) * (self.n_places if separate else 1)
        places = np.arange(self.n_places, dtype=np.int32)
        self._places = places * (len(words) if separate else 0)
        self.unknown = self._places + np.int32(words[UNK])
        self._owners = [name for name, own in self.features.items() for _ in own]
        self._around = [i for i, name in enumerate(self._owners) if name not in CENTRAL]
        self._centre = [i for i, name in enumerate(self._owners) if name in CENTRAL]
        self.n_lookups = len(self._around) * self.n_places + len(self._centre)

    @classmethod
    def of(
        cls,
        sentences: Sequence[Tokens],
        width: int,
        names: Sequence[str],
        min_count: int,
        *,
        separate: bool = False,
        more: Iterable[str] = (),
    ) -> Self:
        """Learn words and values of features that come often enough; `more` words in any case."""
        words = _values(normal_form, sentences, min_count)
        extra = dict.fromkeys(word for word in map(normal_form, more) if word not in words)
        words = Vocabulary([*words.words, *extra], [*words.counts.tolist(), *[0] * len(extra)])
        features = {
            name: [_values(f, sentences, min_count) for f in WORD_FEATURES[name]] for name in names
        }
        return cls(width, words, features, separate)

    def columns(self, place: int) -> dict[str, list[int]]:
        """Return which columns of ``"features"`` are of a place in the window, by feature."""
        n = len(self._around)
        own = list(zip(range(place * n, (place + 1) * n), self._around, strict=True))
        if place == self.width:
            own += enumerate(self._centre, self.n_places * n)
        found: dict[str, list[int]] = {}
        for column, i in own:
            found.setdefault(self._owners[i], []).append(column)
        return found

    def encode(self, sentences: Sequence[Tokens]) -> dict[str, Array]:
        """Return the windows of all words, one after another, and one of unknown words alone.

        Returns
        -------
        dict
            ``"words"``, of shape (n + 1, n_places), and ``"features"``, of shape
            (n + 1, n_lookups): rows of the two tables.
        """
        ids, centres = self._ids(sentences)
        rows = ids[centres[:, None] + np.arange(-self.width, self.width + 1)]
        values = rows[:, :, 1:] + self._firsts
        around = values[:, :, self._around].reshape(len(rows), -1)
        features = np.concatenate([around, values[:, self.width, self._centre]], axis=1)
        return {"words": rows[:, :, 0] + self._places, "features": features}

    def _ids(self, sentences: Sequence[Tokens]) -> tuple[Array, Array]:
        """Return the ids of all words with padding around sentences, and where the words are."""
        before, behind, unknown = (
            [tuple(v[name] for v in (self.words, *self._values))] * n
            for name, n in ((BOS, self.width), (EOS, self.width), (UNK, self.n_places))
        )
        lengths = np.fromiter(map(len, sentences), np.intp, len(sentences))
        ids_of, ids = cache(self._ids_of), list[tuple[int, ...]]()  # words come again and again
        for sentence in sentences:
            ids += before
            ids += map(ids_of, sentence)
            ids += behind
        ids += unknown
        padding = np.arange(1, len(lengths) + 1) * 2 * self.width - self.width
        centres = np.repeat(padding, lengths) + np.arange(lengths.sum())
        rows = np.array(ids, np.int32)
        return rows, np.append(centres, len(rows) - self.width - 1)

    def _ids_of(self, word: str) -> tuple[int, ...]:
        values = (v[f(word)] for v, f in zip(self._values, self._functions, strict=True))
        return self.words[normal_form(word)], *values

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` needs, as JSON holds it."""
        values = {name: [v.to_dict() for v in own] for name, own in self.features.items()}
        return {
            "width": self.width,
            "words": self.words.to_dict(),
            "features": values,
            "separate": self.separate,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the windows that `to_dict` wrote."""
        features = {
            name: [Vocabulary.from_dict(v) for v in own]
            for name, own in document["features"].items()
        }
        words = Vocabulary.from_dict(document["words"])
        return cls(document["width"], words, features, document["separate"])


def _values(feature: Feature, sentences: Sequence[Tokens], min_count: int) -> Vocabulary:
    known = cache(feature)
    return Vocabulary.of((list(map(known, s)) for s in sentences), min_count, None, _SPECIALS)


def packed(lengths: Sequence[int], width: int) -> Array:
    """Divide sentences among rows, so that few places are left over and one is between two.

    Parameters
    ----------
    lengths : sequence of int
        None longer than `width`.
    width : int
        Places of a row.

    Returns
    -------
    int array, shape (rows, width)
        Which word of all stands in a place, -1 for none.

    Examples
    --------
    >>> packed([2, 3, 1], 4)
    array([[ 2,  3,  4, -1],
           [ 0,  1, -1,  5]])
    """
    sizes = np.asarray(lengths, np.intp)
    starts = np.cumsum(sizes) - sizes
    rows: list[Array] = []
    free: list[list[int]] = [[] for _ in range(width + 1)]  # rows by how many places are left
    for i in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[i])
        if not size:
            break
        left = next((n for n in range(size, width) if free[n]), width)
        if left == width:
            rows.append(np.full(width, -1))
        row = free[left].pop() if left < width else len(rows) - 1
        first = width - left
        rows[row][first : first + size] = starts[i] + np.arange(size)
        free[max(0, left - size - 1)].append(row)
    return np.array(rows, np.intp).reshape(-1, width)
