"""Products of matrices and of stacks of them, and transposes: by kernels, or by loops if small."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.engines.access import stored_operand
from chainrule.engines.axes import ONE, dtype_of, shape_of
from chainrule.engines.formulas import number
from chainrule.engines.writer import Writer
from chainrule.graph import Node

# Products of fewer multiplications than this are loops: calling a kernel costs as much. A length
# that is not written into the source counts as that of a common batch.
SMALL_PRODUCT, COMMON_LENGTH = 256, 32
SMALL_TRANSPOSE = 64


def emit_product(e: Writer, node: Node) -> None:
    """Multiply matrices; of stacks, one after another."""
    a, b = map(e.axes.of, node.inputs)
    stack = e.axes.of(node)[: max(len(a), len(b)) - 2]
    sizes = [e.axes.length(axes[i]) if len(axes) > 1 else "1" for axes, i in ((a, -2), (b, -1))]
    small = sizes[1] == "1" or _size((*sizes, e.axes.length(a[-1]))) < SMALL_PRODUCT
    if not shape_of(node):
        _of_vectors(e, node)
    elif small and not e.by_columns:
        _small_product(e, node, stack)
    elif stack and (len(b) > 2 or stored_operand(node.inputs[0])[1]):
        _one_by_one(e, node, stack)
    else:
        _of_rows(e, node)


def _size(lengths: tuple[str, ...]) -> int:
    return math.prod(int(x) if x.isdigit() else COMMON_LENGTH for x in lengths)


def _of_vectors(e: Writer, node: Node) -> None:
    a, b = node.inputs
    e.add(f"{e.word(node)} = {number(0, dtype_of(node))}", node)
    e.over("k0", e.axes.of(a)[0])
    e.add(f"{e.word(node)} += {e.access.element(a, ['k0'])} * {e.access.element(b, ['k0'])}")


def _small_product(e: Writer, node: Node, stack: Sequence[int]) -> None:
    """Multiply by loops, the innermost over what is contiguous."""
    a, b = node.inputs
    factor, zero = f"y{8 * dtype_of(node).itemsize}", number(0, dtype_of(node))
    a_axes, b_axes = e.axes.of(a), e.axes.of(b)
    own = [f"i{k}" for k in range(len(stack) + (len(a_axes) > 1))]
    for token, axis in zip(own, (*stack, *a_axes[-2:-1]), strict=True):
        e.over_part(token, axis) if token == "i0" else e.over(token, axis)
    columns = len(b_axes) > 1
    first = e.access.broadcast(a, [*own, "k0"])
    stacked = own[: len(stack)]
    if not columns or b_axes[-1] == ONE:
        end = ["0"] * columns
        e.add(f"{factor} = {zero}", node)
        e.over("k0", a_axes[-1])
        e.add(f"{factor} += {first} * {e.access.broadcast(b, [*stacked, 'k0', *end])}")
        e.depth -= 1
        e.add(f"{e.array(node, [*own, *end])} = {factor}")
        return
    out = e.array(node, [*own, "j0"])
    e.over("j0", b_axes[-1])
    e.add(f"{out} = {zero}", node)
    e.depth -= 1
    e.over("k0", a_axes[-1])
    e.add(f"{factor} = {first}")
    e.over("j0", b_axes[-1])
    e.add(f"{out} += {factor} * {e.access.broadcast(b, [*stacked, 'k0', 'j0'])}")


def _of_rows(e: Writer, node: Node) -> None:
    """Multiply a matrix by another, or the rows of all matrices of a stack."""
    a = e.axes.of(node.inputs[0])
    terms, columns = e.axes.length(a[-1]), e.axes.length(e.axes.of(node)[-1])
    rows = " * ".join(map(e.axes.length, a[:-1])) or "1"
    start, first, into = "0", "0", "0"
    if e.by_columns:
        first, high = e.part(e.axes.of(node)[1])
        _kernel(e, node, (rows, f"{high} - {first}", terms), ("0", first, first))
        return
    if len(a) > 1 and e.is_divided(e.axes.of(node)[0]):
        low, high = e.part(e.axes.of(node)[0])
        inner = "".join(f" * {e.axes.length(axis)}" for axis in a[1:-1])
        rows = f"({high} - {low}){inner}"
        turned = stored_operand(node.inputs[0])[1]
        start = low if turned else f"{low}{inner} * {terms}"
        into = f"{low}{inner} * {columns}"
    _kernel(e, node, (rows, columns, terms), (start, first, into))


def _one_by_one(e: Writer, node: Node, stack: Sequence[int]) -> None:
    """Multiply the matrices of stacks."""
    tokens = [f"i{k}" for k in range(len(stack))]
    for token, axis in zip(tokens, stack, strict=True):
        e.over_part(token, axis) if token == "i0" else e.over(token, axis)
    axes = [e.axes.of(x) for x in (*node.inputs, node)]
    sizes = [list(map(e.axes.length, x[len(x[:-2]) :])) for x in axes]
    rows = sizes[0][0] if len(axes[0]) > 1 else "1"
    ranks = [len(axes[0][:-2]), len(axes[1][:-2]), len(stack)]
    starts = []
    for own, rank, size in zip(axes, ranks, sizes, strict=True):
        place = "0"
        for token, axis in zip(tokens[len(stack) - rank :], own[:rank], strict=True):
            if axis != ONE:
                place = token if place == "0" else f"({place}) * {e.axes.length(axis)} + {token}"
        starts.append(place if place == "0" else " * ".join([f"({place})", *size]))
    _kernel(e, node, (rows, sizes[1][1], sizes[0][-1]), starts)


def _kernel(e: Writer, node: Node, sizes: tuple[str, str, str], starts: Sequence[str]) -> None:
    """Call the kernel for so many rows, columns and terms, from such elements on."""
    (a, turned), (b, _) = (stored_operand(x) for x in node.inputs)
    bits, (rows, columns, terms) = 8 * dtype_of(node).itemsize, sizes
    e.functions.add(f"product{bits}")
    width = e.axes.length(e.axes.of(node)[-1])
    steps = ("1", _n_rows(e, node)) if turned else (terms, "1")
    at = [e.address(x, start) for x, start in zip((a, b, node), starts, strict=True)]
    e.add(
        f"product{bits}(frame[{bits // 64}], {rows}, {columns}, {terms}, {at[0]}, {steps[0]}, "
        f"{steps[1]}, {at[1]}, {width}, {number(0, dtype_of(node))}, {at[2]}, {width})",
        node,
        e.name(node) + f" = {e.name(a)}{'.T' * turned} @ {e.name(b)}",
    )


def _n_rows(e: Writer, node: Node) -> str:
    """Return how many rows each left operand of a product has."""
    return e.axes.length(e.axes.of(node.inputs[0])[-2])


def emit_transpose(e: Writer, node: Node) -> None:
    """Copy a matrix transposed."""
    source, _ = stored_operand(node.inputs[0])
    rows, columns = map(e.axes.length, e.axes.of(node))
    first = e.axes.of(node)[0]
    if _size((rows, columns)) < SMALL_TRANSPOSE and not e.by_columns:
        e.over_part("i0", first)
        e.over("j0", e.axes.of(node)[1])
        element = e.access.element(node.inputs[0], ["i0", "j0"])
        e.add(f"{e.array(node, ['i0', 'j0'])} = {element}", node)
        return
    bits = 8 * dtype_of(node).itemsize
    e.functions.add("transpose")
    taken, given, start, into = columns, rows, "0", "0"
    low, high = e.part(e.axes.of(node)[1] if e.by_columns else first)
    if e.by_columns:
        taken, start, into = f"{high} - {low}", f"{low} * {rows}", low
    elif low != "0":
        given, start, into = f"{high} - {low}", low, f"{low} * {columns}"
    e.add(
        f"transpose(frame[{2 + bits // 64}], {taken}, {given}, {e.address(source, start)}, {rows}, "
        f"{e.address(node, into)}, {columns})",
        node,
        f"{e.name(node)} = {e.name(source)}.T",
    )
