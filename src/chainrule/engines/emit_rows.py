"""The loop over rows that computes the nodes of one step, pass by pass."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.engines.axes import ONE, dtype_of, reduced_axes, shape_of
from chainrule.engines.distinct import Group
from chainrule.engines.formulas import dtype_word, number
from chainrule.engines.loops import Step, is_sum, row_tokens
from chainrule.engines.writer import Writer
from chainrule.graph import Constant, Node
from chainrule.graph.ir import Value
from chainrule.ops.broadcast import sum_to

_START = {"sum": 0, "sum_to": 0, "mean": 0, "prod": 1}


def emit_rows(emitter: Writer, steps: Sequence[Step], distinct: Group | None = None) -> None:
    """Emit one loop over the first axis of steps, or that of one of them over distinct rows."""
    if distinct is None:
        Rows(emitter).emit(steps)
    else:
        Rows(emitter).emit_distinct(steps[0], distinct)


class Rows:
    """A loop over rows being emitted."""

    def __init__(self, emitter: Writer) -> None:
        self.e, self.step = emitter, Step(())
        self.loops, self.axes = emitter.loops, emitter.axes

    def emit(self, steps: Sequence[Step]) -> None:
        """Emit what comes before the loop, the loop, and what comes after it."""
        e, base = self.e, self.e.depth
        nodes = [node for step in steps for node in step.nodes]
        over_rows = [n for n in nodes if is_sum(n) and self.loops.along(n) in {"rows", "all"}]
        for node in over_rows:
            self._start(node)
            e.depth = base
        e.alive = set()
        only_axis = all(len(shape_of(self.loops.looped(node))) == 1 for node in nodes)
        (first, *_) = steps[0].outer or (ONE,)
        if first != ONE:
            e.over_part("i0", first, unsigned=only_axis)
        for step in steps:
            self._rows_of(step)
        self._flush()
        e.depth = base
        for node in over_rows:
            if node.op.name == "mean":
                divide(e, node, own_axes(e, node))
                e.depth = base

    def emit_distinct(self, step: Step, group: Group) -> None:
        """Emit a loop over the first of equal rows, of which each thread has its own."""
        e, base = self.e, self.e.depth
        self.step = e.step = step
        e.alive = set()
        e.over_distinct(group, row_tokens(step.outer or ()))
        self._passes(step)
        self._flush()
        e.depth = base

    def _rows_of(self, step: Step) -> None:
        """Emit a step's loops within the first, and its passes."""
        e, base = self.e, self.e.depth
        self.step = e.step = step
        inner = [n for n in step.nodes if is_sum(n) and self.loops.along(n) == "inner"]
        for node in inner:
            self._start(node)
            e.depth = base
        for k, axis in enumerate(step.outer or ()):
            if axis != ONE and k:
                e.over(f"i{k}", axis)
        self._passes(step)
        e.depth = base
        for node in inner:
            if node.op.name == "mean":
                divide(e, node, [x for x in own_axes(e, node) if x[0] != "i0"])
                e.depth = base

    def _passes(self, step: Step) -> None:
        """Emit what is computed for a row, pass by pass."""
        for stage in range(1 + max(map(self._pass_of, step.nodes))):
            now = [node for node in step.nodes if self._pass_of(node) == stage]
            for node in now:
                if not self.loops.is_inner(node):
                    self._row_statement(node)
            self._pass([node for node in now if self.loops.is_inner(node)])

    def _flush(self) -> None:
        """Emit the stores that had to wait until all was read."""
        for line in self.e.deferred:
            self.e.add(line)
        self.e.deferred.clear()

    def _pass_of(self, node: Node) -> int:
        along_row = is_sum(node) and self.loops.is_inner(node) and self.loops.along(node) == "row"
        return self.loops.stage[id(node)] - along_row

    def _start(self, node: Node) -> None:
        """Give a sum over rows its first value."""
        e = self.e
        if not shape_of(node):
            e.add(f"{e.word(node)} = {initial(node)}", node)
            return
        for token, axis in own_axes(e, node):
            if token != "i0":
                e.over(token, axis)
        e.add(f"{total(e, node)} = {initial(node)}", node)

    def _row_statement(self, node: Node) -> None:
        """Compute what a row has one of."""
        e = self.e
        if is_sum(node) and self.loops.along(node) != "row":
            gather_term(e, node)
            return
        text = term(e, node) if is_sum(node) else e.formula(node, self.loops.tokens(node))
        e.add(f"{e.word(node)} = {text}", node)
        self._keep(node)

    def _keep(self, node: Node) -> None:
        """Make a row's number known to what follows, and store it if that is wanted."""
        e = self.e
        e.alive.add(id(node))
        if id(node) in self.loops.stored:
            ndim = len(shape_of(node))
            rows = row_tokens(self.step.outer or ())
            tokens = self.loops.tokens(node) if not is_sum(node) else [*rows, "0"][:ndim]
            self._store(node, tokens)

    def _store(self, node: Node, tokens: Sequence[str]) -> None:
        line = f"{self.e.array(node, tokens)} = {self.e.word(node)}"
        if id(node) in self.e.schedule.over:
            self.e.deferred.append(line)
        else:
            self.e.add(line)

    def _pass(self, nodes: Sequence[Node]) -> None:
        """Run over the last axis of a row."""
        if not nodes:
            return
        e = self.e
        along = [n for n in nodes if is_sum(n) and self.loops.along(n) == "row"]
        for node in along:
            e.add(e.calling(f"{e.word(node)} = {_ranked(node, 'rank', initial(node))}"), node)
        waiting, e.deferred = e.deferred, []
        for axis in sorted({self.axes.of(self.loops.looped(node))[-1] for node in nodes}):
            own = [n for n in nodes if self.axes.of(self.loops.looped(n))[-1] == axis]
            depth = e.depth
            e.certain = self._guard(own)
            e.over("j0", axis)
            for node in own:
                if is_sum(node):
                    gather_term(e, node)
                else:
                    tokens = self.loops.tokens(node)
                    e.add(f"{e.word(node)} = {e.formula(node, tokens)}", node)
                    e.alive.add(id(node))
                    if id(node) in self.loops.stored:
                        self._store(node, tokens)
            self._flush()
            e.depth, e.certain = depth, set()
            e.alive -= {id(node) for node in own if not is_sum(node)}
        e.deferred = waiting
        for node in along:
            if node.op.name == "mean":
                e.add(f"{e.word(node)} /= {_count(e, node)}", node)
            elif _has_rank(node):
                e.add(e.calling(f"{e.word(node)} = {_ranked(node, 'ranked', e.word(node))}"))
            self._keep(node)

    def _guard(self, nodes: Sequence[Node]) -> set[int]:
        """Leave a pass out where all that it does is to add zeros to a sum over rows.

        Return the choices that are known to be made then, by identity.
        """
        e = self.e
        sums = [node for node in nodes if is_sum(node)]
        if len(sums) != 1 or any(id(x) in self.loops.stored for x in nodes if not is_sum(x)):
            return set()
        node, term = sums[0], sums[0].inputs[0]
        if self.loops.along(node) != "inner" or node.op.name not in {"sum", "sum_to"}:
            return set()
        test, _ = guarded(e, term, self.loops.tokens(term))
        if term not in nodes or not test:
            return set()
        e.add(f"if {test}:")
        e.depth += 1
        return {id(term)}


