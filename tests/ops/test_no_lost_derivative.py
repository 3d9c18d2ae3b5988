"""Each number of each sample, alone made a Tensor: a right derivative, or a refusal, never a zero.

The samples' own suites make all floating-point arrays tensors at once; here the others stay plain,
and numbers given as settings become tensors too.
"""

import contextlib
import warnings

import numpy as np
import pytest

from chainrule import Tensor
from chainrule.errors import ChainruleError, NotDifferentiableError
from chainrule.graph import REGISTRY
from chainrule.graph.tree import flatten, unflatten

ENTRIES = sorted(REGISTRY, key=lambda entry: entry.name)
STEP = 1e-6


def is_real(x):
    return isinstance(x, float | np.ndarray | np.floating) and np.asarray(x).dtype.kind == "f"


def lone_arguments(entry):
    """Calls of the samples as functions of one argument each, with that argument."""
    for i, sample in enumerate(s for s in entry.samples if s.error is None and s.smooth):
        leaves, structure = flatten(sample.build(np.random.default_rng(i)))
        for place, x in enumerate(leaves):
            if not is_real(x) or not np.size(x):
                continue

            def call(value, leaves=leaves, structure=structure, place=place):
                args, kwargs = unflatten(structure, [*leaves[:place], value, *leaves[place + 1 :]])
                return flatten(entry.target(*args, **kwargs))[0]

            yield call, x


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_no_derivative_is_lost(entry):
    for call, x in lone_arguments(entry):
        t = Tensor(x)
        try:
            results = call(t)
        except (ChainruleError, TypeError):
            continue  # refused: nothing is lost
        direction = np.random.default_rng(1).standard_normal(np.shape(x))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pair = zip(*(call(x + s * direction) for s in (STEP, -STEP)), strict=True)
                moved = [(a - b) / (2 * STEP) for a, b in pair if is_real(a) and is_real(b)]
            except (ValueError, TypeError, IndexError):
                continue  # no number beside this one is allowed
        if all(np.shape(m) == np.shape(y) for m, y in zip(moved, results, strict=False)):
            compare(t, results, moved, direction)


def compare(t, results, moved, direction):
    for y, slope in zip(results, moved, strict=False):
        size = np.max(np.abs(slope), initial=0.0)
        if not np.isfinite(size) or size > 1e5:
            continue  # a jump, where differences mean nothing
        if isinstance(y, Tensor) and y.dtype.kind == "f":
            t.grad = None
            with contextlib.suppress(NotDifferentiableError):  # an inactive input
                y.backward(np.ones(y.shape))
            found = 0.0 if t.grad is None else np.sum(t.grad * direction)
            assert found == pytest.approx(np.sum(slope), rel=1e-4, abs=1e-4 * (1.0 + size))
        elif not isinstance(y, Tensor):
            assert size <= 1e-4, "the result depends on the Tensor and carries no derivative"
