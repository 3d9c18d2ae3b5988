"""The product and the transpose of matrices, written in LLVM's intermediate language.

Every element of a product is computed alike, so that its bits depend on its row, its column, their
length and `beta` only, and not on what else is computed beside it: blocks of `BLOCK` terms are
each summed in order, by fused multiplications and additions, and added to the element in order.
Tiles of other heights and widths, vectors or scalars, differ in which elements they hold alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]

WHOLE, BIT, VOID = ir.IntType(64), ir.IntType(1), ir.VoidType()
ONE = ir.Constant(WHOLE, 1)
BLOCK = 512
"""Terms that are summed before they are added to the product: a panel of B stays in a cache."""
ROWS = 128
"""Rows of A that are multiplied by all of B in turn: with `BLOCK`, what stays in a cache."""
WIDTHS = (3, 2, 1)
"""Vectors that the tiles are wide."""
WIDE = 8
"""Vectors that a tile of one row is wide: its sums must be many, to run beside each other."""


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


class Lanes:
    """Loads, stores and arithmetic on `count` numbers side by side; one alone is a scalar."""

    def __init__(self, b: Any, real: Any, count: int, fused: bool) -> None:
        self.b, self.real, self.count, self.fused = b, real, count, fused
        self.type = real if count == 1 else ir.VectorType(real, count)
        self.size = 4 if isinstance(real, ir.FloatType) else 8
        self.suffix = f"v{count}" * (count > 1) + f"f{8 * self.size}"
        self.zero = ir.Constant(self.type, None) if count > 1 else ir.Constant(real, 0.0)

    def _called(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """Call one of LLVM's own functions."""
        module, kind = self.b.module, ir.FunctionType(result, [x.type for x in arguments])
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return self.b.call(function, arguments)

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
        return self._called(f"llvm.masked.load.{self.suffix}.p0", self.type, arguments)

    def store(self, value: Any, pointer: Any, mask: Any = None) -> None:
        """Store numbers; where the mask is off, nothing is written."""
        if mask is None:
            place = self.b.bitcast(pointer, self.type.as_pointer())
            self.b.store(value, place, align=self.size)
            return
        align = ir.Constant(ir.IntType(32), self.size)
        arguments = [value, self._place(pointer), align, mask]
        self._called(f"llvm.masked.store.{self.suffix}.p0", VOID, arguments)

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
            return self._called(f"llvm.fma.{self.suffix}", self.type, [x, y, z])
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
    terms: Any
    a: Matrix
    b: Matrix
    beta: Any
    c: Matrix
    mask: Any

    def masks(self, width: int) -> list[Any]:
        """Return the mask of each vector."""
        return [None] * (width - 1) + [self.mask]


def tile(b: Any, strip: Strip, height: int, width: int, first: Any) -> None:
    """Multiply `height` rows from `first` on by `width` vectors of columns."""
    sums = _sums(b, strip, first, height, width)
    lanes = strip.lanes
    step = [whole(lanes.count * j) for j in range(width)]
    rows = [strip.c.at(b, b.add(first, whole(i)), whole(0)) for i in range(height)]
    places = [b.gep(row, [j]) for row in rows for j in step]
    masks = strip.masks(width) * height
    unread = b.fcmp_ordered("==", strip.beta, ir.Constant(lanes.real, 0.0))
    with b.if_else(unread) as (then, otherwise):
        with then:
            for total, place, mask in zip(sums, places, masks, strict=True):
                lanes.store(total, place, mask)
        with otherwise:
            beta = lanes.spread(strip.beta)
            for total, place, mask in zip(sums, places, masks, strict=True):
                lanes.store(lanes.fma(beta, lanes.load(place, mask), total), place, mask)


