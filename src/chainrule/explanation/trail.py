"""One number followed through every path to the loss: a sum of products of numbers."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autodiff.forward import op_jvp
from chainrule.explanation.account import Account, Variable
from chainrule.explanation.numbers import number
from chainrule.explanation.verify import wide
from chainrule.graph.tensor import pick, plain
from chainrule.pages import Block, Formula, Heading, Page, Paragraph, Shown, Strong
from chainrule.pages.maths import Fraction, Maths, Number, Row, Script, Sign, Symbol, row

PATHS = 24  # that are listed; the rest is added up
_STEPS = 4000  # elements visited at most in search of the largest paths

Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """A variable's element on a path, and the local derivative that led to it."""

    variable: Variable
    index: Index
    slope: float


@dataclass(frozen=True, eq=False)
class Path:
    """A way from one number to the loss.

    Attributes
    ----------
    steps : tuple of Step
        The first is the number itself, with slope 1; the last is the loss, if `whole`.
    product : float
        Of all slopes; of a path that was not followed to its end, times the delta there.
    whole : bool
    """

    steps: tuple[Step, ...]
    product: float
    whole: bool


class Trail(Shown):
    """The derivative of the loss by one number, as a sum over paths.

    Attributes
    ----------
    paths : list of Path
        The largest first.
    rest : float
        The sum of all that are not listed, exact: partial products times the deltas there.
    total : float
        The sum of everything.
    gradient : float
        The element of the gradient, which `total` equals to rounding.
    """

    def __init__(
        self, account: Account, start: Step, paths: list[Path], rest: float, n_rest: int
    ) -> None:
        self.account, self.start = account, start
        self.paths, self.rest, self.n_rest = paths, rest, n_rest
        self.total = sum(path.product for path in paths) + rest
        self.gradient = _delta_at(start.variable, start.index)

    def facts(self) -> dict[str, Any]:
        """Return the paths as JSON-able values."""
        return {
            "variable": self.start.variable.name,
            "index": list(self.start.index),
            "gradient": self.gradient,
            "total": self.total,
            "rest": self.rest,
            "paths": [
                {
                    "through": [_element(s) for s in path.steps],
                    "slopes": [s.slope for s in path.steps[1:]],
                    "product": path.product,
                }
                for path in self.paths
            ],
        }

    def page(self) -> Page:
        """Return the sum as a page."""
        name = f"d{self.account.loss.name}/d{_element(self.start)}"
        title = f"{name} = {number(self.gradient, 6)}"
        blocks: list[Block] = [Heading(title, 1), Paragraph(self._words())]
        for path in self.paths:
            blocks.append(Formula(self._symbols(path)))
            blocks.append(Formula(_numbers(path)))
        if self.n_rest:
            blocks.append(
                Paragraph(f"and {self.n_rest} more partial paths, together {number(self.rest, 6)}.")
            )
        close = np.isclose(self.total, self.gradient, rtol=1e-4, atol=1e-12)
        verdict = "✓ The sum is the gradient" if close else "✗ The sum is not the gradient"
        blocks.append(
            Paragraph([Strong(f"{verdict}: {self.total:.10g}.", "good" if close else "bad")])
        )
        return Page(title, blocks)

    def _words(self) -> str:
        if not self.paths:
            return "No path on which this number moves the loss."
        count = len(self.paths)
        return (
            "One path leads from this number to the loss." if count == 1 and not self.n_rest
            else f"The sum over {count} path{'s' * (count != 1)}"
            + (", the largest, and the rest." if self.n_rest else ".")
        )  # fmt: skip

    def _symbols(self, path: Path) -> Maths:
        """Return the product of derivatives, the loss first, as the chain rule is read."""
        factors: list[Maths | str] = []
        for before, after in itertools.pairwise(path.steps):
            factors.insert(0, _quotient(after, before))
        return Row(tuple(_dotted(factors)))


