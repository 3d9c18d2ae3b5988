"""Constraints as data: what is inside, what the message says, what the derived bad values are."""

import math

import numpy as np
import pytest

from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.errors import ArgumentError, ChainruleError

ALL = [POSITIVE, NON_NEGATIVE, FRACTION, COUNT, Interval(0, 1, "both"), OneOf(("mean", "sum"))]


@pytest.mark.parametrize("closed", ["both", "left", "right", "neither"])
def test_bounds_belong_as_told(closed):
    interval = Interval(0, 1, closed)
    assert (0 in interval) == (closed in ("both", "left"))
    assert (1 in interval) == (closed in ("both", "right"))
    assert 0.5 in interval


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(0), np.float64(0.25)])
def test_numpy_numbers_are_numbers(value):
    assert value in FRACTION


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.5", None, True, [0.5], 1j])
def test_what_is_no_finite_number_is_outside(value):
    assert value not in Interval(-math.inf, math.inf, "both")


def test_integers_only():
    assert 3 in COUNT
    assert np.int32(3) in COUNT
    assert 3.0 not in COUNT


def test_choices_do_not_mix_types():
    assert 1 not in OneOf((True, False))
    assert True in OneOf((True, False))


@pytest.mark.parametrize("constraint", ALL, ids=str)
def test_bad_values_are_refused_by_name(constraint):
    bad = constraint.bad_values()
    assert bad
    for value in bad:
        with pytest.raises(ArgumentError, match="Layer: size must be") as caught:
            check("Layer", {"size": constraint}, {"size": value})
        assert repr(value) in str(caught.value)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, ChainruleError)
