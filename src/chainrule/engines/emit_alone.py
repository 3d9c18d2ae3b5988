"""The steps of one node: products, tables, joined arrays, sums over rows, random words."""

from __future__ import annotations

import numpy as np

from chainrule.engines.axes import ONE, dtype_of, shape_of
from chainrule.engines.emit_products import emit_product, emit_transpose
from chainrule.engines.emit_rows import divide, gather_term, initial, own_axes, total
from chainrule.engines.emit_tables import emit_table
from chainrule.engines.loops import is_join, is_sum
from chainrule.engines.plan import ours
from chainrule.engines.prepare import is_transposing
from chainrule.engines.writer import Writer
from chainrule.graph import Node


def emit_alone(e: Writer, node: Node) -> None:
    """Emit the step of one node."""
    if node.op.forward is np.matmul:
        emit_product(e, node)
    elif is_transposing(node):
        emit_transpose(e, node)
    elif is_join(node):
        _join(e, node)
    elif is_sum(node):
        _sum(e, node)
    elif not emit_table(e, node):
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
