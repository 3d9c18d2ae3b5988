"""Every optimizer's update as loops, run by Python itself."""

import numpy as np
import pytest
from test_loops import no_compiler

import chainrule as cr
from chainrule import optim
from chainrule.testing.optimizers import check_engines

__all__ = ["no_compiler"]

KINDS = {**optim.OPTIMIZERS, **optim.WRAPPERS}.values()
LAST = [kind(**kind.samples[-1]) for kind in KINDS]
OTHERS = [kind(**sample) for kind in KINDS for sample in kind.samples[:-1]]
SAMPLES = [*LAST, *(pytest.param(opt, marks=pytest.mark.slow) for opt in OTHERS)]


@pytest.mark.parametrize("opt", SAMPLES, ids=repr)
def test_every_update_has_loops(opt):
    check_engines(opt, np.random.default_rng(0), ["numba"])
    step = cr.compile(lambda p, g, state: opt.update(p, g, state), "numba")
    p = np.ones((3, 4), np.float32)
    step(p, p, opt.init(p))
    assert not step.plan.note