def _sums(b: Any, strip: Strip, first: Any, height: int, width: int) -> list[Any]:
    """Return the sums over all terms of a tile, row by row."""
    lanes, before = strip.lanes, b.block
    rows = [hidden(b, strip.a.at(b, b.add(first, whole(i)), whole(0))) for i in range(height)]
    test, turn, after = (b.append_basic_block(name) for name in ("test", "term", "after"))
    b.branch(test)
    b.position_at_end(test)
    left, column, line = b.phi(WHOLE), b.phi(WHOLE), b.phi(strip.b.place.type)
    sums = [b.phi(lanes.type) for _ in range(height * width)]
    variables = [left, column, line, *sums]
    values = [strip.terms, whole(0), strip.b.place, *[lanes.zero] * len(sums)]
    for variable, value in zip(variables, values, strict=True):
        variable.add_incoming(value, before)
    b.cbranch(b.icmp_signed(">", left, whole(0)), turn, after)
    b.position_at_end(turn)
    vectors = [
        lanes.load(b.gep(line, [whole(lanes.count * j)]), mask)
        for j, mask in enumerate(strip.masks(width))
    ]
    values = [b.sub(left, whole(1)), b.add(column, strip.a.column), b.gep(line, [strip.b.row])]
    for i, row in enumerate(rows):
        number = lanes.spread(b.load(b.gep(row, [column])))
        for j, vector in enumerate(vectors):
            values.append(lanes.fma(number, vector, sums[i * width + j]))
    for variable, value in zip(variables, values, strict=True):
        variable.add_incoming(value, b.block)
    b.branch(test)
    b.position_at_end(after)
    return sums


