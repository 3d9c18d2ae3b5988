"""What can be asked of word vectors, however they were learned."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from chainrule.constraints import COUNT, check
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.language.saved import Saved
from chainrule.language.texts import running_texts
from chainrule.language.word_scores import (
    AnalogyScore,
    SimilarityScore,
    analogy_score,
    best,
    similarity_score,
    unit,
)
from chainrule.text import (
    Vocabulary,
    read_analogies,
    read_word_pairs,
    save_vectors,
    tokenizer_for,
)
from chainrule.text.word_tests import Analogy


class WordSpace(Saved):
    """Base of estimators that give words vectors: neighbours, analogies, texts as means.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    vectors_ : array of float32, shape (len(vocabulary_), d)
    tokenizer : str or callable
        Of texts.
    """

    vocabulary_: Vocabulary
    vectors_: Array
    tokenizer: Any
    _estimator_type = "transformer"

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vectors."""

    def _id(self, word: str) -> int:
        if word not in self.vocabulary_:
            raise DataError(f"the word {word!r:.60} is not in the vocabulary")
        return self.vocabulary_[word]

    def _found(self, word: str) -> Array | None:
        """Return a word's vector, None if it has none."""
        return self.vectors_[self.vocabulary_[word]] if word in self.vocabulary_ else None

    def vector(self, word: str) -> Array:
        """Return a word's vector.

        Parameters
        ----------
        word : str
            Where n-grams of characters have vectors, one that is not in the vocabulary is the mean
            of its n-grams that words of the vocabulary have too.

        Raises
        ------
        DataError
            If the word is unknown.
        """
        self._check_fitted()
        found = self._found(word)
        if found is None:
            raise DataError(f"the word {word!r:.60} is not in the vocabulary")
        return np.array(found)

    def most_similar(
        self,
        positive: str | Sequence[str] = (),
        negative: str | Sequence[str] = (),
        n: int = 10,
    ) -> list[tuple[str, float]]:
        """Return the words nearest to a word, or to a sum of words.

        Parameters
        ----------
        positive, negative : str or list of str
            Words whose vectors, at length 1, are added and subtracted.
        n : int
            How many words; those given are left out.

        Returns
        -------
        list of tuple
            Words and cosines, the nearest first.

        Raises
        ------
        DataError
            If a word is unknown.
        """
        self._check_fitted()
        check("most_similar", {"n": COUNT}, {"n": n})
        added, taken = ([x] if isinstance(x, str) else list(x) for x in (positive, negative))
        if not added and not taken:
            raise ArgumentError("most_similar: give a word")
        signed = [(word, 1) for word in added] + [(word, -1) for word in taken]
        target = unit(np.sum([sign * unit(self.vector(word)) for word, sign in signed], axis=0))
        scores = unit(self.vectors_) @ target
        given = [self.vocabulary_[word] for word in (*added, *taken) if word in self.vocabulary_]
        words = self.vocabulary_.words
        return [(words[i], float(scores[i])) for i in best(scores, given, n)]

    def analogy(self, a: str, b: str, c: str, n: int = 1) -> list[tuple[str, float]]:
        """Return what is to `c` as `b` is to `a`: the words nearest to ``b - a + c``.

        Raises
        ------
        DataError
            If a word is unknown.
        """
        return self.most_similar([b, c], [a], n)

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of two words' vectors.

        Raises
        ------
        DataError
            If a word is unknown.
        """
        return float(unit(self.vector(a)) @ unit(self.vector(b)))

    def evaluate_similarity(
        self, pairs: str | os.PathLike[str] | Iterable[tuple[str, str, float]]
    ) -> SimilarityScore:
        """Return how cosines agree with people's scores.

        Parameters
        ----------
        pairs : path or iterable of (str, str, float)
            See `chainrule.text.read_word_pairs`. A word that is not in the vocabulary
            is looked for in small letters.
        """
        self._check_fitted()
        if isinstance(pairs, (str, os.PathLike)):
            pairs = read_word_pairs(os.fspath(pairs))
        return similarity_score(self.vocabulary_, self.vectors_, pairs)

    def evaluate_analogies(
        self,
        questions: str | os.PathLike[str] | Mapping[str, Sequence[Analogy]] | Sequence[Analogy],
    ) -> AnalogyScore:
        """Return how many analogies are answered right, by section.

        Parameters
        ----------
        questions : path, or dict of str to list of four words, or such a list
            See `chainrule.text.read_analogies`.
        """
        self._check_fitted()
        if isinstance(questions, (str, os.PathLike)):
            questions = read_analogies(os.fspath(questions))
        sections = questions if isinstance(questions, Mapping) else {"": questions}
        return analogy_score(self.vocabulary_, self.vectors_, sections)

    def transform(self, X: Iterable[str] | Iterable[Sequence[str]]) -> Array:
        """Return the mean vector of each text's known words.

        Parameters
        ----------
        X : iterable of str or of lists of tokens

        Returns
        -------
        array of float32, shape (n, vector_size)
            Zeros for a text without any.
        """
        self._check_fitted()
        tokenize = tokenizer_for(self.tokenizer)
        rows = [self._mean(tokenize(x) if isinstance(x, str) else x) for x in running_texts(X)]
        return np.array(rows, np.float32).reshape(-1, self.vectors_.shape[1])

    def _mean(self, tokens: Sequence[str]) -> Array:
        found = [vector for vector in map(self._found, tokens) if vector is not None]
        return np.mean(found, axis=0) if found else np.zeros(self.vectors_.shape[1], np.float32)

    def fit_transform(self, X: Any, y: Any = None, **options: Any) -> Array:
        """Learn from texts and return their mean vectors."""
        X = X if isinstance(X, Sequence | os.PathLike) else list(X)  # a stream is read twice
        made: Array = self.fit(X, **options).transform(X)
        return made

    def save_vectors(self, path: str | os.PathLike[str], binary: bool = False) -> None:
        """Write words and vectors in word2vec's form: text (``.vec``), or binary.

        Raises
        ------
        ArgumentError
            If a word cannot be written so, such as one with a line break.
        OSError
        """
        self._check_fitted()
        save_vectors(os.fspath(path), self.vocabulary_.words, self.vectors_, binary)
