"""Gradients that are kept from growing too large."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from chainrule.constraints import POSITIVE, check
from chainrule.graph.tree import flatten, map_leaves
from chainrule.ops.broadcast import cast

Tree = TypeVar("Tree")


def clip_grad_norm(grads: Tree, max_norm: float) -> tuple[Tree, Any]:
    """Scale all gradients together, so that their common norm is at most `max_norm`.

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (ICML
    2013), algorithm 1; with PyTorch's formula ``min(1, max_norm / (norm + 1e-6))``. The norm is
    summed in float64, so that exploding gradients in float32 have a finite one.

    Parameters
    ----------
    grads : tree of arrays
    max_norm : float > 0

    Returns
    -------
    grads : tree of arrays
    norm : float64
        Before it was clipped; NaN or infinite if a gradient is.

    Examples
    --------
    >>> clip_grad_norm([np.array([3.0]), np.array([4.0])], 1.0)[1]
    np.float64(5.0)
    """
    check("clip_grad_norm", {"max_norm": POSITIVE}, {"max_norm": max_norm})
    wide = np.zeros((), np.float64)
    squares = [np.sum(np.square(cast(g, wide))) for g in flatten(grads)[0]]
    norm = np.sqrt(sum(squares, start=np.float64(0.0)))
    factor = np.minimum(1.0, max_norm / (norm + 1e-6))
    return map_leaves(lambda g: g * cast(factor, g), grads), norm


def clip_grad_value(grads: Tree, clip_value: float) -> Tree:
    """Limit each element of the gradients to [-clip_value, clip_value].

    Parameters
    ----------
    grads : tree of arrays
    clip_value : float > 0

    Examples
    --------
    >>> clip_grad_value([np.array([3.0, -0.5])], 1.0)
    [array([ 1. , -0.5])]
    """
    check("clip_grad_value", {"clip_value": POSITIVE}, {"clip_value": clip_value})
    limit = float(clip_value)
    return map_leaves(lambda g: np.clip(g, -limit, limit), grads)  # type: ignore[no-any-return]
