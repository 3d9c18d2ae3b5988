"""`derive`: the gradient as a derivation in matrix calculus."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which
from chainrule.errors import UnsupportedError
from chainrule.explanation.account import Account
from chainrule.explanation.derivation.equations import DELTA, System
from chainrule.explanation.derivation.index_form import index_form
from chainrule.explanation.derivation.lines import Line, Setting, lines, setting
from chainrule.explanation.derivation.normal import N
from chainrule.explanation.derivation.notations import notation_named
from chainrule.explanation.derivation.recast import recast
from chainrule.explanation.derivation.recursion import Recursion, recursion
from chainrule.explanation.subject import about
from chainrule.pages import (
    Block,
    Code,
    Fold,
    Formula,
    Heading,
    Page,
    Paragraph,
    Shown,
    Strong,
    Table,
    Text,
)
from chainrule.pages.latex import maths_latex
from chainrule.pages.maths import Maths, Row, row
from chainrule.pages.plain import maths_text


def derive(subject: Any, wrt: Which | None = None, notation: str = "own") -> Any:
    r"""Derive the gradient of a loss, as one would on paper.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed: its derivation is returned at once. Of a function, a
        function of its arguments is returned; so it is with a module, which stands for the
        function of itself and its inputs.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.
    notation : {"own", "kamper", "koller", "slp", "lampos", "fund"}
        Whose symbols and conventions: those of the code, or of a lecture.

    Returns
    -------
    Derivation, or a function that returns one
        Every formula in it has been evaluated and compared with the gradient.

    Raises
    ------
    ArgumentError
        If there is no such notation.
    NotDifferentiableError
        If the loss is no single number that depends on the variables.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def loss(w, x):
    ...     z = w @ x
    ...     return np.sum(np.tanh(z) ** 2)
    >>> derivation = cr.derive(loss, wrt="w")(np.ones((2, 3)), np.ones(3))
    >>> derivation.ok
    True
    >>> print(derivation.latex("w").rpartition("= ")[2])
    \boldsymbol{\delta}_{\mathbf{z}} \mathbf{x}^{\top}
    """
    profile = notation_named(notation)
    return about(subject, wrt, lambda account: Derivation(account, profile.name))


class Derivation(Shown):
    """A derivation: equations of the forward pass, deltas, gradients.

    Attributes
    ----------
    forward, backward : list of Line
    recursion : Recursion or None
        What every hidden layer has in common.
    """

    def __init__(self, account: Account, notation: str) -> None:
        self.account, self.recognised = recast(account)
        self.setting: Setting = setting(System(self.account), notation_named(notation))
        self.forward, self.backward = lines(self.setting)
        self.recursion: Recursion | None = recursion(self.setting)

    @property
    def ok(self) -> bool:
        """Whether every formula, evaluated, gave the gradient."""
        return all(line.ok for line in (*self.forward, *self.backward))

    @property
    def gradients(self) -> list[Line]:
        """The lines of the variables that were asked for."""
        return [line for line in self.backward if line.equation.variable.wanted]

    def line(self, name: str) -> Line:
        """Return the line of a variable's delta.

        Raises
        ------
        KeyError
            If there is none; the message lists the names there are.
        """
        for line in self.backward:
            if line.equation.variable.name == name:
                return line
        known = ", ".join(line.equation.variable.name for line in self.backward)
        raise KeyError(f"there is no delta of {name!r}; there are those of {known}")

    def latex(self, name: str) -> str:
        """Return the line of a variable's delta as LaTeX."""
        return maths_latex(self.line(name).maths)

    def _repr_latex_(self) -> str:
        rows = [maths_latex(line.maths) for line in (*self.forward, *self.backward)]
        return "$$\\begin{gathered}" + r" \\ ".join(rows) + "\\end{gathered}$$"

    def facts(self) -> dict[str, Any]:
        """Return the lines as JSON-able values: LaTeX, text, shapes, reasons, errors."""
        return {
            "notation": self.setting.notation.name,
            "conventions": self.setting.notation.facts(),
            "differences": self.differences,
            "recognised": self.recognised,
            "forward": [_line_facts(line) for line in self.forward],
            "backward": [_line_facts(line) for line in self.backward],
            "recursion": [] if self.recursion is None else [
                maths_latex(m) for m in self.recursion.formulas
            ],
            "ok": self.ok,
        }  # fmt: skip

    # The page ----------------------------------------------------------------------------------

    def page(self) -> Page:
        """Return the derivation as a page."""
        title = "Derivation of the gradient"
        return Page(title, [Heading(title, 1), *self.blocks()])

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        count = len(self.forward) + len(self.backward)
        wrong = sum(not line.ok for line in (*self.forward, *self.backward))
        verdict = (
            Strong(f"✗ {wrong} of {count} formulas do not give the gradient.", "bad") if wrong
            else Strong(f"✓ All {count} formulas, evaluated, give the computed numbers.", "good")
        )  # fmt: skip
        notation = self.setting.notation
        return [
            Paragraph([verdict]),
            Paragraph(f"Notation: {notation.title}; {'; '.join(notation.facts())}."),
            *self._recognised(),
            self._symbol_table(),
            Heading("Forward pass"),
            *(_formula(line) for line in self.forward),
            Heading("Backward pass"),
            *self._deltas(),
            Heading("Gradients"),
            *self._folded(self.gradients),
            *self._elements(),
        ]

    def _recognised(self) -> list[Block]:
        found: list[Block] = [Paragraph(f"{note}.") for note in self.differences]
        if self.recognised:
            names = ", ".join(dict.fromkeys(self.recognised))
            found.append(Paragraph(f"Recognised in the code and written by name: {names}."))
        return found

    @property
    def differences(self) -> list[str]:
        """Where the code follows another convention than the lecture."""
        notation, found = self.setting.notation, []
        averaged = any(x.name == N for line in self.backward for x in line.equation.graph.inputs)
        if averaged and notation.reduction == "sum":
            found.append(
                "The lecture's loss is a sum over the examples, the code's a mean: hence N"
            )
        slopes = {
            v.tensor.params.get("at_zero", 0.0)
            for v in self.account.variables
            if v.op is not None and v.op.name == "relu"
        }
        for slope in slopes - {notation.relu_at_zero}:
            found.append(
                f"ReLU′(0) is {notation.relu_at_zero:g} in the lecture, {slope:g} in the code"
            )
        return found

    def _symbol_table(self) -> Table:
        rows: list[list[Text]] = []
        s = self.setting
        for key, value in s.system.values.items():
            if key.startswith(DELTA) or key == N:
                continue
            shape = "×".join(map(str, s.turned(key, value).shape)) or "number"
            turned = s.turned(key, value).shape != np.shape(value)
            rows.append([[s.symbol(key)], [Code(key)], shape, "transposed" if turned else ""])
        columns = ["symbol", "in the code", "shape", ""]
        return Table(columns, rows, caption="What the symbols stand for")

    def _deltas(self) -> list[Block]:
        """Return the lines of the results, those that the recursion says folded away."""
        found = self.recursion
        shown = [line for line in self.backward if not line.equation.variable.wanted]
        if found is None:
            return [_formula(line) for line in shown]
        text = (
            f"Then the same in every hidden layer, l = {found.last}, …, {found.first}, where the "
            "output of layer 0 is the input:"
        )
        first = [_formula(line) for line in shown if line.layer > found.last]
        return [
            *first,
            Paragraph(text),
            *(Formula(m) for m in found.formulas),
            *self._folded([line for line in shown if line.layer <= found.last]),
        ]

    def _folded(self, lines: list[Line]) -> list[Block]:
        """Return lines, those of hidden layers folded away if the recursion says them."""
        found = self.recursion
        if found is None:
            return [_formula(line) for line in lines]
        hidden = [line for line in lines if line.layer <= found.last]
        others = [_formula(line) for line in lines if line.layer > found.last]
        return [*others, Fold("The hidden layers one by one", [_formula(line) for line in hidden])]

    def _elements(self) -> list[Block]:
        formulas = [m for line in self.backward if (m := self.element(line)) is not None]
        if not formulas:
            return []
        title = "Element by element"
        first = self.setting.notation.index_form
        return [Fold(title, [Formula(m) for m in formulas], open=first)]

    def element(self, line: Line) -> Maths | None:
        """Return a line in its form for one element; None if it has none."""
        s = self.setting
        if not line.shape:
            return None
        try:
            indices, right = index_form(line.graphs[-1], self._element_symbol, s.system.counted)
        except (UnsupportedError, ValueError, TypeError):  # shapes that no index form is known for
            return None
        return row(self._element_symbol(line.equation.key, indices), "=", right)

    def _element_symbol(self, key: str, indices: Any) -> Maths:
        index = None if not indices else indices[0] if len(indices) == 1 else Row(tuple(indices))
        return self.setting.symbol(key, lambda letter: letter.set(element=index))


def _line_facts(line: Line) -> dict[str, Any]:
    return {
        "variable": line.equation.variable.name,
        "delta": line.equation.is_delta,
        "latex": maths_latex(line.maths),
        "text": maths_text(line.maths),
        "shape": list(line.shape),
        "layer": line.layer,
        "reasons": line.reasons,
        "ok": line.ok,
        "error": None if np.isnan(line.error) else line.error,
    }


def _formula(line: Line) -> Block:
    """Return a line with its shape, its reasons and, where it fails, how."""
    shape = " × ".join(map(str, line.shape)) or "a number"
    remark: list[Any] = [f"{shape}"]
    if line.reasons:
        remark.append("; " + "; ".join(line.reasons))
    if not line.ok:
        remark.append(Strong(f"  ✗ evaluated, it is off by {line.error:.2g}", "bad"))
    return Formula(line.maths, remark)
