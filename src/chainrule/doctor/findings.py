"""What the doctor finds: what was seen, why it harms, what helps, and what was tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chainrule.pages import (
    Block,
    Formula,
    Heading,
    Items,
    Page,
    Paragraph,
    Shown,
    Strong,
    Table,
    Text,
)
from chainrule.pages.latex import maths_latex
from chainrule.pages.maths import Maths

if TYPE_CHECKING:
    from chainrule.doctor.patient import Patient

SEVERITIES = ("error", "warning")
_MARKS = {"error": ("✗", "bad"), "warning": ("!", "note")}


@dataclass(frozen=True)
class Remedy:
    """What is usually done.

    Attributes
    ----------
    text : str
    source : str
        Paper or book, and section.
    change : callable, optional
        Takes a `Patient` and returns one with the remedy applied, so that it can be tried.
    """

    text: str
    source: str = ""
    change: Callable[[Patient], Patient] | None = None


@dataclass(frozen=True)
class Attempt:
    """A remedy that was tried on a copy, beside the same steps without it.

    Attributes
    ----------
    remedy : str
    before, after : float
        The loss after the same number of steps, without and with it; infinite where training
        failed.
    measure : str
        Which loss that is.
    """

    remedy: str
    before: float
    after: float
    measure: str

    @property
    def helped(self) -> bool:
        """Whether the loss was lower by a twentieth at least."""
        return self.after < 0.95 * self.before


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes
    ----------
    code : str
        Such as ``"dead-relu"``.
    severity : {"error", "warning", "note"}
    where : str
        A layer, a column, a row; empty if it concerns the whole.
    seen : str
        What was measured, as a sentence.
    numbers : dict
        The same as numbers.
    harm : str
        Why it harms.
    equation : Maths, optional
    remedies : tuple of Remedy
    tried : tuple of Attempt
    """

    code: str
    severity: str
    where: str
    seen: str
    harm: str
    numbers: dict[str, Any] = field(default_factory=dict)
    equation: Maths | None = None
    remedies: tuple[Remedy, ...] = ()
    tried: tuple[Attempt, ...] = ()

    def with_trials(self, trials: Sequence[Attempt]) -> Finding:
        """Return the finding with what was tried."""
        return replace(self, tried=tuple(trials))

    def __str__(self) -> str:
        where = f" in {self.where}" if self.where else ""
        remedy = f"; {self.remedies[0].text}" if self.remedies else ""
        return f"{self.code}{where}: {self.seen}{remedy}"

    def facts(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "code": self.code,
            "severity": self.severity,
            "where": self.where,
            "seen": self.seen,
            "numbers": {name: _finite(value) for name, value in self.numbers.items()},
            "harm": self.harm,
            "equation": None if self.equation is None else maths_latex(self.equation),
            "remedies": [{"text": r.text, "source": r.source} for r in self.remedies],
            "tried": [
                {
                    "remedy": t.remedy,
                    "before": _finite(t.before),
                    "after": _finite(t.after),
                    "measure": t.measure,
                    "helped": t.helped,
                }
                for t in self.tried
            ],
        }

    def blocks(self) -> list[Block]:
        """Return the finding as a part of a page."""
        mark, tone = _MARKS[self.severity]
        where: list[Any] = [f" in {self.where}"] if self.where else []
        found: list[Block] = [
            Heading([Strong(f"{mark} {self.code}", tone), *where], 3),
            Paragraph(self.seen),
            Paragraph(self.harm),
        ]
        if self.equation is not None:
            found.append(Formula(self.equation))
        if self.remedies:
            found.append(Items([_remedy(r) for r in self.remedies]))
        if self.tried:
            found.append(_trials(self.tried))
        return found


def _finite(value: Any) -> Any:
    """Return a number that JSON lacks as a word."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _remedy(remedy: Remedy) -> Text:
    source: list[Any] = [Strong(f" ({remedy.source})", "faint")] if remedy.source else []
    return [remedy.text, *source]


def _trials(tried: Sequence[Attempt]) -> Table:
    rows: list[list[Text]] = [
        [
            trial.remedy,
            trial.measure,
            f"{trial.before:.4g}",
            f"{trial.after:.4g}",
            [Strong("✓ helped", "good") if trial.helped else Strong("no help", "faint")],
        ]
        for trial in tried
    ]
    columns = ["tried", "measured", "without", "with", ""]
    return Table(columns, rows, frozenset({2, 3}), "After the same steps on copies")


class Diagnosis(Shown):
    """All findings about a network and its data.

    Attributes
    ----------
    findings : list of Finding
        The worst first.
    checked : list of str
        Codes of all that was looked for; what needs an optimizer, a validation part or a network
        that can compute is left out without it.
    notes : list of str
        What the doctor had to assume, and what could not be looked at.
    """

    def __init__(
        self, findings: Sequence[Finding], checked: Sequence[str], notes: Sequence[str] = ()
    ) -> None:
        self.findings = sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
        self.checked, self.notes = list(checked), list(notes)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def codes(self) -> list[str]:
        """The codes of the findings."""
        return [finding.code for finding in self.findings]

    def facts(self) -> dict[str, Any]:
        """Return all findings as JSON-able values."""
        return {
            "healthy": self.healthy,
            "findings": [finding.facts() for finding in self.findings],
            "checked": self.checked,
            "notes": self.notes,
        }

    def page(self) -> Page:
        """Return the diagnosis as a page."""
        return Page("Diagnosis", [Heading("Diagnosis", 1), *self.blocks()])

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        count = len(self.findings)
        verdict = (
            Strong(f"{count} finding{'s' * (count != 1)}.", "note") if count
            else Strong(f"✓ Nothing was found; {len(self.checked)} things were checked.", "good")
        )  # fmt: skip
        blocks: list[Block] = [Paragraph([verdict])]
        for finding in self.findings:
            blocks += finding.blocks()
        if self.notes:
            blocks.append(Items(self.notes))
        return blocks
