"""The innermost loops of products, written in LLVM's intermediate language.

Every element of a product is computed alike, so that its bits depend on its row, its column, their
length and `beta` only, and not on what else is computed beside it: blocks of terms are each summed
in order, by fused multiplications and additions, and added to the element in order. Tiles of other
heights and widths, vectors or scalars, differ in which elements they hold alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]

WHOLE, SMALL, BIT, VOID = ir.IntType(64), ir.IntType(32), ir.IntType(1), ir.VoidType()
ONE = ir.Constant(WHOLE, 1)


@dataclass(frozen=True)
class Processor:
    """What the kernels need to know of the processor.

    Attributes
    ----------
    vector : int
        Bytes of a vector register.
    registers : int
        How many of them there are.
    masks : bool
        Whether some lanes of a vector are loaded and stored as cheaply as all.
    fused : bool
        Whether it multiplies and adds in one instruction.
    """

    vector: int
    registers: int
    masks: bool
    fused: bool


def whole(value: int) -> Any:
    """Return a constant index."""
    return ir.Constant(WHOLE, value)


def repeat(b: Any, start: Any, stop: Any, step: int, body: Callable[[Any], None]) -> Any:
    """Run the body at `start`, `start + step`, ... while a whole step is left.

    Returns
    -------
    value
        Where it ends: less than a step before `stop`, or `start` itself.
    """
    before = b.block
    test, turn, after = (b.append_basic_block(name) for name in ("test", "turn", "after"))
    b.branch(test)
    b.position_at_end(test)
    at = b.phi(WHOLE)
    at.add_incoming(start, before)
    following = b.add(at, whole(step))
    b.cbranch(b.icmp_signed("<=", following, stop), turn, after)
    b.position_at_end(turn)
    body(at)
    at.add_incoming(following, b.block)
    b.branch(test)
    b.position_at_end(after)
    return at


def chosen(
    b: Any, condition: Any, body: Callable[[], Sequence[Any]], usual: Sequence[Any]
) -> list[Any]:
    """Run the body if a condition holds; return its values, or else the usual ones."""
    before = b.block
    with b.if_then(condition):
        values = body()
        within = b.block
    results = [b.phi(value.type) for value in usual]
    for result, value, other in zip(results, values, usual, strict=True):
        result.add_incoming(value, within)
        result.add_incoming(other, before)
    return results


def smaller(b: Any, x: Any, y: Any) -> Any:
    """Return the smaller of two indices."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def hidden(b: Any, pointer: Any) -> Any:
    """Return a pointer of which LLVM knows nothing.

    The rows of A are equally far apart. Where LLVM knows, it computes the place of each from that
    of the one before, one after the other, and the products wait for it.
    """
    return b.asm(ir.FunctionType(pointer.type, [pointer.type]), "", "=r,0", [pointer], False)


def called(b: Any, name: str, result: Any, arguments: Sequence[Any]) -> Any:
    """Call a function of LLVM or of the C library."""
    kind = ir.FunctionType(result, [x.type for x in arguments])
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, arguments)


def prefetch(b: Any, pointer: Any, nearness: int) -> None:
    """Have memory in a cache before it is wanted: in the nearest, 3, or the next, 2."""
    place = b.bitcast(pointer, ir.IntType(8).as_pointer())
    kind = [ir.Constant(SMALL, x) for x in (0, nearness, 1)]  # to be read, data
    called(b, "llvm.prefetch.p0", VOID, [place, *kind])


class Lanes:
    """Loads, stores and arithmetic on `count` numbers side by side; one alone is a scalar."""

    def __init__(self, b: Any, real: Any, count: int, fused: bool) -> None:
        self.b, self.real, self.count, self.fused = b, real, count, fused
        self.type = real if count == 1 else ir.VectorType(real, count)
        self.size = 4 if isinstance(real, ir.FloatType) else 8
        self.suffix = f"v{count}" * (count > 1) + f"f{8 * self.size}"
        self.zero = ir.Constant(self.type, None) if count > 1 else ir.Constant(real, 0.0)

    def mask(self, wanted: Any) -> Any:
        """Return a mask of the first `wanted` lanes; of all of them, where there are more."""
        b, bits = self.b, ir.IntType(self.count)
        unwanted = b.sub(whole(self.count), smaller(b, wanted, whole(self.count)))
        ones = b.lshr(whole(2**self.count - 1), unwanted)
        return b.bitcast(b.trunc(ones, bits), ir.VectorType(BIT, self.count))

    def load(self, pointer: Any, mask: Any = None) -> Any:
        """Load numbers; zero where the mask is off, of which nothing is read."""
        place = self.b.bitcast(pointer, self.type.as_pointer())
        if mask is None:
            return self.b.load(place, align=self.size)
        arguments = [place, ir.Constant(SMALL, self.size), mask, self.zero]
        return called(self.b, f"llvm.masked.load.{self.suffix}.p0", self.type, arguments)

    def store(self, value: Any, pointer: Any, mask: Any = None) -> None:
        """Store numbers; where the mask is off, nothing is written."""
        place = self.b.bitcast(pointer, self.type.as_pointer())
        if mask is None:
            self.b.store(value, place, align=self.size)
            return
        arguments = [value, place, ir.Constant(SMALL, self.size), mask]
        called(self.b, f"llvm.masked.store.{self.suffix}.p0", VOID, arguments)

    def spread(self, number: Any) -> Any:
        """Return a number in every lane."""
        if self.count == 1:
            return number
        empty = ir.Constant(self.type, ir.Undefined)
        first = self.b.insert_element(empty, number, ir.Constant(SMALL, 0))
        lanes = ir.Constant(ir.VectorType(SMALL, self.count), [0] * self.count)
        return self.b.shuffle_vector(first, empty, lanes)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """Return ``x * y + z``, rounded once if the processor can."""
        if self.fused:
            return called(self.b, f"llvm.fma.{self.suffix}", self.type, [x, y, z])
        return self.b.fadd(self.b.fmul(x, y), z)


