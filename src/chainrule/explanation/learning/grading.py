"""`grade`: which answers are right, where the first mistake was made, and where it carried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, ChainruleError
from chainrule.explanation.account import Account, Variable, pulled
from chainrule.explanation.learning.formulas import Formula, decimals
from chainrule.explanation.learning.hints import close, hint
from chainrule.explanation.learning.marks import Mark
from chainrule.explanation.learning.worksheet import Item, Sheet, answer
from chainrule.explanation.numbers import written
from chainrule.graph.tensor import leaf, pick
from chainrule.pages import Block, Code, Heading, Page, Paragraph, Shown, Table, Text

_ELSEWHERE = 3  # other points at which a formula is tried


class Marks(Shown):
    """The marks of a worksheet.

    Attributes
    ----------
    marks : list of Mark
        One for each blank.
    """

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks = list(marks)

    @property
    def score(self) -> float:
        """The share of blanks whose method was right: those that carried on count."""
        good = sum(mark.status in ("right", "carried on") for mark in self.marks)
        return good / len(self.marks) if self.marks else 1.0

    @property
    def first_mistakes(self) -> list[str]:
        """The items at which a mistake was first made."""
        return [m.id for m in self.marks if m.status in ("wrong", "here", "unreadable")]

    def __getitem__(self, item: str) -> Mark:
        return next(mark for mark in self.marks if mark.id == item)

    def facts(self) -> dict[str, Any]:
        """Return the marks as JSON-able values."""
        return {
            "score": self.score,
            "first_mistakes": self.first_mistakes,
            "marks": [
                {"id": m.id, "status": m.status, "given": str(m.given), "note": m.note}
                for m in self.marks
            ],
        }

    def page(self) -> Page:
        """Return the marks as a page."""
        rows: list[list[Text]] = []
        for mark in self.marks:
            shown = "" if mark.given is None else str(mark.given)
            right = "" if mark.status in ("right", "missing") else written(mark.expected)
            rows.append([[Code(mark.id)], shown[:40], [mark.words()], right, mark.note])
        count = sum(m.status == "right" for m in self.marks)
        blocks: list[Block] = [
            Heading("Marks", 1),
            Paragraph(f"{count} of {len(self.marks)} right; {100 * self.score:.0f} % by method."),
            Table(["", "your answer", "", "right would be", ""], rows),
        ]
        return Page("Marks", blocks)


def grade(exercise: Sheet, answers: Mapping[str, Any], *, rtol: float = 0.01) -> Marks:
    """Mark the answers to a worksheet.

    Parameters
    ----------
    exercise : Exercise
    answers : mapping
        By id of an item a number, an array or nested list, or a text: a number, a fraction, or a
        formula such as ``"c * (1 - c) * x"`` in the names of what is given and of earlier items.
    rtol : float
        Relative tolerance of numbers; one with two decimals is right if it rounds to them.

    Returns
    -------
    Marks

    Raises
    ------
    ArgumentError
        If an answer belongs to no item.
    """
    known = {item.id for item in exercise.items}
    strange = [key for key in answers if key not in known]
    if strange:
        raise ArgumentError(
            f"grade: there is no item {strange[0]!r}; there are {', '.join(sorted(known))}"
        )
    return Marks(_Grader(exercise, rtol).marks(answers))


class _Grader:
    def __init__(self, exercise: Sheet, rtol: float) -> None:
        self.exercise, self.rtol = exercise, rtol
        self.own = _Own(exercise.account, exercise.lr)
        self.everything = exercise.known()
        blank = {item.name for item in exercise.items}
        self.known = {k: x for k, x in self.everything.items() if k not in blank}
        self.others = [exercise.elsewhere(seed) for seed in range(_ELSEWHERE)]
        self.wrong: list[str] = []

    def marks(self, answers: Mapping[str, Any]) -> list[Mark]:
        found = []
        for item in self.exercise.items:
            mark = self._mark(item, answers.get(item.id))
            if mark.status in ("wrong", "here", "unreadable"):
                self.wrong.append(item.id)
            if item.name:
                self.known[item.name] = self.everything[item.name]
            found.append(mark)
        return found

    def _mark(self, item: Item, given: Any) -> Mark:
        expected = self.exercise.answers[item.id]
        if given is None or (isinstance(given, str) and not given.strip()):
            return Mark(item.id, "missing", given, expected)
        try:
            value, formula = _read(given, self.known)
        except ArgumentError as error:
            return Mark(item.id, "unreadable", given, expected, str(error))
        if self._close(value, expected, given):
            if formula is not None and not self._holds(formula, item):
                note = "it gives this number at this point, and another elsewhere"
                return Mark(item.id, "here", given, expected, note)
            self.own.note(item, value)
            return Mark(item.id, "right", given, expected)
        follows = self.own.expected(item)
        if self.wrong and follows is not None and self._close(value, follows, given):
            self.own.note(item, value)
            return Mark(
                item.id, "carried on", given, expected, f"from your {', '.join(self.wrong[:2])}"
            )
        self.own.note(item, value)
        return Mark(item.id, "wrong", given, expected, hint(self.exercise, item, value, self.rtol))

    def _close(self, value: Any, expected: Any, given: Any) -> bool:
        places = decimals(given) if isinstance(given, str) else None
        return close(value, expected, self.rtol, 0.5000001 * 10.0**-places if places else 0.0)

    def _holds(self, formula: Formula, item: Item) -> bool:
        """Return whether a formula gives the right answer at other points too."""
        for account in self.others:
            there = account.named(item.variable.name)
            arrival = None
            if item.arrival is not None:
                use = item.arrival.use.name
                arrival = next(a for a in there.arrivals if a.use.name == use)
            expected = answer(
                account, Item(item.id, item.kind, "", there, arrival), self.exercise.lr
            )
            try:
                value = formula.value(self.exercise.known(account))
            except ArgumentError:
                return False
            if not np.allclose(value, expected, rtol=1e-6, atol=1e-9):
                return False
        return True


def _read(given: Any, known: Mapping[str, Any]) -> tuple[Any, Formula | None]:
    """Return the value of an answer, and its formula if it is one with names."""
    if isinstance(given, str):
        formula = Formula(given)
        return formula.value(known), formula if formula.names else None
    try:
        return np.asarray(given, np.float64)[()], None
    except (ValueError, TypeError):
        raise ArgumentError(f"{given!r:.60} is neither a number nor a formula") from None


class _Own:
    """The computation as a student goes through it: own answers lead to the next."""

    def __init__(self, account: Account, lr: float) -> None:
        self.account, self.lr = account, lr
        self.values: dict[int, Any] = {}
        self.deltas: dict[int, Any] = {}

    def note(self, item: Item, value: Any) -> None:
        """Go on with an answer."""
        if np.shape(value) != np.shape(item.variable.value):
            return
        if item.kind == "value":
            self.values[item.variable.serial] = value
        elif item.kind in ("delta", "gradient"):
            self.deltas[item.variable.serial] = value

    def expected(self, item: Item) -> Any:
        """Return what would be right if all own answers before were; None if that fails."""
        v = item.variable
        try:
            with np.errstate(all="ignore"):
                if item.kind == "value":
                    return self._forward(v)
                if item.kind == "local":
                    assert item.arrival is not None
                    ones = np.ones_like(item.arrival.use.value)[()]
                    return self._sent(item.arrival.use, ones)[item.arrival.position]
                if item.kind == "update":
                    return v.value - self.lr * self._delta(v)
                return self._backward(v)
        except (ChainruleError, ValueError, KeyError, FloatingPointError):
            return None

    def _value(self, x: Any) -> Any:
        return self.values.get(x.serial, x.value) if isinstance(x, Variable) else x

    def _delta(self, v: Variable) -> Any:
        return self.deltas.get(v.serial, v.delta)

    def _forward(self, v: Variable) -> Any:
        assert v.op is not None
        if v.op is pick:
            return v.value
        return v.op.forward(*map(self._value, v.operands), **v.tensor.params)

    def _backward(self, v: Variable) -> Any:
        return sum(self._sent(a.use, self._delta(a.use))[a.position] for a in v.arrivals)

    def _sent(self, use: Variable, delta: Any) -> dict[int, Any]:
        """Return what a use sends to its inputs, from own values."""
        assert use.op is not None
        operands = [
            leaf(np.asarray(self._value(x), x.tensor.dtype)[()]) if isinstance(x, Variable) else x
            for x in use.operands
        ]
        result = use.op(*operands, **use.tensor.params)
        result._value = np.asarray(self._value(use))[()]
        return dict(pulled(result, delta))
