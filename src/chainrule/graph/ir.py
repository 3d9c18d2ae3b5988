"""`Graph`: a program of ops as a value that prints, hashes and runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.aval import Array, Aval
from chainrule.graph.op import Op, Recorded
from chainrule.graph.refusals import FAILURES, explained
from chainrule.graph.tree import LEAF, Structure, flatten, paths, unflatten


@dataclass(frozen=True, eq=False)
class Input:
    """A value that the graph is given."""

    name: str
    aval: Aval


@dataclass(frozen=True, eq=False)
class Constant:
    """A value that is part of the graph: a Python number or a read-only array."""

    value: Any

    @property
    def aval(self) -> Aval:
        """Shape and dtype."""
        return Aval.of(self.value)


@dataclass(frozen=True, eq=False)
class Node:
    """One application of an op."""

    op: Op
    inputs: tuple[Value, ...]
    params: Mapping[str, Any]
    aval: Aval | tuple[Aval, ...]
    site: tuple[str, int] | None = None
    name: str | None = None


Value: TypeAlias = Input | Constant | Node


def ordered(outputs: Iterable[Value]) -> list[Node]:
    """Return the nodes that the outputs need, each after its inputs."""
    done: set[int] = set()
    order: list[Node] = []
    stack: list[tuple[Value, bool]] = [(value, False) for value in reversed(list(outputs))]
    while stack:
        value, expanded = stack.pop()
        if not isinstance(value, Node):
            continue
        if expanded:
            order.append(value)
        elif id(value) not in done:
            done.add(id(value))
            stack.append((value, True))
            stack.extend((x, False) for x in reversed(value.inputs))
    return order


@dataclass(frozen=True, eq=False)
class Graph:
    """A program: inputs, nodes in an order that can be run, outputs.

    Running it with NumPy, one node after another, defines its result for every engine.

    Parameters
    ----------
    inputs : tuple of Input
    outputs : tuple of Input, Constant or Node
    takes, gives : Structure
        The trees of the arguments (as a tuple) and of the result.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> graph = cr.trace(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    >>> print(graph)
    graph(x: float64[2])
      v0 = multiply(x, x)  float64[2]
      v1 = sum(v0)  float64[]
      return v1
    >>> float(graph(np.array([3.0, 4.0])))
    25.0
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Value, ...]
    takes: Structure | None = None
    gives: Structure = LEAF
    nodes: tuple[Node, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(ordered(self.outputs)))

    def __call__(self, *args: Any) -> Any:
        """Run on arguments of the traced structure, or on one array for each input."""
        leaves, structure = flatten(args)
        if self.takes is not None and structure != self.takes:
            raise ShapeError(_other_structure(self.takes, structure))
        return unflatten(self.gives, self.evaluate(leaves))

    def evaluate(self, arrays: Sequence[Any]) -> list[Any]:
        """Interpret the graph: one array for each input, one result for each output.

        On tensors the ops are recorded, so that a graph can be differentiated like any function.
        """
        if len(arrays) != len(self.inputs):
            raise ShapeError(f"the graph takes {len(self.inputs)} arrays, not {len(arrays)}")
        values: dict[int, Any] = dict(zip(map(id, self.inputs), arrays, strict=True))
        last_use = {id(x): i for i, node in enumerate(self.nodes) for x in node.inputs}
        kept = {id(output) for output in self.outputs}
        recording = any(isinstance(array, Recorded) for array in arrays)

        def read(value: Value) -> Any:
            return value.value if isinstance(value, Constant) else values[id(value)]

        for i, node in enumerate(self.nodes):
            run = node.op if recording else node.op.forward
            operands = [read(x) for x in node.inputs]
            try:
                values[id(node)] = run(*operands, **node.params)
            except FAILURES as error:
                if recording:
                    raise  # explained already
                names = [None if isinstance(x, Constant) else x.name for x in node.inputs]
                raise explained(error, node.op, names, operands, node.params, node.site) from error
            for x in node.inputs:
                if last_use[id(x)] == i and id(x) not in kept:
                    values.pop(id(x), None)
        return [read(output) for output in self.outputs]

    def names(self) -> dict[int, str]:
        """Return a unique name for each input and node, by its identity."""
        names: dict[int, str] = {}
        taken: set[str] = set()
        for i, value in enumerate(self.inputs):
            name = value.name if value.name not in taken else f"{value.name}#{i}"
            taken.add(name)
            names[id(value)] = name
        names |= {id(node): f"v{i}" for i, node in enumerate(self.nodes)}
        return names

    def _lines(self, names: dict[int, str], written: Callable[[Any], str] = repr) -> Iterable[str]:
        def word(value: Value) -> str:
            if isinstance(value, Constant):
                return _constant_word(value.value)
            return names[id(value)]

        for node in self.nodes:
            params = (f"{name}={written(param)}" for name, param in node.params.items())
            words = [*map(word, node.inputs), *params]
            aval = node.aval if isinstance(node.aval, Aval) else ", ".join(map(str, node.aval))
            yield f"{names[id(node)]} = {node.op.name}({', '.join(words)})  {aval}"
        yield f"return {', '.join(map(word, self.outputs))}"

    def __str__(self) -> str:
        names = self.names()
        header = ", ".join(f"{names[id(x)]}: {x.aval}" for x in self.inputs)
        return "\n".join([f"graph({header})", *(f"  {line}" for line in self._lines(names))])

    def fingerprint(self) -> str:
        """Return a hash of the mathematics: equal programs have it equal, whatever their names."""
        names = {id(x): f"x{i}" for i, x in enumerate(self.inputs)}
        names |= {id(node): f"v{i}" for i, node in enumerate(self.nodes)}
        digest = hashlib.sha256()
        for text in (*(str(x.aval) for x in self.inputs), *self._lines(names, exact)):
            digest.update(text.encode() + b"\n")
        for value in self.constants():
            digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    def constants(self) -> list[Array]:
        """Return the arrays that are part of the graph, in order of use."""
        found = [x for node in self.nodes for x in node.inputs] + list(self.outputs)
        return [x.value for x in found if isinstance(x, Constant) and np.ndim(x.value)]


def _other_structure(wanted: Structure, given: Structure) -> str:
    """Say how the tree of the arguments differs from the traced one."""
    old, new = paths(wanted, "args"), paths(given, "args")
    lacking, strange = ([x for x in a if x not in b] for a, b in ((old, new), (new, old)))
    text = "the arguments have another structure than those traced"
    if lacking:
        text += f"; {', '.join(lacking)} are missing"
    if strange:
        text += f"; the graph knows no {', '.join(strange)}"
    if not lacking and not strange:
        text += ": their containers differ in class, or in what they hold beside arrays"
    return text


def exact(param: Any) -> str:
    """Return a text that tells params apart: the repr of an array leaves digits and numbers out."""
    if isinstance(param, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(param).tobytes()).hexdigest()
        return f"<{Aval.of(param)} {content}>"
    if type(param) in (tuple, list):
        return f"({', '.join(map(exact, param))})"
    return repr(param)


def _constant_word(value: Any) -> str:
    if np.ndim(value):
        return f"<{Aval.of(value)}>"
    return repr(value.item() if isinstance(value, np.generic) else value)
