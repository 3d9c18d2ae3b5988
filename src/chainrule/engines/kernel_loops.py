"""The products and transposes of matrices: the loops around the innermost ones.

A product adds up blocks of `BLOCK` terms; each is computed for `ROWS` rows at a time; each of those
for strips of up to three vectors of columns; and each strip by tiles, of 8 rows on most processors.
What a strip reads of B stays in the nearest cache, what it reads of A in the next.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]

from chainrule.engines.microkernel import (
    SMALL,
    VOID,
    WHOLE,
    Lanes,
    Matrix,
    Processor,
    Strip,
    called,
    chosen,
    repeat,
    smaller,
    tile,
    whole,
)

BLOCK = 384
"""Terms that are summed before they are added to the product."""
ROWS = 256
"""Rows of A that are multiplied by all columns of B in turn."""
WIDTHS = (3, 2, 1)
"""Vectors that the tiles are wide."""
WIDE = 8
"""Vectors that a tile of one row is wide: its sums must be many, to run beside each other."""
NEAR, FAR = 1 << 15, 3 << 18
"""Bytes of B up to which its lines are read where they lie, and of a transposed A."""


def there(b: Any, pointer: Any) -> Any:
    """Return whether a pointer is not null."""
    return b.icmp_unsigned("!=", pointer, ir.Constant(pointer.type, None))


def _moved(b: Any, lanes: Lanes, source: Matrix, target: Matrix, j: Any, i: Any) -> None:
    lanes.store(lanes.load(source.at(b, i, j)), target.at(b, i, j))


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
                left = self._rows(b, Matrix(a.at(b, i, term), a_row, a_column), count, terms)
                lines = right.at(b, term, zero), b_row
                self._columns(b, count, n, terms, *left, *lines, factor, c.at(b, i, zero), c_row)

            repeat(b, zero, b.add(m, whole(ROWS - 1)), ROWS, rows)

        many = b.icmp_signed(">=", m, whole(4 * self.height))
        lines = b.and_(many, b.icmp_signed(">", b.mul(n, k), whole(NEAR // self.size)))
        large = b.icmp_signed(">", b.mul(m, k), whole(FAR // self.size))
        turned = b.and_(b.icmp_signed("==", a_row, whole(1)), b.icmp_signed(">", n, whole(63)))
        with (
            self._room(b, lines, self.lanes * max(WIDTHS)) as self.lines,
            self._room(b, b.and_(large, turned), self.lanes + ROWS) as self.rows,
        ):
            # A product of no terms is one block of none: C is multiplied by beta.
            some = b.select(b.icmp_signed(">", k, zero), k, whole(1))
            repeat(b, zero, b.add(some, whole(BLOCK - 1)), BLOCK, block)
        b.ret_void()

    @contextmanager
    def _room(self, b: Any, wanted: Any, numbers: int) -> Iterator[Any]:
        """Have memory for so many numbers a term; null, if not wanted or if there is none."""
        byte, vector = ir.IntType(8).as_pointer(), self.processor.vector
        size = whole(BLOCK * numbers * self.size + vector)
        null = ir.Constant(byte, None)
        (found,) = chosen(b, wanted, lambda: [called(b, "malloc", byte, [size])], [null])
        aligned = b.and_(b.add(b.ptrtoint(found, WHOLE), whole(vector - 1)), whole(-vector))
        yield b.inttoptr(aligned, self.real.as_pointer())
        with b.if_then(wanted):
            called(b, "free", VOID, [found])

    def _rows(self, b: Any, a: Matrix, count: Any, terms: Any) -> list[Any]:
        """Copy rows of a transposed A, if there is room: their terms are far from each other.

        Returns the place of A, and the distances of its rows and columns.
        """
        # Another vector in between, lest the terms get in each other's way in a cache.
        copy = Matrix(self.rows, whole(1), whole(self.lanes + ROWS))
        vector, scalar = (Lanes(b, self.real, count, fused=False) for count in (self.lanes, 1))

        def term(p: Any) -> None:
            at = whole(0)
            for lanes in (vector, scalar):
                move = functools.partial(_moved, b, lanes, a, copy, p)
                at = repeat(b, at, count, lanes.count, move)

        def copied() -> list[Any]:
            repeat(b, whole(0), terms, 1, term)
            return [copy.place, copy.row, copy.column]

        return chosen(b, there(b, self.rows), copied, [a.place, a.row, a.column])

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
                b.call(function, [*left, right, b_row, beta, c, c_row, self.lines])

            return repeat(b, at, stop, lanes * width, strip)

        single = b.select(b.icmp_signed("==", m, whole(1)), n, whole(0))
        at = strips(whole(0), single, lanes, WIDE)
        # 4 vectors are two pairs, 5 a triple and a pair; a single one is what there is no pair for.
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
        """Let the first tile gather the lines of B, if there is room: it costs next to nothing.

        Elsewhere they lie a row of B apart, often at a distance that caches are bad at. During the
        next tiles what the next strip will gather comes nearer. Returns the row after these tiles,
        and where the lines are.
        """
        tiles, near = 1 + strip.width, replace(strip, b=room)

        def gathered() -> list[Any]:
            tile(b, strip, self.height, whole(0), copy=room)
            for j in range(1, tiles):
                place = b.gep(strip.b.place, [whole(strip.lanes.count * (strip.width + j - 1))])
                following = Matrix(place, strip.b.row)
                tile(b, near, self.height, whole(self.height * j), ahead=following)
            return [whole(self.height * tiles), room.place, room.row]

        fits = b.and_(there(b, room.place), b.icmp_signed(">=", m, whole(self.height * tiles)))
        usual = [whole(0), strip.b.place, strip.b.row]
        at, place, row = chosen(b, fits, gathered, usual)
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
            exists = b.icmp_signed("<", b.add(first, whole(r)), stop)
            return lanes.mask(b.select(exists, length, whole(0)))

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
    kind = ir.VectorType(SMALL, count)
    return (
        b.shuffle_vector(x, y, ir.Constant(kind, low)),
        b.shuffle_vector(x, y, ir.Constant(kind, high)),
    )
