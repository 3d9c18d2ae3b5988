"""Formulas as one line of plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from chainrule.pages.maths import (
    BIG,
    GREEK,
    SIGNS,
    Fenced,
    Fraction,
    Maths,
    Matrix,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Symbol,
    Words,
)
from chainrule.pages.visible import visible

_SUPERSCRIPTS = dict(zip("0123456789+-−()[]lnTki", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾⁽⁾ˡⁿᵀᵏⁱ", strict=True))
_SUBSCRIPTS = dict(
    zip("0123456789+-()aeijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
_ACCENTS = {"hat": "\N{COMBINING CIRCUMFLEX ACCENT}", "bar": "\N{COMBINING MACRON}",
            "tilde": "\N{COMBINING TILDE}", "": ""}  # fmt: skip
_SPACED = frozenset({
    "=", "+", "-", "<", ">", "leq", "geq", "neq", "approx", "hadamard", "times", "from", "to", "in",
})  # fmt: skip


def maths_text(maths: Maths) -> str:
    """Return a formula as text.

    Examples
    --------
    >>> from chainrule.pages.maths import row
    >>> z = Script(Symbol("z", "bold"), None, Fenced(Number("1"), "[]"))
    >>> maths_text(row(z, "=", Symbol("W", "bold"), Symbol("x", "bold")))
    'z⁽¹⁾ = W x'
    """
    return " ".join(_LOWER[type(maths)](maths).split())


def _symbol(m: Symbol) -> str:
    return unicodedata.normalize("NFC", visible(GREEK.get(m.name, m.name)) + _ACCENTS[m.accent])


def _sign(m: Sign) -> str:
    if m.name == "transpose":
        return "ᵀ"
    char = SIGNS[m.name][1]
    return f" {char} " if m.name in _SPACED else char


def _row(m: Row) -> str:
    text = ""
    for i, item in enumerate(m.items):
        written = _LOWER[type(item)](item)
        alone = isinstance(item, Sign) and item.name not in _SPACED
        before = m.items[i - 1] if i else None
        glued = not i or alone or (isinstance(item, Fenced) and isinstance(before, Symbol | Words))
        glued = glued or (isinstance(before, Sign) and before.name not in BIG)
        text += written if glued or text.endswith(" ") else f" {written}"
    return text.replace(" ,", ",").replace(",", ", ") if text.count(",") else text


def _fenced(m: Fenced) -> str:
    return f"{m.fence[0]}{maths_text(m.inner)}{m.fence[-1]}"


def _script(m: Script) -> str:
    base = _LOWER[type(m.base)](m.base)
    if not isinstance(m.base, Symbol | Sign | Script | Fenced | Number | Words):
        base = f"({base.strip()})"
    sub = "" if m.sub is None else _raised(maths_text(m.sub), _SUBSCRIPTS, "_")
    sup = "" if m.sup is None else _raised(maths_text(m.sup), _SUPERSCRIPTS, "^")
    return base + sup + sub if isinstance(m.sup, Fenced) else base + sub + sup


def _raised(text: str, table: dict[str, str], mark: str) -> str:
    """Return small characters where there are such for all, else the text behind a mark."""
    if text in ("ᵀ", "′"):
        return text
    small = [table.get(char) for char in text.replace(" ", "")]
    if all(small):
        return "".join(filter(None, small))
    return (
        f"{mark}{text}"
        if len(text) == 1 or (mark == "_" and text.isalnum())
        else f"{mark}{{{text}}}"
    )


def _fraction(m: Fraction) -> str:
    parts = []
    for part in (m.top, m.bottom):
        text = maths_text(part)
        simple = isinstance(part, Symbol | Number | Script | Fenced) or text.startswith("∂")
        parts.append(text if simple and " " not in text.lstrip("∂ ") else f"({text})")
    return "/".join(part.replace("∂ ", "∂") for part in parts)


def _matrix(m: Matrix) -> str:
    rows = ("  ".join(maths_text(cell) for cell in cells) for cells in m.rows)
    return f"[{'; '.join(rows)}]"


_LOWER: dict[type, Callable[[Any], str]] = {
    Symbol: _symbol,
    Number: lambda m: visible(m.text),
    Sign: _sign,
    Words: lambda m: visible(m.text),
    Row: _row,
    Fenced: _fenced,
    Script: _script,
    Fraction: _fraction,
    Root: lambda m: f"√({maths_text(m.inner)})",
    Matrix: _matrix,
}
