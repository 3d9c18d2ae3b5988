"""Chains of tags: scores of whole sequences, their loss, marginal probabilities, and the best one.

A sequence of tags scores the sum of the scores of its tags, word by word, of the transitions
between neighbours, and of its first and its last tag. Its probability is the softmax over all
sequences of that length: the sentence-level likelihood of Collobert and others, "Natural language
processing (almost) from scratch" (JMLR 2011), section 3.4, and the linear-chain conditional random
field of Lafferty, McCallum and Pereira (ICML 2001).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.autodiff import grad
from chainrule.constraints import COUNT, check
from chainrule.errors import DtypeError, ShapeError
from chainrule.graph import Array
from chainrule.graph.trace import stop_gradient
from chainrule.nn.arrays import as_array
from chainrule.nn.layers import checked_dtype
from chainrule.nn.module import Module
from chainrule.nn.targets import check_range, reduced
from chainrule.ops.broadcast import cast


class ChainScores(NamedTuple):
    """What the tag sequences of rows of words score.

    Attributes
    ----------
    emissions : array, shape (n, T, k)
        Of each tag at each place.
    transitions : array, shape (k, k)
        Of a tag, in rows, followed by another, in columns.
    start, end : arrays, shape (k,)
        Of a sequence's first and last tag.
    """

    emissions: Any
    transitions: Any
    start: Any
    end: Any


class Chain(Module):
    """The scores of transitions, of first and of last tags; they start at 0.

    Parameters
    ----------
    n_tags : int >= 1
    dtype : dtype_like

    Attributes
    ----------
    transitions : array, shape (n_tags, n_tags)
    start, end : arrays, shape (n_tags,)

    Examples
    --------
    >>> Chain(2)(np.zeros((1, 3, 2))).transitions.shape
    (2, 2)
    """

    def __init__(self, n_tags: int, *, dtype: Any = np.float32) -> None:
        check("Chain", {"n_tags": COUNT}, {"n_tags": n_tags})
        dtype = checked_dtype("Chain", dtype)
        self.transitions: Any = np.zeros((n_tags, n_tags), dtype)
        self.start: Any = np.zeros(n_tags, dtype)
        self.end: Any = np.zeros(n_tags, dtype)

    def forward(self, emissions: Any) -> ChainScores:
        """Put the scores beside those of the tags, of shape (n, T, n_tags)."""
        return ChainScores(emissions, self.transitions, self.start, self.end)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"n_tags": len(self.start), "dtype": self.start.dtype.name}


def chain_nll(
    scores: ChainScores, tags: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Negative log-likelihood of tag sequences: log-sum-exp over all of them, less their scores.

    Parameters
    ----------
    scores : ChainScores
    tags : integer array, shape (n, T)
        -1 where there is no word. What stands between such places is a sequence of its own, so
        that a row can hold several; scores there count for nothing.
    sample_weight : array, shape (n,), optional
        Of rows.
    reduction : {"mean", "sum", "none"}
        The mean is over words, so that long sentences count for more; "none" gives a cost a row.

    Raises
    ------
    ArgumentError
        Naming the first row with a tag that does not exist.
    ShapeError, DtypeError

    Examples
    --------
    Two tags at two words, all of which score 0: four sequences, equally likely.

    >>> scores = Chain(2)(np.zeros((1, 2, 2)))
    >>> chain_nll(scores, np.array([[0, 1]]), reduction="sum").round(3) == np.log(4).round(3)
    np.True_
    """
    tags = _checked("chain_nll", scores, tags)
    here = np.greater_equal(tags, 0)
    steps = _steps(scores, here)
    costs = _log_partition(scores, steps, here) - _path_score(scores, steps, tags, here)
    return reduced("chain_nll", costs, reduction, sample_weight, _count(here, costs))


