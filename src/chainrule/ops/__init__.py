"""The ops: one file a family, each op declared once with its samples beside it."""

from chainrule.ops import (
    arithmetic,
    constants,
    exponential,
    facts,
    products,
    reductions,
    selection,
)
from chainrule.ops.broadcast import cast, spread, sum_to

__all__ = [
    "arithmetic",
    "cast",
    "constants",
    "exponential",
    "facts",
    "products",
    "reductions",
    "selection",
    "spread",
    "sum_to",
]
