"""Rows of unequal lengths: as arrays, in widths, in order, and in training."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import nn, optim
from chainrule.data import AlikeOrder, Ragged
from chainrule.data.ragged import _fewest
from chainrule.errors import DataError, DtypeError
from chainrule.training import checked_rows, fit

lists = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=12)


def ragged(rows, widths=()):
    ids = np.array([i for row in rows for i in row], np.int32)
    return Ragged(ids, np.cumsum([0, *map(len, rows)]), widths)


@given(lists, st.randoms(use_true_random=False))
def test_rows_are_filled_up_with_zeros_and_nothing_is_lost(rows, random):
    made = ragged(rows)
    places = np.array([random.randrange(len(rows)) for _ in range(5)])
    taken = made.take(places)
    assert [[i for i in row if i] for row in taken.tolist()] == [rows[i] for i in places]
    some = made.rows(places)
    assert some.lengths.tolist() == [len(rows[i]) for i in places]
    np.testing.assert_array_equal(some.take(slice(None)), taken)


@given(st.dictionaries(st.integers(1, 9), st.integers(1, 5), min_size=1), st.integers(1, 3))
def test_widths_need_the_fewest_zeros(counts, most):
    lengths = sorted(counts)

    def area(widths):
        return sum(counts[n] * min(w for w in widths if w >= n) for n in lengths)

    choices = (
        (*inner, lengths[-1])
        for k in range(most)
        for inner in itertools.combinations(lengths[:-1], k)
    )
    _, found = _fewest(lengths, [counts[n] for n in lengths], most)
    assert len(found) <= most
    assert area(found) == min(map(area, choices))


@given(lists, st.integers(1, 3))
def test_rows_fit_into_their_widths(rows, most):
    made = ragged(rows).in_widths(most)
    longest = max(1, max(map(len, rows)))
    assert longest <= made.width <= max(4, 1.25 * longest)
    assert sum(map(len, rows)) == (made.take(slice(None)) > 0).sum()


@given(lists, st.integers(1, 4), st.integers(0, 5))
def test_an_order_has_every_row_once_and_batches_that_are_alike(rows, size, epoch):
    made = ragged(rows).in_widths(3)
    order = AlikeOrder(made, size, seed=3)(epoch)
    assert sorted(order.tolist()) == list(range(len(rows)))
    done = 0
    while done < len(order):
        count = made.alike(order[done:], size)
        assert count >= 1
        part = order[done : done + count * size]
        each = {made.take(part[i : i + size]).shape[1] for i in range(0, len(part), size)}
        assert each == {made.take(part).shape[1]}
        done += len(part)


def test_rows_take_the_widths_of_others():
    made = ragged([[1, 2, 3, 4, 5], [6]])
    other = ragged([[1], [1, 2, 3]], (1, 3))
    assert made.like(other).widths == (1, 5)
    assert made.like(other, cut=True).take(slice(None)).tolist() == [[1, 2, 3], [6, 0, 0]]
    assert other.like(made).widths == (5,)


def test_epochs_have_different_orders():
    made = ragged([[1] * (i % 5) for i in range(200)]).in_widths(2)
    order = AlikeOrder(made, 4, seed=0)
    assert not np.array_equal(order(0), order(1))
    np.testing.assert_array_equal(order(1), AlikeOrder(made, 4, seed=0)(1))


def test_what_is_no_rows_is_refused():
    with pytest.raises(DtypeError, match="float"):
        Ragged(np.ones(2), np.array([0, 2]))
    for offsets in ([0, 1], [1, 2], [0, 3, 2]):
        with pytest.raises(DataError, match="offsets"):
            Ragged(np.ones(2, np.int32), np.array(offsets))


class Bag(nn.Module):
    def __init__(self):
        self.table = nn.PooledEmbedding(10, 4, 0, pooling="mean")
        self.out = nn.Linear(4, 2, 1)

    def forward(self, ids, run=None):
        return self.out(self.table(ids, run))


ROWS = [[1 + (i * j) % 9 for j in range(i % 7)] for i in range(41)]
Y = np.arange(41) % 2


@pytest.mark.parametrize("engine", ["eager", "numpy"])
@pytest.mark.parametrize("lazy", [True, False])
def test_training_on_rows_is_training_on_what_they_are_filled_up_to(engine, lazy):
    options = {
        "loss": nn.cross_entropy, "optimizer": optim.Adam(0.01, lazy=lazy), "epochs": 3,
        "batch_size": 4, "engine": engine, "progress": 0,
    }  # fmt: skip
    whole = ragged(ROWS).take(slice(None))
    one, _ = fit(Bag(), (whole, Y), **options)
    for widths in ((6,), (2, 4, 6)):
        rows = ragged(ROWS, widths)
        other, history = fit(Bag(), (rows, Y), validation=(rows, Y), **options)
        assert history.engine == engine
        for a, b in zip(
            nn.named_parameters(one).values(), nn.named_parameters(other).values(), strict=True
        ):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_rows_of_no_weight_are_left_out():
    weight = np.arange(41) % 3 > 0
    rows = checked_rows((ragged(ROWS), Y), weight)
    kept = np.flatnonzero(weight)
    assert isinstance(rows.X, Ragged)
    assert len(rows) == len(kept)
    np.testing.assert_array_equal(rows.numbers, kept)
    np.testing.assert_array_equal(rows.take(slice(None)).X, ragged(ROWS).take(kept))
