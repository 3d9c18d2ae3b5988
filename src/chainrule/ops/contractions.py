"""Sums over products of any axes: tensordot and einsum."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import constant, multilinear, op
from chainrule.ops.broadcast import spread, sum_to

AxisPair = tuple[tuple[int, ...], tuple[int, ...]]


def _identity_like(a: Any, axis: int = -1) -> Any:
    """Identity matrix with as many rows as an axis of `a` is long, of its dtype."""
    return np.eye(np.shape(a)[axis], dtype=np.result_type(a))


identity_like = constant(
    _identity_like, name="identity_like", samples=[S((3, 2)), S((3, 2), axis=0)]
)


# tensordot ------------------------------------------------------------------------------------


def _axis_pair(a_ndim: int, b_ndim: int, axes: Any) -> AxisPair:
    """Return the contracted axes of both operands, counted from the front."""
    if np.ndim(axes) == 0 and not isinstance(axes, (list, tuple)):
        return tuple(range(a_ndim - int(axes), a_ndim)), tuple(range(int(axes)))
    first, second = (
        tuple(int(i) + n if i < 0 else int(i) for i in np.atleast_1d(given))
        for given, n in zip(axes, (a_ndim, b_ndim), strict=True)
    )
    return first, second


def _tensordot_arguments(a: Any, b: Any, axes: Any = 2) -> Any:
    return (a, b), {"axes": _axis_pair(np.ndim(a), np.ndim(b), axes)}


def _remaining(ndim: int, axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(i for i in range(ndim) if i not in axes)


def _inverse(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argsort(order))


@op(
    np.tensordot,
    kind=multilinear,
    also=(np.linalg.tensordot,),
    bind=_tensordot_arguments,
    samples=[
        S((2, 3, 4), (3, 4, 2)),
        S((3, 4), (4, 2), axes=1),
        S((2, 3), (4,), axes=0),
        S((2, 3, 4), (4, 2, 5), axes=([2, 0], [0, 1])),
        S((2, 3, 4), (5, 3, 2), axes=((-2, 0), (1, -1))),
        S((3, 2), (4, 3), axes=(0, 1)),
        S((3, 2), (3, 2), axes=2),
        S((), (3,), axes=0),
        S((0, 2), (2, 3), axes=1),
        S((2, 0), (0, 3), axes=1),
        S.raises(ValueError, (2, 3), (4, 2), axes=1, match=r"tensordot of .*\(2, 3\)"),
    ],
)
def tensordot(g: Any, y: Any, a: Any, b: Any, *, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes, one of `a` and one of `b`.

    The result has the remaining axes of `a`, then those of `b`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> x, w = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)
    >>> cr.grad(lambda x: np.tensordot(x, w))(x)
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """
    m, n = np.ndim(a), np.ndim(b)
    axes_a, axes_b = _axis_pair(m, n, axes)
    free_a, free_b = _remaining(m, axes_a), _remaining(n, axes_b)
    split = len(free_a)

    def for_a() -> Any:
        product = np.tensordot(g, b, axes=(tuple(range(split, split + len(free_b))), free_b))
        summed = [axes_a[axes_b.index(i)] for i in sorted(axes_b)]
        return np.transpose(product, _inverse([*free_a, *summed]))

    def for_b() -> Any:
        product = np.tensordot(a, g, axes=(free_a, tuple(range(split))))
        summed = [axes_b[axes_a.index(i)] for i in sorted(axes_a)]
        return np.transpose(product, _inverse([*summed, *free_b]))

    return for_a, for_b


# einsum ---------------------------------------------------------------------------------------

_LETTERS = string.ascii_uppercase + string.ascii_lowercase


