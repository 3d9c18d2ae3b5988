"""The product and the transpose of matrices, written in LLVM's intermediate language.

Every element of a product is computed alike, so that its bits depend on its row, its column, their
length and `beta` only, and not on what else is computed beside it: blocks of `BLOCK` terms are
each summed in order, by fused multiplications and additions, and added to the element in order.
Tiles of other heights and widths, vectors or scalars, differ in which elements they hold alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]

WHOLE, BIT, VOID = ir.IntType(64), ir.IntType(1), ir.VoidType()
ONE = ir.Constant(WHOLE, 1)
BLOCK = 256
"""Terms that are summed before they are added to the product: as many lines of B stay near."""
ROWS = 256
"""Rows of A that are multiplied by all columns of B in turn: with `BLOCK`, what stays near."""
WIDTHS = (3, 2, 1)
"""Vectors that the tiles are wide."""
WIDE = 8
"""Vectors that a tile of one row is wide: its sums must be many, to run beside each other."""
NEAR = 1 << 15
"""Bytes of B that stay in the nearest cache without being gathered."""


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
        if mask is None:
            place = self.b.bitcast(pointer, self.type.as_pointer())
            return self.b.load(place, align=self.size)
        align = ir.Constant(ir.IntType(32), self.size)
        arguments = [self._place(pointer), align, mask, self.zero]
        return called(self.b, f"llvm.masked.load.{self.suffix}.p0", self.type, arguments)

    def store(self, value: Any, pointer: Any, mask: Any = None) -> None:
        """Store numbers; where the mask is off, nothing is written."""
        if mask is None:
            place = self.b.bitcast(pointer, self.type.as_pointer())
            self.b.store(value, place, align=self.size)
            return
        align = ir.Constant(ir.IntType(32), self.size)
        arguments = [value, self._place(pointer), align, mask]
        called(self.b, f"llvm.masked.store.{self.suffix}.p0", VOID, arguments)

    def _place(self, pointer: Any) -> Any:
        return self.b.bitcast(pointer, self.type.as_pointer())

    def spread(self, number: Any) -> Any:
        """Return a number in every lane."""
        if self.count == 1:
            return number
        empty = ir.Constant(self.type, ir.Undefined)
        first = self.b.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
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


def tile(b: Any, strip: Strip, height: int, first: Any, copy: Matrix | None = None) -> None:
    """Compute `height` rows of a strip from `first` on, and copy the lines of B on the way."""
    lanes, zero = strip.lanes, ir.Constant(strip.lanes.real, 0.0)
    sums = _sums(b, strip, height, first, copy)
    rows = [strip.c.at(b, b.add(first, whole(i)), whole(0)) for i in range(height)]
    places = [(b.gep(row, [j]), mask) for row in rows for j, mask in strip.columns()]
    with b.if_else(b.fcmp_ordered("==", strip.beta, zero)) as (then, otherwise):
        with then:
            for total, (place, mask) in zip(sums, places, strict=True):
                lanes.store(total, place, mask)
        with otherwise:
            beta = lanes.spread(strip.beta)
            for total, (place, mask) in zip(sums, places, strict=True):
                lanes.store(lanes.fma(beta, lanes.load(place, mask), total), place, mask)


def _sums(b: Any, strip: Strip, height: int, first: Any, copy: Matrix | None) -> list[Any]:
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


class Product:
    """Writes the function that multiplies matrices of one type of number."""

    def __init__(self, module: ir.Module, real: Any, name: str, processor: Processor) -> None:
        self.real, self.name, self.processor = real, name, processor
        self.size = 4 if isinstance(real, ir.FloatType) else 8
        self.lanes = processor.vector // self.size
        self.height = 8 if processor.registers > 16 else 4
        pointer = real.as_pointer()
        kind = [WHOLE] * 3 + [pointer, WHOLE, WHOLE, pointer, WHOLE, real, pointer, WHOLE]
        self.strip_kind = ir.FunctionType(VOID, [*kind, pointer])
        self.strips: dict[tuple[int, int], Any] = {}
        self.function = ir.Function(module, ir.FunctionType(VOID, kind), name)
        self._write()

    def _write(self) -> None:
        m, n, k, a, a_row, a_column, right, b_row, beta, c, c_row = self.function.args
        b = ir.IRBuilder(self.function.append_basic_block())
        a, right, c = Matrix(a, a_row, a_column), Matrix(right, b_row), Matrix(c, c_row)
        zero, one = whole(0), ir.Constant(self.real, 1.0)

        def block(term: Any) -> None:
            terms = smaller(b, b.sub(k, term), whole(BLOCK))
            factor = b.select(b.icmp_signed("==", term, zero), beta, one)

            def rows(i: Any) -> None:
                count = smaller(b, b.sub(m, i), whole(ROWS))
                left = [a.at(b, i, term), a_row, a_column]
                lines = [right.at(b, term, zero), b_row]
                self._columns(b, count, n, terms, *left, *lines, factor, c.at(b, i, zero), c_row)

            repeat(b, zero, b.add(m, whole(ROWS - 1)), ROWS, rows)

        with self._room(b, m, n, k) as self.room:
            # A product of no terms is one block of none: C is multiplied by beta.
            some = b.select(b.icmp_signed(">", k, zero), k, whole(1))
            repeat(b, zero, b.add(some, whole(BLOCK - 1)), BLOCK, block)
        b.ret_void()

    @contextmanager
    def _room(self, b: Any, m: Any, n: Any, k: Any) -> Iterator[Any]:
        """Have memory for a strip's lines of B; null, if it is not worth it or there is none.

        The lines lie a whole row of B apart, often at distances that caches are bad at.
        """
        byte = ir.IntType(8).as_pointer()
        many = b.icmp_signed(">=", m, whole(4 * self.height))
        far = b.icmp_signed(">", b.mul(n, k), whole(NEAR // self.size))
        wanted, before = b.and_(many, far), b.block
        with b.if_then(wanted):
            bytes_ = BLOCK * max(WIDTHS) * self.processor.vector + self.processor.vector
            memory = called(b, "malloc", byte, [whole(bytes_)])
            within = b.block
        found = b.phi(byte)
        found.add_incoming(ir.Constant(byte, None), before)
        found.add_incoming(memory, within)
        ceiling = b.add(b.ptrtoint(found, WHOLE), whole(self.processor.vector - 1))
        aligned = b.and_(ceiling, whole(-self.processor.vector))
        yield b.inttoptr(aligned, self.real.as_pointer())
        with b.if_then(wanted):
            called(b, "free", VOID, [found])

    def _columns(self, b: Any, m: Any, n: Any, *operands: Any) -> None:
        """Compute all columns, strip by strip, without a narrow one where two of 2 will do."""
        masks, lanes = self.processor.masks, self.lanes
        # What ends within a vector is a vector with a mask, or so many scalars.
        stop = b.add(n, whole(lanes - 1)) if masks else b.and_(n, whole(-lanes))

        def strips(at: Any, stop: Any, lanes: int, width: int) -> Any:
            def strip(j: Any) -> None:
                terms, a, a_row, a_column, right, b_row, beta, c, c_row = operands
                columns, right, c = b.sub(n, j), b.gep(right, [j]), b.gep(c, [j])
                left = m, columns, terms, a, a_row, a_column
                function = self._strip(lanes, width)
                b.call(function, [*left, right, b_row, beta, c, c_row, self.room])

            return repeat(b, at, stop, lanes * width, strip)

        single = b.select(b.icmp_signed("==", m, whole(1)), n, whole(0))
        at = strips(whole(0), single, lanes, WIDE)
        vectors = b.udiv(b.sub(stop, at), whole(lanes))
        pairs = b.urem(b.shl(vectors, whole(1)), whole(3))
        triples_stop = b.sub(stop, b.mul(pairs, whole(2 * lanes)))
        for width, limit in zip(WIDTHS, (triples_stop, stop, stop), strict=True):
            at = strips(at, limit, lanes, width)
        for width in () if masks else WIDTHS:
            at = strips(at, n, 1, width)

    def _strip(self, count: int, width: int) -> Any:
        """Return the function that computes a strip, which is written when it is first wanted."""
        if (count, width) not in self.strips:
            name = f"{self.name}_{count}_{width}"
            function = ir.Function(self.function.module, self.strip_kind, name)
            function.linkage, function.calling_convention = "internal", "fastcc"
            function.attributes.add("noinline")
            self.strips[count, width] = function
            self._write_strip(function, count, width)
        return self.strips[count, width]

    def _write_strip(self, function: Any, count: int, width: int) -> None:
        m, n, terms, a, a_row, a_column, right, b_row, beta, c, c_row, room = function.args
        b = ir.IRBuilder(function.append_basic_block())
        lanes = Lanes(b, self.real, count, self.processor.fused)
        masks, at = self.processor.masks, whole(0)
        mask = lanes.mask(b.sub(n, whole(count * (width - 1)))) if masks else None
        lines = Matrix(right, b_row)
        rest = beta, Matrix(c, c_row), mask
        strip = Strip(lanes, width, terms, Matrix(a, a_row, a_column), lines, *rest)
        heights = [1]
        if width in WIDTHS:
            heights = list(range(self.height, 0, -1))
            at, lines = self._gathered(b, strip, m, Matrix(room, whole(count * width)))
            strip = replace(strip, b=lines)
        for height in heights:
            at = repeat(b, at, m, height, functools.partial(tile, b, strip, height))
        b.ret_void()

    def _gathered(self, b: Any, strip: Strip, m: Any, room: Matrix) -> tuple[Any, Matrix]:
        """Let the first tile gather the lines of B if there is room: it comes at no cost.

        Returns the row after it, and where the lines are.
        """
        before = b.block
        there = b.icmp_unsigned("!=", room.place, ir.Constant(room.place.type, None))
        with b.if_then(b.and_(there, b.icmp_signed(">=", m, whole(self.height)))):
            tile(b, strip, self.height, whole(0), room)
            within = b.block
        ways = (
            (before, (whole(0), strip.b.place, strip.b.row)),
            (
                within,
                (whole(self.height), room.place, room.row),
            ),
        )
        at, place, row = (b.phi(value.type) for value in ways[0][1])
        for origin, values in ways:
            for phi, value in zip((at, place, row), values, strict=True):
                phi.add_incoming(value, origin)
        return at, Matrix(place, row)


class Transpose:
    """Writes the function that transposes matrices of one type of number."""

    def __init__(self, module: ir.Module, real: Any, name: str, processor: Processor) -> None:
        pointer = real.as_pointer()
        kind = [WHOLE, WHOLE, pointer, WHOLE, pointer, WHOLE]
        function = ir.Function(module, ir.FunctionType(VOID, kind), name)
        rows, columns, source, source_row, target, target_row = function.args
        b = self.b = ir.IRBuilder(function.append_basic_block())
        self.source, self.target = Matrix(source, source_row), Matrix(target, target_row)
        size = 4 if isinstance(real, ir.FloatType) else 8
        lanes = Lanes(b, real, processor.vector // size, fused=False)
        end, zero = (rows, columns), whole(0)
        corner = tuple(b.and_(x, whole(-lanes.count)) for x in end)
        self._blocks(lanes, (zero, zero), corner)
        if processor.masks:
            above = tuple(b.add(x, whole(lanes.count - 1)) for x in end)
            self._blocks(lanes, (zero, corner[1]), (corner[0], above[1]), end)
            self._blocks(lanes, (corner[0], zero), above, end)
        else:
            scalar = Lanes(b, real, 1, fused=False)
            self._blocks(scalar, (zero, corner[1]), (corner[0], columns))
            self._blocks(scalar, (corner[0], zero), end)
        b.ret_void()

    def _blocks(self, lanes: Lanes, start: Any, stop: Any, end: Any = None) -> None:
        """Transpose a region, square by square; with an `end`, what lies before it."""
        b = self.b

        def column(j: Any) -> None:
            repeat(b, start[0], stop[0], lanes.count, lambda i: self._block(lanes, i, j, end))

        repeat(b, start[1], stop[1], lanes.count, column)

    def _block(self, lanes: Lanes, i: Any, j: Any, end: Any) -> None:
        """Transpose a square of vectors: at distances 1, 2, 4 ... its rows exchange halves."""
        b = self.b

        def mask(r: int, first: Any, stop: Any, length: Any) -> Any:
            return lanes.mask(
                b.select(b.icmp_signed("<", b.add(first, whole(r)), stop), length, whole(0))
            )

        rows = []
        for r in range(lanes.count):
            place = self.source.at(b, b.add(i, whole(r)), j)
            rows.append(lanes.load(place, mask(r, i, end[0], b.sub(end[1], j)) if end else None))
        distance = 1
        while distance < lanes.count:
            for r in range(lanes.count):
                if not r & distance:
                    x, y = rows[r], rows[r + distance]
                    rows[r], rows[r + distance] = _exchanged(b, x, y, distance, lanes.count)
            distance *= 2
        for r, row in enumerate(rows):
            place = self.target.at(b, b.add(j, whole(r)), i)
            lanes.store(row, place, mask(r, j, end[1], b.sub(end[0], i)) if end else None)


def _exchanged(b: Any, x: Any, y: Any, distance: int, count: int) -> tuple[Any, Any]:
    """Exchange the upper lanes of `x` with the lower ones of `y`, in pairs of runs."""
    lanes = range(count)
    low = [lane if not lane & distance else count + lane - distance for lane in lanes]
    high = [lane + distance if not lane & distance else count + lane for lane in lanes]
    kind = ir.VectorType(ir.IntType(32), count)
    return (
        b.shuffle_vector(x, y, ir.Constant(kind, low)),
        b.shuffle_vector(x, y, ir.Constant(kind, high)),
    )
