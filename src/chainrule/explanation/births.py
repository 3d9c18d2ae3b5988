"""`hunt`: where the first NaN or infinity of a computation was born, forward or backward."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which
from chainrule.explanation.account import Account, Variable
from chainrule.explanation.expressions import delta_name, expression
from chainrule.explanation.numbers import number, written
from chainrule.explanation.subject import about
from chainrule.graph import Kind
from chainrule.pages import Block, Code, Heading, Page, Paragraph, Shown, Strong, Table, Text

_SHOWN = 5  # elements that are listed

Reason = Callable[[Sequence[Any]], str]


def _log(x: Sequence[Any]) -> str:
    return "the logarithm of 0 is -inf" if x[0] == 0 else "a negative number has no logarithm"


def _exp(x: Sequence[Any]) -> str:
    limit = 88.7 if np.result_type(x[0]) == np.float32 else 709.8
    return f"exp leaves {np.result_type(x[0])} above {limit}"


def _divide(x: Sequence[Any]) -> str:
    return "0 / 0 is no number" if x[0] == 0 == x[1] else "a division by 0"


def _power(x: Sequence[Any]) -> str:
    if x[0] < 0:
        return "a negative number has no such power"
    return "0 to a negative power is infinite" if x[0] == 0 else "the power is too large"


# Why an op gives what is not finite, from the numbers it was given.
_FORWARD: dict[str, Reason] = {
    "log": _log,
    "log2": _log,
    "log10": _log,
    "log1p": lambda x: "the logarithm of 1 + x is -inf at -1, and none below",
    "exp": _exp,
    "expm1": _exp,
    "divide": _divide,
    "reciprocal": lambda x: "a division by 0",
    "sqrt": lambda x: "a negative number has no real root",
    "power": _power,
}
_BACKWARD: dict[str, Reason] = {
    "sqrt": lambda x: "the slope of the root at 0 is infinite",
    "log": lambda x: "the slope of log(x) is 1 / x, and x is 0",
    "power": lambda x: "the slope of a power below 1 is infinite at 0",
    "divide": lambda x: "the slope of a quotient has the denominator's square below it",
    "norm": lambda x: "the norm has no slope at 0",
}
_REMEDIES = {
    "log": "take losses from scores (cross_entropy, log_softmax), or add a small number inside",
    "exp": "use softmax, logsumexp or softplus, which shift before they exponentiate",
    "divide": "add a small number to the denominator, or choose the denominator with np.where",
    "sqrt": "add a small number under the root",
    "power": "keep the base positive",
    "matmul": "scale the inputs, or lower the learning rate",
}


@dataclass(frozen=True)
class Birth:
    """Where finite numbers became others.

    Attributes
    ----------
    direction : {"forward", "backward"}
    variable : Variable
        Forward, the result; backward, the variable whose delta it is.
    use : Variable
        What the op computed: forward the same, backward the use that the delta came from.
    elements : list of (index, operand values)
        Some of the places, and what the op was given there; without operands where an element
        depends on many.
    count, size : int
        How many numbers are not finite, and of how many.
    example : number
    """

    direction: str
    variable: Variable
    use: Variable
    elements: list[tuple[tuple[int, ...], list[Any]]]
    count: int
    size: int
    example: Any

    @property
    def op(self) -> str:
        """The name of the op."""
        return self.use.op.name if self.use.op is not None else "input"

    @property
    def line(self) -> tuple[str, int]:
        """The user's file and line."""
        return self.use.tensor.site

    @property
    def reason(self) -> str:
        """Why the op gave such numbers; empty if that is not known."""
        table = _FORWARD if self.direction == "forward" else _BACKWARD
        if self.op not in table or not self.elements or not self.elements[0][1]:
            return ""
        return table[self.op](self.elements[0][1])

    @property
    def remedy(self) -> str:
        """What is usually done."""
        return _REMEDIES.get(self.op, "")

    @property
    def places(self) -> Any:
        """The indices of all elements that are not finite, one a line."""
        value = self.variable.value if self.direction == "forward" else self.variable.delta
        return np.argwhere(~np.isfinite(np.asarray(value)))


