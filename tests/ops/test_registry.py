"""Every registered op, its samples and random variations of them."""

import pytest

from chainrule.graph import REGISTRY
from chainrule.testing import check_op

OPS = sorted(REGISTRY, key=lambda entry: entry.name)


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_op_keeps_every_promise(entry):
    check_op(entry)


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_op_is_documented(entry):
    assert entry.__doc__
