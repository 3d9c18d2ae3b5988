"""What is drawn of a graph: boxes and the wires between them, before they have places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Variable
from chainrule.explanation.expressions import expression, place
from chainrule.explanation.numbers import dimensions, number

CHAR, LINE = 7.0, 16.0  # pixels: width of a character of the labels, height of a line
_LONGEST = 22
_SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "negative": "−( )",
    "power": "^", "sigmoid": "σ", "relu": "ReLU", "transpose": "ᵀ", "square": "( )²", "sqrt": "√",
    "absolute": "| |", "sum": "∑", "mean": "mean", "softmax_cross_entropy": "cross-entropy",
    "sigmoid_cross_entropy": "cross-entropy",
}  # fmt: skip


@dataclass(eq=False, repr=False)
class Box:
    """A node of the drawing.

    Attributes
    ----------
    kind : {"op", "parameter", "input", "fork", "loss", "layer"}
    label : str
    title : str
        What is known of it, for a tooltip and for those who cannot see the picture.
    rank, place : int
        Its column and its position there.
    x, y : float
        Its centre.
    lines : list of str
        Small text below the label.
    """

    kind: str
    label: str
    title: str = ""
    lines: list[str] = field(default_factory=list)
    rank: int = 0
    place: int = 0
    x: float = 0.0
    y: float = 0.0
    inputs: list[Wire] = field(default_factory=list)
    outputs: list[Wire] = field(default_factory=list)

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        if self.kind == "fork":
            return 8.0
        longest = max([len(self.label) * CHAR * 1.12, *(len(x) * CHAR * 0.86 for x in self.lines)])
        return max(34.0, longest + 20)

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        if self.kind == "fork":
            return 8.0
        return max(30.0 + 14 * len(self.lines), 20.0 * len(self.inputs))


@dataclass(eq=False, repr=False)
class Wire:
    """An edge of the drawing: a variable on its way to a use.

    Attributes
    ----------
    source, target : Box
    above, below : str
        The variable's name and value, and its delta, or what a use sends to it.
    weight : float
        Size of the delta, between 0 and 1 among all.
    title : str
    bends : list of Box
        Places that a long wire passes through, one a rank.
    """

    source: Box
    target: Box
    above: str = ""
    below: str = ""
    weight: float = 0.5
    title: str = ""
    bends: list[Box] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Picture:
    """Boxes and wires, and whether they run from left to right or from top to bottom."""

    boxes: list[Box]
    wires: list[Wire]
    title: str
    width: float = 0.0
    height: float = 0.0
    downwards: bool = False

    def connect(self, source: Box, target: Box, **labels: Any) -> Wire:
        """Add a wire."""
        wire = Wire(source, target, **labels)
        self.wires.append(wire)
        source.outputs.append(wire)
        target.inputs.append(wire)
        return wire


def short(text: str, longest: int = _LONGEST) -> str:
    """Return a label that fits."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def value_text(value: Any) -> str:
    """Return a value for a label: small ones in numbers, others as shape and norm."""
    array = np.asarray(value)
    if array.ndim == 0:
        return number(array[()], 4)
    if array.ndim == 1 and array.size <= 3:
        return f"[{', '.join(number(x, 3) for x in array)}]"
    with np.errstate(all="ignore"):
        norm = float(np.linalg.norm(np.ravel(array).astype(np.float64)))
    return f"{dimensions(array)}, ‖·‖ {number(norm, 3)}"


def symbol(v: Variable) -> str:
    """Return what an op's box says."""
    assert v.op is not None
    sign = _SYMBOLS.get(v.op.name, v.op.name)
    fixed = [x for x in v.operands if not isinstance(x, Variable) and np.ndim(x) == 0]
    if len(v.operands) != 2 or len(fixed) != 1 or len(sign) > 1:
        return sign
    constant = number(fixed[0], 3)
    return f"{constant} {sign}" if fixed[0] is v.operands[0] else f"{sign} {constant}"


