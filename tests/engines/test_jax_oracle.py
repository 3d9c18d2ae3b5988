"""JAX itself differentiates the programs that are emitted for it: its gradients are ours."""

import numpy as np
import pytest
from engine_cases import networks
from test_random_programs import arguments, program_of

import chainrule as cr
from chainrule import nn, trace
from chainrule.engines.emit_jax import NoJaxError
from chainrule.engines.jax_engine import JaxProgram, exact
from chainrule.graph import REGISTRY
from chainrule.graph.tree import flatten, unflatten
from chainrule.testing.cases import Case

jax = pytest.importorskip("jax")

# JAX takes the derivative along symmetric matrices; ours is that of the function that NumPy
# computes, which reads one triangle.
SYMMETRISED = {"cholesky", "eigh", "eigvalsh"}


def emitted(function, arrays):
    """A function as the program that the engine emits for its values: JAX arrays to JAX arrays."""
    with np.errstate(all="ignore"):
        program = JaxProgram(trace(function)(*arrays), arrays, {})
    return lambda *given: program.function(list(given), program.constants)


def jax_gradients(functions, arrays, cotangents):
    """Values and gradients of several programs by JAX, compiled at once."""

    def together(arrays, cotangents):
        found = []
        for function, xs, u in zip(functions, arrays, cotangents, strict=True):
            values, pull, _ = jax.vjp(function, *xs, has_aux=True)
            found.append((list(values), pull(tuple(u))))
        return found

    with exact():
        return jax.jit(together)(arrays, cotangents)


def assert_near(ours, theirs, symmetric=False):
    for a, b in zip(ours, theirs, strict=True):
        if symmetric:
            a = (a + np.swapaxes(a, -1, -2)) / 2
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def cases_of(entry):
    for i, sample in enumerate(entry.samples):
        # At its kinks, where `smooth` is false, chainrule has conventions of its own.
        if sample.error is None and sample.smooth:
            case = Case(entry, sample, np.random.default_rng(i))
            if case.recorded and case.arrays:
                yield case


@pytest.mark.slow
@pytest.mark.parametrize("entry", sorted(REGISTRY, key=lambda e: e.name), ids=lambda e: e.name)
def test_every_op(entry):
    functions, arrays, cotangents, ours = [], [], [], []
    for case in cases_of(entry):
        if entry.name == "det" and not all(x.size for x in case.arrays):
            continue  # JAX fails at matrices without elements
        try:
            functions.append(emitted(case.function, case.arrays))
        except NoJaxError:
            continue
        values, pull = cr.vjp(case.function, *case.arrays)
        u = [np.random.default_rng(1).standard_normal(np.shape(y)) for y in values]
        arrays.append(case.arrays)
        cotangents.append(u)
        ours.append((values, pull(u)))
    if not functions:
        return
    theirs = jax_gradients(functions, arrays, cotangents)
    for (values, gradients), (their_values, their_gradients) in zip(ours, theirs, strict=True):
        assert_near(values, their_values)
        assert_near(gradients, their_gradients, entry.name in SYMMETRISED)


def differentiated(function, arrays):
    """Compare values and gradients of one function."""
    with np.errstate(all="ignore"):
        values, pull = cr.vjp(function, *arrays)
        ours = pull([np.ones(np.shape(y)) for y in values])
    u = [[np.ones(np.shape(y)) for y in values]]
    ((their_values, theirs),) = jax_gradients([emitted(function, arrays)], [arrays], u)
    assert_near(values, their_values)
    assert_near(ours, theirs)


def loss_of_parameters(model, loss, x, y):
    """The loss in float64 as a function of the parameters, and these."""
    leaves, structure = flatten((model, x, y))
    leaves = [np.asarray(x, np.float64 if x.dtype == np.float32 else None) for x in leaves]
    n = len(flatten(model)[0])

    def value(*parameters):
        model, x, y = unflatten(structure, [*parameters, *leaves[n:]])
        return [loss(model(x, nn.Run(np.uint64(1))), y)]

    return value, leaves[:n]


@pytest.mark.parametrize("case", list(networks()), ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    differentiated(*loss_of_parameters(*case[1:]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed):
    differentiated(lambda *given: [program_of(seed)(*given)[0][0]], arguments(seed))


SMOOTH = {"tanh", "sigmoid", "gelu", "softplus", "mish", "mse", "batch norm", "layer norm"}


@pytest.mark.slow
@pytest.mark.parametrize("case", [x for x in networks() if x[0] in SMOOTH], ids=lambda x: x[0])
def test_what_jax_differentiates_has_the_slope_of_its_differences(case):
    from jax.test_util import check_grads

    function, parameters = loss_of_parameters(*case[1:])
    program = emitted(function, parameters)
    with exact():
        check_grads(lambda *given: program(*given)[0], parameters, order=1)
