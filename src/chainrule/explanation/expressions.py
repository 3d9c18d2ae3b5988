"""Operations written in the names of the user's variables: ``z = w @ x + b``."""

from __future__ import annotations

import os
from string import Formatter
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Variable
from chainrule.explanation.numbers import dimensions, number
from chainrule.graph import Op
from chainrule.graph.site import is_library

_BINARY = {
    "add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2),
    "matmul": ("@", 2), "power": ("**", 4), "remainder": ("%", 2), "floor_divide": ("//", 2),
}  # fmt: skip
_PREFIX = 3

# The derivative of an op's result by each of its inputs, where it is short: {0}, {1} are the
# inputs, {y} is the result, {d} its delta.
_RULES: dict[str, tuple[str, ...]] = {
    "add": ("{d}", "{d}"),
    "subtract": ("{d}", "-{d}"),
    "multiply": ("{d} * {1}", "{d} * {0}"),
    "divide": ("{d} / {1}", "-{d} * {0} / {1}**2"),
    "negative": ("-{d}",),
    "exp": ("{d} * {y}",),
    "log": ("{d} / {0}",),
    "log1p": ("{d} / (1 + {0})",),
    "sqrt": ("{d} / (2 * {y})",),
    "square": ("2 * {d} * {0}",),
    "power": ("{d} * {1} * {0}**({1} - 1)", "{d} * {y} * log({0})"),
    "tanh": ("{d} * (1 - {y}**2)",),
    "sigmoid": ("{d} * {y} * (1 - {y})",),
    "relu": ("{d} where {0} > 0, else 0",),
    "maximum": ("{d} where {0} > {1}", "{d} where {1} > {0}"),
    "softmax": ("{y} * ({d} - sum({d} * {y}))",),
    "log_softmax": ("{d} - exp({y}) * sum({d})",),
    "softmax_cross_entropy": ("{d} * (softmax({0}) - {1})", "-{d} * log_softmax({0})"),
    "sigmoid_cross_entropy": ("{d} * (sigmoid({0}) - {1})", "-{d} * {0}"),
    "sum": ("{d}, repeated",),
    "mean": ("{d} / {n}, repeated",),
    "transpose": ("{d}.T",),
    "reshape": ("{d}, reshaped",),
    "gather": ("{d}, each number at the place it was taken from",),
    "take_along_axis": ("{d}, each number at the place it was taken from",),
    "absolute": ("{d} * sign({0})",),
    "sin": ("{d} * cos({0})",),
    "cos": ("-{d} * sin({0})",),
}
_PRODUCTS = {
    (1, 1): ("{d} * {1}", "{d} * {0}"),
    (2, 1): ("outer({d}, {1})", "{0}.T @ {d}"),
    (1, 2): ("{1} @ {d}", "outer({0}, {d})"),
    (2, 2): ("{d} @ {1}.T", "{0}.T @ {d}"),
}


def operand(account: Account, x: Any) -> str:
    """Return how an operand of an op is called."""
    if isinstance(x, Variable):
        return x.name
    for array in (x, x.base) if isinstance(x, np.ndarray) else ():
        if id(array) in account.constants:
            return account.constants[id(array)]
    if np.ndim(x):
        return f"<{np.result_type(x)} {dimensions(x)}>"
    return number(x, 6) if not isinstance(x, bool) else str(x)


def expression(account: Account, v: Variable) -> str:
    """Return what was computed, such as ``w @ x`` or ``sum(v1, axis=0)``."""
    op = v.op
    if op is None:
        return ""
    words = [operand(account, x) for x in v.operands]
    if op.name in _BINARY and len(words) == 2:
        return f"{words[0]} {_BINARY[op.name][0]} {words[1]}"
    if op.name == "negative":
        return f"-{words[0]}"
    if op.name == "transpose" and v.tensor.params.get("axes") is None:
        return f"{words[0]}.T"
    if op.name == "gather" and len(words) == 1:
        return f"{words[0]}{v.tensor.params['index']!r}"
    if op.name == "pick":
        return f"{words[0]}[{v.tensor.params['index']}]"
    settings = [f"{name}={param!r:.40}" for name, param in v.tensor.params.items()]
    return f"{op.name}({', '.join([*words, *settings])})"


def rule(account: Account, use: Variable, position: int) -> str:
    """Return the product that an input receives, in the names of the variables."""
    assert use.op is not None
    form = _form(use, position)
    if not form:
        return f"the rule of {use.op.name}{_summary(use.op)}"
    words = [_held(operand(account, x)) for x in use.operands]
    size = np.size(_value(use.operands[0])) // max(np.size(use.value), 1)
    return form.format(*words, y=use.name, d=delta_name(use), n=size)


def read(use: Variable, position: int) -> list[Variable]:
    """Return the variables whose values the product of `rule` has in it."""
    fields = {name for _, name, _, _ in Formatter().parse(_form(use, position)) if name}
    operands = [x for i, x in enumerate(use.operands) if str(i) in fields]
    return [x for x in operands if isinstance(x, Variable)] + [use] * ("y" in fields)


def _form(use: Variable, position: int) -> str:
    """Return the derivative as it is written with placeholders; empty if that is not known."""
    op = use.op
    assert op is not None
    forms = _RULES.get(op.name, ())
    if op.forward is np.matmul:
        forms = _PRODUCTS.get(tuple(np.ndim(_value(x)) for x in use.operands), ())  # type: ignore[arg-type]
    return forms[position] if position < len(forms) else ""


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else x


def _held(word: str) -> str:
    return f"({word})" if word.startswith("-") else word


def _summary(op: Op) -> str:
    """Return the first sentence of an op's documentation."""
    text = " ".join((op.__doc__ or "").split("\n\n")[0].split())
    return f": {text.rstrip('.')}" if text else ""


def delta_name(v: Variable) -> str:
    """Return the name of a variable's delta in the text of an explanation."""
    return f"δ_{v.name}"


def place(v: Variable) -> str:
    """Return the user's file and line that made a variable; nothing for a leaf of a function."""
    file, line = v.tensor.site
    if v.op is None or is_library(file):
        return ""
    return f"{os.path.basename(file)}:{line}"
