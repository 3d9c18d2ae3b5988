"""Output layers over words: a distribution, and what it costs in training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, OneOf, check
from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.nn.initialisers import initial
from chainrule.nn.large_vocabularies import (
    adaptive_log_probabilities,
    adaptive_softmax,
    full_softmax,
    hierarchical_log_probabilities,
    hierarchical_softmax,
    noise_contrastive,
    picked,
    sampled_softmax,
    scores,
)
from chainrule.nn.module import Module
from chainrule.nn.noise import Noise
from chainrule.nn.run import Run
from chainrule.nn.word_trees import balanced_tree, huffman_tree
from chainrule.ops.probability import log_softmax

Rng = np.random.Generator | None


class WordOutput(Module):
    """Base of output layers over words, numbered in order of how frequent they are."""

    def forward(self, x: Any) -> Any:
        """Map (n, features) to the log-probabilities of all words, (n, words)."""
        return self.log_probabilities(x)

    @abstractmethod
    def log_probabilities(self, x: Any, table: Any = None) -> Any:
        """Return the log-probabilities of all words.

        Parameters
        ----------
        x : array, shape (n, features)
        table : array, shape (words, features), optional
            Of a layer that has none of its own, the words' vectors.
        """

    def costs(self, x: Any, targets: Any, run: Run | None = None, table: Any = None) -> Any:
        """Return what each row costs: ``-log p(target)``, or what stands for it in training.

        Parameters
        ----------
        x : array, shape (n, features)
        targets : int array, shape (n,)
        run : Run, optional
            Given in training.
        table : array, optional
            As in `log_probabilities`.
        """
        return -picked(self.log_probabilities(x, table), targets)


class _OfVectors(WordOutput):
    """A vector and a bias a word.

    Parameters
    ----------
    counts : array_like, shape (words,)
        How often each word comes; biases begin as the logarithms of their shares.
    n_features : int
    rng : numpy.random.Generator, optional
        Source of the vectors; without it they are zero, to be loaded.
    shared : bool
        Whether the vectors are another layer's table, given with each call.
    """

    def __init__(self, counts: Any, n_features: int, rng: Rng, *, shared: bool = False) -> None:
        counts = np.asarray(counts, np.float64)
        self.bias: Any = np.log((counts + 1) / (counts + 1).sum()).astype(np.float32)
        shape = (len(counts), n_features)
        self.weight: Any = None if shared else initial("fan_in_uniform", shape, rng, np.float32)

    def vectors(self, table: Any) -> Any:
        """Return the words' vectors: its own, or those given."""
        return self.weight if table is None else table

    def log_probabilities(self, x: Any, table: Any = None) -> Any:
        """Return the log-probabilities of all words, shape (n, words)."""
        return log_softmax(scores(x, self.vectors(table), self.bias))


class FullSoftmax(_OfVectors):
    """A softmax over all words.

    Parameters
    ----------
    counts, n_features, rng, shared
        How often each word comes; the length of a vector; source of initial vectors; whether they
        are another layer's table, given with each call.

    Examples
    --------
    >>> layer = FullSoftmax([8, 4], 3, np.random.default_rng(0))
    >>> layer(np.zeros((1, 3), np.float32)).round(2)
    array([[-0.44, -1.03]], dtype=float32)
    """

    def costs(self, x: Any, targets: Any, run: Run | None = None, table: Any = None) -> Any:
        """Return ``-log p(target)``, shape (n,)."""
        return full_softmax(x, self.vectors(table), self.bias, targets)


class _Drawing(_OfVectors):
    """Base of layers that in training look at words drawn from a power of the counts."""

    def __init__(
        self,
        counts: Any,
        n_features: int,
        rng: Rng,
        *,
        shared: bool = False,
        n_samples: int = 512,
        power: float = 0.75,
    ) -> None:
        allowed = {"n_samples": COUNT, "power": NON_NEGATIVE}
        check(type(self).__name__, allowed, {"n_samples": n_samples, "power": power})
        super().__init__(counts, n_features, rng, shared=shared)
        self.n_samples = n_samples
        self.noise = Noise((np.asarray(counts, np.float64) + 1) ** power)

    def costs(self, x: Any, targets: Any, run: Run | None = None, table: Any = None) -> Any:
        """Return ``-log p(target)``, in training what the words drawn make of it, shape (n,)."""
        if run is None:
            return super().costs(x, targets, None, table)
        drawn = self.noise.draw(run, self.n_samples)
        vectors, log_noise = self.vectors(table), self.noise.log_probabilities
        return self._sampled(x, vectors, self.bias, targets, drawn, log_noise)

    @staticmethod
    @abstractmethod
    def _sampled(*inputs: Any) -> Any:
        """Return the costs by the words drawn."""


class SampledSoftmax(_Drawing):
    """A softmax that in training is over the target and a sample of words.

    See `chainrule.nn.large_vocabularies.sampled_softmax`.

    Parameters
    ----------
    counts, n_features, rng, shared
        As for `FullSoftmax`.
    n_samples : int >= 1
        Words drawn for each batch.
    power : float >= 0
        Of the counts, to which the probabilities of the draws are proportional.

    Examples
    --------
    >>> from chainrule import nn
    >>> layer = SampledSoftmax([8, 4, 4], 3, np.random.default_rng(0), n_samples=2)
    >>> layer.costs(np.ones((1, 3), np.float32), np.array([0]), nn.Run(0)).shape
    (1,)
    """

    _sampled = staticmethod(sampled_softmax)


