"""The examples in the ops' docstrings run; doctest itself does not look into ops."""

import doctest
import sys

import pytest

from chainrule.graph import REGISTRY, Kind
from chainrule.ops import special

PARSER, RUNNER = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
ENTRIES = sorted(REGISTRY, key=lambda entry: entry.name)
assert special.gammaln in ENTRIES


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_examples_run(entry):
    names = dict(vars(sys.modules[entry.__module__]))
    test = PARSER.get_doctest(entry.__doc__, names, entry.name, entry.__module__, 0)
    said = []
    assert RUNNER.run(test, out=said.append).failed == 0, "".join(said)


@pytest.mark.parametrize(
    "entry",
    [e for e in ENTRIES if getattr(e, "kind", None) not in (None, Kind.CONSTANT)],
    ids=lambda entry: entry.name,
)
def test_every_op_with_a_derivative_has_an_example(entry):
    assert ">>>" in entry.__doc__
