"""Every op on random variations of its samples: seeds, memory layouts, broadcast shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from chainrule.autodiff import check_grads, vjp
from chainrule.graph import REGISTRY, Kind, Op, Sample
from chainrule.testing.cases import Case
from chainrule.testing.ops import check_adjoint, check_values, equal, layouts

RECORDED = sorted(
    (
        entry
        for entry in REGISTRY
        if any(s.error is None and Case(entry, s, np.random.default_rng(0)).recorded
               for s in entry.samples)
    ),
    key=lambda entry: entry.name,
)  # fmt: skip
SMOOTH_KINDS = {Kind.ELEMENTWISE, Kind.LINEAR, Kind.MULTILINEAR}


def zero_strided(x):
    """An array of equal elements that occupies one."""
    return np.broadcast_to(x.ravel()[:1].reshape((1,) * x.ndim), x.shape)


def variants(entry, x):
    """Memory layouts to try; equal elements only where they make no tie."""
    found = [x, *layouts(x)]
    if x.size and isinstance(entry, Op) and entry.kind in SMOOTH_KINDS and not entry.kink:
        found.append(zero_strided(x))
    return found


def is_shape(arg):
    return isinstance(arg, tuple) and all(type(n) is int for n in arg)


def drawn_sample(entry, data):
    """One of the op's samples; an elementwise op's with shapes that broadcast at random."""
    samples = [s for s in entry.samples if s.error is None]
    sample = data.draw(st.sampled_from(samples), label="sample")
    if not isinstance(entry, Op) or entry.kind is not Kind.ELEMENTWISE:
        return sample
    if not all(is_shape(arg) and 0 not in arg for arg in sample.args):
        return sample
    shapes = data.draw(
        mutually_broadcastable_shapes(
            num_shapes=len(sample.args), min_dims=0, max_dims=3, min_side=0, max_side=3
        )
    ).input_shapes
    new = Sample(*shapes, domain=sample.domain, smooth=sample.smooth)
    new.kwargs = sample.kwargs
    return new


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry.name)
@given(data=st.data())
def test_variation(entry, data):
    seed = data.draw(st.integers(0, 2**32), label="seed")
    rng = np.random.default_rng(seed)
    case = Case(entry, drawn_sample(entry, data), rng)
    case.arrays = [data.draw(st.sampled_from(variants(entry, x))) for x in case.arrays]
    check_values(case, rng)
    check_adjoint(case, rng)
    if case.differentiable:
        check_grads(case.function, case.arrays, seed=seed)
    if case.recorded and case.arrays:
        contiguous = [np.ascontiguousarray(x) if x.ndim else x for x in case.arrays]
        result, pullback = vjp(case.function, *case.arrays)
        again, pull = vjp(case.function, *contiguous)
        u = [np.ones(np.shape(y)) for y in result]
        equal(result, again, "the value", case, rtol=1e-10)
        equal(pullback(u), pull(u), "the gradient", case, rtol=1e-10)
