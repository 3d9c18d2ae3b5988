"""Every differentiable sample of every op is derived, and the formulas give its gradient."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.derivation import NOTATIONS, derive
from chainrule.graph import REGISTRY
from chainrule.testing.cases import Case

OPS = sorted(REGISTRY, key=lambda entry: entry.name)


def losses(entry):
    """Yield each differentiable sample as a loss of its arrays, a weighted sum of its results."""
    for i, sample in enumerate(entry.samples):
        rng = np.random.default_rng(i)
        if sample.error is not None:
            continue
        case = Case(entry, sample, rng)
        if not case.differentiable or not all(x.size for x in case.arrays):
            continue
        weights = [rng.standard_normal(np.shape(y)) for y in case.function(*case.arrays)]

        def loss(*arrays, case=case, weights=weights):
            return sum(np.sum(y * w) for y, w in zip(case.function(*arrays), weights, strict=True))

        yield case, loss


@pytest.mark.parametrize("entry", OPS, ids=lambda entry: entry.name)
def test_the_formulas_of_an_op_give_its_gradient(entry):
    for case, loss in losses(entry):
        for notation in NOTATIONS if entry.name in ("matmul", "tanh", "sum") else ("own",):
            derivation = derive(loss, range(len(case.arrays)), notation)(*case.arrays)
            lines = (*derivation.forward, *derivation.backward)
            wrong = [(x.equation.key, x.error) for x in lines if not x.ok]
            assert derivation.ok, f"{case}: {wrong}"
            derivation.to_json()
            derivation.to_html()
            gradients = cr.grad(loss, range(len(case.arrays)))(*case.arrays)
            shown = {line.equation.variable.name: line for line in derivation.gradients}
            for i, g in enumerate(gradients):
                if np.any(g):  # an input that only lends its shape has no line
                    np.testing.assert_allclose(shown[f"arg{i}"].equation.value, g, rtol=1e-12)
