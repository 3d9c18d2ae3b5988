"""Values and gradients against JAX and torch, where they are installed: nobody here wrote them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import REGISTRY, Kind, Op
from chainrule.graph.tree import flatten, unflatten
from chainrule.testing.cases import Case

CASES = [
    (entry, i, sample)
    for entry in sorted(REGISTRY, key=lambda e: e.name)
    for i, sample in enumerate(entry.samples)
    if sample.error is None and not (isinstance(entry, Op) and entry.kind is Kind.CONSTANT)
]
IDS = [f"{entry.name}-{i}" for entry, i, _ in CASES]

# JAX takes the derivative along symmetric matrices; ours is that of the function that NumPy
# computes, which reads one triangle.
JAX_SYMMETRISES = {"cholesky", "eigh", "eigvalsh"}


def twin(function, package):
    """The function of the same name, numpy.linalg.x for jax.numpy.linalg.x."""
    path = getattr(function, "__module__", "") or ""
    home = package
    for part in path.split(".")[1:]:
        home = getattr(home, part, package)
    return getattr(home, getattr(function, "__name__", ""), None)


def public_name(function):
    return isinstance(function, np.ufunc) or (function.__module__ or "").startswith("numpy")


@pytest.mark.parametrize(("entry", "i", "sample"), CASES, ids=IDS)
def test_gradient_is_that_of_jax(entry, i, sample):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    function = entry.target
    other = twin(function, jax.numpy) if public_name(function) else None
    if other is None:
        pytest.skip("jax.numpy has no function of this name")
    case = Case(entry, sample, np.random.default_rng(i))
    if not case.recorded or not case.arrays:
        pytest.skip("nothing to differentiate")

    def call(*arrays):
        leaves = list(case.leaves)
        for place, array in zip(case.places, arrays, strict=True):
            leaves[place] = array
        results, _ = flatten(other(*unflatten(case.structure, leaves), **case.kwargs))
        parts = []
        for k in case.recorded:
            y = results[k]
            is_complex = jax.numpy.iscomplexobj(y)
            parts += [jax.numpy.real(y), jax.numpy.imag(y)] if is_complex else [y]
        return parts

    try:
        expected, pull = jax.vjp(call, *map(jax.numpy.asarray, case.arrays))
    except (TypeError, NotImplementedError, ValueError, IndexError) as error:
        pytest.skip(f"jax does not take this call: {str(error)[:60]}")
    actual, pullback = cr.vjp(case.function, *case.arrays)
    u = [np.random.default_rng(1).standard_normal(np.shape(y)) for y in actual]
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-9)
    if not sample.smooth:
        return
    gradients = pull([jax.numpy.asarray(g, e.dtype) for g, e in zip(u, expected, strict=True)])
    for a, e in zip(pullback(u), gradients, strict=True):
        if entry.name in JAX_SYMMETRISES:
            a = (a + np.swapaxes(a, -1, -2)) / 2
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-9)


TORCH = {
    "kl_div": None,  # of logarithms
    "absolute": "abs", "arccos": "arccos", "arctan2": "arctan2", "cbrt": None, "divide": "divide",
    "power": "pow", "logaddexp": "logaddexp", "remainder": "remainder",
    "ldexp": None,  # computed in float32
}  # fmt: skip
NN = {
    "relu": "relu", "elu": "elu", "gelu": "gelu", "silu": "silu", "softplus": "softplus",
    "log_sigmoid": "logsigmoid", "leaky_relu": "leaky_relu", "softmax": "softmax",
    "log_softmax": "log_softmax",
}  # fmt: skip


TORCH_CASES = [
    (entry, i, sample)
    for entry, i, sample in CASES
    if entry.name in NN or (isinstance(entry, Op) and entry.kind is Kind.ELEMENTWISE)
]


@pytest.mark.parametrize(
    ("entry", "i", "sample"), TORCH_CASES, ids=[f"{e.name}-{i}" for e, i, _ in TORCH_CASES]
)
def test_gradient_is_that_of_torch(entry, i, sample):
    torch = pytest.importorskip("torch")
    other = getattr(torch, TORCH.get(entry.name, entry.name) or "", None)
    if entry.name in NN:
        other = getattr(torch.nn.functional, NN[entry.name])
    if other is None or not sample.smooth:
        pytest.skip("torch has no elementwise function of this name")
    case = Case(entry, sample, np.random.default_rng(i))
    kwargs = {"dim" if k == "axis" else k: v for k, v in case.kwargs.items()}
    if entry.name.endswith("softmax"):
        kwargs.setdefault("dim", -1)
    leaves = [
        torch.tensor(np.asarray(x), requires_grad=k in case.places)
        for k, x in enumerate(case.leaves)
    ]
    try:
        expected = other(*unflatten(case.structure, leaves), **kwargs)
    except (TypeError, RuntimeError) as error:
        pytest.skip(f"torch does not take this call: {str(error)[:60]}")
    (actual,), pullback = cr.vjp(case.function, *case.arrays)
    u = np.random.default_rng(1).standard_normal(np.shape(actual))
    np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    gradients = torch.autograd.grad(
        expected, [leaves[k] for k in case.places], torch.tensor(u), allow_unused=True
    )
    for a, e in zip(pullback([u]), gradients, strict=True):
        np.testing.assert_allclose(a, 0 if e is None else e.numpy(), rtol=1e-9, atol=1e-9)