def picture(account: Account, values: bool) -> Picture:
    """Return the computational graph of an account as boxes and wires."""
    drawn = Picture([], [], f"Computational graph of {account.loss.name}")
    weights = _weights(account)
    ends: dict[int, Box] = {}
    shown = [v for v in account.variables if not v.is_bundle]
    for v in shown:
        box = _box(account, v)
        drawn.boxes.append(box)
        for x in _sources(v):
            _wire(drawn, ends[x.serial], box, x, v, values, weights)
        ends[v.serial] = _fork(drawn, account, v, box, values, weights)
    last = account.loss
    end = Box("loss", short(last.name), f"{last.name} = {value_text(last.value)}")
    drawn.boxes.append(end)
    drawn.connect(
        ends[last.serial], end, above=value_text(last.value) if values else "",
        below="δ 1" if values else "", weight=1.0, title=last.name,
    )  # fmt: skip
    return drawn


def _sources(v: Variable) -> Iterable[Variable]:
    """Yield the variables that a box has wires from; of several results, what they came from."""
    for x in v.operands:
        if isinstance(x, Variable):
            yield from _sources(x) if x.is_bundle else (x,)


def _weights(account: Account) -> dict[int, float]:
    """Return the size of each delta between 0 and 1, on a scale of magnitudes."""
    sizes = {
        v.serial: float(np.sqrt(np.mean(np.square(np.abs(v.delta)))))
        for v in account.variables
        if v.delta is not None and not v.is_bundle and np.size(v.delta)
    }
    logs = {s: np.log10(x) for s, x in sizes.items() if x > 0 and np.isfinite(x)}
    if not logs:
        return {}
    low, high = min(logs.values()), max(logs.values())
    return {s: float((x - low) / (high - low)) if high > low else 0.5 for s, x in logs.items()}


def _box(account: Account, v: Variable) -> Box:
    about = f"{v.name}: {dimensions(v.value) or 'number'}, {value_text(v.value)}"
    if v.delta is not None:
        about += f"; delta {value_text(v.delta)}"
    if v.op is None:
        kind = "parameter" if v.wanted else "input"
        return Box(kind, short(v.name), about)
    where = place(v)
    text = f"{v.name} = {expression(account, v)}{f' [{where}]' if where else ''}; {about}"
    return Box("op", short(symbol(v), 16), text)


def _labels(v: Variable, values: bool) -> dict[str, str]:
    if not values:
        return {"above": short(v.name) if v.named and v.op is not None else ""}
    value = value_text(v.value)
    above = f"{short(v.name, 12)} = {value}" if v.named and v.op is not None else value
    below = f"δ {value_text(v.delta)}" if v.delta is not None else ""
    return {"above": short(above, 30), "below": short(below, 30)}


def _fork(
    drawn: Picture, account: Account, v: Variable, box: Box, values: bool, weights: dict[int, float]
) -> Box:
    """Return where the wires of a variable start: a dot if there are several."""
    if len([x for use in account.uses[v.serial] for x in use.operands if x is v]) < 2:
        return box
    dot = Box("fork", "", f"{v.name} is used {len(account.uses[v.serial])} times")
    drawn.boxes.append(dot)
    drawn.connect(box, dot, weight=weights.get(v.serial, 0.0), title=v.name, **_labels(v, values))
    return dot


def _wire(
    drawn: Picture, source: Box, target: Box, x: Variable, use: Variable, values: bool,
    weights: dict[int, float],
) -> None:  # fmt: skip
    labels = _labels(x, values)
    if source.kind == "fork":
        sent = [a.value for a in x.arrivals if a.use is use]
        below = f"δ {value_text(sent[0])}" if values and len(sent) == 1 else ""
        labels = {"above": "", "below": short(below, 30)}
    drawn.connect(source, target, weight=weights.get(x.serial, 0.0), title=x.name, **labels)
