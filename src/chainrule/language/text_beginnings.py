"""With what the tables of a text classifier begin: what counts of texts tell already."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data import Ragged
from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language.text_network import TextNetwork
from chainrule.nn import FixedPooledEmbedding
from chainrule.text import word_table

_DISCOUNT = 0.5  # texts fewer for each token and class


def begin(
    network: TextNetwork,
    rows: Ragged,
    targets: Array,
    weight: Array | None,
    smoothing: float,
    vectors: tuple[Array, Array] | None = None,
) -> None:
    """Put into a new network what counts of texts, and pretrained vectors, tell.

    Parameters
    ----------
    network : TextNetwork
        It is changed.
    rows, targets, weight, smoothing
        See `log_count_ratios`.
    vectors : pair of arrays, optional
        Places of words and their vectors, see `vectors_for`; the id of a word is one more.
    """
    n_ids = len(network.table.weight)
    network.bias[:] = class_scores(targets, weight)
    if vectors is not None:
        places, given = vectors
        if isinstance(network.table, FixedPooledEmbedding):
            network.table.weight[:] = 0.0  # what has no vector tells nothing
        network.table.weight[places + 1, : given.shape[1]] = given
    if network.own_scores is not None:
        network.own_scores[:] = log_count_ratios(rows, n_ids, targets, weight, smoothing)
    for table in (network.table, network.direct):
        if table is not None and table.log_weight is not None:
            table.log_weight[:] = log_idf(rows, n_ids)


def log_count_ratios(
    rows: Ragged, size: int, targets: Array, weight: Array | None, smoothing: float
) -> Array:
    r"""Return how much more often a class has each token than classes have it on the mean.

    :math:`r_{ic} = \log((d_{ic} + a k q_c) / q_c) - \text{mean over classes}`, where
    :math:`d_{ic} = \max(n_{ic} - 1/2, 0)`, :math:`n_{ic}` counts the texts of class c with token
    i, :math:`q_c` is the share of the class among the texts, k the number of classes and a the
    smoothing. After Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic
    classification" (ACL 2012), section 2.1, with pseudo-counts in the proportion of the classes, so
    that a token that was not met speaks for none. Of independent labels each is compared with its
    absence, and k is at least 2.

    Counts are discounted (Ney, Essen and Kneser, "On structuring probabilistic dependences in
    stochastic language modelling", Computer Speech and Language 8, 1994) because training goes on
    with the texts that were counted: if the tokens that it alone has told the class of each, there
    would be nothing left to learn from it.

    Parameters
    ----------
    rows : Ragged
    size : int
        The number of ids.
    targets : array
        Numbers of classes, (n,), or 0 and 1 for labels, (n, k).
    weight : array, shape (n,), optional
    smoothing : float > 0

    Returns
    -------
    array of float64, shape (size, k)

    Examples
    --------
    >>> rows = Ragged(np.array([1, 2, 2]), np.array([0, 2, 3]))
    >>> log_count_ratios(rows, 3, np.array([0, 1]), None, 1.0).round(2)
    array([[ 0. ,  0. ],
           [ 0.2, -0.2],
           [ 0. ,  0. ]])
    """
    n = len(rows)
    weight = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    text = np.repeat(np.arange(n), rows.lengths)
    pairs = np.unique(text * size + rows.ids)
    text, ids = pairs // size, pairs % size
    if targets.ndim == 1:
        k = int(targets.max()) + 1
        counts = _discounted(_counts(ids, targets[text], weight[text], size, k))
        share = np.bincount(targets, weight, k) / weight.sum()
        ratios = np.log((counts + smoothing * k * share) / share)
        centred: Array = ratios - ratios.mean(axis=1, keepdims=True)
        return centred
    k = targets.shape[1]
    row, column = np.nonzero(targets[text])
    counts = _counts(ids[row], column, weight[text[row]], size, k)
    total = np.bincount(ids, weight[text], size)[:, None]
    share = np.clip((weight @ targets) / weight.sum(), 1e-6, 1 - 1e-6)
    more = max(k, 2) * smoothing
    has: Array = np.log((_discounted(counts) + more * share) / share)
    has -= np.log((_discounted(total - counts) + more * (1 - share)) / (1 - share))
    return has


def _discounted(counts: Array) -> Array:
    return np.maximum(counts - _DISCOUNT, 0.0)


def _counts(ids: Array, columns: Array, weight: Array, size: int, k: int) -> Array:
    found: Array = np.bincount(ids * k + columns, weight, size * k).reshape(size, k)
    return found


def log_idf(rows: Ragged, size: int) -> Array:
    """Return the logarithm of each token's inverse document frequency, scikit-learn's smooth one.

    Examples
    --------
    >>> log_idf(Ragged(np.array([1, 2, 2]), np.array([0, 2, 3])), 3).round(3)
    array([0.741, 0.34 , 0.   ])
    """
    n = len(rows)
    pairs = np.unique(np.repeat(np.arange(n), rows.lengths) * size + rows.ids)
    df = np.bincount(pairs % size, minlength=size)
    found: Array = np.log(np.log((1 + n) / (1 + df)) + 1)
    return found


def class_scores(targets: Array, weight: Array | None) -> Array:
    """Return the logarithms of the shares of classes, or the log-odds of labels.

    Examples
    --------
    >>> class_scores(np.array([0, 1, 1, 1]), None).round(3)
    array([-1.386, -0.288])
    """
    weight = np.ones(len(targets)) if weight is None else np.asarray(weight, np.float64)
    if targets.ndim == 1:
        found: Array = np.log(np.bincount(targets, weight) / weight.sum())
        return found
    share = np.clip((weight @ targets) / weight.sum(), 1e-6, 1 - 1e-6)
    return np.log(share / (1 - share))  # type: ignore[no-any-return]


def vectors_for(vectors: Any, words: list[str]) -> tuple[Array, Array]:
    """Return pretrained vectors of words, and the places of those that have one.

    Parameters
    ----------
    vectors : path, WordTable, or pair of words and array
    words : list of str

    Returns
    -------
    places : array of int64, shape (k,)
    vectors : array of float32, shape (k, dim)

    Raises
    ------
    ArgumentError
        If words and rows are not as many.
    DataError
        If no word has a vector, or a file cannot be read.
    """
    table = word_table(vectors, set(words))
    row = {word: i for i, word in enumerate(table.words)}
    places = np.array([i for i, word in enumerate(words) if word in row], np.int64)
    if not len(places):
        raise DataError("vectors: none of the words that were learned has a vector")
    return places, table.vectors[[row[words[i]] for i in places]]
