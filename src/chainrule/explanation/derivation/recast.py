"""The forward pass in the words of the derivation: named functions instead of their definitions.

``1 / (1 + exp(-z))`` becomes the sigmoid and ``exp(z) / sum(exp(z))`` the softmax, so that the
derivation can use what is known of them. Every other op stays as it was written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Variable
from chainrule.explanation.derivation.normal import gathers, mapped, node_of, shape
from chainrule.explanation.names import name_variables
from chainrule.graph import REGISTRY, Aval, Constant, Graph, Input, Node, Tensor, rewrite
from chainrule.graph.ir import Value
from chainrule.graph.tensor import leaf
from chainrule.ops.rewrites import SIMPLIFY, STABILISE

_NAMED = ("1 / (1 + exp(-x))", "1 / (exp(-x) + 1)", "exponentials over their sum")
_TIDY = ("times one", "one times", "plus zero", "zero plus")
RULES = tuple(r for r in (*STABILISE, *SIMPLIFY) if r.name in _NAMED + _TIDY)


def recast(account: Account) -> tuple[Account, list[str]]:
    """Return the account of the same computation with named functions, and what was recognised.

    Arrays that are constants of the graph and have a name become leaves, not asked for.
    """
    graph, sources = as_graph(account)
    log: list[str] = []
    graph = rewrite(graph, RULES, log)
    found = _replayed(graph, sources, {v.serial for v in account.wanted})
    return found, [line.partition(": ")[2] for line in log if line.startswith("stabilise")]


def as_graph(account: Account) -> tuple[Graph, list[Variable | Any]]:
    """Return the forward pass as a Graph, and for each input its variable or its array.

    Classes that a loss picks by number are one-hot distributions in it.
    """
    values: dict[int, Value] = {}
    inputs: list[Input] = []
    sources: list[Variable | Any] = []

    def given(key: int, name: str, array: Any, source: Any) -> Value:
        made = values[key] = Input(name, Aval.of(array))
        inputs.append(made)
        sources.append(source)
        return made

    def value_of(x: Any) -> Value:
        if isinstance(x, Variable):
            return values[x.serial]
        if id(x) in account.constants and np.ndim(x):
            return values.get(-id(x)) or given(-id(x), account.constants[id(x)], x, x)
        return Constant(x)

    for v in account.variables:
        if v.op is None:
            given(v.serial, v.name, v.value, v)
            continue
        aval = tuple(map(Aval.of, v.value)) if v.is_bundle else Aval.of(v.value)
        operands = tuple(map(value_of, v.operands))
        name = v.name if v.named else None
        values[v.serial] = Node(v.op, operands, v.tensor.params, aval, v.tensor.site, name)
    graph = Graph(tuple(inputs), (values[account.loss.serial],))
    return _with_distributions(graph, sources, account), sources


def _with_distributions(graph: Graph, sources: list[Any], account: Account) -> Graph:
    """Return a graph in which a class that is picked by number is a one-hot distribution.

    ``-log_softmax(z)[y]`` becomes the cross-entropy of softmax(z) and the one-hot rows of y.
    """
    inputs = list(graph.inputs)
    taken = {x.name for x in inputs}
    onehot: dict[int, Input] = {}

    def rule(node: Node) -> Value:
        found = _picked(node)
        if found is None:
            return node
        logits, labels = found
        if id(labels) not in onehot:
            owner = labels if id(labels) in account.constants else labels.base
            name = account.constants.get(id(owner), "y")
            name = name if name not in taken else f"{name}_onehot"
            array = np.eye(shape(logits)[-1])[labels[..., 0]].astype(logits.aval.dtype)
            onehot[id(labels)] = Input(name, Aval.of(array))
            inputs.append(onehot[id(labels)])
            sources.append(array)
            taken.add(name)
        made = node_of(REGISTRY.by_name["softmax_cross_entropy"], logits, onehot[id(labels)])
        return replace(made, site=node.site, name=node.name)

    found = mapped(graph, rule)
    return Graph(tuple(inputs), found.outputs)


def _picked(node: Node) -> tuple[Any, Any] | None:
    """Return logits and labels, if a node is the negative log-softmax of the labelled classes."""
    if node.op.name != "negative" or not gathers(node.inputs[0], ..., 0):
        return None
    taken = node.inputs[0].inputs[0]  # type: ignore[union-attr]
    if not isinstance(taken, Node) or taken.op.name != "take_along_axis":
        return None
    log, labels = taken.inputs
    last = taken.params.get("axis") in (-1, len(shape(log)) - 1)
    if not last or not isinstance(log, Node) or log.op.name != "log_softmax":
        return None
    if log.params.get("axis", -1) != -1 or not isinstance(labels, Constant):
        return None
    return log.inputs[0], labels.value


def _replayed(graph: Graph, sources: list[Any], wanted: set[int]) -> Account:
    """Run a graph on tensors that carry its names, and return the account of that."""
    made: dict[int, Any] = {}
    asked: list[Tensor] = []
    for x, source in zip(graph.inputs, sources, strict=True):
        array = source.value if isinstance(source, Variable) else source
        made[id(x)] = leaf(array, x.name)
        if isinstance(source, Variable) and source.serial in wanted:
            asked.append(made[id(x)])
    for node in graph.nodes:
        operands = [x.value if isinstance(x, Constant) else made[id(x)] for x in node.inputs]
        made[id(node)] = node.op(*operands, **node.params)
        if node.name and isinstance(made[id(node)], Tensor):
            made[id(node)].name = node.name
    account = Account(made[id(graph.outputs[0])], asked)
    name_variables(account, {})
    return account