def _spelled(args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return subscripts and operands of a call, also of the form with lists of integers."""
    if isinstance(args[0], str):
        return args[0].replace(" ", ""), args[1:]
    pairs = len(args) // 2
    lists = list(args[1 : 2 * pairs : 2]) + ([args[-1]] if len(args) % 2 else [])
    used = sorted({int(k) for indices in lists for k in indices if k is not Ellipsis})
    letter = dict(zip(used, _LETTERS, strict=False))
    terms = ["".join("..." if k is Ellipsis else letter[k] for k in ks) for ks in lists]
    output = f"->{terms[-1]}" if len(args) % 2 else ""
    return ",".join(terms[:pairs]) + output, args[: 2 * pairs : 2]


def _explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """Return subscripts with letters in place of each ellipsis, and with the output named."""
    left, arrow, output = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(
            f"einsum {subscripts!r} has subscripts for {len(terms)} operands, not {len(ndims)}"
        )
    hidden = [
        max(n - len(term) + 3, 0) if "..." in term else 0
        for term, n in zip(terms, ndims, strict=True)
    ]
    depth = max(hidden)
    free = [c for c in _LETTERS if c not in subscripts]
    filler = "".join(free[:depth])
    if not arrow:
        named = left.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    elif depth and "..." not in output:
        raise ShapeError(f"einsum {subscripts!r}: the output leaves out the axes of the ellipsis")
    terms = [t.replace("...", filler[depth - k :]) for t, k in zip(terms, hidden, strict=True)]
    return f"{','.join(terms)}->{output.replace('...', filler)}"


def _einsum_arguments(*args: Any, optimize: Any = False, **others: Any) -> Any:
    for name, value in others.items():
        if value is not None:
            raise UnsupportedError(
                f"einsum(..., {name}=...) is not supported on a Tensor; leave {name!r} out"
            )
    subscripts, operands = _spelled(args)
    explicit = _explicit(subscripts, [np.ndim(x) for x in operands])
    return operands, {"subscripts": explicit, "optimize": optimize}


def _einsum(*operands: Any, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


@op(
    _einsum,
    kind=multilinear,
    also=(np.einsum,),
    bind=_einsum_arguments,
    samples=[
        S("ij,jk->ik", (2, 3), (3, 4)),
        S("ij,jk", (2, 3), (3, 4), optimize=True),
        S("ji", (2, 3)),
        S("i,i", (3,), (3,)),
        S("ii", (3, 3)),
        S("ii->i", (3, 3)),
        S("iij,jk->ki", (3, 3, 2), (2, 4)),
        S("iii,i->i", (2, 2, 2), (2,)),
        S("ij->", (2, 3)),
        S("ij->j", (2, 3)),
        S("ij,kl->il", (2, 3), (4, 2)),
        S("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
        S("...ij,jk", (2, 1, 2, 3), (3, 4)),
        S("i...,i...->...", (3, 1, 2), (3, 4, 1)),
        S("b...d,...->...b", (2, 3, 4), (3,)),
        S("ij,ij->i", (1, 3), (2, 3)),
        S("ij,ij->i", (2, 1), (2, 3)),
        S("i,ij,j->", (2,), (2, 3), (3,)),
        S("bi,bij,bj->b", (4, 2), (4, 2, 3), (4, 3), optimize="greedy"),
        S(",i->i", (), (3,)),
        S("ij,jk->ik", (0, 3), (3, 2)),
        S((2, 3), [0, 1], (3, 4), [1, 2], [0, 2]),
        S((2, 3, 3), [Ellipsis, 5, 7], (3,), [7]),
        S.raises(ValueError, "ij,jk->ik", (2, 3), (2, 3), match=r"einsum of"),
        S.raises(ValueError, "ij,jk->ik", (2, 3), match="2 operands, not 1"),
        S.raises(ValueError, "i...->i", (2, 3), match="ellipsis"),
    ],
)
def einsum(g: Any, y: Any, *operands: Any, subscripts: str, optimize: Any = False) -> Any:
    """Sum of products by Einstein's convention, in every form that `numpy.einsum` takes.

    The gradient of an operand is itself an einsum: the incoming gradient takes the place of the
    result, and the operand's own subscripts that of the output.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> x, w = np.ones((2, 3)), np.array([1.0, 2.0, 4.0])
    >>> cr.grad(lambda x: np.sum(np.einsum("ij,j->i", x, w)))(x)
    array([[1., 2., 4.],
           [1., 2., 4.]])
    """
    left, _, output = subscripts.partition("->")
    terms = left.split(",")
    # A path that was given for the operands does not fit their gradients' operands.
    way = optimize if isinstance(optimize, (bool, str)) else True
    parts = [_operand_rule(g, output, terms, operands, i, way) for i in range(len(terms))]
    return parts if len(parts) > 1 else parts[0]


def _operand_rule(
    g: Any, output: str, terms: Sequence[str], operands: Sequence[Any], i: int, optimize: Any
) -> Callable[[], Any]:
    """Return the function that computes the gradient of the i-th operand."""

    def rule() -> Any:
        x = operands[i]
        target, masks = _without_repeats(terms[i], "".join((output, *terms)))
        labels = [output, *terms[:i], *terms[i + 1 :], *masks]
        known = set("".join(labels))
        present = "".join(c for c in target if c in known)
        arrays = [g, *operands[:i], *operands[i + 1 :]]
        arrays += [identity_like(x, axis=terms[i].index(mask[0])) for mask in masks]
        gx = np.einsum(f"{','.join(labels)}->{present}", *arrays, optimize=optimize)
        missing = tuple(k for k, c in enumerate(target) if c not in known)
        if missing:
            gx = np.expand_dims(gx, missing)
        if missing or np.shape(gx) != np.shape(x):
            gx = spread(sum_to(gx, x), x)
        return gx

    return rule


def _without_repeats(term: str, used: str) -> tuple[str, list[str]]:
    """Return a term with a new letter for each repetition, and the pairs that must be equal."""
    free = (c for c in _LETTERS if c not in used)
    target, masks = "", []
    for c in term:
        if c in target:
            new = next(free)
            masks.append(c + new)
            c = new
        target += c
    return target, masks
