"""Formulas that a person types, read and computed without ever being run as code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.ops.activations import relu, sigmoid
from chainrule.ops.probability import softmax

_LONGEST, _DEEPEST, _LARGEST = 500, 40, 10_000  # characters, nesting, numbers of a result

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "ln": np.log, "sqrt": np.sqrt, "abs": np.abs, "sin": np.sin,
    "cos": np.cos, "tanh": np.tanh, "sigmoid": sigmoid, "relu": relu, "softmax": softmax,
    "sum": np.sum, "mean": np.mean, "dot": np.dot, "outer": np.outer, "maximum": np.maximum,
    "minimum": np.minimum, "sign": np.sign, "square": np.square,
}  # fmt: skip
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.MatMult: np.matmul, ast.Pow: np.float_power,
}  # fmt: skip
_SPELLINGS = (
    ("−", "-"), ("·", "*"), ("×", "*"), ("⊙", "*"), ("^", "**"), ("σ", "sigmoid"), ("δ_", "delta_"),
    ("ᵀ", ".T"), ("÷", "/"),
)  # fmt: skip


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
        spelt = text.strip()
        for old, new in _SPELLINGS:
            spelt = spelt.replace(old, new)
        try:
            self._tree = ast.parse(spelt, mode="eval").body
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
        inner: list[ast.AST] = []
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if number:
            assert isinstance(node, ast.Constant)
            assert isinstance(node.value, int | float)
            if not abs(node.value) < 1e300:
                raise ArgumentError(f"{_short(self.text)!r} has a number beyond 1e300")
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            inner = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = [node.operand]
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            inner = [node.value]
        elif isinstance(node, ast.List) and node.elts:
            inner = list(node.elts)
        elif isinstance(node, ast.Call) and not node.keywords and isinstance(node.func, ast.Name):
            if node.func.id not in FUNCTIONS:
                raise ArgumentError(
                    f"a formula knows no function {_short(node.func.id)!r}; it knows "
                    f"{', '.join(sorted(FUNCTIONS))}"
                )
            inner = list(node.args)
        else:
            raise ArgumentError(
                f"{_short(self.text)!r} is no formula: it has a {type(node).__name__.lower()}, and "
                "names, numbers, + - * / ** @, .T and functions are what there may be"
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
        except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
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
            left, right = (self._compute(x, known) for x in (node.left, node.right))
            return _limited(_OPERATORS[type(node.op)](left, right))
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        arguments = [self._compute(x, known) for x in node.args]
        return _limited(FUNCTIONS[node.func.id](*arguments))


def _limited(value: Any) -> Any:
    if np.size(value) > _LARGEST:
        raise ArgumentError(f"a formula has {_LARGEST} numbers at most")
    return value


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
