"""Formulas in MathML, which browsers show without a script."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
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
from chainrule.pages.plain import maths_text
from chainrule.pages.visible import visible

_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~"}
_SIDES = frozenset({"partial", "nabla", "transpose", "prime", "dots"})


def maths_mathml(maths: Maths, *, block: bool = False) -> str:
    """Return a formula as a ``<math>`` element, its text with it.

    Examples
    --------
    >>> print(maths_mathml(Symbol("x")))
    <math alttext="x"><mi>x</mi></math>
    """
    display = ' display="block"' if block else ""
    return f'<math{display} alttext="{escape(maths_text(maths))}">{_lower(maths)}</math>'


def _lower(maths: Maths) -> str:
    return _MATHS[type(maths)](maths)


def _bold(char: str) -> str:
    """Return the bold letter, which has a code point of its own."""
    if "A" <= char <= "Z":
        return chr(0x1D400 + ord(char) - ord("A"))
    if "a" <= char <= "z":
        return chr(0x1D41A + ord(char) - ord("a"))
    if "α" <= char <= "ω":
        return chr(0x1D6C2 + ord(char) - ord("α"))
    if "Α" <= char <= "Ω":
        return chr(0x1D6A8 + ord(char) - ord("Α"))
    if "0" <= char <= "9":
        return chr(0x1D7CE + ord(char) - ord("0"))
    return char


def _symbol(m: Symbol) -> str:
    text = GREEK.get(m.name, m.name)
    if m.style == "bold":
        text = "".join(map(_bold, text))
    upright = m.style == "upright" and len(text) == 1
    variant = ' mathvariant="normal"' if upright else ""
    written = f"<mi{variant}>{escape(visible(text))}</mi>"
    if not m.accent:
        return written
    return f'<mover accent="true">{written}<mo stretchy="false">{_ACCENTS[m.accent]}</mo></mover>'


def _sign(m: Sign) -> str:
    if m.name == "thin":
        return '<mspace width="0.17em"/>'
    char = escape(SIGNS[m.name][1])
    if m.name in _SIDES:
        return f'<mo lspace="0" rspace="0" stretchy="false">{char}</mo>'
    return f"<mo>{char}</mo>"


def _row(m: Row) -> str:
    return f"<mrow>{''.join(map(_lower, m.items))}</mrow>"


def _fenced(m: Fenced) -> str:
    left, right = m.fence[0], m.fence[-1]
    return f"<mrow><mo>{left}</mo>{_lower(m.inner)}<mo>{right}</mo></mrow>"


def _script(m: Script) -> str:
    big = isinstance(m.base, Sign) and m.base.name in BIG
    parts = [_lower(m.base), *(_lower(x) for x in (m.sub, m.sup) if x is not None)]
    name = ("under" if big else "sub") * (m.sub is not None)
    name += ("over" if big else "sup") * (m.sup is not None)
    return f"<m{name}>{''.join(parts)}</m{name}>" if name else parts[0]


def _matrix(m: Matrix) -> str:
    rows = "".join(
        f"<mtr>{''.join(f'<mtd>{_lower(cell)}</mtd>' for cell in cells)}</mtr>" for cells in m.rows
    )
    return f"<mrow><mo>[</mo><mtable>{rows}</mtable><mo>]</mo></mrow>"


_MATHS: dict[type, Callable[[Any], str]] = {
    Symbol: _symbol,
    Number: lambda m: f"<mn>{escape(visible(m.text))}</mn>",
    Sign: _sign,
    Words: lambda m: f"<mtext>{escape(visible(m.text))}</mtext>",
    Row: _row,
    Fenced: _fenced,
    Script: _script,
    Fraction: lambda m: f"<mfrac>{_lower(m.top)}{_lower(m.bottom)}</mfrac>",
    Root: lambda m: f"<msqrt>{_lower(m.inner)}</msqrt>",
    Matrix: _matrix,
}
