"""Convolutions and correlations of all lengths and modes against NumPy and differences."""

import itertools

import numpy as np
import pytest

from chainrule import check_grads

LENGTHS = list(itertools.product(range(1, 6), repeat=2))


@pytest.mark.parametrize("function", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_every_pair_of_lengths(function, mode):
    rng = np.random.default_rng(0)
    for n, m in LENGTHS:
        arrays = rng.normal(size=n), rng.normal(size=m)
        check_grads(lambda a, v: function(a, v, mode=mode), arrays, order=2)
