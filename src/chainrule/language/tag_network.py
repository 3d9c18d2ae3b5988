"""The network of Collobert and others: looked-up windows, hidden layers, scores of tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.graph import Array
from chainrule.nn import Module, Run
from chainrule.ops.broadcast import cast

_SCALE = 0.1  # of vectors at first
_BATCH = 4096  # windows whose scores are computed at a time


class TagNetwork(Module):
    """Scores of tags for windows of words.

    The vectors of a window's words and of their features, side by side, go through hidden layers.
    An unknown word's vector is zero, so that only its features tell of it.

    Parameters
    ----------
    n_rows, embedding_dim : int
        Shape of the table of words.
    n_values, feature_dim : int
        Shape of the table of features.
    unknown : int array, shape (n_places,)
        Rows of unknown words in the places of a window.
    n_lookups : int
        Features that are looked up for a window.
    hidden : sequence of int
        Widths of the hidden layers, one at least.
    n_tags : int
    activation : str
    dropout, input_dropout, word_dropout : float
        Shares of hidden units, of what is looked up, and of words, which become unknown, that
        training leaves out.
    chain : bool
        Whether sequences of tags are scored; see `chainrule.nn.Chain`.
    rng : numpy.random.Generator, optional
        Source of the initial weights; without it they are zero, to be loaded.
    """

    def __init__(
        self,
        n_rows: int,
        embedding_dim: int,
        n_values: int,
        feature_dim: int,
        unknown: Array,
        n_lookups: int,
        hidden: Sequence[int],
        n_tags: int,
        *,
        activation: str,
        dropout: float,
        input_dropout: float,
        word_dropout: float,
        chain: bool,
        rng: np.random.Generator | None,
    ) -> None:
        init = nn.initialiser_for(activation)
        self.words = nn.Embedding(n_rows, embedding_dim, rng, weight_init=_small)
        self.by_words = nn.Linear(
            len(unknown) * embedding_dim, hidden[0], rng, weight_init=init, bias_init="zeros"
        )
        self.features = self.by_features = None
        if n_lookups:
            self.features = nn.Embedding(n_values, feature_dim, rng, weight_init=_small)
            self.by_features = nn.Linear(
                n_lookups * feature_dim, hidden[0], rng, bias=False, weight_init=init
            )
        self.activation, self.dropout = nn.Activation(activation), nn.Dropout(dropout)
        self.inputs, self.word_dropout = nn.Dropout(input_dropout), float(word_dropout)
        self.layers = nn.dense([*hidden, n_tags], rng, activation=activation, dropout=dropout)
        self.chain = nn.Chain(n_tags) if chain else None
        self.unknown = unknown

    def looked_up(self, x: Mapping[str, Any], run: Run | None = None) -> tuple[Any, Any]:
        """Return the vectors of windows: of words, and of features or None.

        Parameters
        ----------
        x : mapping
            ``"words"``, integers of shape (..., n_places), and ``"features"``, integers of shape
            (..., n_lookups).

        Returns
        -------
        arrays of shape (..., n_places, embedding_dim) and (..., n_lookups, feature_dim)
        """
        known = np.not_equal(x["words"], self.unknown)
        if run is not None and self.word_dropout:
            share = run.uniform(cast(x["words"], np.float32(0)))
            known = np.logical_and(known, np.greater_equal(share, self.word_dropout))
        words = np.where(known[..., None], self.words(x["words"]), 0.0)
        return words, None if self.features is None else self.features(x["features"])

    def scores(self, words: Any, features: Any, run: Run | None = None) -> Any:
        """Return the scores of tags, shape (..., n_tags), for what was looked up.

        The first layer multiplies words and features by its own columns for each, which is to
        multiply both side by side.
        """
        sums = self.by_words(self.inputs(_side_by_side(words), run))
        if self.by_features is not None:
            sums = sums + self.by_features(self.inputs(_side_by_side(features), run))
        return self.layers(self.dropout(self.activation(sums), run), run)

    def forward(self, x: Mapping[str, Any], run: Run | None = None) -> Any:
        """Return the scores of tags, and beside them those of transitions if there are any."""
        scores = self.scores(*self.looked_up(x, run), run)
        return scores if self.chain is None else self.chain(scores)

    def emissions(self, x: Mapping[str, Array]) -> Array:
        """Return the scores of tags of any number of windows, shape (n, n_tags)."""
        parts = [
            self.scores(*self.looked_up({k: v[i : i + _BATCH] for k, v in x.items()}))
            for i in range(0, len(x["words"]), _BATCH)
        ]
        return np.concatenate(parts)


def _side_by_side(vectors: Any) -> Any:
    *_, n, width = vectors.shape
    return np.reshape(vectors, (-1, *vectors.shape[1:-2], n * width))


def _small(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return rng.normal(0.0, _SCALE, shape)
