"""N-grams of words and of characters, hashed into buckets as fastText does it.

A token's hash is FNV-1a over its UTF-8 bytes, which count as signed. An n-gram of words combines
hashes of its words; one of characters is hashed as a token is [1]_.

References
----------
.. [1] Bojanowski et al., "Enriching word vectors with subword information", TACL 2017; Joulin et
   al., "Bag of tricks for efficient text classification", EACL 2017; the functions ``hash``,
   ``addWordNgrams`` and ``computeSubwords`` of fastText's ``dictionary.cc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.errors import ArgumentError
from chainrule.graph import Array

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)
_COMBINE = np.uint64(116049371)
_BUCKETS = Interval(1, 2**31, "both", integer=True)
_ALLOWED = {"order": COUNT, "buckets": _BUCKETS}
_BLOCK = 2**18  # tokens that are hashed at a time


def hash_tokens(tokens: Sequence[str]) -> Array:
    """Return fastText's hash of each token.

    Parameters
    ----------
    tokens : sequence of str

    Returns
    -------
    array of uint32, shape (len(tokens),)

    Examples
    --------
    >>> hash_tokens(["", "a", "é"])
    array([2166136261, 3826002220, 1023043777], dtype=uint32)
    """
    encoded = [token.encode("utf-8", "surrogatepass") for token in tokens]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return _hash_runs(b"".join(encoded), np.cumsum(lengths) - lengths, lengths)


def _hash_runs(text: bytes, starts: Array, lengths: Array) -> Array:
    """Return the hash of each run of bytes: all runs at once, byte by byte, the longest first."""
    signed = np.frombuffer(text, np.int8).astype(np.int32).view(np.uint32)
    order = np.argsort(-lengths, kind="stable")
    places, remaining = starts[order], -lengths[order]
    hashes = np.full(len(order), _OFFSET, np.uint32)
    for i in range(-int(remaining[0]) if len(order) else 0):
        active = int(np.searchsorted(remaining, -i))  # runs longer than i
        hashes[:active] ^= signed[places[:active] + i]
        hashes[:active] *= _PRIME
    result = np.empty_like(hashes)
    result[order] = hashes
    return result


def hashed_ngrams(
    tokens: Sequence[str], orders: Sequence[int] = (2,), buckets: int = 2_000_000
) -> Array:
    """Return the buckets of a text's word n-grams.

    Parameters
    ----------
    tokens : sequence of str
    orders, buckets
        As for `ngram_table`, which is faster for many texts.

    Returns
    -------
    array of int32
        From 0 to ``buckets - 1``, in fastText's order.

    Raises
    ------
    ArgumentError
        As `ngram_table` does, or if the tokens are a string.

    Examples
    --------
    >>> hashed_ngrams(["not", "good", "at", "all"], orders=(2, 3), buckets=1000)
    array([462, 114,  72, 132, 788], dtype=int32)
    """
    if isinstance(tokens, str):
        raise ArgumentError("hashed_ngrams: a text is a list of tokens, not a string")
    return ngram_table(hash_tokens(tokens), [len(tokens)], orders, buckets)[0]


def ngram_table(
    hashes: Array, lengths: Any, orders: Sequence[int] = (2,), buckets: int = 2_000_000
) -> tuple[Array, Array]:
    """Return the buckets of the word n-grams of many texts.

    Parameters
    ----------
    hashes : array of uint32
        See `hash_tokens`: of the tokens of all texts, one after the other. fastText ends each text
        with ``"</s>"``.
    lengths : array_like of int
        How many tokens each text has.
    orders : sequence of int
        The lengths of n-grams; fastText's ``wordNgrams=n`` is ``range(2, n + 1)``.
    buckets : int

    Returns
    -------
    ids : array of int32
        From 0 to ``buckets - 1``, of all texts, one after the other; within a text from left to
        right, and of those that begin at one token the first order first.
    offsets : array of int64, shape (len(lengths) + 1,)
        Those of text i are ``ids[offsets[i] : offsets[i + 1]]``.

    Raises
    ------
    ArgumentError
        If an order or `buckets` is less than 1.
    """
    for order in orders:
        check("ngram_table", _ALLOWED, {"order": order, "buckets": buckets})
    lengths = np.asarray(lengths, np.int64)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    offsets = np.zeros(len(lengths) + 1, np.int64)
    counts = np.maximum(lengths[:, None] - np.asarray(orders, np.int64) + 1, 0).sum(axis=1)
    np.cumsum(counts, out=offsets[1:])
    ids = np.empty(offsets[-1], np.int32)
    first = 0
    while first < len(lengths):  # so many texts at a time that memory stays small
        last = max(int(np.searchsorted(bounds, bounds[first] + _BLOCK)) - 1, first + 1)
        own = hashes[bounds[first] : bounds[last]]
        remaining = np.repeat(bounds[first + 1 : last + 1], lengths[first:last]) - bounds[first]
        ids[offsets[first] : offsets[last]] = _ngrams(own, remaining, orders, buckets)
        first = last
    return ids, offsets


def _ngrams(hashes: Array, ends: Array, orders: Sequence[int], buckets: int) -> Array:
    """Return the buckets of n-grams that begin at each token and end before its text does."""
    # fastText keeps hashes in signed 32 bits, so that they are extended by their sign.
    wide = hashes.view(np.int32).astype(np.int64).view(np.uint64)
    found = np.empty((len(wide), len(orders)), np.int32)
    combined = wide.copy()
    for length in range(1, max(orders, default=0) + 1):
        if length > 1:
            combined *= _COMBINE
            combined[: 1 - length] += wide[length - 1 :]
        for column, order in enumerate(orders):
            if order == length:
                found[:, column] = combined % np.uint64(buckets)
    whole = np.arange(len(wide))[:, None] + np.asarray(orders, np.int64) <= ends[:, None]
    return found[whole]


def subword_ngrams(
    word: str, shortest: int = 3, longest: int = 6, buckets: int = 2_000_000
) -> Array:
    """Return the buckets of the character n-grams of a word between ``<`` and ``>``.

    Parameters
    ----------
    word : str
    shortest, longest : int
        Lengths in characters; the two brackets alone do not count as n-grams of one.
    buckets : int

    Returns
    -------
    array of int32
        From 0 to ``buckets - 1``, in fastText's order.

    Raises
    ------
    ArgumentError
        If a length or `buckets` is less than 1.

    Examples
    --------
    >>> len(subword_ngrams("where", 3, 3))
    5
    """
    return subword_table([word], shortest, longest, buckets)[0]


def subword_table(
    words: Sequence[str], shortest: int = 3, longest: int = 6, buckets: int = 2_000_000
) -> tuple[Array, Array]:
    """Return the buckets of the character n-grams of many words.

    Parameters
    ----------
    words : sequence of str
    shortest, longest, buckets : int
        As for `subword_ngrams`.

    Returns
    -------
    ids : array of int32
        Of all words, one after the other.
    offsets : array of int64, shape (len(words) + 1,)
        Those of word i are ``ids[offsets[i] : offsets[i + 1]]``.

    Raises
    ------
    ArgumentError
        As `subword_ngrams` does.
    """
    values = {"shortest": shortest, "longest": longest, "buckets": buckets}
    allowed = {"shortest": COUNT, "longest": COUNT, "buckets": _BUCKETS}
    check("subword_table", allowed, values)
    text = "".join(f"<{word}>" for word in words).encode("utf-8", "surrogatepass")
    lead = np.flatnonzero((np.frombuffer(text, np.uint8) & 0xC0) != 0x80)
    bounds = np.append(lead, len(text))  # where characters begin, and the end
    lengths = np.fromiter(map(len, words), np.int64, len(words)) + 2
    place, word = np.arange(len(lead)), np.repeat(np.arange(len(words)), lengths)
    at, count = _within(place, np.cumsum(lengths)[word], lengths[word], shortest, longest)
    hashes = _hash_runs(text, bounds[at], bounds[at + count] - bounds[at])
    offsets = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.bincount(word[at], minlength=len(words)), out=offsets[1:])
    return (hashes % np.uint32(buckets)).astype(np.int32), offsets


def _within(
    place: Array, end: Array, length: Array, shortest: int, longest: int
) -> tuple[Array, Array]:
    """Return the first characters and the lengths of all n-grams that lie within a word.

    They go from left to right, and from a character on the shorter come first.
    """
    counts = np.arange(shortest, longest + 1)
    whole = place[:, None] + counts <= end[:, None]
    if shortest == 1:  # a bracket alone is none
        whole[:, 0] = (place > end - length) & (place < end - 1)
    at, which = np.nonzero(whole)
    return at, counts[which]