def guarded(e: Writer, value: Value, tokens: Sequence[str]) -> tuple[str, str]:
    """Return when an element of a row need not be zero, and what it is then.

    The condition is empty if there is none, or none of a whole row.
    """
    if isinstance(value, Node) and value.op.forward is np.where:
        condition, x, zero = value.inputs
        of_row = shape_of(condition)[-1:] == (1,) and shape_of(value)[-1] > 1
        if of_row and isinstance(zero, Constant) and not np.any(zero.value):
            test = e.access.operand(condition, tokens, np.dtype(bool))
            return test, e.access.operand(x, tokens, dtype_of(value))
    return "", e.access.element(value, tokens)


def initial(node: Node) -> str:
    """Return what a sum starts from."""
    dtype = dtype_of(node)
    if node.op.name in _START:
        return number(_START[node.op.name], dtype)
    return number(-math.inf if node.op.name == "max" else math.inf, dtype)


def own_axes(e: Writer, node: Node) -> list[tuple[str, int]]:
    """Return the indices and axes of a sum's own elements, those of length one aside."""
    operand = node.inputs[0]
    joined, axes = reduced_axes(node), e.axes.of(operand)
    pairs = zip(e.loops.tokens(operand), axes, strict=True)
    return [(t, a) for i, (t, a) in enumerate(pairs) if i not in joined and a != ONE and t != "0"]


def total(e: Writer, node: Node) -> str:
    """Return where a sum is gathered: a local variable, or memory for a sum over rows."""
    if not shape_of(node) or e.loops.along(node) == "row":
        return e.word(node)
    operand = node.inputs[0]
    joined, tokens = reduced_axes(node), e.loops.tokens(operand)
    gone = len(tokens) - len(shape_of(node))
    if gone and node.op is not sum_to:
        return e.array(node, [t for i, t in enumerate(tokens) if i not in joined])
    rest = enumerate(tokens[gone:], gone)  # of which some may be summed away and kept as ones
    return e.array(node, ["0" if i in joined else t for i, t in rest])


def _has_rank(node: Node) -> bool:
    """Return whether an extreme is found by ranks; a NaN among the smallest would be the last."""
    return node.op.name == "max" and dtype_of(node) in (np.float32, np.float64)


def _ranked(node: Node, function: str, word: str) -> str:
    return f"{function}{8 * dtype_of(node).itemsize}({word})" if _has_rank(node) else word


def gather_term(e: Writer, node: Node) -> None:
    """Add the element at hand to a sum."""
    where, what = total(e, node), term(e, node)
    if _has_rank(node) and e.loops.is_inner(node) and e.loops.along(node) == "row":
        word = f"m{e.numbers[id(node)]}"
        e.add(e.calling(f"{word} = {_ranked(node, 'rank', what)}"), node)
        e.add(f"{where} = {word} if {word} > {where} else {where}")
    elif node.op.name == "prod":
        e.add(f"{where} *= {what}", node)
    elif node.op.name in {"max", "min"}:
        sign = ">" if node.op.name == "max" else "<"
        e.add(f"{where} = {what} if {what} {sign} {where} or {what} != {what} else {where}")
    else:
        e.add(f"{where} += {what}", node)


def term(e: Writer, node: Node) -> str:
    """Return the element of a sum's operand that is at hand."""
    operand = node.inputs[0]
    word = e.access.element(operand, e.loops.tokens(operand))
    if dtype_of(operand) != dtype_of(node):
        return f"{dtype_word(dtype_of(node))}({word})"
    return word


def _count(e: Writer, node: Node) -> str:
    axes = e.axes.of(node.inputs[0])
    return e.count([axes[i] for i in reduced_axes(node)], dtype_of(node))


def divide(e: Writer, node: Node, axes: Sequence[tuple[str, int]]) -> None:
    """Turn sums over rows into means."""
    if shape_of(node):
        for token, axis in axes:
            e.over_part(token, axis) if e.is_divided(axis) else e.over(token, axis)
    e.add(f"{total(e, node)} /= {_count(e, node)}", node)
