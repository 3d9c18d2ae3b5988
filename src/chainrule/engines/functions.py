"""What emitted Numba programs call: functions that vectorise, and the flushing of denormals.

Importing this module needs Numba. The functions of the C library are calls, which stop a loop from
vectorising; those here are plain arithmetic, with errors of at most 2 units in the last place
(tested). Their sums must not be reassociated, so they are compiled with contraction alone.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba import njit, types  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.core import cgutils  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.extending import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    intrinsic,
)

tools: Any = cgutils
function: Any = njit(fastmath={"contract"}, error_model="numpy")
F, D = np.float32, np.float64


def _reinterpreted(source: Any, target: Any) -> Any:
    """Return an intrinsic that gives the value of another type that has the same bits."""

    def reinterpret(context: Any, x: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), build

    return intrinsic(reinterpret)


bits32, float32 = (
    _reinterpreted(types.float32, types.int32),
    _reinterpreted(types.int32, types.float32),
)
bits64, float64 = (
    _reinterpreted(types.float64, types.int64),
    _reinterpreted(types.int64, types.float64),
)


@function
def exp32(x):  # type: ignore[no-untyped-def]
    """``exp(x)``: a power of 2, times the Taylor series of what remains, |r| <= ln(2) / 2."""
    near = F(0.0) if x != x else min(max(x, F(-104.0)), F(89.0))
    n = np.int32(near * F(1.4426950408889634) + (F(0.5) if near >= 0 else F(-0.5)))
    k = F(n)
    # ln 2 in two parts, of which the first times a small integer is exact.
    r = (near - k * F(0.693359375)) - k * F(-2.12194440e-4)
    p = F(1 / 5040)
    p = p * r + F(1 / 720)
    p = p * r + F(1 / 120)
    p = p * r + F(1 / 24)
    p = p * r + F(1 / 6)
    p = p * r + F(0.5)
    p = (p * r) * r + r
    half = n >> np.int32(1)
    first = float32((half + np.int32(127)) << np.int32(23))
    second = float32((n - half + np.int32(127)) << np.int32(23))
    y = ((F(1.0) + p) * first) * second
    return x if x != x else y


@function
def exp64(x):  # type: ignore[no-untyped-def]
    """``exp(x)``; see `exp32`."""
    near = D(0.0) if x != x else min(max(x, D(-750.0)), D(710.0))
    n = np.int64(near * 1.4426950408889634 + (0.5 if near >= 0 else -0.5))
    k = D(n)
    r = (near - k * 0.693145751953125) - k * 1.4286068203094173e-06
    p = D(1 / 6227020800)
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = (p * r) * r + r
    half = n >> np.int64(1)
    first = float64((half + np.int64(1023)) << np.int64(52))
    second = float64((n - half + np.int64(1023)) << np.int64(52))
    y = ((1.0 + p) * first) * second
    return x if x != x else y


@function
def log32(x):  # type: ignore[no-untyped-def]
    """``log(x)``: that of the power of 2, plus 2 artanh((m - 1) / (m + 1)) of the fraction m."""
    bits = bits32(x)
    n = ((bits >> np.int32(23)) & np.int32(255)) - np.int32(127)
    m = float32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000))
    large = m > F(1.4142135)
    m = m * F(0.5) if large else m
    k = F(n + np.int32(1)) if large else F(n)
    f = m - F(1.0)
    s = f / (F(2.0) + f)
    z = s * s
    p = F(2 / 11)
    p = p * z + F(2 / 9)
    p = p * z + F(2 / 7)
    p = p * z + F(2 / 5)
    p = p * z + F(2 / 3)
    # log(1 + f) = f - s (f - s^2 p): the large part, f, is exact.
    y = k * F(0.693359375) + ((f - s * (f - z * p)) + k * F(-2.12194440e-4))
    y = F(-np.inf) if x < F(1.1754944e-38) else y
    y = F(np.nan) if x < 0 else y
    return y if x < F(np.inf) else x


@function
def log64(x):  # type: ignore[no-untyped-def]
    """``log(x)``; see `log32`."""
    bits = bits64(x)
    n = ((bits >> np.int64(52)) & np.int64(2047)) - np.int64(1023)
    m = float64((bits & np.int64(0xFFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000))
    large = m > 1.4142135623730951
    m = m * 0.5 if large else m
    k = D(n + np.int64(1)) if large else D(n)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = D(2 / 23)
    p = p * z + 2 / 21
    p = p * z + 2 / 19
    p = p * z + 2 / 17
    p = p * z + 2 / 15
    p = p * z + 2 / 13
    p = p * z + 2 / 11
    p = p * z + 2 / 9
    p = p * z + 2 / 7
    p = p * z + 2 / 5
    p = p * z + 2 / 3
    y = k * 0.693145751953125 + ((f - s * (f - z * p)) + k * 1.4286068203094173e-06)
    y = -np.inf if x < 2.2250738585072014e-308 else y
    y = np.nan if x < 0 else y
    return y if x < np.inf else x


@function
def log1p32(x):  # type: ignore[no-untyped-def]
    """``log(1 + x)``: what rounding 1 + x loses is made good by a factor (Kahan)."""
    u = F(1.0) + x
    d = u - F(1.0)
    y = x if d == 0 else log32(u) * (x / d)
    return y if u < F(np.inf) else log32(u)


@function
def log1p64(x):  # type: ignore[no-untyped-def]
    """``log(1 + x)``; see `log1p32`."""
    u = 1.0 + x
    d = u - 1.0
    y = x if d == 0 else log64(u) * (x / d)
    return y if u < np.inf else log64(u)


@function
def tanh32(x):  # type: ignore[no-untyped-def]
    """``tanh(x)``: a polynomial near 0 (Cephes, ``tanhf.c``), 1 - 2 / (exp(2 |x|) + 1) beyond."""
    z = x * x
    p = F(-5.70498872745e-3)
    p = p * z + F(2.06390887954e-2)
    p = p * z + F(-5.37397155531e-2)
    p = p * z + F(1.33314422036e-1)
    p = p * z + F(-3.33332819422e-1)
    near = (p * z) * x + x
    far = F(1.0) - F(2.0) / (exp32(F(2.0) * abs(x)) + F(1.0))
    far = -far if x < 0 else far
    return far if abs(x) > F(0.625) else near


@function
def tanh64(x):  # type: ignore[no-untyped-def]
    """``tanh(x)``; a quotient of polynomials near 0 (Cephes, ``tanh.c``); see `tanh32`."""
    z = x * x
    p = (-9.64399179425052238628e-1 * z + -9.92877231001918586564e1) * z
    p = p + -1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z
    q = q + 4.84406305325125486048e3
    near = ((p / q) * z) * x + x
    far = 1.0 - 2.0 / (exp64(2.0 * abs(x)) + 1.0)
    far = -far if x < 0 else far
    return far if abs(x) > 0.625 else near


@function
def rank32(x):  # type: ignore[no-untyped-def]
    """A whole number for each number, in the same order; NaN is the largest of all.

    The larger of whole numbers is found for many at once; of numbers, it is not, because of NaN.
    """
    bits = bits32(x)
    return (
        np.int32(0x7FFFFFFF) if x != x else bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))
    )


@function
def ranked32(rank):  # type: ignore[no-untyped-def]
    """The number of a rank: `rank32` undone."""
    return float32(rank ^ ((rank >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@function
def rank64(x):  # type: ignore[no-untyped-def]
    """See `rank32`."""
    bits, rest = bits64(x), np.int64(0x7FFFFFFFFFFFFFFF)
    return rest if x != x else bits ^ ((bits >> np.int64(63)) & rest)


@function
def ranked64(rank):  # type: ignore[no-untyped-def]
    """See `ranked32`."""
    return float64(rank ^ ((rank >> np.int64(63)) & np.int64(0x7FFFFFFFFFFFFFFF)))


# Bits of MXCSR: results that would be denormal are zero, and so are denormal operands.
_FLUSH = 0x8040
_X86 = platform.machine().lower() in {"x86_64", "amd64"}


def _control(builder: Any) -> tuple[Any, Any, Any]:
    word = tools.alloca_once(builder, ir.IntType(32))
    pointer = builder.bitcast(word, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type])
    store = tools.get_or_insert_function(builder.module, kind, "llvm.x86.sse.stmxcsr")
    load = tools.get_or_insert_function(builder.module, kind, "llvm.x86.sse.ldmxcsr")
    builder.call(store, [pointer])
    return word, pointer, load


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def flush_denormals(context: Any) -> Any:
    """Let denormal numbers be zero on this thread; return the state before."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not _X86:
            return ir.Constant(ir.IntType(32), 0)
        word, pointer, load = _control(builder)
        before = builder.load(word)
        builder.store(builder.or_(before, ir.Constant(ir.IntType(32), _FLUSH)), word)
        builder.call(load, [pointer])
        return before

    return types.uint32(), build


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def restore_denormals(context: Any, before: Any) -> Any:
    """Restore what `flush_denormals` returned."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if _X86:
            word, pointer, load = _control(builder)
            builder.store(args[0], word)
            builder.call(load, [pointer])
        return context.get_dummy_value()

    return types.void(types.uint32), build
