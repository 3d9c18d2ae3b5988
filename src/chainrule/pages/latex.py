"""Pages and formulas in LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.pages.blocks import (
    Block,
    Code,
    Figure,
    Fold,
    Formula,
    Heading,
    Items,
    Listing,
    Page,
    Paragraph,
    Strong,
    Table,
    Text,
)
from chainrule.pages.maths import (
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

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}", "*": "{*}",  # behind \\ or \item they would be read as its argument
}  # fmt: skip
_FENCES = {
    "()": ("(", ")"), "[]": ("[", "]"), "{}": (r"\{", r"\}"), "||": ("|", "|"),
    "‖‖": (r"\|", r"\|"),
}  # fmt: skip
_PREAMBLE = r"""\documentclass{article}
\usepackage{fontspec,amsmath,amssymb,booktabs,longtable,geometry}
\geometry{margin=25mm}
"""


def escaped(text: object) -> str:
    r"""Return text whose special characters LaTeX prints.

    Examples
    --------
    >>> print(escaped("50%_off\\input{x}"))
    50\%\_off\textbackslash{}input\{x\}
    """
    return "".join(_SPECIAL.get(char, char) for char in visible(text))


# Formulas ---------------------------------------------------------------------------------------


def maths_latex(maths: Maths) -> str:
    r"""Return a formula in LaTeX, without dollars around it.

    Examples
    --------
    >>> from chainrule.pages.maths import row
    >>> print(maths_latex(row(Symbol("delta", "bold"), "=", Symbol("my_x"))))
    \boldsymbol{\delta} = \mathrm{my\_x}
    """
    return _MATHS[type(maths)](maths)


def _symbol(m: Symbol) -> str:
    if m.name in GREEK:
        letter = f"\\{m.name}"
        letter = rf"\boldsymbol{{{letter}}}" if m.style == "bold" else letter
    elif m.style == "bold":
        letter = rf"\mathbf{{{escaped(m.name)}}}"
    elif m.style == "italic" and len(m.name) == 1 and m.name.isalpha():
        letter = m.name
    else:
        letter = rf"\mathrm{{{escaped(m.name)}}}"
    return rf"\{m.accent}{{{letter}}}" if m.accent else letter


def _fenced(m: Fenced) -> str:
    left, right = _FENCES[m.fence]
    inner = maths_latex(m.inner)
    tall = r"\frac" in inner or r"\sum" in inner
    return rf"\left{left}{inner}\right{right}" if tall else f"{left}{inner}{right}"


def _script(m: Script) -> str:
    base = maths_latex(m.base)
    if isinstance(m.base, Script | Row | Fraction):
        base = f"{{{base}}}"
    sub = "" if m.sub is None else f"_{{{maths_latex(m.sub)}}}"
    sup = "" if m.sup is None else f"^{{{maths_latex(m.sup)}}}"
    return base + sub + sup


def _matrix(m: Matrix) -> str:
    rows = r" \\ ".join(" & ".join(map(maths_latex, cells)) for cells in m.rows)
    return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"


_MATHS: dict[type, Callable[[Any], str]] = {
    Symbol: _symbol,
    Number: lambda m: escaped(m.text),
    Sign: lambda m: SIGNS[m.name][0],
    Words: lambda m: rf"\text{{{escaped(m.text)}}}",
    Row: lambda m: " ".join(map(maths_latex, m.items)),
    Fenced: _fenced,
    Script: _script,
    Fraction: lambda m: rf"\frac{{{maths_latex(m.top)}}}{{{maths_latex(m.bottom)}}}",
    Root: lambda m: rf"\sqrt{{{maths_latex(m.inner)}}}",
    Matrix: _matrix,
}


# Pages ------------------------------------------------------------------------------------------


def document(page: Page) -> str:
    """Return a page as a whole document, for XeLaTeX or LuaLaTeX."""
    body = "\n\n".join(map(_block, page.blocks))
    title = rf"\title{{{escaped(page.title)}}}"
    return f"{_PREAMBLE}{title}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _block(block: Block) -> str:
    return _BLOCKS[type(block)](block)


def _text(text: Text) -> str:
    if isinstance(text, str):
        return escaped(text)
    return "".join(map(_piece, text))


def _piece(piece: Any) -> str:
    if isinstance(piece, str):
        return escaped(piece)
    if isinstance(piece, Code):
        return rf"\texttt{{{escaped(piece.text)}}}"
    if isinstance(piece, Strong):
        command = r"\emph" if piece.tone == "faint" else r"\textbf"
        return f"{command}{{{escaped(piece.text)}}}"
    return f"${maths_latex(piece)}$"


def _heading(b: Heading) -> str:
    command = ("section", "section", "subsection", "subsubsection", "paragraph")[b.level]
    return rf"\{command}*{{{_text(b.text)}}}"


def _formula(b: Formula) -> str:
    remark = rf"\noindent {_text(b.remark)}" if b.remark else ""
    return f"\\[ {maths_latex(b.maths)} \\]\n{remark}".rstrip()


def _verbatim(text: str) -> str:
    r"""Return lines as they are, whatever they hold: ``\end{verbatim}`` too."""
    lines = (rf"\texttt{{{escaped(line).replace(' ', '~')}}}\\" for line in text.split("\n"))
    return "{\\footnotesize\\noindent\n" + "\n".join(lines) + "\n}"


def _items(b: Items) -> str:
    points = "\n".join(rf"\item {_text(item)}" for item in b.items)
    return f"\\begin{{itemize}}\n{points}\n\\end{{itemize}}"


def _table(b: Table) -> str:
    spec = "".join("r" if i in b.right else "l" for i in range(len(b.columns)))
    head = _cells(b.columns)
    body = "\n".join(map(_cells, b.rows))
    caption = rf"\multicolumn{{{len(b.columns)}}}{{l}}{{{_text(b.caption)}}}\\" if b.caption else ""
    return (
        f"\\begin{{longtable}}{{{spec}}}\n{caption}\n\\toprule\n{head}\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{longtable}"
    )


def _cells(cells: Sequence[Text]) -> str:
    return " & ".join(map(_text, cells)) + r" \\"


def _figure(b: Figure) -> str:
    caption = f"\n\n{_text(b.caption)}" if b.caption else ""
    return _verbatim(b.text) + caption


def _fold(b: Fold) -> str:
    return "\n\n".join([rf"\paragraph*{{{_text(b.title)}}}", *map(_block, b.blocks)])


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Heading: _heading,
    Paragraph: lambda b: _text(b.text),
    Formula: _formula,
    Listing: lambda b: _verbatim(b.text),
    Items: _items,
    Table: _table,
    Figure: _figure,
    Fold: _fold,
}
