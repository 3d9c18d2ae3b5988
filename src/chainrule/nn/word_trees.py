"""Binary trees whose leaves are words: what a hierarchical softmax decides along."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np

from chainrule.constraints import Interval, check
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Array


class WordTree(NamedTuple):
    """The way from the root to each word; there is one inner node fewer than there are words.

    Attributes
    ----------
    nodes : array of int32, shape (words, depth)
        The inner nodes that are passed, the root first. A word's row is filled up with 0.
    signs : array of int8, shape (words, depth)
        1 where the way goes to the first child, -1 to the second, 0 where it has ended.
    """

    nodes: Array
    signs: Array


def huffman_tree(counts: Any) -> WordTree:
    """Return the tree in which the expected way to a word is shortest.

    Huffman, "A method for the construction of minimum-redundancy codes" (1952); for a softmax
    Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed representations of words and phrases
    and their compositionality" (NIPS 2013), section 2.1. Of equal counts the one made first is
    joined first, so that the tree is the same everywhere.

    Parameters
    ----------
    counts : array_like, shape (words,)
        How often each word comes, not negative; at least two.

    Raises
    ------
    ShapeError
        If it is not one row of two numbers or more.
    ArgumentError
        If a count is negative or not finite.

    Examples
    --------
    >>> tree = huffman_tree([5, 1, 1, 2])
    >>> tree.nodes
    array([[0, 0, 0],
           [0, 1, 2],
           [0, 1, 2],
           [0, 1, 0]], dtype=int32)
    >>> np.count_nonzero(tree.signs, axis=1)
    array([1, 3, 3, 2])
    """
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 1 or len(counts) < 2:
        raise ShapeError(f"huffman_tree: counts are a row of two or more, not {counts.shape}")
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ArgumentError("huffman_tree: counts must be finite and not negative")
    n = len(counts)
    waiting = [(count, i) for i, count in enumerate(counts.tolist())]
    heapq.heapify(waiting)
    children = np.empty((n - 1, 2), np.int64)
    for made in range(n - 1):
        (first, a), (second, b) = heapq.heappop(waiting), heapq.heappop(waiting)
        children[made] = a, b
        heapq.heappush(waiting, (first + second, n + made))
    # The last node made is the root: as inner node 0 it comes first.
    return _ways(np.where(children < n, children, 3 * n - 2 - children)[::-1], n)


def balanced_tree(n_words: int) -> WordTree:
    """Return a tree in which all ways are as long as each other, to one decision.

    Morin and Bengio, "Hierarchical probabilistic neural network language model" (AISTATS 2005)
    had such binary codes from WordNet; here neighbours in the vocabulary are neighbours.

    Parameters
    ----------
    n_words : int >= 2

    Raises
    ------
    ArgumentError

    Examples
    --------
    >>> balanced_tree(4).nodes
    array([[0, 1],
           [0, 1],
           [0, 2],
           [0, 2]], dtype=int32)
    """
    check("balanced_tree", {"n_words": Interval(2, 2**31, integer=True)}, {"n_words": n_words})
    # A heap: the children of k are 2k + 1 and 2k + 2; the last n_words of 2 n_words - 1 are leaves.
    children = np.arange(1, 2 * n_words - 1).reshape(-1, 2)
    inner = n_words - 1
    tree = _ways(np.where(children < inner, children + n_words, children - inner), n_words)
    order = np.lexsort(-tree.signs.T[::-1])
    return WordTree(tree.nodes[order], tree.signs[order])


def _ways(children: Array, n_words: int) -> WordTree:
    """Return the ways to the leaves.

    Parameters
    ----------
    children : int array, shape (n_words - 1, 2)
        Of each inner node, parents before children: below `n_words` a word, else an inner node,
        counted from there.
    n_words : int
    """
    ways: dict[int, list[tuple[int, int]]] = {0: []}
    words: list[list[tuple[int, int]]] = [[]] * n_words
    for node, pair in enumerate(children.tolist()):
        way = ways.pop(node)
        for child, sign in zip(pair, (1, -1), strict=True):
            longer = [*way, (node, sign)]
            if child < n_words:
                words[child] = longer
            else:
                ways[child - n_words] = longer
    depth = max(map(len, words))
    nodes = np.zeros((n_words, depth), np.int32)
    signs = np.zeros((n_words, depth), np.int8)
    for word, way in enumerate(words):
        nodes[word, : len(way)], signs[word, : len(way)] = zip(*way, strict=True)
    return WordTree(nodes, signs)
