"""What a lowered graph needs before loops can be made of it: copies, shorter sums, known numbers.

Every function here takes a graph and returns one that computes the same, to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from chainrule.engines.access import INLINED, is_virtual, stored_operand
from chainrule.engines.axes import dtype_of, shape_of
from chainrule.engines.plan import ours
from chainrule.engines.sweep import Sweeping
from chainrule.graph import REGISTRY, Aval, Constant, Graph, Input, Node, Op, linear, op
from chainrule.graph.ir import Value
from chainrule.ops.indexing import SLOT, Index, gather, scatter
from chainrule.ops.reductions import extent
from chainrule.ops.rows import put_rows, sum_distinct, sum_equal_rows

_LARGEST_FOLDED = 2**24  # elements


def _named(name: str) -> Op:
    found = REGISTRY.by_name[name]
    assert isinstance(found, Op)
    return found


def mapped(graph: Graph, change: Callable[[Node], Value]) -> Graph:
    """Return the graph with each node, its inputs changed already, replaced by another value."""
    known: dict[int, Value] = {}
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        same = all(new is old for new, old in zip(inputs, node.inputs, strict=True))
        known[id(node)] = change(node if same else replace(node, inputs=inputs))
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def folded(graph: Graph) -> Graph:
    """Return the graph with what depends on constants alone computed."""

    def change(node: Node) -> Value:
        fixed = [x.value for x in node.inputs if isinstance(x, Constant)]
        small = isinstance(node.aval, Aval) and math.prod(node.aval.shape) <= _LARGEST_FOLDED
        if len(fixed) < len(node.inputs) or not small:
            return node
        with np.errstate(all="ignore"):
            value = node.op.forward(*fixed, **node.params)
        return Constant(np.ascontiguousarray(value) if np.ndim(value) else value)

    return mapped(graph, change)


def swept(graph: Graph, sweeping: Sweeping) -> Graph:
    """Return a step's graph with rows taken out of the whole data within it.

    The inputs for rows are replaced by those for all rows; the last input is new: the places of
    the rows.
    """
    n_carry, single = sweeping.n_carry, not sweeping.batched
    rows = graph.inputs[n_carry : n_carry + sweeping.n_data]
    n = shape_of(rows[0])[0] if rows and sweeping.batched else 1
    places = Input("places", Aval(() if single else (n,), np.dtype(np.int64)))
    known: dict[int, Value] = {}
    inputs = list(graph.inputs)
    for i, x in enumerate(rows, n_carry):
        rest = shape_of(x) if single else shape_of(x)[1:]
        inputs[i] = Input(x.name, Aval((n + 2, *rest), dtype_of(x)))
        taken = Node(gather, (inputs[i], places), {"index": Index((SLOT,))}, x.aval)
        known[id(x)] = taken
    for node in graph.nodes:
        known[id(node)] = replace(node, inputs=tuple(known.get(id(x), x) for x in node.inputs))
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph((*inputs, places), outputs, graph.takes, graph.gives)


def with_short_sums(graph: Graph) -> Graph:
    """Return the graph with sums over everything taken axis by axis, the last one first.

    So the rows can be summed by several threads, in an order that depends on no thread.
    """

    def change(node: Node) -> Value:
        if not (ours(node.op, {"sum", "mean"}) or node.op.name == "sum_to"):
            return node
        operand = node.inputs[0]
        if shape_of(node) or len(shape_of(operand)) < 2:
            return node
        total: Value = operand
        for k in range(len(shape_of(operand)) - 1, -1, -1):
            aval = Aval(shape_of(operand)[:k], dtype_of(node))
            total = Node(_named("sum"), (total,), {"axis": k}, aval, node.site)
        if node.op.name != "mean":
            return total
        count = Node(extent, (operand,), {"axis": None}, Aval((), dtype_of(node)), node.site)
        return Node(_named("divide"), (total, count), {}, node.aval, node.site)

    return mapped(graph, change)


def _update_rows(
    table: Any, a: Any, places: Any, *factors: Any, signs: tuple[str, ...], once: bool
) -> Any:
    for sign, factor in zip(signs[:-1], factors, strict=True):
        if sign == "if":
            if not factor:
                return table
        else:
            a = a / factor if sign == "/" else a * factor
    if once:
        rows = np.asarray(table)[places]
        rows = {"": a, "+": rows + a, "-": rows - a}[signs[-1]]
        return put_rows.forward(table, rows, places)
    return table + (-1.0 if signs[-1] == "-" else 1.0) * scatter.forward(
        a, table, places, index=Index((SLOT,))
    )


@op(_update_rows, kind=linear, inactive=("places", "factors"), register=False)
def update_rows(
    g: Any,
    y: Any,
    table: Any,
    a: Any,
    places: Any,
    *factors: Any,
    signs: tuple[str, ...],
    once: bool,
) -> Any:
    """Add multiples of values to rows of a table, each to its own; no other row is touched.

    The signs say how each factor applies, and last whether the result is added or subtracted; an
    empty one, that the values take the place of the rows. A factor whose sign is ``"if"`` is a
    truth: if it does not hold, nothing is changed. If it is done once, of several values for the
    same row the last counts; otherwise all are added.
    """
    raise AssertionError("engines differentiate before they lower")


def with_row_updates(graph: Graph) -> Graph:
    """Return the graph with ``table - lr * scatter(values)`` as an update of the rows it touches.

    Equal to rounding: rows that are not touched would have zero subtracted. Rows put into a table
    are such an update too.
    """

    def change(node: Node) -> Value:
        if node.op is put_rows and isinstance(node.inputs[0], Input):
            return _put(node)
        if node.op.name not in {"add", "subtract"} or len(node.inputs) != 2:
            return node
        table, chain = node.inputs
        if node.op.name == "add" and not isinstance(table, Input):
            table, chain = chain, table
        found = _scaled_rows(chain)
        if not isinstance(table, Input) or found is None or shape_of(table) != shape_of(node):
            return node
        rows, factors, signs = found
        sign = "-" if (node.op.name == "subtract") != (signs.count("negative") % 2 == 1) else "+"
        symbols = (*(s for s in signs if s != "negative"), sign)
        a, _, places = rows.inputs
        return Node(
            update_rows,
            (table, a, places, *factors),
            {"signs": symbols, "once": False},
            node.aval,
            node.site,
        )

    return _with_inlined(mapped(graph, change))


def _put(node: Node) -> Node:
    """Return rows put into a table as an update."""
    table, new, places = node.inputs
    factors: tuple[Value, ...] = ()
    signs: tuple[str, ...] = ()
    if _is(new, "where") and not shape_of(new.inputs[0]) and _is_gathered(new.inputs[2], node):
        factors, signs, new = (new.inputs[0],), ("if",), new.inputs[1]
    last = ""
    if (
        _is(new, "subtract")
        and _is_gathered(new.inputs[0], node)
        and _is(new.inputs[1], "multiply")
    ):
        factor, summed = new.inputs[1].inputs
        if not shape_of(factor) and _is_sum_of_rows(summed, node):
            factors, signs, last, new = (*factors, factor), (*signs, "*"), "-", summed
    if not last and is_virtual(new):  # its elements might be those of rows that are put already
        new = Node(_named("positive"), (new,), {}, new.aval)
    inputs = (table, new, places, *factors)
    params = {"signs": (*signs, last), "once": True}
    return Node(update_rows, inputs, params, node.aval, node.site)


def _is(value: Value, name: str) -> TypeGuard[Node]:
    return isinstance(value, Node) and value.op.name == name


def _is_gathered(value: Value, put: Node) -> bool:
    """Return whether a value is what stands in the rows that are put."""
    table, _, places = put.inputs
    return _is(value, "gather") and value.inputs == (table, places)


def _is_sum_of_rows(value: Value, put: Node) -> TypeGuard[Node]:
    table, _, places = put.inputs
    return (
        isinstance(value, Node)
        and value.op is sum_equal_rows
        and value.inputs[1:] == (table, places)
    )


def _with_inlined(graph: Graph) -> Graph:
    """Return the graph with what only updates or sums of rows read computed there.

    That is products, and choices such as those of what is filled up or dropped.
    """
    readers: dict[int, set[int]] = {}
    for node in graph.nodes:
        for x in node.inputs:
            readers.setdefault(id(x), set()).add(id(node))
    kept = {id(x) for x in graph.outputs}
    there = {
        id(node) for node in graph.nodes
        if node.op is sum_equal_rows or (node.op is update_rows and not node.params["once"])
    }  # fmt: skip
    wanted: set[int] = set()
    for node in reversed(graph.nodes):
        known = node.op.forward in INLINED and shape_of(node) and id(node) not in kept
        if known and readers.get(id(node), {0}) <= there | wanted:
            wanted.add(id(node))
    known_now: dict[int, Value] = {}
    for node in graph.nodes:
        inputs = tuple(known_now.get(id(x), x) for x in node.inputs)
        op = INLINED[node.op.forward] if id(node) in wanted else node.op
        known_now[id(node)] = replace(node, op=op, inputs=inputs)
    outputs = tuple(known_now.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def _scaled_rows(value: Value) -> tuple[Node, list[Value], list[str]] | None:
    """Return the scatter of rows that a value is a multiple of, with its factors."""
    factors: list[Value] = []
    signs: list[str] = []
    while isinstance(value, Node):
        if ours(value.op, {"scatter"}) and value.params["index"] == (SLOT,):
            return value, factors[::-1], signs[::-1]
        name, inputs = value.op.name, value.inputs
        if name == "negative":
            signs.append("negative")
            value = inputs[0]
        elif name in {"multiply", "divide"} and not shape_of(inputs[1]):
            factors.append(inputs[1])
            signs.append("/" if name == "divide" else "*")
            value = inputs[0]
        elif name == "multiply" and not shape_of(inputs[0]):
            factors.append(inputs[0])
            signs.append("*")
            value = inputs[1]
        else:
            return None
    return None


def with_distinct_rows(graph: Graph) -> Graph:
    """Return the graph with sums over distinct rows as sums of a number for each of them."""

    def change(node: Node) -> Value:
        if node.op is not sum_distinct:
            return node
        a, table, places = node.inputs
        while len(shape_of(a)) > len(shape_of(places)):
            aval = Aval(shape_of(a)[:-1], dtype_of(a))
            a = Node(_named("sum"), (a,), {"axis": len(aval.shape)}, aval, node.site)
        return replace(node, inputs=(a, table, places))

    return mapped(graph, change)


def with_copies(graph: Graph, n_carry: int | None = None) -> Graph:
    """Return the graph with copies of views where an array is needed: products, results.

    The second operand of a product is no transpose then.

    Parameters
    ----------
    graph : Graph
    n_carry : int, optional
        Of a sweep's step: its first outputs, which are written over its first inputs.
    """
    copied: dict[int, Value] = {}

    def copy(value: Value) -> Value:
        return copied.setdefault(id(value), Node(_named("positive"), (value,), {}, value.aval))

    def operand(value: Value, second: bool) -> Value:
        base, flipped = stored_operand(value)
        return copy(value) if is_virtual(base) or (second and flipped) else value

    def change(node: Node) -> Value:
        if node.op.forward is not np.matmul:
            return node
        a, b = node.inputs
        return replace(node, inputs=(operand(a, False), operand(b, True)))

    graph = mapped(graph, change)
    seen: set[int] = set()
    outputs: list[Value] = []
    for i, x in enumerate(graph.outputs):
        value = x
        own = n_carry is None or (i < n_carry and value is graph.inputs[i])
        if isinstance(value, Node):
            own = not is_virtual(value) and id(value) not in seen
        if not own:
            value = copy(value)
            if id(value) in seen:
                value = Node(_named("positive"), (value,), {}, value.aval)
        seen.add(id(value))
        outputs.append(value)
    return Graph(graph.inputs, tuple(outputs), graph.takes, graph.gives)


def is_transposing(node: Node) -> bool:
    """Return whether a node copies a matrix that is stored, transposed."""
    if not ours(node.op, {"positive"}) and node.op is not _named("positive"):
        return False
    base, flipped = stored_operand(node.inputs[0])
    matrix = flipped and len(shape_of(node)) == 2
    return matrix and not is_virtual(base) and dtype_of(node).kind == "f"


def with_known_sums(graph: Graph) -> Graph:
    """Return the graph with the sum of a row in which one number was put as that number."""

    def change(node: Node) -> Value:
        put = node.inputs[0] if node.inputs else node
        if not ours(node.op, {"sum"}) or not isinstance(put, Node) or not shape_of(node):
            return node
        last = len(shape_of(put)) - 1
        if not ours(put.op, {"scatter_along_axis"}) or put.params["axis"] not in (-1, last):
            return node
        a, places, _ = put.inputs
        along = node.params.get("axis") in (-1, last) and node.params.get("keepdims")
        if not along or shape_of(a)[-1] != 1 or shape_of(places)[-1] != 1:
            return node
        return a if a.aval == node.aval else node

    return mapped(graph, change)


def with_plain_products(graph: Graph) -> Graph:
    """Return the graph with sums of products over any axes as products of two matrices."""

    def change(node: Node) -> Value:
        if not ours(node.op, {"tensordot"}) or dtype_of(node).kind == "c":
            return node
        (a, b), (along_a, along_b) = node.inputs, node.params["axes"]
        left, right = _turned(_as_matrix(a, along_a)), _as_matrix(b, along_b)
        aval = Aval((shape_of(left)[0], shape_of(right)[1]), dtype_of(node))
        product = Node(_named("matmul"), (left, right), {}, aval, node.site)
        return _shaped(product, shape_of(node))

    return mapped(graph, change)


def _as_matrix(value: Value, rows: Sequence[int]) -> Value:
    """Return a value as a matrix: along some of its axes run rows, along the others columns."""
    shape = shape_of(value)
    order = (*rows, *(i for i in range(len(shape)) if i not in rows))
    if order != tuple(range(len(shape))):
        aval = Aval(tuple(shape[i] for i in order), dtype_of(value))
        value = Node(_named("transpose"), (value,), {"axes": order}, aval)
    columns = order[len(rows) :]
    sides = (math.prod(shape[i] for i in axes) for axes in (rows, columns))
    return _shaped(value, tuple(sides))


def _turned(matrix: Value) -> Value:
    aval = Aval(shape_of(matrix)[::-1], dtype_of(matrix))
    return Node(_named("transpose"), (matrix,), {}, aval)


def _shaped(value: Value, shape: tuple[int, ...]) -> Value:
    """Return a value in another shape, the length of whose first axis may vary."""
    if shape == shape_of(value):
        return value
    params = {"shape": (-1, *shape[1:]) if shape else ()}
    return Node(_named("reshape"), (value,), params, Aval(shape, dtype_of(value)))


def with_outer_products(graph: Graph) -> Graph:
    """Return the graph with products of a column and a row as products of elements.

    And the sum of the squares of such a product, as in the norm of a single example's gradient, as
    the product of two short sums: the product itself is not needed for it.
    """

    def change(node: Node) -> Value:
        if node.op.forward is np.matmul and len(shape_of(node)) == 2:
            a, b = node.inputs
            if shape_of(a)[-1:] == (1,) and len(shape_of(a)) == len(shape_of(b)) == 2:
                return Node(_named("multiply"), (a, b), {}, node.aval, node.site)
        square = node.inputs[0] if ours(node.op, {"sum"}) and not shape_of(node) else node
        if square is node or not isinstance(square, Node) or square.op.name != "square":
            return node
        outer = square.inputs[0]
        if not isinstance(outer, Node) or outer.op.name != "multiply":
            return node
        shapes = [shape_of(x) for x in outer.inputs]
        if shapes != [(shape_of(outer)[0], 1), (1, shape_of(outer)[-1])]:
            return node
        return Node(_named("multiply"), tuple(map(squares, outer.inputs)), {}, node.aval, node.site)

    def squares(value: Value) -> Value:
        squared = Node(_named("square"), (value,), {}, value.aval)
        return Node(_named("sum"), (squared,), {"axis": None}, Aval((), dtype_of(value)))

    return mapped(graph, change)


def with_turned_outputs(graph: Graph) -> Graph:
    """Return the graph with the transpose of a product of elements as one of transposes.

    So the gradient of a weight for a single row is written where it belongs at once.
    """

    def turned(value: Value) -> Value:
        shape = shape_of(value)
        if not shape:
            return value
        aval = (
            Aval(shape[::-1], dtype_of(value))
            if len(shape) == 2
            else Aval((*shape, 1), dtype_of(value))
        )
        if len(shape) == 1:
            return Node(gather, (value,), {"index": Index((..., None))}, aval)
        return Node(_named("transpose"), (value,), {}, aval)

    def change(value: Value) -> Value:
        inner = value.inputs[0] if isinstance(value, Node) and value.inputs else value
        if not isinstance(inner, Node) or inner.op.name != "multiply" or len(shape_of(inner)) != 2:
            return value
        if stored_operand(value) != (inner, True):
            return value
        return Node(inner.op, tuple(map(turned, inner.inputs)), {}, value.aval, inner.site)

    outputs = tuple(map(change, graph.outputs))
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def with_one_exponential(graph: Graph) -> Graph:
    """Return the graph with ``exp(x - top - total)`` as ``exp(x - top) * exp(-total)``.

    Where the first factor is known already, as in the gradient of a log-softmax, an exponential a
    row is left of one an element.
    """
    known: dict[int, Node] = {}

    def change(node: Node) -> Value:
        inner = node.inputs[0] if node.inputs else node
        if node.op.name != "exp" or not isinstance(inner, Node) or inner.op.name != "subtract":
            return node
        x, total = inner.inputs
        first = known.get(id(x))
        if first is None or not _is_shift(x) or shape_of(total)[-1:] != (1,):
            return node
        minus = Node(_named("negative"), (total,), {}, total.aval, node.site)
        factor = Node(_named("exp"), (minus,), {}, total.aval, node.site)
        return Node(_named("multiply"), (first, factor), {}, node.aval, node.site)

    def remember(node: Node) -> Value:
        new = change(node)
        if isinstance(new, Node) and new.op.name == "exp":
            known[id(new.inputs[0])] = new
        return new

    return mapped(graph, remember)


def _is_shift(value: Value) -> bool:
    """Return whether a value is at most zero: what the largest of its row was taken from."""
    if not isinstance(value, Node) or value.op.name != "subtract":
        return False
    top = value.inputs[1]
    while isinstance(top, Node) and top.op.name == "where":
        top = top.inputs[2]
    return isinstance(top, Node) and top.op.name == "max" and top.inputs[0] is value.inputs[0]
