"""`explain`: the worked backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which
from chainrule.explanation.account import Account, Arrival, Variable
from chainrule.explanation.examples import Shares, shares
from chainrule.explanation.expressions import delta_name, expression, place, read, rule
from chainrule.explanation.numbers import dimensions, facts_of, written
from chainrule.explanation.subject import about
from chainrule.explanation.trail import Trail, trail
from chainrule.explanation.verify import Verdict, verify, verify_leaf
from chainrule.graph import Array
from chainrule.pages import (
    Block,
    Code,
    Fold,
    Heading,
    Items,
    Page,
    Paragraph,
    Shown,
    Strong,
    Table,
    Text,
)

_MARKS = {"verified": ("✓", "good"), "convention": ("≈ at a kink", "note"),
          "wrong": ("✗ WRONG", "bad"), "unchecked": ("not checked", "faint")}  # fmt: skip


def explain(subject: Any, wrt: Which | None = None) -> Any:
    """Write down the backward pass of a loss, every line checked by finite differences.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed: its explanation is returned at once. Of a function,
        a function of its arguments is returned; so it is with a module, which stands for the
        function of itself and its inputs.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.

    Returns
    -------
    Explanation, or a function that returns one

    Raises
    ------
    NotDifferentiableError
        If the loss is no single number that depends on the variables.

    Examples
    --------
    >>> import chainrule as cr
    >>> explanation = cr.explain(lambda a, b, c: c * (a + 2 * b))(3.0, 1.0, -2.0)
    >>> explanation.ok
    True
    >>> explanation.gradients["c"]
    np.float64(5.0)
    >>> print(explanation.at("b"))  # doctest: +ELLIPSIS
    dloss/db = -4
    ...
    """
    return about(subject, wrt, Explanation)


@dataclass(frozen=True, eq=False)
class Line:
    """One line of the backward pass: a gradient that came to a variable from one use.

    Attributes
    ----------
    variable : Variable
    arrival : Arrival
    rule : str
        The product in the names of the variables.
    verdict : Verdict
    """

    variable: Variable
    arrival: Arrival
    rule: str
    verdict: Verdict


class Explanation(Shown):
    """A forward and a backward pass in numbers, each line checked.

    Attributes
    ----------
    account : Account
    lines : list of Line
        In the order in which the algorithm takes them.
    verdicts : dict of str to Verdict
        Of the final gradients, each against differences of the whole loss.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        found = verify(account)
        self.lines = [
            Line(v, a, rule(account, a.use, a.position), verdict)
            for v in account.backward
            for a, verdict in zip(v.arrivals, found[v.serial], strict=True)
        ]
        rng = np.random.default_rng(1)
        self.verdicts = {v.name: verify_leaf(account, v, rng) for v in account.wanted}

    @property
    def ok(self) -> bool:
        """Whether no line and no gradient differs from finite differences."""
        return not self._wrong

    @cached_property
    def _wrong(self) -> list[str]:
        lines = [delta_name(x.variable) for x in self.lines if x.verdict.status == "wrong"]
        return lines + [f"d/d{name}" for name, v in self.verdicts.items() if v.status == "wrong"]

    @property
    def gradients(self) -> dict[str, Array]:
        """The final gradients by name."""
        return {v.name: v.delta for v in self.account.wanted}

    def at(self, name: str, index: int | Sequence[int] = ()) -> Trail:
        """Follow one number through every path to the loss.

        Parameters
        ----------
        name : str
            Of a variable, such as ``"W1"``.
        index : int or tuple of int
            The place of the number in it.

        Raises
        ------
        KeyError, IndexError
            If there is no such variable, or no such place in it.
        """
        place = (index,) if isinstance(index, int) else tuple(index)
        return trail(self.account, self.account.named(name), place)

    def examples(self, name: str) -> Shares:
        """Return what each example of a batch contributed to a gradient.

        Raises
        ------
        KeyError
            If there is no such variable.
        ArgumentError
            If the loss is no sum or mean over examples.
        """
        return shares(self.account, self.account.named(name))

    def facts(self) -> dict[str, Any]:
        """Return every variable, line and gradient as JSON-able values."""
        return {
            "loss": facts_of(self.account.loss.value),
            "ok": self.ok,
            "forward": [
                {
                    "name": v.name,
                    "operation": expression(self.account, v),
                    "line": place(v),
                    "shape": list(np.shape(v.value)) if not v.is_bundle else None,
                    "value": facts_of(v.value),
                }
                for v in self.account.variables
            ],
            "backward": [
                {
                    "variable": line.variable.name,
                    "from": line.arrival.use.name,
                    "rule": line.rule,
                    "value": facts_of(_plain(line.arrival.value)),
                    "check": line.verdict.status,
                }
                for line in self.lines
            ],
            "gradients": {
                name: {"value": facts_of(g), "check": self.verdicts[name].status}
                for name, g in self.gradients.items()
            },
            "reused": self._reused(),
        }

    # The page ----------------------------------------------------------------------------------

    def page(self) -> Page:
        """Return the explanation as a page."""
        return Page("The backward pass", [Heading("The backward pass", 1), *self.blocks()])

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        return [
            Paragraph([self._head()]),
            Heading("Forward"),
            self._forward(),
            Heading("Backward"),
            Paragraph(
                "From the loss back: what a variable receives from each of its uses, and, where "
                "it has several, their sum."
            ),
            self._backward(),
            Heading("Gradients"),
            self._gradients(),
            *self._reuse(),
        ]

    def _head(self) -> Strong:
        verdicts = [*(x.verdict for x in self.lines), *self.verdicts.values()]
        counts = Counter(v.status for v in verdicts)
        if self._wrong:
            wrong = f"{len(self._wrong)} of {len(verdicts)} lines are wrong"
            return Strong(f"✗ {wrong}: {', '.join(self._wrong)}", "bad")
        kinks, unknown = counts["convention"], counts["unchecked"]
        note = f"; at {kinks} of them stands the convention for a kink" if kinks else ""
        if unknown:
            checked = f"{len(verdicts) - unknown} of {len(verdicts)} lines were"
            return Strong(f"{checked} checked by finite differences, {unknown} could not be{note}.")
        return Strong(
            f"✓ All {len(verdicts)} lines were checked by finite differences{note}.", "good"
        )

    def _forward(self) -> Table:
        rows: list[list[Text]] = [
            [[Code(v.name)], [Code(expression(self.account, v) or _kind(v))], place(v),
             dimensions(v.value) if not v.is_bundle else "", written(v.value)]
            for v in self.account.variables
        ]  # fmt: skip
        return Table(["variable", "is", "line", "shape", "value"], rows)

    def _backward(self) -> Table:
        rows: list[list[Text]] = [
            [[Code(delta_name(self.account.loss))], "the loss itself", "1", ""]
        ]
        for line in self.lines:
            v = line.variable
            several = len(v.arrivals) > 1
            first = line.arrival is v.arrivals[0]
            sign = "←" if first or not several else "+"
            product: list[Any] = [f"{sign} ", Code(line.rule), f"  from {line.arrival.use.name}"]
            value = written(_plain(line.arrival.value))
            name: Text = [Code(delta_name(v))] if first else ""
            rows.append([name, product, value, [_mark(line.verdict)]])
            if several and line.arrival is v.arrivals[-1]:
                total = f"= the sum of {len(v.arrivals)} contributions"
                rows.append(["", total, [Strong(written(_plain(v.delta)))], ""])
        return Table(["delta", "receives", "value", "checked"], rows)

    def _gradients(self) -> Table:
        loss = self.account.loss.name
        rows: list[list[Text]] = [
            [[Code(f"d{loss}/d{name}")], dimensions(g), written(g), [_mark(self.verdicts[name])]]
            for name, g in self.gradients.items()
        ]
        return Table(["gradient", "shape", "value", "checked end to end"], rows)

    def _reused(self) -> list[str]:
        """Return what the backward pass read instead of computing it again."""
        found = []
        for v in self.account.backward:
            served = [x.name for x in v.inputs if x.delta is not None]
            if len(served) > 1:
                found.append(f"{delta_name(v)} served {', '.join(served)}")
        arrivals = [line.arrival for line in self.lines]
        used = {x.serial for a in arrivals for x in read(a.use, a.position)}
        kept = [v.name for v in self.account.variables if v.op is not None and v.serial in used]
        if kept:
            found.append(f"values of the forward pass that the rules read: {', '.join(kept)}")
        return found

    def _reuse(self) -> list[Block]:
        reused = self._reused()
        if not reused:
            return []
        return [Fold("What was reused instead of computed again", [Items(reused)])]


def _kind(v: Variable) -> str:
    return "a variable" if v.wanted else "given"


def _mark(verdict: Verdict) -> Strong:
    mark, tone = _MARKS[verdict.status]
    if verdict.status == "wrong":
        mark += f": {verdict.shown:.6g}, differences give {verdict.found:.6g}"
    return Strong(mark, tone)


def _plain(value: Any) -> Any:
    """Return a gradient; of an op's several results, those that arrived."""
    known = getattr(value, "known", None)
    return tuple(known.values()) if known is not None else value
