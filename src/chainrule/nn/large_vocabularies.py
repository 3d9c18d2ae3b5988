"""Costs of words whose softmax would be long: by samples, by trees, by clusters of words.

Each function is plain NumPy, so that ``chainrule.explain`` and ``chainrule.derive`` show its
gradient. They return one cost a row; `chainrule.nn.word_outputs` has them as layers.

The gradient of a full softmax, ``-log p(t) = log(sum of exp(s)) - s[t]``, is ``p - onehot(t)`` for
the scores: every word's row is moved, for the sum runs over all. Here few rows are:

- `sampled_softmax`: ``p`` is that among the target and the words drawn, so only they have one;
- `noise_contrastive`: ``sigmoid(s - log(k q)) - [is the target]`` for the same few, and there is no
  sum at all;
- `hierarchical_softmax`: ``sigmoid(s) - [first child]`` at the inner nodes of the target's way;
- `adaptive_softmax`: ``p - onehot`` in the head and in the target's own cluster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.nn.arrays import lookup
from chainrule.nn.word_trees import WordTree
from chainrule.ops.activations import softplus
from chainrule.ops.indexing import SLOT, Index, scatter
from chainrule.ops.probability import log_softmax


def scores(x: Any, weight: Any, bias: Any) -> Any:
    """Return the scores of all words, ``x @ weight.T + bias``."""
    return x @ weight.T + bias


def picked(log_probabilities: Any, targets: Any) -> Any:
    """Return of each row the element of its target."""
    return np.take_along_axis(log_probabilities, targets[:, None], axis=1)[:, 0]


def full_softmax(x: Any, weight: Any, bias: Any, targets: Any) -> Any:
    """``-log p(target)`` with a softmax over all words: what the other costs stand in for.

    Parameters
    ----------
    x : array, shape (n, features)
    weight : array, shape (words, features)
    bias : array, shape (words,)
    targets : int array, shape (n,)

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> full_softmax(np.zeros((1, 2)), np.zeros((4, 2)), np.zeros(4), np.array([3])).round(3)
    array([1.386])
    """
    return -picked(log_softmax(scores(x, weight, bias)), targets)


def sampled_softmax(
    x: Any, weight: Any, bias: Any, targets: Any, drawn: Any, log_noise: Any
) -> Any:
    """``-log p(target)`` with a softmax over the target and words that were drawn.

    From the scores of words drawn the logarithm of how often they were to be expected is taken
    away, so that their part of the sum is right in the mean, and the gradient tends to that of the
    full softmax as more are drawn; a word drawn that is the row's target does not count. Bengio and
    Senécal, "Adaptive importance sampling to accelerate training of a neural probabilistic language
    model" (IEEE Transactions on Neural Networks 2008); in this form Blanc and Rendle, "Adaptive
    sampled softmax with kernel based sampling" (ICML 2018), section 2.

    Parameters
    ----------
    x : array, shape (n, features)
    weight : array, shape (words, features)
    bias : array, shape (words,)
    targets : int array, shape (n,)
    drawn : int array, shape (k,)
        Words for all rows, drawn with replacement.
    log_noise : array, shape (words,)
        Logarithms of the probabilities that they were drawn with.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> even = np.full(4, -np.log(4))
    >>> x, weight, drawn = np.zeros((1, 2)), np.zeros((4, 2)), np.array([0, 1, 2])
    >>> sampled_softmax(x, weight, np.zeros(4), np.array([3]), drawn, even).round(3)
    array([1.609])
    """
    own, others = _compared(x, weight, bias, targets, drawn)
    others = others - lookup(_expected(log_noise, drawn), drawn)
    others = np.where(np.equal(drawn, targets[:, None]), -np.inf, others)
    return -log_softmax(np.concatenate([own[:, None], others], axis=1))[:, 0]


def noise_contrastive(
    x: Any, weight: Any, bias: Any, targets: Any, drawn: Any, log_noise: Any
) -> Any:
    """Cost of telling the target from words that were drawn: noise-contrastive estimation.

    Scores are taken for log-probabilities as they are, and the model learns to make them such:
    ``softplus(-d(target))`` and the sum of ``softplus(d(word))`` over the words drawn, where
    ``d(w) = score(w) - log(k q(w))``. Gutmann and Hyvärinen, "Noise-contrastive estimation of
    unnormalized statistical models" (JMLR 2012), section 2; for words Mnih and Teh, "A fast and
    simple algorithm for training neural probabilistic language models" (ICML 2012), section 3.

    Parameters
    ----------
    x, weight, bias, targets, drawn, log_noise
        As for `sampled_softmax`.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> even = np.full(4, -np.log(4))
    >>> x, weight, bias = np.zeros((1, 2)), np.zeros((4, 2)), even
    >>> noise_contrastive(x, weight, bias, np.array([3]), np.array([0]), even).round(3)
    array([1.386])
    """
    own, others = _compared(x, weight, bias, targets, drawn)
    expected = _expected(log_noise, drawn)
    own, others = own - lookup(expected, targets), others - lookup(expected, drawn)
    return softplus(-own) + np.sum(softplus(others), axis=1)


def _compared(x: Any, weight: Any, bias: Any, targets: Any, drawn: Any) -> tuple[Any, Any]:
    """Return the scores of targets, (n,), and of the words drawn, (n, k)."""
    own = np.sum(x * lookup(weight, targets), axis=1) + lookup(bias, targets)
    return own, scores(x, lookup(weight, drawn), lookup(bias, drawn))


def _expected(log_noise: Any, drawn: Any) -> Any:
    """Return the logarithm of how often each word is to be expected among those drawn."""
    return log_noise + math.log(np.shape(drawn)[0])


def hierarchical_softmax(x: Any, weight: Any, bias: Any, targets: Any, tree: WordTree) -> Any:
    """``-log p(target)`` as the decisions on the way to the target's leaf.

    Each inner node goes to its first child with probability ``sigmoid(score)``, so that all words'
    probabilities add up to 1 by construction, and a cost takes as many scores as the tree is deep.
    Morin and Bengio, "Hierarchical probabilistic neural network language model" (AISTATS 2005).

    Parameters
    ----------
    x : array, shape (n, features)
    weight : array, shape (words - 1, features)
        Of the inner nodes.
    bias : array, shape (words - 1,)
    targets : int array, shape (n,)
    tree : WordTree

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> from chainrule.nn.word_trees import huffman_tree
    >>> tree, x, weight = huffman_tree([2, 1, 1]), np.zeros((1, 2)), np.zeros((2, 2))
    >>> np.exp(-hierarchical_softmax(x, weight, np.zeros(2), np.array([0]), tree))
    array([0.5])
    """
    nodes, signs = lookup(tree.nodes, targets), lookup(tree.signs, targets)
    along = np.sum(lookup(weight, nodes) * x[:, None, :], axis=2) + lookup(bias, nodes)
    return np.sum(np.abs(signs) * softplus(-signs * along), axis=1)


def hierarchical_log_probabilities(x: Any, weight: Any, bias: Any, tree: WordTree) -> Any:
    """Return the log-probabilities of all words, shape (n, words); see `hierarchical_softmax`."""
    every = scores(x, weight, bias)
    total = np.zeros((len(x), len(tree.nodes)), every.dtype)
    for nodes, signs in zip(tree.nodes.T, tree.signs.T, strict=True):
        total = total - np.abs(signs) * softplus(-signs * every[:, nodes])
    return total


def adaptive_softmax(
    x: Any, head: Any, tails: Sequence[tuple[Any, Any]], targets: Any, cutoffs: Sequence[int]
) -> Any:
    """``-log p(target)`` with rare words in clusters, each a single entry of the head's softmax.

    A cluster's own softmax is computed for the rows alone whose targets are in it, from fewer
    features. Grave, Joulin, Cissé, Grangier and Jégou, "Efficient softmax approximation for GPUs"
    (ICML 2017), section 4; the numbers are those of PyTorch's ``AdaptiveLogSoftmaxWithLoss``.

    Parameters
    ----------
    x : array, shape (n, features)
    head : array, shape (cutoffs[0] + clusters, features)
    tails : sequence of two arrays each
        Of a cluster: ``down`` of shape (fewer, features), ``up`` of shape (words of it, fewer).
    targets : int array, shape (n,)
        Numbers of words in order of how frequent they are.
    cutoffs : sequence of int
        Where clusters begin, ascending.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> x, head, tail = np.zeros((1, 2)), np.zeros((3, 2)), (np.zeros((1, 2)), np.zeros((4, 1)))
    >>> np.exp(-adaptive_softmax(x, head, [tail], np.array([5]), [2])).round(4)
    array([0.0833])
    """
    first, place = cutoffs[0], targets
    for i in range(len(tails)):
        place = np.where(targets >= cutoffs[i], first + i, place)
    costs = -picked(log_softmax(x @ head.T), place)
    ends = _ends(tails, cutoffs)
    for (down, up), start, end in zip(tails, cutoffs, ends, strict=True):
        inside = np.logical_and(targets >= start, targets < end)
        own = log_softmax(x[inside] @ down.T @ up.T)
        more = -picked(own, targets[inside] - start)
        costs = costs + scatter(more, costs, inside, index=Index((SLOT,)))
    return costs


def adaptive_log_probabilities(
    x: Any, head: Any, tails: Sequence[tuple[Any, Any]], cutoffs: Sequence[int]
) -> Any:
    """Return the log-probabilities of all words, shape (n, words); see `adaptive_softmax`."""
    first = log_softmax(x @ head.T)
    n_first = cutoffs[0]
    parts = [first[:, :n_first]]
    for i, (down, up) in enumerate(tails):
        parts.append(first[:, n_first + i, None] + log_softmax(x @ down.T @ up.T))
    return np.concatenate(parts, axis=1)


def _ends(tails: Sequence[tuple[Any, Any]], cutoffs: Sequence[int]) -> list[int]:
    return [start + np.shape(up)[0] for start, (_, up) in zip(cutoffs, tails, strict=True)]
