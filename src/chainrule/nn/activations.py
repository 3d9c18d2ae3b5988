"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import NotDifferentiableError
from chainrule.graph import Sample as S
from chainrule.graph import op
from chainrule.ops.activations import (
    elu,
    gelu,
    hard_tanh,
    identity,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
)
from chainrule.ops.probability import log_softmax, softmax


def _binary_step(x: Any) -> Any:
    return np.greater(x, 0).astype(np.result_type(x, np.float16))


@op(_binary_step, register=False, samples=[S((3, 4), smooth=False)])
def binary_step(g: Any, y: Any, x: Any) -> Any:
    """1 where the input is positive, else 0: the perceptron's activation.

    It cannot be trained by gradients, for its derivative is zero wherever it exists; asking for
    one raises.

    Examples
    --------
    >>> binary_step(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    raise NotDifferentiableError(
        "the binary step cannot be trained: its derivative is zero everywhere (and does not exist "
        "at 0), so that no gradient would reach the weights before it; train with the sigmoid, "
        "its smooth relative, or set the weights by hand or by the perceptron rule"
    )


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "binary_step": binary_step,
    "elu": elu,
    "gelu": gelu,
    "hard_tanh": hard_tanh,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": np.tanh,
}
