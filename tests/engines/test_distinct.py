"""Rows of tables that a step looks up several times, as loops run by Python itself."""

import re

import numpy as np
import pytest
from engine_cases import assert_close
from test_loops import no_compiler

import chainrule as cr
from chainrule import nn, optim
from chainrule.nn.pooling import POOLINGS
from chainrule.ops.rows import put_rows, sum_distinct, sum_equal_rows
from chainrule.training import fit

__all__ = ["no_compiler"]

RNG = np.random.default_rng(0)
WORDS = RNG.integers(-6, 6, (24, 5)).astype(np.int32)
LABELS = RNG.integers(0, 3, 24)


class Bag(nn.Module):
    def __init__(self, pooling):
        self.table = nn.PooledEmbedding(7, 4, 0, pooling=pooling, word_dropout=0.3)
        self.table.weight = np.float64(self.table.weight)
        if self.table.log_weight is not None:
            self.table.log_weight = np.float64(self.table.log_weight)
        self.out = nn.Linear(20 if pooling == "concatenate" else 4, 3, 1, dtype=np.float64)

    def forward(self, words, run=None):
        return self.out(self.table(words, run), run)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
def test_tables_of_pooled_words(pooling, optimizer):
    words = np.maximum(WORDS, 0)  # half of them none
    found = [
        fit(
            Bag(pooling), (words, LABELS), loss=nn.cross_entropy, optimizer=optimizer(lazy=True),
            epochs=2, batch_size=7, seed=0, engine=engine,
        )
        for engine in ("eager", "numba")
    ]  # fmt: skip
    parameters = [list(nn.named_parameters(model).values()) for model, _ in found]
    assert_close(parameters[1], parameters[0], 1e-9)
    norms = [history["gradient_norm"] for _, history in found]
    assert_close(norms[1], norms[0], 1e-9)
    assert found[1][1].engine.startswith("numba")


def run(step, table, data):
    expected = cr.scan(step, "interpreter")(table, data, None, 6)
    scan = cr.scan(step, "numba")
    assert_close(scan(table, data, None, 6), expected, 1e-12)
    assert not scan.latest.plan.note
    return scan.latest.source


def test_equal_rows_are_computed_once():
    def step(table, batch):
        words, values = batch
        g = sum_equal_rows(values, table, words)
        rows = table[words] - 0.1 * g / (np.abs(g) + 1.0)
        return put_rows(table, rows, words), sum_distinct(g * g, table, words)

    source = run(step, RNG.normal(size=(6, 3)), (WORDS, RNG.normal(size=(24, 5, 3))))
    assert source.count("for q in range(n_rows0):") >= 4  # noted, summed, computed, put


def test_of_rows_that_differ_the_last_is_put_and_the_first_is_counted():
    def step(table, batch):
        words, values = batch
        return put_rows(table, values * 2.0, words), sum_distinct(values * 3.0, table, words)

    run(step, RNG.normal(size=(6, 3)), (WORDS, RNG.normal(size=(24, 5, 3))))
    run(step, RNG.normal(size=(6, 3)), (WORDS[:, 0], RNG.normal(size=(24, 3))))
    run(step, RNG.normal(size=(6, 3)), (WORDS[:, :1], RNG.normal(size=(24, 1, 3))))


def test_rows_are_subtracted_at_places_of_an_axis_of_length_one():
    def step(table, batch):
        words, values = batch
        g = sum_equal_rows(values, table, words)
        return put_rows(table, table[words] - 0.1 * g, words), np.sum(table)

    run(step, RNG.normal(size=(6, 3)), (WORDS[:, :1], RNG.normal(size=(24, 1, 3))))


def test_sums_that_others_read_too_are_copied_to_all():
    def step(table, batch):
        words, values = batch
        g = sum_equal_rows(values, table, words)
        return put_rows(table, table[words] - 0.1 * g, words), np.tanh(g)

    run(step, RNG.normal(size=(6, 3)), (WORDS, RNG.normal(size=(24, 5, 3))))
    run(step, RNG.normal(size=6), (WORDS, RNG.normal(size=(24, 5))))
    run(step, RNG.normal(size=6), (WORDS[:, 0], RNG.normal(size=24)))


def test_what_is_left_out_of_a_sum_is_not_read():
    def step(table, batch):
        words, values = batch
        there = (words > 0)[..., None]
        total = np.sum(np.where(there, table[words] * values, 0.0), axis=1)
        return table, total

    source = run(step, RNG.normal(size=(6, 3)), (WORDS, RNG.normal(size=(24, 5, 3))))
    assert re.search(r"^ +if v\d+\[i0, i1\]:$", source, re.MULTILINE)
