"""N-grams as rows of sorted tables, found for a whole text at once.

A table holds the n-grams of one order, sorted. Row r of the table of order k is identified by the
row of its first k - 1 words in the table of order k - 1, its *prefix*, and its last word: the key
``prefix * size + word``. The table of order 1 has a row for every word of the vocabulary, so that a
row is a word's id. The rows that a text has at order k follow from those at order k - 1, one place
to the left: one search for each order, whatever the length of the text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.graph import Array

NONE = -1  # where a text has no row


def places(ids: Array, bos: int | None) -> tuple[Array, Array]:
    """Return where an n-gram may begin, and where it may not be continued.

    Parameters
    ----------
    ids : array of int, shape (length,) or (rows, length)
        Each row is a text of its own.
    bos : int or None
        Id of ``<s>``: no n-gram holds it but at its beginning.

    Returns
    -------
    flat : array of int64
        The ids, one text after the other.
    broken : array of bool
        Whether no n-gram holds this word and the one before it.
    """
    flat = np.ascontiguousarray(ids, np.int64).ravel()
    broken = np.zeros(ids.shape, bool)
    broken[..., :1] = True
    if bos is not None:
        broken |= ids == bos
    return flat, broken.ravel()


def longer(rows: Array, flat: Array, broken: Array, size: int) -> tuple[Array, Array]:
    """Return the places that n-grams one word longer end at, and their keys.

    Parameters
    ----------
    rows : array of int64
        For every place of the text the row of the n-gram that ends there, or `NONE`.
    flat, broken : array
        Of `places`.
    size : int
        Number of words of the vocabulary.
    """
    prefix = np.empty_like(rows)
    prefix[:1], prefix[1:] = NONE, rows[:-1]
    prefix[broken] = NONE
    ends = np.flatnonzero(prefix != NONE)
    return ends, prefix[ends] * size + flat[ends]


def find(keys: Array, wanted: Array) -> Array:
    """Return the rows of keys in a sorted table, `NONE` for those that it lacks."""
    if not len(keys):
        return np.full(len(wanted), NONE)
    # Rare keys are looked up once, and in order, which reads memory in order.
    distinct, back = np.unique(wanted, return_inverse=True)
    at = np.minimum(np.searchsorted(keys, distinct), len(keys) - 1)
    return np.where(keys[at] == distinct, at, NONE)[back]


def text_rows(tables: Sequence[Array], ids: Array, size: int, bos: int | None) -> list[Array]:
    """Return, for each order, the rows of the n-grams that end at each place of a text.

    Parameters
    ----------
    tables : sequence of array of int64
        Sorted keys of the orders from 2 on.
    ids : array of int, shape (length,) or (rows, length)
    size, bos
        As for `longer` and `places`.

    Returns
    -------
    list of array of int64
        The first is the ids themselves, of order 1.
    """
    flat, broken = places(ids, bos)
    found = [flat]
    for keys in tables:
        rows = np.full(len(flat), NONE)
        ends, wanted = longer(found[-1], flat, broken, size)
        rows[ends] = find(keys, wanted)
        found.append(rows)
    return found