def chain_log_partition(scores: ChainScores, words: Any) -> Any:
    """Logarithm of the sum over all tag sequences of the exponentials of their scores.

    Its derivatives by the emissions are the probabilities of tags; see `chain_marginals`.

    Parameters
    ----------
    scores : ChainScores
    words : bool array, shape (n, T)
        Where there is a word; see `chain_nll`.

    Returns
    -------
    array, shape (n,)
        Of the sequences of a row together.

    Examples
    --------
    >>> scores = Chain(2)(np.zeros((1, 3, 2)))
    >>> np.exp(chain_log_partition(scores, np.ones((1, 3), bool))).round(3)
    array([8.])
    """
    here = as_array(words)
    return _log_partition(scores, _steps(scores, here), here)


def chain_marginals(scores: ChainScores, words: Any) -> Array:
    """Return the probabilities of each word's tags, added up over all sequences that have them.

    They are the derivatives of `chain_log_partition`, so that the backward pass is the algorithm
    that is written out as forward-backward elsewhere.

    Parameters
    ----------
    scores : ChainScores of arrays
    words : bool array, shape (n, T)
        Where there is a word; see `chain_nll`.

    Returns
    -------
    array, shape (n, T, k)
        Zeros where there is no word.

    Examples
    --------
    >>> scores = Chain(2)(np.array([[[0.0, 1.0], [2.0, 0.0]]]))
    >>> chain_marginals(scores, np.array([[True, True]])).round(3)
    array([[[0.269, 0.731],
            [0.881, 0.119]]])
    """

    def log_z(emissions: Any) -> Any:
        return np.sum(chain_log_partition(scores._replace(emissions=emissions), words))

    found: Array = grad(log_z)(scores.emissions)
    return found


def viterbi(scores: ChainScores, words: Any) -> Array:
    """Return the tag sequences of highest score.

    Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm"
    (IEEE Transactions on Information Theory 1967), for all rows at once. Of sequences of equal
    score it is one whose last tags have low numbers.

    Parameters
    ----------
    scores : ChainScores of arrays
    words : bool array, shape (n, T)
        Where there is a word; see `chain_nll`.

    Returns
    -------
    int array, shape (n, T)
        -1 where there is no word.

    Examples
    --------
    >>> scores = Chain(2)(np.array([[[0.0, 1.0], [2.0, 0.0]]]))
    >>> viterbi(scores, np.array([[True, True]]))
    array([[1, 0]])
    """
    here = np.asarray(words)
    steps = _steps(scores, here)
    n, length, n_tags = scores.emissions.shape
    best, came_from = steps[:, 0, 0], np.zeros((n, length, n_tags), np.intp)
    for t in range(1, length):
        ways = best[:, :, None] + steps[:, t]
        came_from[:, t] = np.argmax(ways, axis=1)
        best = np.max(ways, axis=1)
    tags = np.zeros((n, length), np.intp)
    tags[:, -1] = np.argmax(best + _last(scores, here), axis=1)
    for t in range(length - 1, 0, -1):
        tags[:, t - 1] = came_from[np.arange(n), t, tags[:, t]]
    return np.where(here, tags, -1)


def _checked(loss: str, scores: ChainScores, tags: Any) -> Any:
    """Return tags of which there is one for each place, or -1."""
    tags, shape = as_array(tags), np.shape(scores.emissions)
    if len(shape) != 3 or tags.shape != shape[:2]:
        raise ShapeError(
            f"{loss}: emissions of shape {shape} need shape (n, T, tags) and tags of shape (n, T), "
            f"not {tags.shape}"
        )
    if tags.dtype.kind not in "iu":
        raise DtypeError(f"{loss}: tags are integers from 0, -1 for no word, not {tags.dtype}")
    words = f"tags from 0 to {shape[2] - 1}, or -1 where there is no word"
    check_range(loss, tags, lambda t: (t >= -1) & (t < shape[2]), words)
    return tags


def _before(array: Any) -> Any:
    """Return what stands one place before; in front of the first there is 0."""
    return np.pad(array, ((0, 0), (1, 0)))[:, :-1]


