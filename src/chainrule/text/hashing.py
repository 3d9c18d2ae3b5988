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

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.graph import Array

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)
_COMBINE = np.uint64(116049371)
_BUCKETS = Interval(1, 2**31, integer=True)


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
    tokens: Sequence[str] | Array, orders: Sequence[int] = (2,), buckets: int = 2_000_000
) -> Array:
    """Return the buckets of a text's word n-grams.

    fastText's ``wordNgrams=n`` is ``orders=range(2, n + 1)``, with ``"</s>"`` as the last token.

    Parameters
    ----------
    tokens : sequence of str, or array of uint32
        The tokens, or their hashes.
    orders : sequence of int
        The lengths of n-grams.
    buckets : int

    Returns
    -------
    array of int32
        From 0 to ``buckets - 1``: n-grams of the first order from left to right, then the next.

    Raises
    ------
    ArgumentError
        If an order or `buckets` is less than 1.

    Examples
    --------
    >>> hashed_ngrams(["not", "good", "at", "all"], orders=(2, 3), buckets=1000)
    array([462,  72, 788, 114, 132], dtype=int32)
    """
    hashes = tokens if isinstance(tokens, np.ndarray) else hash_tokens(tokens)
    parts = [_ngrams(hashes, order, buckets) for order in orders]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _ngrams(hashes: Array, order: int, buckets: int) -> Array:
    allowed = {"order": COUNT, "buckets": _BUCKETS}
    check("hashed_ngrams", allowed, {"order": order, "buckets": buckets})
    # fastText keeps hashes in signed 32 bits, so that they are extended by their sign.
    wide = hashes.astype(np.uint32).view(np.int32).astype(np.int64).view(np.uint64)
    count = max(len(wide) - order + 1, 0)
    combined = wide[:count].copy()
    for j in range(1, order):
        combined *= _COMBINE
        combined += wide[j : j + count]
    return (combined % np.uint64(buckets)).astype(np.int32)


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