def _dotted(factors: list[Any]) -> Iterator[Maths]:
    for i, factor in enumerate(factors):
        if i:
            yield Sign("cdot")
        yield factor


def _quotient(after: Step, before: Step) -> Maths:
    return Fraction(row("partial", _symbol(after)), row("partial", _symbol(before)))


def _symbol(step: Step) -> Maths:
    name = Symbol(step.variable.name)
    if not step.index:
        return name
    places: list[Maths | str] = []
    for i in step.index:
        places += [",", Number(str(i))] if places else [Number(str(i))]
    return Script(name, row(*places))


def _numbers(path: Path) -> Maths:
    slopes = [Number(number(step.slope, 6)) for step in reversed(path.steps[1:])]
    return row(*_dotted(slopes), "=", Number(number(path.product, 6)))


def _element(step: Step) -> str:
    index = f"[{', '.join(map(str, step.index))}]" if step.index else ""
    return f"{step.variable.name}{index}"


def trail(account: Account, v: Variable, index: Index) -> Trail:
    """Return every path from an element of a variable to the loss, the largest first.

    Raises
    ------
    IndexError
        If the variable has no such element.
    """
    shape = np.shape(v.value)
    if len(index) != len(shape) or not all(-n <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexError(f"{v.name} has shape {shape}, and no element {index}")
    start = Step(v, tuple(i % n for i, n in zip(index, shape, strict=True)), 1.0)
    whole, open_ends = _search(account, start)
    whole.sort(key=lambda path: -abs(path.product))
    cut = [path.product for path in whole[PATHS:]] + [path.product for path in open_ends]
    return Trail(account, start, whole[:PATHS], sum(cut), len(cut))


def _search(account: Account, start: Step) -> tuple[list[Path], list[Path]]:
    """Follow the largest partial paths first; return the whole ones and those left open."""
    counter = itertools.count()
    whole: list[Path] = []
    queue = [(0.0, next(counter), Path((start,), 1.0, False), 1.0)]
    visited = 0
    while queue and visited < _STEPS and len(whole) < PATHS:
        _, _, path, product = heapq.heappop(queue)
        step = path.steps[-1]
        if step.variable is account.loss:
            whole.append(Path(path.steps, product, True))
            continue
        for after in _onwards(account, step):
            visited += 1
            ahead = product * after.slope
            worth = ahead * _delta_at(after.variable, after.index)
            if worth:
                longer = Path((*path.steps, after), worth, False)
                heapq.heappush(queue, (-abs(worth), next(counter), longer, ahead))
    return whole, [path for _, _, path, _ in queue]


def _onwards(account: Account, step: Step) -> Iterator[Step]:
    """Yield the elements that an element moves directly, with the derivative of each."""
    for use in dict.fromkeys(account.uses[step.variable.serial]):
        if use.delta is None:
            continue
        column = _column(use, step)
        for place in np.argwhere(column):
            index = tuple(int(i) for i in place)
            yield Step(use, index, float(np.real(column[index])))


def _column(use: Variable, step: Step) -> Any:
    """Return the derivative of a whole result by one element of an operand."""
    assert use.op is not None
    tangent = np.zeros(np.shape(step.variable.value))
    tangent[step.index] = 1.0
    operands = [wide(x) for x in plain(use.tensor.inputs)]
    if use.op is pick:
        return tangent
    given = [
        tangent if isinstance(x, Variable) and x is step.variable else None for x in use.operands
    ]
    inactive = set(range(len(given))) - set(use.op.active(len(given)))
    given = [None if i in inactive else g for i, g in enumerate(given)]
    if all(g is None for g in given):
        return np.zeros(np.shape(use.value))
    y = use.op.forward(*operands, **use.tensor.params)
    found = op_jvp(use.op, given, y, operands, use.tensor.params)
    return np.broadcast_to(found, np.shape(use.value))


def _delta_at(v: Variable, index: Index) -> float:
    return float(np.real(np.asarray(v.delta, np.float64)[index])) if v.delta is not None else 0.0
