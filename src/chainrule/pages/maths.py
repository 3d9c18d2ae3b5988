"""A formula as it is laid out on paper: rows of symbols, scripts, fractions, matrices.

The tree says how a formula looks, nothing about what it computes; it is lowered to LaTeX, to
MathML and to plain text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Symbol:
    """A letter, or a Greek letter by its LaTeX name, such as ``"delta"``.

    Parameters
    ----------
    name : str
        May be any text, a user's variable name too; of more than one letter it is set upright,
        unless it names a Greek letter.
    style : {"italic", "bold", "upright"}
        Scalars are italic; vectors and matrices bold.
    accent : {"", "hat", "bar", "tilde"}
    """

    name: str
    style: str = "italic"
    accent: str = ""


@dataclass(frozen=True)
class Number:
    """A number as it is to be printed."""

    text: str


@dataclass(frozen=True)
class Sign:
    """An operator or relation: ``=``, ``+``, ``-``, ``hadamard``, ``times``, ``sum`` and so on.

    Parameters
    ----------
    name : str
        A key of `SIGNS`.
    """

    name: str


@dataclass(frozen=True)
class Words:
    """A word or two among symbols: the name of a function, a remark."""

    text: str


@dataclass(frozen=True)
class Row:
    """Formulas one after another."""

    items: tuple[Maths, ...]


@dataclass(frozen=True)
class Fenced:
    """A formula between brackets.

    Parameters
    ----------
    inner : Maths
    fence : {"()", "[]", "{}", "||", "‖‖"}
    """

    inner: Maths
    fence: str = "()"


@dataclass(frozen=True)
class Script:
    """A base with something below and above on its right; of a big sign, under and over it."""

    base: Maths
    sub: Maths | None = None
    sup: Maths | None = None


@dataclass(frozen=True)
class Fraction:
    """One formula over another."""

    top: Maths
    bottom: Maths


@dataclass(frozen=True)
class Root:
    """The square root."""

    inner: Maths


@dataclass(frozen=True)
class Matrix:
    """Rows of cells between brackets."""

    rows: tuple[tuple[Maths, ...], ...]


Maths: TypeAlias = Symbol | Number | Sign | Words | Row | Fenced | Script | Fraction | Root | Matrix

# Name: LaTeX, the character.
SIGNS: dict[str, tuple[str, str]] = {
    "=": ("=", "="),
    "+": ("+", "+"),
    "-": ("-", "−"),
    ",": (",", ","),
    "/": ("/", "/"),
    "<": ("<", "<"),
    ">": (">", ">"),
    "leq": (r"\leq", "≤"),
    "geq": (r"\geq", "≥"),
    "neq": (r"\neq", "≠"),
    "approx": (r"\approx", "≈"),
    "hadamard": (r"\odot", "⊙"),
    "cdot": (r"\cdot", "·"),
    "times": (r"\times", "×"),
    "sum": (r"\sum", "∑"),
    "prod": (r"\prod", "∏"),
    "partial": (r"\partial", "∂"),
    "nabla": (r"\nabla", "∇"),
    "from": (r"\leftarrow", "←"),
    "to": (r"\to", "→"),
    "in": (r"\in", "∈"),
    "transpose": (r"\top", "⊤"),
    "prime": (r"\prime", "′"),
    "dots": (r"\dots", "…"),
    "thin": (r"\,", " "),
}
BIG = frozenset({"sum", "prod"})

GREEK: dict[str, str] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip


def row(*items: Maths | str) -> Row:
    """Return formulas in a row; a string is the name of a sign.

    Examples
    --------
    >>> row(Symbol("y"), "=", Number("1")).items[1]
    Sign(name='=')
    """
    return Row(tuple(Sign(item) if isinstance(item, str) else item for item in items))
