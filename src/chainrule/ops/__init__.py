"""The ops: one file a family, each op declared once with its samples beside it."""

from chainrule.graph import REGISTRY
from chainrule.ops import (
    arithmetic,
    complex,
    constants,
    contractions,
    convolutions,
    exponential,
    facts,
    products,
    reductions,
    selection,
    trigonometric,
)
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
    step,
)
from chainrule.ops.broadcast import cast, spread, sum_to
from chainrule.ops.error_function import erf, erfc
from chainrule.ops.kinks import conventions
from chainrule.ops.probability import (
    log_softmax,
    logsumexp,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
)

REGISTRY.late["scipy.special"] = "chainrule.ops.special"

__all__ = [
    "arithmetic",
    "cast",
    "complex",
    "constants",
    "contractions",
    "conventions",
    "convolutions",
    "elu",
    "erf",
    "erfc",
    "exponential",
    "facts",
    "gelu",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mish",
    "products",
    "reductions",
    "relu",
    "selection",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "softsign",
    "spread",
    "step",
    "sum_to",
    "trigonometric",
]