class Product:
    """Writes the function that multiplies matrices of one type of number."""

    def __init__(self, module: ir.Module, real: Any, name: str, processor: Processor) -> None:
        self.real, self.name, self.processor = real, name, processor
        self.lanes = processor.vector // (4 if isinstance(real, ir.FloatType) else 8)
        self.height = 8 if processor.registers > 16 else 4
        pointer = real.as_pointer()
        kind = [WHOLE] * 3 + [pointer, WHOLE, WHOLE, pointer, WHOLE, real, pointer, WHOLE]
        self.strips: dict[tuple[int, int], Any] = {}
        self.function = ir.Function(module, ir.FunctionType(VOID, kind), name)
        self._write()

    def _write(self) -> None:
        m, n, k, a, a_row, a_column, right, b_row, beta, c, c_row = self.function.args
        b = ir.IRBuilder(self.function.append_basic_block())
        a, right, c = Matrix(a, a_row, a_column), Matrix(right, b_row), Matrix(c, c_row)

        def block(term: Any) -> None:
            terms = smaller(b, b.sub(k, term), whole(BLOCK))
            is_first = b.icmp_signed("==", term, whole(0))
            factor = b.select(is_first, beta, ir.Constant(self.real, 1.0))

            def rows(i: Any) -> None:
                count = smaller(b, b.sub(m, i), whole(ROWS))
                left = Matrix(a.at(b, i, term), a.row, a.column)
                lines = Matrix(right.at(b, term, whole(0)), right.row)
                self._columns(
                    b, n, count, terms, left, lines, factor, Matrix(c.at(b, i, whole(0)), c.row)
                )

            repeat(b, whole(0), b.add(m, whole(ROWS - 1)), ROWS, rows)

        # A product of no terms is one block of none: C is multiplied by beta.
        some = b.select(b.icmp_signed(">", k, whole(0)), k, whole(1))
        repeat(b, whole(0), b.add(some, whole(BLOCK - 1)), BLOCK, block)
        b.ret_void()

    def _columns(self, b: Any, n: Any, *operands: Any) -> None:
        """Compute all columns, strip by strip, without a narrow one where two of 2 will do."""
        m = operands[0]
        whole_vectors = n if self.processor.masks else b.and_(n, whole(-self.lanes))
        last = self.lanes - 1 if self.processor.masks else 0
        wide = b.select(b.icmp_signed("==", m, whole(1)), n, whole(0))

        def strips(lanes: int, width: int) -> Callable[[Any], None]:
            return lambda j: self._strip(b, lanes, width, n, j, *operands)

        at = repeat(b, whole(0), wide, self.lanes * WIDE, strips(self.lanes, WIDE))
        stop = b.add(whole_vectors, whole(last))
        vectors = b.udiv(b.sub(stop, at), whole(self.lanes))
        pairs = b.urem(b.shl(vectors, whole(1)), whole(3))
        end = b.sub(stop, b.mul(pairs, whole(2 * self.lanes)))
        for width, limit in zip(WIDTHS, (end, stop, stop), strict=True):
            at = repeat(b, at, limit, self.lanes * width, strips(self.lanes, width))
        if not self.processor.masks:
            for width in WIDTHS:
                at = repeat(b, at, n, width, strips(1, width))

    def _strip(
        self, b: Any, lanes: int, width: int, n: Any, j: Any, m: Any, terms: Any,
        left: Matrix, right: Matrix, beta: Any, c: Matrix,
    ) -> None:  # fmt: skip
        function = self._strip_function(lanes, width)
        b.call(
            function,
            [m, b.sub(n, j), terms, left.place, left.row, left.column, b.gep(right.place, [j]),
             right.row, beta, b.gep(c.place, [j]), c.row],
        )  # fmt: skip

    def _strip_function(self, count: int, width: int) -> Any:
        """Return the function that computes strips of a width, written at first use."""
        if (count, width) in self.strips:
            return self.strips[count, width]
        name = f"{self.name}_{count}_{width}"
        function = ir.Function(self.function.module, self.function.function_type, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        function.calling_convention = "fastcc"
        self.strips[count, width] = function
        b = ir.IRBuilder(function.append_basic_block())
        m, n, terms, a, a_row, a_column, right, b_row, beta, c, c_row = function.args
        lanes = Lanes(b, self.real, count, self.processor.fused)
        mask = None
        if self.processor.masks:
            mask = lanes.mask(b.sub(n, whole(count * (width - 1))))
        a, right, c = Matrix(a, a_row, a_column), Matrix(right, b_row), Matrix(c, c_row)
        strip = Strip(lanes, terms, a, right, beta, c, mask)
        heights = range(self.height, 0, -1) if width in WIDTHS else [1]
        at = whole(0)
        for height in heights:
            body = functools.partial(tile, b, strip, height, width)
            at = repeat(b, at, m, height, body)
        b.ret_void()
        return function


class Transpose:
    """Writes the function that transposes matrices of one type of number."""

    def __init__(self, module: ir.Module, real: Any, name: str, processor: Processor) -> None:
        self.processor = processor
        self.b = ir.IRBuilder()
        self.real = real
        self.count = processor.vector // (4 if isinstance(real, ir.FloatType) else 8)
        pointer = real.as_pointer()
        kind = [WHOLE, WHOLE, pointer, WHOLE, pointer, WHOLE]
        self.function = ir.Function(module, ir.FunctionType(VOID, kind), name)
        self._write()

    def _write(self) -> None:
        rows, columns, source, source_row, target, target_row = self.function.args
        b = self.b
        b.position_at_end(self.function.append_basic_block())
        source, target = Matrix(source, source_row), Matrix(target, target_row)
        zero, count = whole(0), self.count

        def blocks(i: Any, stop: Any, j: Any, end: Any, size: int) -> Any:
            """Transpose all whole blocks of a region; return where they end."""
            lanes = Lanes(b, self.real, size, fused=False)

            def row(at: Any) -> None:
                body = lambda j: block(b, lanes, source, target, at, j)
                repeat(b, j, end, size, body)

            return repeat(b, i, stop, size, row)

        at = blocks(zero, rows, zero, columns, count)
        b.and_(columns, whole(-count))
        # What is left: the last columns of the rows done, and the last rows.
        blocks(zero, at, b.and_(columns, whole(-count)), columns, 1)
        blocks(at, rows, zero, columns, 1)
        b.ret_void()


def block(b: Any, lanes: Lanes, source: Matrix, target: Matrix, i: Any, j: Any) -> None:
    """Transpose a square of vectors: at distances 1, 2, 4 ... its rows exchange halves."""
    rows = [lanes.load(source.at(b, b.add(i, whole(r)), j)) for r in range(lanes.count)]
    distance = 1
    while distance < lanes.count:
        for r in range(lanes.count):
            if not r & distance:
                x, y = rows[r], rows[r + distance]
                rows[r], rows[r + distance] = _exchanged(b, x, y, distance, lanes.count)
        distance *= 2
    for r, row in enumerate(rows):
        lanes.store(row, target.at(b, b.add(j, whole(r)), i))


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
