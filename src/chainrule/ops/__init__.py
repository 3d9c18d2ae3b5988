"""The ops: one file a family, each op declared once with its samples beside it."""

from chainrule.ops import (
    arithmetic,
    complex,
    constants,
    exponential,
    facts,
    products,
    reductions,
    selection,
    trigonometric,
)
from chainrule.ops.broadcast import cast, spread, sum_to

__all__ = [
    "arithmetic",
    "cast",
    "complex",
    "constants",
    "exponential",
    "facts",
    "products",
    "reductions",
    "selection",
    "spread",
    "sum_to",
    "trigonometric",
]
