"""Calls of our kernels from emitted Numba programs, by address: see `kernels.Addresses`.

Importing this module needs Numba. Matrices are given as the addresses of their first elements.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba import types  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.extending import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    intrinsic,
)

whole = types.int64


def _call(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Call an address with arguments by value."""
    address, *rest = args
    function = ir.FunctionType(ir.VoidType(), [value.type for value in rest])
    builder.call(builder.inttoptr(address, function.as_pointer()), rest)
    return context.get_dummy_value()


def _product(real: Any) -> Any:
    """Return an intrinsic that calls our product of matrices, given its address."""

    def product(
        context: Any, address: Any, m: Any, n: Any, k: Any, a: Any, a_row: Any, a_col: Any,
        b: Any, b_row: Any, beta: Any, c: Any, c_row: Any,
    ) -> Any:  # fmt: skip
        return types.void(*[whole] * 9, real, whole, whole), _call

    return intrinsic(product)


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _transpose(
    context: Any, address: Any, rows: Any, cols: Any, src: Any, src_row: Any, dst: Any, dst_row: Any
) -> Any:
    """Call one of our transposes, given its address."""
    return types.void(*[whole] * 7), _call


product32, product64 = _product(types.float32), _product(types.float64)
transpose: Any = _transpose


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def pointer(context: Any, address: Any) -> Any:
    """Return an address as a pointer, for ``carray`` to make an array of."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def stay_apart(context: Any) -> Any:
    """Keep the function that calls this from being copied into others, which takes LLVM long."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), build
