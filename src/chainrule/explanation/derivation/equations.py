"""The equations of a derivation: each a small Graph over symbols, that is printed and evaluated.

A variable has a symbol if it is a leaf, if its name says something, or if it is used more than
once; all others are written out where they are used. The backward rules are plain NumPy, so that
run on symbols they are the formulas of the deltas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.autodiff.reverse import Part, fitted
from chainrule.explanation.account import Account, Variable
from chainrule.explanation.derivation.normal import N, needed, normal
from chainrule.explanation.derivation.simplify import DERIVATION_RULES, reason
from chainrule.explanation.layers import layers
from chainrule.graph import Graph, Kind, Tensor, rewrite
from chainrule.graph.tensor import leaf, pick
from chainrule.graph.trace import build
from chainrule.graph.tree import flatten
from chainrule.ops.activations import sigmoid
from chainrule.ops.probability import softmax

DELTA = "d "  # what the key of a delta begins with; the key of a variable is its name


@dataclass(eq=False)
class Equation:
    """A symbol and what it equals.

    Attributes
    ----------
    key : str
        The variable's name; for its delta, `DELTA` and that name.
    variable : Variable
    graph : Graph
        Over the keys of other symbols.
    reasons : list of str
        The simplifications that led to it.
    terms : list of Variable
        For a delta: the uses that it came from.
    made : array, optional
        The value of a left side that is no variable of the account.
    """

    key: str
    variable: Variable
    graph: Graph
    reasons: list[str] = field(default_factory=list)
    terms: Sequence[Variable] = ()
    made: Any = None

    @property
    def is_delta(self) -> bool:
        """Whether the left side is a delta."""
        return self.key.startswith(DELTA)

    @property
    def value(self) -> Any:
        """What the left side was in the account."""
        if self.made is not None:
            return self.made
        return self.variable.delta if self.is_delta else self.variable.value

    def evaluate(self, known: dict[str, Any]) -> Any:
        """Compute the right side from the values of the symbols."""
        return self.graph.evaluate([known[x.name] for x in self.graph.inputs])[0]


class System:
    """All equations of an account.

    Attributes
    ----------
    forward, backward : list of Equation
        In the order of computation.
    values : dict of str to array
        The value of every symbol.
    n : int
        Number of examples, if the rows of a batch are such; 0 otherwise.
    counted : int
        The same, if an axis of that length always counts the examples and nothing else is
        called N; 0 otherwise.
    aliases : dict of (op name, key) to key
        The symbol of an op's result on a symbol, such as that of ``softmax(z)``.
    outputs : dict of str to str
        For each symbol of probabilities that was made here, the key of their scores.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.n = _examples(account)
        n_is_free = all(v.name != "N" for v in account.variables)
        self.counted = self.n if n_is_free and _told_by_length(account, self.n) else 0
        self.values: dict[str, Any] = {}
        if self.counted:
            self.values[N] = np.asarray(self.n, account.loss.tensor.dtype)
        self.forward: list[Equation] = []
        self.backward: list[Equation] = []
        self.outputs: dict[str, str] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self._given = {v.name: v.value for v in account.variables if v.op is None and not v.wanted}
        self._symbols: dict[str, Tensor] = {}
        self._written: dict[int, Any] = {}
        self._deltas: dict[int, Any] = {}
        self._terms: dict[int, list[Variable]] = {}
        for v in account.variables:
            self._written[v.serial] = self._write(v)
        self._walk()

    def has_symbol(self, v: Variable) -> bool:
        """Return whether a variable stands for itself in the equations."""
        if v.is_bundle:
            return False
        return v.op is None or v.named or len(self.account.uses[v.serial]) > 1

    def next_symbol(self, v: Variable) -> Variable:
        """Return a variable, or what it is written out in, if it has no symbol."""
        while not self.has_symbol(v):
            v = self.account.uses[v.serial][-1]
        return v

    def _write(self, v: Variable) -> Any:
        """Return a variable's symbol, after noting its equation, or its formula."""
        if v.op is None:
            return self._symbol(v.name, v.value)
        self._note_probabilities(v)
        if v.op is pick:
            return self._operands(v)[0][v.tensor.params["index"]]
        formula = v.op(*self._operands(v), **v.tensor.params)
        if not self.has_symbol(v) or not isinstance(formula, Tensor):
            return formula
        self.forward.append(self._equation(v.name, v, formula))
        if len(v.operands) == 1 and isinstance(x := v.operands[0], Variable) and _by_rows(v):
            self.aliases[v.op.name, x.name] = v.name
        return self._symbol(v.name, v.value)

    def _note_probabilities(self, v: Variable) -> None:
        """Give the probabilities that a loss of scores works with a symbol of their own."""
        assert v.op is not None
        function = _PROBABILITIES.get(v.op.name)
        scores = v.operands[0] if v.operands else None
        if function is None or not isinstance(scores, Variable) or not self.has_symbol(scores):
            return
        if not _by_rows(v):
            return
        if (function.name, scores.name) in self.aliases:
            return
        key = f"{function.name}({scores.name})"
        formula = function(self._written[scores.serial])
        self.forward.append(self._equation(key, scores, formula))
        self.forward[-1].made = formula._value
        self._symbol(key, formula._value)
        self.aliases[function.name, scores.name] = key
        self.outputs[key] = scores.name

    def _operands(self, v: Variable) -> list[Any]:
        return [self._written[x.serial] if isinstance(x, Variable) else x for x in v.operands]

    def _symbol(self, key: str, value: Any) -> Tensor:
        self.values[key] = value
        self._symbols[key] = leaf(value, key, traced=True)
        return self._symbols[key]

    def _equation(
        self, key: str, v: Variable, formula: Any, terms: Sequence[Variable] = ()
    ) -> Equation:
        names, symbols = list(self._symbols), list(self._symbols.values())
        graph = build(symbols, names, [formula], flatten(symbols)[1], flatten([formula])[1])
        log: list[str] = []
        graph = rewrite(graph, DERIVATION_RULES, log)
        graph, more = normal(graph, self.aliases, self._given, self.counted)
        graph = rewrite(graph, DERIVATION_RULES, log)
        reasons = [r for line in log if (r := reason(line))] + more
        return Equation(key, v, needed(graph), list(dict.fromkeys(reasons)), terms)

    def _walk(self) -> None:
        loss = self.account.loss
        self._deltas[loss.serial] = np.ones_like(loss.value)[()]
        for v in self.account.backward:
            if v.serial not in self._deltas:
                continue
            g = self._deltas[v.serial]
            if v is not loss and self.has_symbol(v) and (v.wanted or v.op is not None):
                key = DELTA + v.name
                self.backward.append(self._equation(key, v, g, self._terms[v.serial]))
                g = self._symbol(key, v.delta)
            if v.op is not None:
                self._pull(v, g)

    def _pull(self, v: Variable, g: Any) -> None:
        """Send the delta of a variable, as a formula, on to its inputs."""
        for position, gx in self._rule(v, g):
            x = v.operands[position]
            if not isinstance(x, Variable) or x.delta is None:
                continue
            known = self._deltas.get(x.serial)
            self._deltas[x.serial] = gx if known is None else known + gx
            self._terms.setdefault(x.serial, []).append(v)

    def _rule(self, v: Variable, g: Any) -> list[tuple[int, Any]]:
        """Return the gradients that a variable sends to its inputs, as formulas."""
        op, operands, params = v.op, self._operands(v), v.tensor.params
        assert op is not None
        active = op.active(len(operands))
        if not active:  # nothing goes through, as through `stop_gradient`
            return []
        if op is pick:
            return [(0, Part({params["index"]: g}))]
        y = self._written[v.serial]
        found = op.vjp(g.filled(y) if op.outputs > 1 else g, y, *operands, **params)
        gradients = found if isinstance(found, (tuple, list)) else (found,)
        pairs = zip(active, gradients, strict=True)
        return [
            (i, fitted(gx, operands[i], op)) for i, gx in pairs if isinstance(operands[i], Tensor)
        ]


_PROBABILITIES = {
    "softmax_cross_entropy": softmax, "log_softmax": softmax, "sigmoid_cross_entropy": sigmoid,
}  # fmt: skip


def _by_rows(v: Variable) -> bool:
    """Return whether an op goes element by element, or along the last axis as a softmax does."""
    if v.op is None or (v.op.kind is not Kind.ELEMENTWISE and np.shape(v.value) == ()):
        return False
    settings = {k: x for k, x in v.tensor.params.items() if k != "axis"}
    axis = v.tensor.params.get("axis", -1)
    return not settings and axis in (-1, np.ndim(v.operands[0].value) - 1)


def _examples(account: Account) -> int:
    """Return the number of examples that the rows of the first layer's input are; 0 if none."""
    first = next(iter(layers(account)), None)
    if first is None or first.x is None or first.weight_first or np.ndim(first.x.value) != 2:
        return 0
    return len(first.x.value)


def _told_by_length(account: Account, n: int) -> bool:
    """Return whether only the first axis of a batch, and no axis of a parameter, is n long."""
    own = [
        np.shape(v.value)[0 if v.wanted else 1 :] for v in account.variables if not v.is_bundle
    ]  # fmt: skip
    return not any(n in lengths for lengths in own)
