"""Steps on rows of a table: added into zeros, added up where they are equal, updated in place."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.engines.axes import ONE, dtype_of, shape_of
from chainrule.engines.distinct import Group
from chainrule.engines.emit_rows import guarded
from chainrule.engines.formulas import number
from chainrule.engines.loops import is_table
from chainrule.engines.prepare import update_rows
from chainrule.engines.writer import Writer
from chainrule.graph import Node
from chainrule.graph.ir import Value
from chainrule.ops.rows import sum_distinct, sum_equal_rows


def emit_table(e: Writer, node: Node) -> bool:
    """Emit the step of one node if it is on rows of a table; return whether it is."""
    if node.op is update_rows:
        _update(e, node)
    elif node.op is sum_equal_rows:
        _equal_rows(e, node)
    elif node.op is sum_distinct:
        _sum_distinct(e, node)
    elif is_table(node):
        _table(e, node)
    else:
        return False
    return True


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
    group = e.schedule.distinct.group(node)
    if group is not None and id(node) in e.schedule.distinct.updates:
        e.over_distinct(group, tokens[:n_places])
        e.add(f"w0 = row{group.number}[q]", node)
    else:
        for token, axis in zip(tokens[:n_places], e.axes.of(a), strict=False):
            if token != "0":
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


def _equal_rows(e: Writer, node: Node) -> None:
    """Add up the rows that have the same place; if others are read too, copy the sum to them."""
    base = e.depth
    a, _, places = node.inputs
    group = e.schedule.distinct.group(node)
    assert group is not None
    tokens = _row_tokens(e, places, a)
    own, rest = tokens[: len(shape_of(places))], tokens[len(shape_of(places)) :]
    first = [f"f{token[1:]}" if token != "0" else token for token in own]
    copied = id(node) not in e.schedule.distinct.stored
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


def _sum_distinct(e: Writer, node: Node) -> None:
    """Add up a number for each distinct row, in the order in which they were met."""
    a, _, places = node.inputs
    group = e.schedule.distinct.group(node)
    assert group is not None
    tokens = _row_tokens(e, places, a)
    e.add(f"{e.word(node)} = {number(0, dtype_of(node))}", node)
    e.over_distinct(group, tokens, own=False)
    e.add(f"{e.word(node)} += {e.access.element(a, tokens)}")


def _row(e: Writer, table: Value, places: Value, tokens: list[str]) -> str:
    """Return the row of a table that values go to."""
    word = e.access.broadcast(places, tokens[: len(shape_of(places))])
    if id(places) in e.access.trusted:
        return word
    return e.access.from_start(word, dtype_of(places), _table_length(e, table))


def _row_tokens(e: Writer, places: Value, a: Value) -> list[str]:
    """Return the index of an element of values for rows that were looked up."""
    axes = e.axes.of(a)
    n_places = len(shape_of(places))
    return ["0" if axis == ONE and i < n_places else f"p{i}" for i, axis in enumerate(axes)]


def _row_statement(e: Writer, node: Node, tokens: Sequence[str], text: str) -> None:
    """Do something for each element of a row."""
    depth = e.depth
    for token, axis in zip(tokens, e.axes.of(node)[-len(tokens) :], strict=False):
        e.over(token, axis)
    e.add(text, node)
    e.depth = depth


def _table_length(e: Writer, table: Value) -> str:
    return e.axes.length(e.axes.of(table)[0])


def _copy_table(e: Writer, node: Node, table: Value) -> None:
    tokens = [f"q{i}" for i in range(len(shape_of(node)))]
    for token, axis in zip(tokens, e.axes.of(node), strict=True):
        e.over(token, axis)
    e.if_own("q0")
    e.add(f"{e.array(node, tokens)} = {e.array(table, tokens)}", node)
