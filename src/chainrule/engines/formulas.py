"""The scalar formula of each elementwise op in emitted loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.engines.axes import NoLoopsError, dtype_of
from chainrule.engines.plan import ours
from chainrule.graph import Constant, Node
from chainrule.graph.ir import Value

_BINARY = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_BITS = {
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<",
    "right_shift": ">>",
}  # fmt: skip
_COMPARE = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip
# What `functions` has in two precisions.
_OWN = frozenset({"exp", "log", "log1p", "tanh"})
_LIBRARY = frozenset({
    "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "arcsinh",
    "arccosh", "arctanh", "expm1", "exp2", "log2", "log10", "arctan2", "hypot", "floor", "ceil",
    "trunc", "rint",
})  # fmt: skip
# Functions of chainrule's own, or that are no ufunc.
_OTHERS = {
    "erf": "math.erf({0})", "erfc": "math.erfc({0})",
    "sign": "{0} if {0} != {0} else {type}({0} > 0) - {type}({0} < 0)",
    "clip": "{2} if ({1} if {0} < {1} else {0}) > {2} else ({1} if {0} < {1} else {0})",
}  # fmt: skip
_TEMPLATES = {
    "negative": "-{0}", "positive": "{0}", "square": "{0} * {0}", "absolute": "abs({0})",
    "fabs": "abs({0})", "reciprocal": "1 / {0}",
    # As NumPy has it, NaN wins.
    "maximum": "{1} if {0} < {1} or {1} != {1} else {0}",
    "minimum": "{1} if {0} > {1} or {1} != {1} else {0}",
    "isnan": "{0} != {0}", "isinf": "abs({0}) == np.inf", "isfinite": "abs({0}) < np.inf",
    "logical_not": "{0} == 0", "logical_and": "({0} != 0) & ({1} != 0)",
    "logical_or": "({0} != 0) | ({1} != 0)",
}  # fmt: skip
_OF_INTEGERS = frozenset({"negative", "positive", "absolute", "square", "maximum", "minimum"})
_SELF_TYPED = frozenset({"isnan", "isinf", "isfinite", "logical_not", "logical_and", "logical_or"})


def dtype_word(dtype: np.dtype[Any]) -> str:
    """Return what converts a number to a dtype in source."""
    return f"np.{'bool_' if dtype.kind == 'b' else dtype.name}"


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Return a constant of a dtype in source."""
    plain = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(plain, complex):
        raise NoLoopsError("there are no loops for complex numbers")
    if isinstance(plain, float) and not math.isfinite(plain):
        word = "np.nan" if math.isnan(plain) else f"{'-' * (plain < 0)}np.inf"
    else:
        word = repr(plain)
    return f"{dtype_word(dtype)}({word})"


def computed_in(node: Node) -> np.dtype[Any]:
    """Return the dtype in which a node's operands are taken."""
    name = node.op.name
    if name in _COMPARE or name in _SELF_TYPED:
        operands = [x.value if isinstance(x, Constant) else np.zeros((), dtype_of(x))
                    for x in node.inputs]  # fmt: skip
        return np.result_type(*operands)
    return dtype_of(node)


def formula(node: Node, words: list[str]) -> str:
    """Return the expression of one element of an elementwise node.

    Parameters
    ----------
    node : Node
    words : list of str
        Its operands, each a name or a number of the dtype `computed_in`.

    Raises
    ------
    NoLoopsError
        If there is none.
    """
    name, dtype = node.op.name, computed_in(node)
    if ours(node.op, _OTHERS) and dtype in (np.float32, np.float64):
        return _OTHERS[name].format(*words, type=dtype_word(dtype))
    if node.op.forward is not getattr(np, name, None) and name != "divide":
        raise NoLoopsError("there are no loops for one of the functions")
    arithmetic = dtype.kind in "f" or (dtype.kind in "iu" and name != "divide")
    if name in _BINARY and arithmetic:
        return _narrow(f"{words[0]} {_BINARY[name]} {words[1]}", dtype)
    if name in _BITS and dtype.kind in "iu" and _shift_is_safe(node):
        return _narrow(f"{words[0]} {_BITS[name]} {words[1]}", dtype)
    if name in _COMPARE:
        return f"{words[0]} {_COMPARE[name]} {words[1]}"
    if name in _OWN and dtype in (np.float32, np.float64):
        return f"{name}{dtype.itemsize * 8}({words[0]})"
    if name in _LIBRARY and dtype in (np.float32, np.float64):
        return f"np.{name}({', '.join(words)})"
    if name == "power" and dtype.kind == "f":
        return f"{words[0]} ** {words[1]}"
    if name in {"maximum", "minimum"} and _is_number(node.inputs[1]):
        sign = "<" if name == "maximum" else ">"
        return f"{words[1]} if {words[0]} {sign} {words[1]} else {words[0]}"
    if name in _TEMPLATES and (dtype.kind == "f" or (dtype.kind in "iub" and name in _SELF_TYPED)):
        return _TEMPLATES[name].format(*words)
    if name in _OF_INTEGERS and dtype.kind == "i":
        return _narrow(_TEMPLATES[name].format(*words), dtype)
    raise NoLoopsError(f"there are no loops for {name} of {dtype}")


def _narrow(text: str, dtype: np.dtype[Any]) -> str:
    """Return an expression of integers, which are computed with 64 bits, as a number of a dtype."""
    return f"{dtype_word(dtype)}({text})" if dtype.kind in "iu" and dtype.itemsize < 8 else text


def _is_number(value: Value) -> bool:
    """Return whether a value is a constant and not NaN."""
    return isinstance(value, Constant) and bool(np.all(np.equal(value.value, value.value)))


def _shift_is_safe(node: Node) -> bool:
    """Return whether a shift is by less than the number of bits, where processors agree."""
    if "shift" not in node.op.name:
        return True
    by = node.inputs[1]
    return isinstance(by, Constant) and bool(np.all(np.less(by.value, 8 * dtype_of(node).itemsize)))


def is_elementwise(value: Value) -> bool:
    """Return whether a value is made by a ufunc of one element at a time, or by ``np.where``."""
    if not isinstance(value, Node):
        return False
    forward = value.op.forward
    return (
        forward is np.where
        or ours(value.op, _OTHERS)
        or (isinstance(forward, np.ufunc) and forward.signature is None and forward.nout == 1)
    )