class NoiseContrastive(_Drawing):
    """A softmax that is trained by telling targets from noise, without a sum over words.

    See `chainrule.nn.large_vocabularies.noise_contrastive`. Probabilities are divided by their sum.

    Parameters
    ----------
    counts, n_features, rng, shared, n_samples, power
        As for `SampledSoftmax`.
    """

    _sampled = staticmethod(noise_contrastive)


class HierarchicalSoftmax(WordOutput):
    """Decisions down a binary tree of words.

    See `chainrule.nn.large_vocabularies.hierarchical_softmax`.

    Parameters
    ----------
    counts, n_features, rng
        As for `FullSoftmax`; at least two words.
    tree : {"huffman", "balanced"}

    Examples
    --------
    >>> layer = HierarchicalSoftmax([8, 4, 4], 3, np.random.default_rng(0))
    >>> np.exp(layer(np.zeros((1, 3), np.float32)))
    array([[0.5 , 0.25, 0.25]], dtype=float32)
    """

    def __init__(self, counts: Any, n_features: int, rng: Rng, *, tree: str = "huffman") -> None:
        check("HierarchicalSoftmax", {"tree": OneOf(("huffman", "balanced"))}, {"tree": tree})
        self.tree = huffman_tree(counts) if tree == "huffman" else balanced_tree(len(counts))
        n_inner = len(counts) - 1
        self.weight: Any = initial("fan_in_uniform", (n_inner, n_features), rng, np.float32)
        self.bias: Any = np.zeros(n_inner, np.float32)

    def log_probabilities(self, x: Any, table: Any = None) -> Any:
        """Return the log-probabilities of all words, shape (n, words)."""
        return hierarchical_log_probabilities(x, self.weight, self.bias, self.tree)

    def costs(self, x: Any, targets: Any, run: Run | None = None, table: Any = None) -> Any:
        """Return ``-log p(target)``, shape (n,)."""
        return hierarchical_softmax(x, self.weight, self.bias, targets, self.tree)


class AdaptiveSoftmax(WordOutput):
    """A softmax over frequent words and clusters of rare ones.

    See `chainrule.nn.large_vocabularies.adaptive_softmax`.

    Parameters
    ----------
    counts, n_features, rng
        As for `FullSoftmax`; words in order of how frequent they are.
    cutoffs : sequence of int, optional
        Where clusters begin, ascending, each below the number of words. By default they begin where
        four fifths and 19 of 20 of the text are behind.
    shrink : float >= 1
        By how much fewer features each cluster has than the one before.

    Examples
    --------
    >>> layer = AdaptiveSoftmax(np.ones(10), 4, np.random.default_rng(0), cutoffs=[2, 6])
    >>> float(np.exp(layer(np.zeros((1, 4), np.float32))).sum().round(5))
    1.0
    """

    def __init__(
        self,
        counts: Any,
        n_features: int,
        rng: Rng,
        *,
        cutoffs: Sequence[int] | None = None,
        shrink: float = 4.0,
    ) -> None:
        counts = np.asarray(counts, np.float64)
        chosen = _cutoffs(counts) if cutoffs is None else [int(c) for c in cutoffs]
        bounds = [0, *chosen, len(counts)]
        if not chosen or any(a >= b for a, b in pairwise(bounds)):
            raise ArgumentError(
                f"AdaptiveSoftmax: cutoffs ascend between 0 and {len(counts)} words, not {chosen}"
            )
        if not shrink >= 1:
            raise ArgumentError(f"AdaptiveSoftmax: shrink must be at least 1, not {shrink!r}")
        self.cutoffs = chosen
        n_head = chosen[0] + len(chosen)
        self.head: Any = initial("fan_in_uniform", (n_head, n_features), rng, np.float32)
        self.tails: list[tuple[Any, Any]] = []
        for i, (start, end) in enumerate(zip(chosen, [*chosen[1:], len(counts)], strict=True)):
            width = max(1, int(n_features / shrink ** (i + 1)))
            down = initial("fan_in_uniform", (width, n_features), rng, np.float32)
            self.tails.append(
                (down, initial("fan_in_uniform", (end - start, width), rng, np.float32))
            )

    def log_probabilities(self, x: Any, table: Any = None) -> Any:
        """Return the log-probabilities of all words, shape (n, words)."""
        return adaptive_log_probabilities(x, self.head, self.tails, self.cutoffs)

    def costs(self, x: Any, targets: Any, run: Run | None = None, table: Any = None) -> Any:
        """Return ``-log p(target)``, shape (n,)."""
        return adaptive_softmax(x, self.head, self.tails, targets, self.cutoffs)


def _cutoffs(counts: Array) -> list[int]:
    behind = np.cumsum(counts + 1) / (counts + 1).sum()
    found = {int(np.searchsorted(behind, share)) + 1 for share in (0.8, 0.95)}
    return sorted(place for place in found if 0 < place < len(counts)) or [len(counts) // 2]


WORD_OUTPUTS: dict[str, Callable[..., WordOutput]] = {
    "softmax": FullSoftmax,
    "sampled": SampledSoftmax,
    "nce": NoiseContrastive,
    "hierarchical": HierarchicalSoftmax,
    "adaptive": AdaptiveSoftmax,
}
