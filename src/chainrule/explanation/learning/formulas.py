"""Formulas that a person types, read and computed without ever being run as code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.ops.activations import relu, sigmoid
from chainrule.ops.probability import softmax

_LONGEST, _DEEPEST, _LARGEST = 500, 40, 10_000  # characters, nesting, numbers of a result


def _limit(count: int) -> None:
    if count > _LARGEST:
        raise ArgumentError(f"a formula has {_LARGEST} numbers at most")


def _outer(a: Any, b: Any) -> Any:
    _limit(np.size(a) * np.size(b))
    return np.outer(a, b)


# What may be called, by how many inputs it has: a further one would be NumPy's `out`.
FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "exp": (np.exp, 1), "log": (np.log, 1), "ln": (np.log, 1), "sqrt": (np.sqrt, 1),
    "abs": (np.abs, 1), "sin": (np.sin, 1), "cos": (np.cos, 1), "tanh": (np.tanh, 1),
    "sigmoid": (sigmoid, 1), "relu": (relu, 1), "softmax": (softmax, 1), "sum": (np.sum, 1),
    "mean": (np.mean, 1), "sign": (np.sign, 1), "square": (np.square, 1), "dot": (np.dot, 2),
    "σ": (sigmoid, 1), "outer": (_outer, 2), "maximum": (np.maximum, 2), "minimum": (np.minimum, 2),
}  # fmt: skip
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.MatMult: np.matmul, ast.Pow: np.float_power,
}  # fmt: skip
_SPELLINGS = (
    ("−", "-"), ("·", "*"), ("×", "*"), ("⊙", "*"), ("^", "**"), ("δ_", "delta_"), ("ᵀ", ".T"),
    ("÷", "/"),
)  # fmt: skip


def spelt(text: str) -> str:
    """Return a text with the signs that Python has not replaced by those that it has.

    Examples
    --------
    >>> spelt("δ_z · wᵀ")
    'delta_z * w.T'
    """
    for old, new in _SPELLINGS:
        text = text.replace(old, new)
    return text


class Formula:
    """A formula of names, numbers, ``+ - * / ** @``, ``.T`` and a few functions.

    Parameters
    ----------
    text : str
        Such as ``"c * (1 - c) * x"``; ``^`` is a power, ``σ`` the sigmoid.

    Attributes
    ----------
    names : frozenset of str
        The variables in it.

    Raises
    ------
    ArgumentError
        If it is anything else; nothing in it is ever executed.

    Examples
    --------
    >>> float(Formula("2 * a^2").value({"a": 3.0}))
    18.0
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > _LONGEST:
            raise ArgumentError(f"a formula has {_LONGEST} characters at most, not {len(text)}")
        try:
            self._tree = ast.parse(spelt(text.strip()), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = getattr(error, "msg", "it is nested too deeply")
            raise ArgumentError(f"{_short(text)!r} is no formula: {reason}") from None
        names: set[str] = set()
        self._check(self._tree, names, 0)
        self.names = frozenset(names)

    def _check(self, node: ast.AST, names: set[str], depth: int) -> None:
        """Refuse whatever is not of the few kinds that a formula has."""
        if depth > _DEEPEST:
            raise ArgumentError(f"{_short(self.text)!r} is nested too deeply for a formula")
        inner: Sequence[ast.AST] = ()
        match node:
            case ast.Constant(value=int(number) | float(number)) if type(number) is not bool:
                if not abs(number) < 1e300:
                    raise ArgumentError(f"{_short(self.text)!r} has a number beyond 1e300")
            case ast.Name(id=name):
                names.add(name)
            case ast.BinOp(left=left, right=right) if type(node.op) in _OPERATORS:
                inner = left, right
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                inner = (operand,)
            case ast.Attribute(attr="T", value=value):
                inner = (value,)
            case ast.List(elts=[_, *_] as inner):
                pass
            case ast.Call(func=ast.Name(id=name), args=inner, keywords=[]):
                _check_call(name, len(inner))
            case _:
                raise ArgumentError(
                    f"{_short(self.text)!r} is no formula: it has a {type(node).__name__.lower()}, "
                    "and names, numbers, + - * / ** @, .T and functions are what there may be"
                )
        for child in inner:
            self._check(child, names, depth + 1)

    def value(self, known: Mapping[str, Any]) -> Any:
        """Compute the formula.

        Raises
        ------
        ArgumentError
            If a name is not known, or shapes do not fit.
        """
        lacking = sorted(self.names - set(known))
        if lacking:
            raise ArgumentError(
                f"{_short(self.text)!r}: there is no {lacking[0]!r}; there are {', '.join(known)}"
            )
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._compute(self._tree, known), np.float64)
        except (ValueError, TypeError, ArithmeticError, MemoryError) as error:
            raise ArgumentError(f"{_short(self.text)!r} cannot be computed: {error}") from None
        return found

    def _compute(self, node: ast.AST, known: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return known[node.id]
        if isinstance(node, ast.List):
            return np.stack([np.asarray(self._compute(item, known)) for item in node.elts])
        if isinstance(node, ast.UnaryOp):
            value = self._compute(node.operand, known)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.Attribute):
            return np.transpose(self._compute(node.value, known))
        if isinstance(node, ast.BinOp):
            function, inner = _OPERATORS[type(node.op)], [node.left, node.right]
        else:
            assert isinstance(node, ast.Call)
            assert isinstance(node.func, ast.Name)
            function, inner = FUNCTIONS[node.func.id][0], node.args
        found = function(*(self._compute(x, known) for x in inner))
        _limit(np.size(found))
        return found


def _check_call(name: str, count: int) -> None:
    if name not in FUNCTIONS:
        raise ArgumentError(
            f"a formula knows no function {_short(name)!r}; it knows {', '.join(sorted(FUNCTIONS))}"
        )
    if count != FUNCTIONS[name][1]:
        raise ArgumentError(f"{name} has {FUNCTIONS[name][1]} inputs in a formula, not {count}")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


_NUMBER = re.compile(r"[-+−]?\s*(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def decimals(text: str) -> int | None:
    """Return how many decimals a number is given with; None if it is no decimal number.

    Examples
    --------
    >>> decimals("0.71"), decimals("3/4")
    (2, None)
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2]:
        return None
    return len(match[1].partition(".")[2])