class Hunt(Shown):
    """What was found of numbers that are not finite.

    Attributes
    ----------
    birth : Birth or None
        The first; None if everything is finite.
    more : int
        How many others were born without a cause of that kind before them.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        # What is born forward and masked is harmless where the loss is finite: then look backward.
        forward = [] if _finite(account.loss.value) else _forward(account)
        found = forward or _backward(account)
        self.birth: Birth | None = found[0] if found else None
        self.more = len(found) - 1 if found else 0
        self.masked = self.birth is not None and _is_masked(account, self.birth)

    def facts(self) -> dict[str, Any]:
        """Return what was found as JSON-able values."""
        birth = self.birth
        if birth is None:
            return {"found": False}
        file, line = birth.line
        return {
            "found": True,
            "direction": birth.direction,
            "op": birth.op,
            "variable": birth.variable.name,
            "operation": expression(self.account, birth.use),
            "file": os.path.basename(file),
            "line": line,
            "count": birth.count,
            "size": birth.size,
            "elements": [
                {"index": list(index), "operands": [str(x) for x in operands]}
                for index, operands in birth.elements
            ],
            "reason": birth.reason,
            "remedy": birth.remedy,
            "more": self.more,
        }

    def sentence(self, layer: str = "") -> str:
        """Return the whole in one sentence, as an error message has it, with the layer if known."""
        birth = self.birth
        if birth is None:
            return "everything is finite"
        file, line = birth.line
        what = (
            "gave numbers that are not finite" if birth.direction == "forward"
            else f"sends {birth.variable.name} a gradient that is not finite"
        )  # fmt: skip
        born = f"{birth.op} in or after the layer {layer!r}" if layer else birth.op
        share = f"{birth.count} of {birth.size} numbers, such as {birth.example}"
        return f"{born} {what} ({share}){self._given()} [{file}:{line}]"

    def _given(self) -> str:
        """Return the operands at the first place, and why they lead there."""
        birth = self.birth
        assert birth is not None
        if not birth.elements or not birth.elements[0][1]:
            return f": {birth.reason}" if birth.reason else ""
        index, operands = birth.elements[0]
        where = f" at {list(index)}" if index else ""
        given = ", ".join(number(x) for x in operands)
        return f" from {given}{where}" + (f": {birth.reason}" if birth.reason else "")

    def page(self) -> Page:
        """Return what was found as a page."""
        return Page("Numbers that are not finite", [
            Heading("Numbers that are not finite", 1), *self.blocks(),
        ])  # fmt: skip

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        birth = self.birth
        if birth is None:
            return [Paragraph([Strong("✓ Every value and every gradient is finite.", "good")])]
        file, line = birth.line
        blocks: list[Block] = [
            Paragraph([
                Strong(f"✗ Born in the {birth.direction} pass", "bad"),
                f", at {os.path.basename(file)}:{line}, by ",
                Code(f"{birth.use.name} = {expression(self.account, birth.use)}"), ".",
            ])
        ]  # fmt: skip
        if birth.direction == "backward":
            blocks.append(
                Paragraph(
                    f"The {'loss' if self.masked else 'forward pass'} is finite, and so is "
                    f"{delta_name(birth.use)}; what the rule sends to {birth.variable.name} is not."
                )
            )
        if birth.reason:
            blocks.append(Paragraph(f"{birth.reason[0].upper()}{birth.reason[1:]}."))
        blocks.append(self._elements(birth))
        if self.masked:
            blocks.append(
                Paragraph(
                    "The number is not chosen afterwards, but its gradient is 0 times infinity, "
                    "which is NaN: choose a harmless operand before the operation too, as in "
                    "np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)."
                )
            )
        if birth.remedy:
            blocks.append(Paragraph(f"Usual remedy: {birth.remedy}."))
        if self.more:
            blocks.append(Paragraph(f"{self.more} more were born independently of it."))
        return blocks

    def _elements(self, birth: Birth) -> Table:
        names = [
            x.name if isinstance(x, Variable) else number(x) if np.ndim(x) == 0 else "constant"
            for x in birth.use.operands
        ]
        rows: list[list[Text]] = [
            [str(list(index)) if index else "", *map(number, operands)]
            for index, operands in birth.elements
            if operands
        ]
        if not rows:
            values = [[name, written(_value(x))] for name, x in zip(
                names, birth.use.operands, strict=True)]  # fmt: skip
            return Table(["operand", "value"], values)
        caption = f"{birth.count} of {birth.size} numbers are not finite"
        return Table(["element", *names], rows, caption=caption)


def hunt(subject: Any, wrt: Which | None = None) -> Any:
    """Find where the first number that is not finite was born.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed. Of a function, a function of its arguments is
        returned; so it is with a module.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.

    Returns
    -------
    Hunt, or a function that returns one

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> with np.errstate(all="ignore"):
    ...     found = cr.hunt(lambda x: np.sum(np.sqrt(x)))(np.array([4.0, 0.0]))
    >>> found.birth.direction, found.birth.op, found.birth.reason
    ('backward', 'sqrt', 'the slope of the root at 0 is infinite')
    """
    return about(subject, wrt, Hunt)


def _finite(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(bool(np.isfinite(part).all()) for part in parts if np.result_type(part).kind in "fc")


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else x


def _forward(account: Account) -> list[Birth]:
    """Return the results that are not finite though all that they were computed from is."""
    found = []
    for v in account.variables:
        if _finite(v.value) or v.is_bundle or not all(_finite(_value(x)) for x in v.operands):
            continue
        found.append(_birth("forward", v, v, v.value))
    return found


def _backward(account: Account) -> list[Birth]:
    """Return the gradients that are not finite though all that they were computed from is."""
    found = []
    for x in account.backward:
        for arrival in x.arrivals:
            use = arrival.use
            if x.is_bundle or use.is_bundle or _finite(arrival.value) or not _finite(use.delta):
                continue
            found.append(_birth("backward", x, use, arrival.value))
    return found


def _birth(direction: str, v: Variable, use: Variable, value: Any) -> Birth:
    array = np.asarray(value)
    wrong = np.argwhere(~np.isfinite(array))
    elements = [
        (tuple(int(i) for i in place), _operands(use, array.shape, tuple(place)))
        for place in wrong[:_SHOWN]
    ]
    example = array[tuple(wrong[0])] if len(wrong) else array
    return Birth(direction, v, use, elements, len(wrong), array.size, example)


def _operands(use: Variable, shape: tuple[int, ...], place: tuple[int, ...]) -> list[Any]:
    """Return what an op was given for an element; nothing if that is more than a number each."""
    if use.op is None or not (
        use.op.kind is Kind.ELEMENTWISE or (isinstance(use.op.forward, np.ufunc)
        and use.op.forward.signature is None)
    ):  # fmt: skip
        return []
    try:
        return [np.broadcast_to(_value(x), shape)[place] for x in use.operands]
    except ValueError:  # backward, at an operand that was broadcast itself
        return []


def _is_masked(account: Account, birth: Birth) -> bool:
    """Return whether what a backward birth belongs to is not chosen by a later np.where."""
    if birth.direction != "backward":
        return False
    waiting, seen = [birth.use], set()
    while waiting:
        v = waiting.pop()
        if v.serial in seen:
            continue
        seen.add(v.serial)
        if v.op is not None and v.op.name == "where":
            return True
        waiting += account.uses[v.serial]
    return False
