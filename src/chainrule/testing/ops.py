"""The conformance suite of ops: `check_op` tries all that is promised of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import check_grads, jvp, vjp
from chainrule.errors import ChainruleError
from chainrule.graph import Composed, Graph, Kind, Op, Sample, Tensor, rewrite, trace
from chainrule.graph.tensor import leaf
from chainrule.graph.tree import flatten, map_leaves
from chainrule.ops.rewrites import RULES
from chainrule.testing.cases import Case


class ConformanceError(ChainruleError, AssertionError):
    """Something that breaks what is promised of all of its kind."""


def check_op(op: Op | Composed, samples: Sequence[Sample] | None = None, *, seed: int = 0) -> None:
    """Check an op on its samples: values, derivatives, dtypes, memory layouts, traces.

    Parameters
    ----------
    op : Op or Composed
        Declared with ``chainrule.op``.
    samples : sequence of Sample, optional
        Calls to try; by default those that the op declares.
    seed : int
        Of the random arrays.

    Raises
    ------
    ConformanceError
        Naming the check, the op and the sample that failed.
    GradientError
        If a derivative differs from finite differences.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.testing import check_op
    >>> @cr.op(lambda x, y: x * y, samples=[cr.Sample((3,), (3,))], register=False)
    ... def multiply_gate(g, z, x, y):
    ...     return g * y, g * x
    >>> check_op(multiply_gate)
    """
    samples = op.samples if samples is None else samples
    if not samples:
        raise ConformanceError(f"{op.name} declares no samples")
    for i, sample in enumerate(samples):
        rng = np.random.default_rng([seed, i])
        if sample.error is not None:
            _check_raises(op, sample, rng)
            continue
        case = Case(op, sample, rng)
        for check in CHECKS:
            check(case, rng)


def _check_raises(op: Op | Composed, sample: Sample, rng: np.random.Generator) -> None:
    assert sample.error is not None
    args, kwargs = sample.build(rng)
    tensors = map_leaves(lambda x: leaf(x) if isinstance(x, np.ndarray) else x, args)
    try:
        op.target(*tensors, **kwargs)
    except sample.error as error:
        if re.search(sample.match, str(error)):
            return
        raise ConformanceError(
            f"{op.name} {sample!r}: the error {str(error)!r} does not say {sample.match!r}"
        ) from error
    raise ConformanceError(f"{op.name} {sample!r}: no {sample.error.__name__} was raised")


def equal(actual: Any, expected: Any, what: str, case: object, rtol: float = 1e-12) -> None:
    """Compare two trees of arrays: shapes, dtypes and numbers."""
    pairs = zip(flatten(actual)[0], flatten(expected)[0], strict=True)
    for a, b in pairs:
        a = a._value if isinstance(a, Tensor) else a
        b = b._value if isinstance(b, Tensor) else b
        if not isinstance(b, (np.ndarray, np.generic, float, int, complex)):
            if a != b:
                raise ConformanceError(f"{what} of {case}: {a!r}, not {b!r}")
            continue
        if np.shape(a) != np.shape(b):
            raise ConformanceError(f"{what} of {case}: shape {np.shape(a)}, not {np.shape(b)}")
        if np.result_type(a) != np.result_type(b):
            raise ConformanceError(
                f"{what} of {case}: dtype {np.result_type(a)}, not {np.result_type(b)}"
            )
        scale = np.max(np.abs(b), initial=1.0, where=np.isfinite(b)) if np.size(b) else 1.0
        if not np.allclose(a, b, rtol=rtol, atol=rtol * scale, equal_nan=True):
            raise ConformanceError(f"{what} of {case}:\n{a!r}\nis not\n{b!r}")


def check_values(case: Case, rng: np.random.Generator) -> None:
    """Results on tensors are those on arrays, bit for bit, and the inputs stay as they were."""
    kept = [x.copy() for x in case.arrays]
    expected = case.call(case.arrays)
    actual = case.call([leaf(x) for x in case.arrays])
    equal(actual, expected, "the value", case, rtol=0.0 if isinstance(case.entry, Op) else 1e-12)
    equal(case.arrays, kept, "an input after the call", case, rtol=0.0)
    is_constant = isinstance(case.entry, Op) and case.entry.kind is Kind.CONSTANT
    if is_constant and any(isinstance(y, Tensor) for y in flatten(actual)[0]):
        raise ConformanceError(f"{case}: a constant op recorded outside a trace")


def check_derivatives(case: Case, rng: np.random.Generator) -> None:
    """Both modes agree with finite differences, to second order."""
    if case.differentiable:
        check_grads(case.function, case.arrays, order=2, seed=int(rng.integers(1 << 30)))


def check_adjoint(case: Case, rng: np.random.Generator) -> None:
    """Forward and reverse mode are transposes: <u, J v> = <J' u, v>."""
    if not case.recorded or not case.arrays:
        return
    v = [rng.standard_normal(x.shape) for x in case.arrays]
    result, tangent = jvp(case.function, case.arrays, v)
    u = [rng.standard_normal(np.shape(y)) for y in result]
    pulled = vjp(case.function, *case.arrays)[1](u)
    left = sum(float(np.sum(a * b)) for a, b in zip(u, tangent, strict=True))
    right = sum(float(np.sum(a * b)) for a, b in zip(pulled, v, strict=True))
    size = sum(float(np.sum(np.abs(a * b))) for a, b in zip(u, tangent, strict=True))
    if not abs(left - right) <= 1e-9 * (1.0 + size):
        raise ConformanceError(f"{case}: <u, J v> = {left!r}, but <J' u, v> = {right!r}")


