"""The steps of one node: tables, joined arrays, sums over rows; products are in `emit_products`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.engines.axes import ONE, dtype_of, shape_of
from chainrule.engines.distinct import Group
from chainrule.engines.emit_products import emit_product, emit_transpose
from chainrule.engines.emit_rows import divide, gather_term, guarded, initial, own_axes, total
from chainrule.engines.formulas import number
from chainrule.engines.loops import is_join, is_sum, is_table
from chainrule.engines.plan import ours
from chainrule.engines.prepare import is_transposing, update_rows
from chainrule.engines.writer import Writer
from chainrule.graph import Node
from chainrule.graph.ir import Value
from chainrule.ops.rows import sum_distinct, sum_equal_rows


def emit_alone(e: Writer, node: Node) -> None:
    """Emit the step of one node."""
    if node.op.forward is np.matmul:
        emit_product(e, node)
    elif is_transposing(node):
        emit_transpose(e, node)
    elif node.op is update_rows:
        _update(e, node)
    elif node.op is sum_equal_rows:
        _equal_rows(e, node)
    elif node.op is sum_distinct:
        _sum_distinct(e, node)
    elif is_table(node):
        _table(e, node)
    elif is_join(node):
        _join(e, node)
    elif is_sum(node):
        _sum(e, node)
    else:
        _words(e, node)


def _sum(e: Writer, node: Node) -> None:
    """Sum over rows; several threads have a part of the columns each."""
    base = e.depth
    axes = own_axes(e, node)
    if shape_of(node):
        _over_columns(e, axes)
    e.add(f"{total(e, node)} = {initial(node)}", node)
    e.depth = base
    operand = node.inputs[0]
    for token, axis in zip(e.loops.tokens(operand), e.axes.of(operand), strict=True):
        if token == "0":
            continue
        if e.is_divided(axis):
            e.over_part(token, axis, unsigned=True)
        else:
            e.over(token, axis)
    gather_term(e, node)
    e.depth = base
    if node.op.name == "mean":
        divide(e, node, axes)


def _over_columns(e: Writer, axes: list[tuple[str, int]]) -> None:
    for token, axis in axes:
        e.over_part(token, axis, unsigned=True)


def _row(e: Writer, table: Value, places: Value, tokens: list[str]) -> str:
    """Return the row of a table that values go to."""
    word = e.access.broadcast(places, tokens[: len(shape_of(places))])
    if id(places) in e.access.trusted:
        return word
    return e.access.from_start(word, dtype_of(places), _table_length(e, table))


def _join(e: Writer, node: Node) -> None:
    """Copy arrays one behind the other."""
    base, joined = e.depth, node.params["axis"] % len(shape_of(node))
    along = e.axes.of(node)[joined]
    before: list[str] = []
    for x in node.inputs:
        start = " + ".join(before) or "0"
        tokens, axes = e.loops.join_tokens(node, x), e.axes.of(x)
        for i, (token, axis) in enumerate(zip(tokens, axes, strict=True)):
            if i == joined and e.is_divided(along):
                _over_some(e, token, axis, start, along)
            elif axis != ONE:
                e.over_part(token, axis) if token == "i0" else e.over(token, axis)
        index = [f"{t} + {start}" if i == joined else t for i, t in enumerate(tokens)]
        e.add(f"{e.array(node, index)} = {e.access.operand(x, tokens, dtype_of(node))}", node)
        e.depth = base
        before.append(e.axes.length(axes[joined]))


def _over_some(e: Writer, token: str, axis: int, start: str, along: int) -> None:
    """Open a loop over those elements of a part whose places in the whole are this thread's."""
    low, high = e.part(along)
    if axis == ONE:
        e.add(f"if {low} <= {start} < {high}:")
        e.depth += 1
        return
    last = f"min({high} - ({start}), {e.axes.length(axis)})"
    e.add(f"for {token} in range(max({low} - ({start}), 0), {last}):")
    e.depth += 1


