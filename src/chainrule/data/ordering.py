"""Order and division of rows, drawn from a counter: the same bits whatever was drawn before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.errors import DataError
from chainrule.graph import Array

_WORD = Interval(0, 2**63, integer=True)
_ALLOWED = {
    "n": _WORD,
    "seed": _WORD,
    "epoch": _WORD,
    "batch_size": COUNT,
    "fraction": Interval(0, 1, "neither"),
}
_SHUFFLE, _SPLIT = 0, 1  # separate streams, so that a split and an epoch never share their draws


def permutation(n: int, seed: int, epoch: int = 0) -> Array:
    """Return the numbers 0 to n - 1 in an order drawn from (seed, epoch) alone.

    The order is that of n random words of Philox-4x64 (Salmon et al., 2011), whose bits are the
    same on every platform and in every version of NumPy.

    Parameters
    ----------
    n : int
        How many, at least 0.
    seed, epoch : int
        What the order depends on, at least 0 and below 2**63.

    Returns
    -------
    int64 array, shape (n,)
        The order.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    Examples
    --------
    >>> order = permutation(5, seed=0)
    >>> sorted(order.tolist()), (order == permutation(5, seed=0)).all().item()
    ([0, 1, 2, 3, 4], True)
    """
    return _order(n, seed, epoch, _SHUFFLE)


def batches(
    n: int, batch_size: int, seed: int = 0, epoch: int = 0, *, shuffle: bool = True
) -> Iterator[Array]:
    """Yield the rows of one epoch in mini-batches.

    Parameters
    ----------
    n : int
        Number of rows.
    batch_size : int
        Rows of a batch, at least 1; the last batch may be shorter.
    seed, epoch : int
        What the order depends on, and nothing else.
    shuffle : bool
        Whether to shuffle; otherwise the rows come in their own order.

    Yields
    ------
    int64 array, shape (batch_size,)
        Indices of rows; every row once an epoch.

    Raises
    ------
    ArgumentError
        If `n` is negative or `batch_size` is less than 1.

    Examples
    --------
    >>> [batch.tolist() for batch in batches(5, 2, shuffle=False)]
    [[0, 1], [2, 3], [4]]
    """
    check("batches", _ALLOWED, {"n": n, "batch_size": batch_size})
    order = permutation(n, seed, epoch) if shuffle else np.arange(n)
    return (order[start : start + batch_size] for start in range(0, n, batch_size))


def split(
    n: int, fraction: float, seed: int = 0, stratify: Array | None = None
) -> tuple[Array, Array]:
    """Divide rows into a part to train on and a part that is held out.

    Parameters
    ----------
    n : int
        Number of rows, at least 2.
    fraction : float
        The part that is held out, between 0 and 1, both excluded; at least one row stays on
        either side.
    seed : int
        What the choice depends on.
    stratify : array, shape (n,), optional
        A class for each row: every class is divided in the same proportion, up to rounding, and
        a class of a single row stays in the training part.

    Returns
    -------
    train, held_out : int64 arrays
        Indices of rows, ascending.

    Raises
    ------
    ArgumentError
        If the fraction is not between 0 and 1.
    DataError
        If there are too few rows to divide, or `stratify` does not fit them.

    Examples
    --------
    >>> train, held_out = split(10, 0.2)
    >>> len(train), len(held_out)
    (8, 2)
    """
    check("split", _ALLOWED, {"n": n, "fraction": fraction})
    if n < 2:
        raise DataError(f"{n} rows cannot be divided into two parts")
    order = _order(n, seed, 0, _SPLIT)
    count = min(max(round(n * fraction), 1), n - 1)
    held_out = order[:count] if stratify is None else _stratified(order, count, stratify)
    if not 0 < len(held_out) < n:
        raise DataError("every class has a single row, so none can be held out")
    mask = np.zeros(n, bool)
    mask[held_out] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _stratified(order: Array, count: int, stratify: Array) -> Array:
    """Return `count` rows, as nearly as can be the same share of every class."""
    if np.shape(stratify) != order.shape:
        raise DataError(f"stratify has shape {np.shape(stratify)} for {len(order)} rows")
    _, classes, sizes = np.unique(stratify, return_inverse=True, return_counts=True)
    exact = sizes * (count / len(order))
    room = sizes - 1  # one row of every class stays in the training part
    quota = np.minimum(np.floor(exact).astype(np.int64), room)
    # The rest goes to the largest remainders (Hamilton's method).
    for place in np.argsort(quota - exact, kind="stable"):
        if quota.sum() < count and quota[place] < room[place]:
            quota[place] += 1
    members = [order[classes[order] == place][:share] for place, share in enumerate(quota)]
    return np.concatenate(members)


def _order(n: int, seed: int, epoch: int, purpose: int) -> Array:
    return np.argsort(draws(n, seed, epoch, 0, purpose), kind="stable").astype(np.int64)


def draws(n: int, seed: int, epoch: int, part: int, purpose: int = _SHUFFLE) -> Array:
    """Return random words whose order is that of rows; parts of an epoch have their own."""
    check("the order of rows", _ALLOWED, {"n": n, "seed": seed, "epoch": epoch})
    key = np.array([seed, epoch], np.uint64)
    return np.random.Philox(key=key, counter=[0, 0, part, purpose]).random_raw(n)


def spread_rows(n: int, most: int) -> Array:
    """Return the positions of rows evenly taken from n: all, or every second, or every third.

    Examples
    --------
    >>> spread_rows(7, 3)
    array([0, 3, 6])
    """
    return np.arange(0, n, max(1, -(-n // most)))
