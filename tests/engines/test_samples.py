"""Every sample of every op, with its gradient, by every engine: the interpreter's numbers."""

import numpy as np
import pytest
from engine_cases import assert_same, programs

from chainrule import compile, trace
from chainrule.engines.lower import rewritten
from chainrule.graph import REGISTRY
from chainrule.graph.tree import flatten

OPS = sorted(REGISTRY, key=lambda entry: entry.name)


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_numpy_gives_the_interpreters_bits(entry):
    for program, arrays in programs(entry):
        compiled = compile(program)
        with np.errstate(all="ignore"):
            expected = rewritten(trace(program)(*arrays))(*arrays)
        kept = [x.copy() for x in arrays]
        for _ in range(2):  # the second run finds buffers in use before
            assert_same(compiled(*arrays), expected)
        assert_same(arrays, kept)


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_results_are_not_overwritten_by_the_next_run(entry):
    for program, arrays in programs(entry):
        compiled = compile(program)
        first = compiled(*arrays)
        kept = [np.copy(x) for x in flatten(first)[0]]
        compiled(*[1.001 * x for x in arrays])
        assert_same(flatten(first)[0], kept)