def _table(e: Writer, node: Node) -> None:
    """Add rows into a table of zeros, in order."""
    base = e.depth
    a, _, places = node.inputs
    tokens = [f"p{i}" for i in range(len(shape_of(a)))]
    n_places = len(shape_of(places))
    zeros = [f"q{i}" for i in range(len(shape_of(node)))]
    for token, axis in zip(zeros, e.axes.of(node), strict=True):
        e.over_part(token, axis) if token == "q0" else e.over(token, axis)
    e.add(f"{e.array(node, zeros)} = {number(0, dtype_of(node))}", node)
    e.depth = base
    for token, axis in zip(tokens[:n_places], e.axes.of(a), strict=False):
        e.over(token, axis)
    e.add(f"w0 = {_row(e, node, places, tokens)}", node)
    first = e.axes.of(node)[0]
    if e.is_divided(first):
        low, high = e.part(first)
        e.add(f"if {low} <= w0 < {high}:")
        e.depth += 1
    for token, axis in zip(tokens[n_places:], e.axes.of(a)[n_places:], strict=True):
        e.over(token, axis)
    e.add(f"{e.array(node, ['w0', *tokens[n_places:]])} += {e.access.element(a, tokens)}")


def _update(e: Writer, node: Node) -> None:
    """Add to rows of a table, each thread to those whose numbers are its own."""
    base = e.depth
    table, a, places, *factors = node.inputs
    tokens = _row_tokens(e, places, a)
    n_places = len(shape_of(places))
    *signs, last = node.params["signs"]
    if id(node) not in e.schedule.over:
        _copy_table(e, node, table)
        e.depth = base
    for sign, factor in zip(signs, factors, strict=True):
        if sign == "if":
            e.add(f"if {e.access.element(factor, [])}:", node)
            e.depth += 1
    group = e.loops.distinct.group(node)
    if group is not None and id(node) in e.loops.distinct.updates:
        e.over_distinct(group, tokens[:n_places])
        e.add(f"w0 = row{group.number}[q]", node)
    else:
        for token, axis in zip(tokens[:n_places], e.axes.of(a), strict=False):
            e.over(token, axis)
        e.add(f"w0 = {_row(e, table, places, tokens)}", node)
        e.if_own("w0")
    for token, axis in zip(tokens[n_places:], e.axes.of(a)[n_places:], strict=True):
        e.over(token, axis)
    value = e.access.element(a, tokens)
    for sign, factor in zip(signs, factors, strict=True):
        if sign == "if":
            continue
        value = f"{value} {sign} {e.access.operand(factor, [], dtype_of(node))}"
    e.add(f"{e.array(node, ['w0', *tokens[n_places:]])} {last}= {value}")


def _row_tokens(e: Writer, places: Value, a: Value) -> list[str]:
    """Return the index of an element of values for rows that were looked up."""
    axes = e.axes.of(a)
    n_places = len(shape_of(places))
    return ["0" if axis == ONE and i < n_places else f"p{i}" for i, axis in enumerate(axes)]


def note_rows(e: Writer, group: Group) -> None:
    """Note which rows of a table an array of places means: each once, and where it is met.

    For each row there are its number in the table, the first place that means it, and from place
    to place the next.
    """
    if group.number in e.noted:
        return
    base, n, axes = e.depth, group.number, e.axes.of(group.places)
    e.noted.add(n)
    length = " * ".join(map(e.axes.length, axes))
    e.scratch.append(f"seen{n} = np.full({_table_length(e, group.table)}, -1, np.int32)")
    e.scratch += [
        f"{name}{n} = np.empty({length}, np.int32)" for name in ("row", "at", "next", "last")
    ]
    e.add(f"n_rows{n} = w2 = 0")
    tokens = [f"p{i}" for i in range(len(axes))]
    for token, axis in zip(tokens, axes, strict=True):
        e.over(token, axis)
    e.add(f"w0 = {_row(e, group.table, group.places, tokens)}")
    e.add(f"w1 = seen{n}[w0]")
    e.add("if w1 < 0:")
    for line in ("seen{}[w0] = w1 = w2", "row{0}[n_rows{0}] = w0", "at{0}[n_rows{0}] = w2",
                 "n_rows{} += 1"):  # fmt: skip
        e.add("    " + line.format(n))
    e.add("else:")
    e.add(f"    next{n}[last{n}[w1]] = w2")
    e.add(f"last{n}[w1] = w2")
    e.add(f"next{n}[w2] = -1")
    e.add("w2 += 1")
    e.depth = base
    e.add(f"for q in range(n_rows{n}):")
    e.add(f"    seen{n}[row{n}[q]] = -1")


