"""Orders and divisions that depend on their seed and on nothing else."""

import numpy as np
import pytest

from chainrule.data import batches, permutation, split
from chainrule.errors import ArgumentError, DataError

GOLDEN = [
    [0, 2, 9, 1, 8, 5, 4, 3, 6, 7],
    [2, 1, 4, 7, 3, 8, 5, 9, 6, 0],
    [4, 9, 3, 5, 2, 1, 8, 0, 6, 7],
]


def test_every_row_once_an_epoch():
    found = list(batches(103, 10, seed=3, epoch=2))
    assert [len(batch) for batch in found] == [10] * 10 + [3]
    assert np.array_equal(np.sort(np.concatenate(found)), np.arange(103))
    assert list(batches(0, 4)) == []


def test_golden_orders():
    assert permutation(10, seed=0).tolist() == GOLDEN[0]
    assert permutation(10, seed=1, epoch=7).tolist() == GOLDEN[1]
    assert permutation(10, seed=2**62).tolist() == GOLDEN[2]


def test_orders_do_not_depend_on_what_was_drawn_before():
    expected = permutation(50, seed=4, epoch=9)
    for epoch in (0, 3, 9):
        list(batches(50, 7, seed=4, epoch=epoch))
    np.random.default_rng(0).random(100)
    assert np.array_equal(permutation(50, seed=4, epoch=9), expected)
    assert not np.array_equal(permutation(50, seed=4, epoch=8), expected)
    assert not np.array_equal(permutation(50, seed=5, epoch=9), expected)


def test_orders_are_uniform():
    firsts = np.bincount([permutation(5, seed)[0] for seed in range(2000)], minlength=5)
    assert np.abs(firsts - 400).max() < 80  # 4.5 standard deviations


def test_no_shuffle():
    assert np.array_equal(np.concatenate(list(batches(9, 2, shuffle=False))), np.arange(9))


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("n", [2, 10, 101])
def test_split_sizes(n, fraction):
    train, held_out = split(n, fraction, seed=1)
    assert np.array_equal(np.sort(np.concatenate([train, held_out])), np.arange(n))
    assert len(held_out) == min(max(round(n * fraction), 1), n - 1)


def test_strata_keep_their_shares():
    classes = np.repeat(["a", "b", "c", "lone"], [100, 50, 10, 1])
    for seed in range(20):
        train, held_out = split(161, 0.2, seed, stratify=classes)
        names, counts = np.unique(classes[held_out], return_counts=True)
        assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"a": 20, "b": 10, "c": 2}
        assert "lone" in classes[train]


def test_bad_arguments():
    for fraction in (0, 1, -0.1, float("nan"), "0.2"):
        with pytest.raises(ArgumentError, match="fraction"):
            split(10, fraction)
    with pytest.raises(DataError, match="1 rows cannot"):
        split(1, 0.5)
    with pytest.raises(DataError, match="stratify has shape"):
        split(10, 0.5, stratify=np.zeros(9))
    with pytest.raises(DataError, match="single row"):
        split(3, 0.5, stratify=np.arange(3))
    with pytest.raises(ArgumentError, match="batch_size"):
        batches(10, 0)
    with pytest.raises(ArgumentError, match="seed"):
        permutation(10, -1)
    with pytest.raises(ArgumentError, match="epoch"):
        permutation(10, 0, 2**63)