def check_dtypes(case: Case, rng: np.random.Generator) -> None:
    """A gradient has its input's shape and dtype, in float32 as in float64."""
    if not case.recorded or not case.arrays:
        return
    for dtype in (np.float32, np.float64):
        arrays = [x.astype(dtype) for x in case.arrays]
        result, pullback = vjp(case.function, *arrays)
        gradient = pullback([np.ones_like(y) for y in result])
        for x, g in zip(arrays, gradient, strict=True):
            if np.shape(g) != x.shape or g.dtype != dtype:
                raise ConformanceError(
                    f"{case}: the gradient of {x.dtype}{x.shape} is {g.dtype}{np.shape(g)}"
                )


def layouts(x: Any) -> list[Any]:
    """Return arrays equal to `x` in other memory layouts: strided, reversed, read-only."""
    reverse: Any = (..., *[slice(None, None, -1)] * x.ndim)
    every_other: Any = (..., *[slice(None, None, 2)] * x.ndim)
    spaced = np.zeros([2 * n for n in x.shape], x.dtype)
    spaced[every_other] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    return [np.array(x, order="F"), x[reverse].copy()[reverse], spaced[every_other], read_only]


def check_layouts(case: Case, rng: np.random.Generator) -> None:
    """Values and gradients do not depend on strides or on whether the arrays may be written."""
    if not case.recorded or not case.arrays:
        return
    result, pullback = vjp(case.function, *case.arrays)
    u = [rng.standard_normal(np.shape(y)) for y in result]
    expected = pullback(u)
    for variant in zip(*map(layouts, case.arrays), strict=True):
        value, pull = vjp(case.function, *variant)
        equal(value, result, "the value in another memory layout", case, rtol=1e-10)
        equal(pull(u), expected, "the gradient in another memory layout", case, rtol=1e-10)


def check_trace(case: Case, rng: np.random.Generator) -> None:
    """A traced value and gradient compute the same, before and after every rewrite."""
    if not case.arrays:
        return
    if not case.recorded:
        _check_constant_trace(case)
        return
    u = [rng.standard_normal(y.shape) for y in case.function(*case.arrays)]
    program = _with_gradient(case.function, u)
    expected = program(*case.arrays)
    graph = trace(program)(*case.arrays)
    equal(graph(*case.arrays), expected, "the traced program", case)
    equal(rewrite(graph, RULES)(*case.arrays), expected, "the rewritten program", case, rtol=1e-11)


def _with_gradient(function: Callable[..., Any], u: Any) -> Callable[..., Any]:
    def program(*arrays: Any) -> Any:
        result, pullback = vjp(function, *arrays)
        return result, pullback(u)

    return program


def _check_constant_trace(case: Case) -> None:
    """A constant op within a trace is recorded, so that the graph follows other inputs."""
    if not isinstance(case.entry, Op):
        return
    graph: Graph = trace(lambda *arrays: case.call(arrays))(*case.arrays)
    if not graph.nodes:
        raise ConformanceError(f"{case}: a constant op was frozen into the trace")
    equal(graph(*case.arrays), case.call(case.arrays), "the traced constant op", case)


CHECKS: tuple[Callable[[Case, np.random.Generator], None], ...] = (
    check_values,
    check_derivatives,
    check_adjoint,
    check_dtypes,
    check_layouts,
    check_trace,
)