def _table_length(e: Writer, table: Value) -> str:
    return e.axes.length(e.axes.of(table)[0])


def _equal_rows(e: Writer, node: Node) -> None:
    """Add up the rows that have the same place; if others are read too, copy the sum to them."""
    base = e.depth
    a, _, places = node.inputs
    group = e.loops.distinct.group(node)
    assert group is not None
    tokens = _row_tokens(e, places, a)
    own, rest = tokens[: len(shape_of(places))], tokens[len(shape_of(places)) :]
    first = [f"f{token[1:]}" if token != "0" else token for token in own]
    copied = id(node) not in e.loops.distinct.stored
    e.over_distinct(group, own)
    if copied:
        e.split_place(group, first)
    total = e.array(node, [*first, *rest])
    _row_statement(e, node, rest, f"{total} = {e.access.element(a, tokens)}")
    depth = e.depth
    e.over_others(group, own)
    test, value = guarded(e, a, tokens)
    if test:
        e.add(f"if {test}:")
        e.depth += 1
    _row_statement(e, node, rest, f"{total} += {value}")
    e.depth = depth
    if copied:
        e.over_others(group, own)
        _row_statement(e, node, rest, f"{e.array(node, tokens)} = {total}")
    e.depth = base


def _row_statement(e: Writer, node: Node, tokens: Sequence[str], text: str) -> None:
    """Do something for each element of a row."""
    depth = e.depth
    for token, axis in zip(tokens, e.axes.of(node)[-len(tokens) :], strict=False):
        e.over(token, axis)
    e.add(text, node)
    e.depth = depth


def _sum_distinct(e: Writer, node: Node) -> None:
    """Add up a number for each distinct row, in the order in which they were met."""
    a, _, places = node.inputs
    group = e.loops.distinct.group(node)
    assert group is not None
    tokens = _row_tokens(e, places, a)
    e.add(f"{e.word(node)} = {number(0, dtype_of(node))}", node)
    e.over_distinct(group, tokens, own=False)
    e.add(f"{e.word(node)} += {e.access.element(a, tokens)}")


def _copy_table(e: Writer, node: Node, table: Value) -> None:
    tokens = [f"q{i}" for i in range(len(shape_of(node)))]
    for token, axis in zip(tokens, e.axes.of(node), strict=True):
        e.over(token, axis)
    e.if_own("q0")
    e.add(f"{e.array(node, tokens)} = {e.array(table, tokens)}", node)


def _words(e: Writer, node: Node) -> None:
    """Put four series of random words into one array, word by word."""
    assert ours(node.op, {"in_shape"})
    like = node.inputs[4]
    flat, whole = f"u{e.numbers[id(node)]}", e.name(node)
    size = " * ".join(e.axes.length(a) for a in e.axes.of(like)) or "1"
    e.add(f"{flat} = {whole}.reshape({whole}.size)", node)
    for i, x in enumerate(node.inputs[:4]):
        e.add(f"for q0 in range(({size} - {i} + 3) // 4):")
        e.add(f"    {flat}[4 * q0 + {i}] = {e.access.element(x, ['q0'])}")