def _steps(scores: ChainScores, here: Any) -> Any:
    """Return what it scores to come to a tag (last axis) from one in the place before.

    Where there is no word all tags score 0, so that sequences in one row know nothing of each
    other. A word before the first place is none.

    Returns
    -------
    array, shape (n, T, k, k)
    """
    now, before = here[:, :, None, None], _before(here)[:, :, None, None]
    begins = np.where(now, scores.start, np.zeros_like(scores.start))
    moves = np.where(np.logical_and(now, before), scores.transitions, begins)
    ends = np.logical_and(before, np.logical_not(now))
    moves = np.where(ends, scores.end[:, None], moves)
    return moves + np.where(now, scores.emissions[:, :, None, :], 0.0)


def _last(scores: ChainScores, here: Any) -> Any:
    """Return what the tags of the last place score as ends: nothing where there is no word."""
    return np.where(here[:, -1:], scores.end, np.zeros_like(scores.end))


def _log_partition(scores: ChainScores, steps: Any, here: Any) -> Any:
    """Return the logarithm of the sum over all paths, of each row.

    A step's exponentials are a matrix, and the sum over paths is their product, which is taken in
    pairs, pairs of pairs and so on: as many products as steps, in log2(T) rounds. Each product is
    scaled so that its largest element is 1, and what it was scaled by is added up in logarithms
    (for recursions from left to right: Rabiner, "A tutorial on hidden Markov models", 1989, section
    V.A). Rows of a product differ by transitions alone, so that none vanishes beside another unless
    transitions differ by more than the logarithm of the largest number.
    """
    n_tags = scores.emissions.shape[-1]
    sizes = stop_gradient(np.max(_joined(steps), axis=-1))
    product, logs = _product(np.exp(steps - sizes[:, :, None, None]))
    last = _last(scores, here)
    top = stop_gradient(np.max(last, axis=-1))
    total = np.sum(product[:, 0] * np.exp(last - top[:, None]), axis=-1)
    nowhere = _count(np.logical_not(here), total)  # any tag would do there
    return np.log(total) + top + logs + np.sum(sizes, axis=1) - nowhere * math.log(n_tags)


def _product(matrices: Any) -> tuple[Any, Any]:
    """Return the product of a row's matrices, scaled, and the logarithm of the scale."""
    logs = 0.0
    while matrices.shape[1] > 1:
        half, n_tags = matrices.shape[1] // 2, matrices.shape[-1]
        pairs = np.reshape(matrices[:, : 2 * half], (-1, half, 2, n_tags, n_tags))
        products = pairs[:, :, 0] @ pairs[:, :, 1]
        sizes = stop_gradient(np.max(_joined(products), axis=-1))
        logs = logs + np.sum(np.log(sizes), axis=1)
        products = products / sizes[:, :, None, None]
        odd = matrices[:, 2 * half :]
        matrices = np.concatenate([products, odd], axis=1) if odd.shape[1] else products
    return matrices[:, 0], logs


def _path_score(scores: ChainScores, steps: Any, tags: Any, here: Any) -> Any:
    """Return what the sequences of each row score together."""
    at, n_tags = np.maximum(tags, 0), scores.emissions.shape[-1]
    places = _before(at) * n_tags + at
    taken = np.take_along_axis(_joined(steps), places[:, :, None], axis=-1)[..., 0]
    last = np.take_along_axis(_last(scores, here), at[:, -1:], axis=-1)[..., 0]
    return np.sum(taken, axis=1) + last


def _joined(matrices: Any) -> Any:
    """Return matrices, the last two axes, as rows of their elements."""
    *_, length, rows, columns = matrices.shape
    return np.reshape(matrices, (-1, length, rows * columns))


def _count(here: Any, like: Any) -> Any:
    """Return how many places of each row are true, in a dtype."""
    return np.sum(cast(here, like), axis=1)