@dataclass(frozen=True)
class Matrix:
    """A place in memory, and the distance of rows and of columns in elements."""

    place: Any
    row: Any
    column: Any = ONE

    def at(self, b: Any, i: Any, j: Any) -> Any:
        """Return the place of an element."""
        return b.gep(self.place, [b.add(b.mul(i, self.row), b.mul(j, self.column))])


@dataclass(frozen=True)
class Strip:
    """The operands of a strip: a few columns of B and of C, all rows of A.

    Attributes
    ----------
    lanes : Lanes
        What the columns are computed by.
    width : int
        How many vectors they are.
    terms : value
        How many terms a sum has.
    a, b, c : Matrix
        What is multiplied, and what it is added to.
    beta : value
        What C is multiplied by.
    mask : value or None
        Which lanes of the last vector there are.
    """

    lanes: Lanes
    width: int
    terms: Any
    a: Matrix
    b: Matrix
    beta: Any
    c: Matrix
    mask: Any

    def columns(self) -> list[tuple[Any, Any]]:
        """Return where each vector begins, and its mask."""
        starts = [whole(self.lanes.count * j) for j in range(self.width)]
        return list(zip(starts, [None] * (self.width - 1) + [self.mask], strict=True))


def tile(
    b: Any,
    strip: Strip,
    height: int,
    first: Any,
    copy: Matrix | None = None,
    ahead: Matrix | None = None,
) -> None:
    """Compute `height` rows of a strip, from `first` on.

    On the way the lines of B are copied, and a vector of each line `ahead` is brought nearer.
    """
    lanes, zero = strip.lanes, ir.Constant(strip.lanes.real, 0.0)
    rows = [strip.c.at(b, b.add(first, whole(i)), whole(0)) for i in range(height)]
    places = [(b.gep(row, [j]), mask) for row in rows for j, mask in strip.columns()]
    for place, _ in places:  # which are wanted at the end, all at once
        prefetch(b, place, 3)
    sums = _sums(b, strip, height, first, copy, ahead)
    with b.if_else(b.fcmp_ordered("==", strip.beta, zero)) as (then, otherwise):
        with then:
            for total, (place, mask) in zip(sums, places, strict=True):
                lanes.store(total, place, mask)
        with otherwise:
            beta = lanes.spread(strip.beta)
            for total, (place, mask) in zip(sums, places, strict=True):
                lanes.store(lanes.fma(beta, lanes.load(place, mask), total), place, mask)


def _sums(
    b: Any, strip: Strip, height: int, first: Any, copy: Matrix | None, ahead: Matrix | None
) -> list[Any]:
    """Return the sums over all terms of a tile, row by row."""
    lanes, before = strip.lanes, b.block
    rows = [hidden(b, strip.a.at(b, b.add(first, whole(i)), whole(0))) for i in range(height)]
    test, turn, after = (b.append_basic_block(name) for name in ("test", "term", "after"))
    b.branch(test)
    b.position_at_end(test)
    starts = [whole(0), whole(0), strip.b.place, *[lanes.zero] * (height * strip.width)]
    phis = [b.phi(start.type) for start in starts]
    term, column, line, *sums = phis
    b.cbranch(b.icmp_signed("<", term, strip.terms), turn, after)
    b.position_at_end(turn)
    vectors = [lanes.load(b.gep(line, [j]), mask) for j, mask in strip.columns()]
    if copy is not None:
        for vector, (j, _) in zip(vectors, strip.columns(), strict=True):
            lanes.store(vector, copy.at(b, term, j))
    if ahead is not None:
        prefetch(b, ahead.at(b, term, whole(0)), 2)
    numbers = [lanes.spread(b.load(b.gep(row, [column]))) for row in rows]
    products = [(number, vector) for number in numbers for vector in vectors]
    following = [
        b.add(term, whole(1)),
        b.add(column, strip.a.column),
        b.gep(line, [strip.b.row]),
        *[lanes.fma(x, y, z) for (x, y), z in zip(products, sums, strict=True)],
    ]
    for phi, start, value in zip(phis, starts, following, strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(value, turn)
    b.branch(test)
    b.position_at_end(after)
    return sums
