"""Rows shuffled as they are asked for."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import BlockOrder
from chainrule.errors import ArgumentError

SIZES = {"n": st.integers(0, 200), "block": st.integers(1, 9), "together": st.integers(1, 5)}


@given(**SIZES, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_every_row_comes_once_however_it_is_cut(n, block, together, cuts):
    order = BlockOrder(n, 3, 1, block=block, together=together)
    whole = order[:]
    assert sorted(whole) == list(range(n))
    ends = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [order[a:b] for a, b in itertools.pairwise(ends)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@given(n=st.integers(20, 200))
def test_the_order_depends_on_seed_and_epoch_alone(n):
    first = BlockOrder(n, 3, 1)[:]
    np.testing.assert_array_equal(first, BlockOrder(n, 3, 1)[:])
    assert (first != BlockOrder(n, 3, 2)[:]).any()
    assert (first != BlockOrder(n, 4, 1)[:]).any()


def test_rows_are_read_in_stretches():
    order = BlockOrder(10_000, 0, block=10, together=20)
    stretch = order[200:400]  # rows of twenty blocks
    assert len(np.unique(stretch // 10)) == 20
    assert (np.diff(stretch) != 1).mean() > 0.9


def test_memory_is_that_of_a_part(monkeypatch):
    order = BlockOrder(10**9, 0)
    assert order[5 * 10**8 : 5 * 10**8 + 7].shape == (7,)
    assert order._blocks.nbytes + order._shuffled[1].nbytes < 50e6


@pytest.mark.parametrize("wrong", [{"block": 0}, {"together": 0}, {"seed": -1}, {"n": -1}])
def test_refusals(wrong):
    with pytest.raises(ArgumentError):
        BlockOrder(**{"n": 5, "seed": 0, **wrong})


def test_steps_are_refused():
    with pytest.raises(ArgumentError, match="one after another"):
        BlockOrder(9, 0)[::2]
