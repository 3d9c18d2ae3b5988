"""`Writer`: what all that emits loops shares: names, lines, and how elements are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.engines.access import Access, Index
from chainrule.engines.axes import ONE, Axes, dtype_of, shape_of
from chainrule.engines.distinct import Group
from chainrule.engines.formulas import dtype_word
from chainrule.engines.frame import Frame
from chainrule.engines.loops import Loops, Step, is_sum
from chainrule.engines.schedule import EVERY, Schedule
from chainrule.graph import Graph, Node
from chainrule.graph.ir import Value

OWN_FUNCTIONS = ("exp", "log", "log1p", "tanh", "rank", "ranked")


@dataclass
class LoopSource:
    """Emitted loops and the arrays they take.

    Attributes
    ----------
    text : str
    stored : list of Node
        Nodes that are given memory to write to: buffers and results.
    rows : set of int
        Those of them, by identity, that are given one row for each thread only.
    outputs : list of Value
        Of a sweep: what each step returns beside the carry.
    """

    text: str = ""
    stored: list[Node] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    outputs: list[Value] = field(default_factory=list)


@dataclass
class Inner:
    """The innermost loop: the line that opens it, its depth, its index, positions found before."""

    line: int
    depth: int
    index: str
    known: dict[str, str] = field(default_factory=dict)


class Writer:
    """The lines of a program as far as they are written.

    Parameters
    ----------
    graph : Graph
    names : dict of int to str
        By identity of an input or an array constant, its name where it is read.
    loops : Loops
    schedule : Schedule
    frame : Frame
        Where arrays are found.
    """

    def __init__(
        self,
        graph: Graph,
        names: dict[int, str],
        loops: Loops,
        schedule: Schedule,
        frame: Frame,
    ) -> None:
        self.graph, self.names, self.loops, self.schedule = graph, names, loops, schedule
        self.frame = frame
        self.parallel = loops.parallel
        self.axes: Axes = loops.axes
        self.access = Access(
            self.axes, names, self.read, known=self.known, trusted=loops.access.trusted
        )
        self.source = LoopSource()
        self.numbers = {id(node): i for i, node in enumerate(graph.nodes)}
        self.places: dict[int, str] = {}
        self.divided: list[str] = []
        self.lines: list[str] = []
        self.scratch: list[str] = []
        self.depth = 1
        self.alive: set[int] = set()
        self.deferred: list[str] = []
        self.n_positions = 0
        self.inner: Inner | None = None
        self.step = Step(None)
        self.split = EVERY
        self.by_columns = False
        self.noted: set[int] = set()
        self.certain: set[int] = set()
        self.functions = {"flush_denormals", "restore_denormals"}

    def add(self, text: str, node: Node | None = None, meaning: str = "") -> None:
        """Append a statement; the user's line and its mathematics are its comment."""
        line = f"line {node.site[1]}" if node is not None and node.site else ""
        comment = ": ".join(filter(None, [line, meaning]))
        self.lines.append("    " * self.depth + text + (f"  # {comment}" if comment else ""))

    def address(self, value: Value, start: str) -> str:
        """Return the address of an element of what is stored, counted among all."""
        at = self.frame.address_of[self.name(value)]
        return at if start == "0" else f"{at} + {dtype_of(value).itemsize} * ({start})"

    def over(self, index: str, axis: int) -> None:
        """Open a loop over an axis."""
        self.add(f"for {index} in range({self.axes.length(axis)}):")
        self._opened(index)

    def _opened(self, index: str) -> None:
        self.inner = Inner(len(self.lines) - 1, self.depth, index)
        self.depth += 1

    def known(self, position: str) -> str:
        """Return a local variable for a position, found before the innermost loop if it can be."""
        inner = self.inner
        if inner is None or self.depth <= inner.depth or position.isidentifier():
            return position
        own = {inner.index, *(x.split(" = ")[0].strip() for x in self.lines[inner.line + 1 :])}
        if not own.isdisjoint(re.findall(r"\w+", position)):
            return position
        if position not in inner.known:
            word = inner.known[position] = f"d{self.n_positions}"
            self.n_positions += 1
            self.lines.insert(inner.line, f"{'    ' * inner.depth}{word} = {position}")
            inner.line += 1
        return inner.known[position]

    def over_part(self, index: str, axis: int, unsigned: bool = False) -> None:
        """Open a loop over an axis, or this thread's part of it."""
        if not self.is_divided(axis):
            self.over(index, axis)
            return
        low, high = self.part(axis)
        if unsigned:  # whose elements are found without asking if they are counted from the end
            low, high = f"np.uint64({low})", f"np.uint64({high})"
        self.add(f"for {index} in range({low}, {high}):")
        self._opened(index)

    def over_distinct(self, group: Group, tokens: Sequence[str], own: bool = True) -> None:
        """Open a loop over the distinct rows of a group, those of this thread or all of them.

        Row number `q` was first met at the place, among all, that is split into the tokens.
        """
        n = group.number
        self.add(f"for q in range(n_rows{n}):")
        self.depth += 1
        if own:
            self.if_own(f"row{n}[q]")
        self.add(f"w2 = at{n}[q]")
        self.split_place(group, tokens)

    def over_others(self, group: Group, tokens: Sequence[str]) -> None:
        """Open a loop over the places where the row at hand is met again."""
        self.add(f"w2 = next{group.number}[at{group.number}[q]]")
        self.add("while w2 >= 0:")
        self.depth += 1
        self.split_place(group, tokens)
        self.add("w1 = w2")
        self.add(f"w2 = next{group.number}[w1]")

    def split_place(self, group: Group, tokens: Sequence[str]) -> None:
        """Find the index along each axis of the place that is counted among all."""
        pairs = zip(tokens, self.axes.of(group.places), strict=True)
        items = [(token, axis) for token, axis in pairs if axis != ONE]
        place = "w2"
        for i, (token, axis) in reversed(list(enumerate(items))):
            length = self.axes.length(axis)
            self.add(f"{token} = {place} % {length}" if i else f"{token} = {place}")
            place = f"({place}) // {length}"
        self.inner = None

    def if_own(self, row: str) -> None:
        """Go on only if a row of a table is this thread's."""
        if self.parallel:
            self.functions.add("owners")
            self.add(f"if {row} & mask == thread:")
            self.depth += 1

    def is_divided(self, axis: int) -> bool:
        """Return whether this step's work is divided along an axis."""
        return self.parallel and axis == self.split

    def part(self, axis: int) -> tuple[str, str]:
        """Return where this thread's part of an axis begins and ends."""
        if not self.is_divided(axis):
            return "0", self.axes.length(axis)
        length = self.axes.length(axis)
        if length not in self.divided:
            self.divided.append(length)
            self.functions.add("share")
        i = self.divided.index(length)
        return f"lo{i}", f"hi{i}"

    def word(self, node: Node) -> str:
        """Return the local variable of a node."""
        return f"t{self.numbers[id(node)]}"

    def name(self, value: Value) -> str:
        """Return the array of a value that is stored."""
        if not isinstance(value, Node):
            return self.names[id(value)]
        return self.places.get(id(value)) or f"v{self.numbers[id(value)]}"

    def array(self, value: Value, index: Index) -> str:
        """Return an element of what is stored; a distinct row's is at the row's number."""
        group = self.schedule.distinct.stored.get(id(value))
        if group is not None:
            rest = index[len(shape_of(group.places)) :]
            return f"u{self.numbers[id(value)]}[{', '.join(['q', *rest])}]"
        if isinstance(value, Node) and id(value) in self.source.rows:
            return f"{self.name(value)}[{index[-1]}]"
        return f"{self.name(value)}[{', '.join(index)}]"

    def read(self, node: Node, index: Index) -> str:
        """Return an element of a computed node: a local variable, or from memory."""
        if not shape_of(node):
            return self.word(node)
        local = self.loops.own_row(node, index, self.step.outer) and id(node) in self.alive
        inner = self.loops.is_inner(node) and not is_sum(node)
        if local and (not inner or index[-1] == "j0"):
            return self.word(node)
        if id(node) in self.loops.remade:
            return f"({self.formula(node, index)})"
        return self.array(node, index)

    def formula(self, node: Node, index: Index) -> str:
        """Return an element's expression and note the functions that it calls."""
        if id(node) in self.certain:
            return self.calling(self.access.operand(node.inputs[1], index, dtype_of(node)))
        return self.calling(self.access.formula(node, index))

    def calling(self, text: str) -> str:
        """Return an expression; note the functions that it calls."""
        for name in OWN_FUNCTIONS:
            for bits in (32, 64):
                if f"{name}{bits}(" in text:
                    self.functions.add(f"{name}{bits}")
        return text

    def count(self, axes: Sequence[int], dtype: np.dtype[np.generic]) -> str:
        """Return the number of elements along axes, as a number of a dtype."""
        product = " * ".join(self.axes.length(a) for a in axes if a != ONE)
        return f"{dtype_word(dtype)}({product or 1})"


def padded(node: Value) -> int:
    """Return the length of a row's memory: rows of different threads share no cache line."""
    return -(-shape_of(node)[-1] // 32) * 32
