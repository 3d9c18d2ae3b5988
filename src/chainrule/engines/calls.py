"""Calls of our kernels from emitted Numba programs, by address: see `kernels.Addresses`.

Importing this module needs Numba. Arrays may have any number of dimensions: of each, its data and
an offset in elements are used. Arrays of another type of number are an error when compiling.
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
    """Call an address with arguments by value; an array and its offset become a pointer."""
    address, *rest = args
    arguments = []
    pairs = iter(zip(signature.args[1:], rest, strict=True))
    for kind, value in pairs:
        if isinstance(kind, types.Array):
            data = context.make_array(kind)(context, builder, value).data
            arguments.append(builder.gep(data, [next(pairs)[1]]))
        else:
            arguments.append(value)
    function = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
    builder.call(builder.inttoptr(address, function.as_pointer()), arguments)
    return context.get_dummy_value()


def _of(real: Any, *kinds: Any) -> bool:
    """Return whether all are arrays of a type of number."""
    return all(isinstance(kind, types.Array) and kind.dtype == real for kind in kinds)


def _product(real: Any) -> Any:
    """Return an intrinsic that calls our product of matrices, given its address."""

    def product(
        context: Any, address: Any, m: Any, n: Any, k: Any, a: Any, a_offset: Any, a_row: Any,
        a_col: Any, b: Any, b_offset: Any, b_row: Any, beta: Any, c: Any, c_offset: Any, c_row: Any,
    ) -> Any:  # fmt: skip
        if not _of(real, a, b, c):
            return None
        left, right, result = [a, whole, whole, whole], [b, whole, whole], [c, whole, whole]
        kinds = [whole, whole, whole, whole, *left, *right, real, *result]
        return types.void(*kinds), _call

    return intrinsic(product)


def _transpose(real: Any) -> Any:
    """Return an intrinsic that calls our transpose, given its address."""

    def transpose(
        context: Any, address: Any, rows: Any, cols: Any, src: Any, src_offset: Any, src_row: Any,
        dst: Any, dst_offset: Any, dst_row: Any,
    ) -> Any:  # fmt: skip
        if not _of(real, src, dst):
            return None
        kinds = [whole, whole, whole, src, whole, whole, dst, whole, whole]
        return types.void(*kinds), _call

    return intrinsic(transpose)


product32, product64 = _product(types.float32), _product(types.float64)
transpose32, transpose64 = _transpose(types.float32), _transpose(types.float64)


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
