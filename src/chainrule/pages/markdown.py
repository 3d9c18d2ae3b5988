"""Pages in Markdown, as GitHub reads it: formulas in LaTeX between dollars."""

from __future__ import annotations

import re
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
from chainrule.pages.latex import maths_latex
from chainrule.pages.visible import visible

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!$~<>&-])")


def escaped(text: object) -> str:
    r"""Return text in which nothing is markup.

    Examples
    --------
    >>> print(escaped("[a](http://b) <i>"))
    \[a\]\(http:\//b\) \<i\>
    """
    return _MARKUP.sub(r"\\\1", visible(text)).replace("://", r":\//")


def as_markdown(page: Page) -> str:
    """Return a page as Markdown."""
    return "\n\n".join(map(_block, page.blocks)) + "\n"


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
        return _code(piece.text)
    if isinstance(piece, Strong):
        mark = "_" if piece.tone == "faint" else "**"
        inner = escaped(piece.text.strip())
        return f"{mark}{inner}{mark}" if inner else ""
    return f"${maths_latex(piece)}$"


def _code(text: str) -> str:
    """Return a piece of source between more backticks than it holds in a row."""
    shown = visible(text)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _fenced(text: str, language: str = "") -> str:
    shown = visible(text, keep="\n")
    fence = "`" * max(3, max(map(len, re.findall("`+", shown)), default=0) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _formula(b: Formula) -> str:
    remark = f"\n\n{_text(b.remark)}" if b.remark else ""
    return f"$$\n{maths_latex(b.maths)}\n$${remark}"


def _table(b: Table) -> str:
    rules = ("---:" if i in b.right else "---" for i in range(len(b.columns)))
    lines = [_cells(b.columns), f"| {' | '.join(rules)} |", *map(_cells, b.rows)]
    caption = f"{_text(b.caption)}\n\n" if b.caption else ""
    return caption + "\n".join(lines)


def _cells(cells: Sequence[Text]) -> str:
    shown = (_text(cell).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(shown)} |"


def _figure(b: Figure) -> str:
    return _fenced(b.text) + (f"\n\n{_text(b.caption)}" if b.caption else "")


def _fold(b: Fold) -> str:
    return "\n\n".join([f"**{_text(b.title)}**", *map(_block, b.blocks)])


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Heading: lambda b: f"{'#' * b.level} {_text(b.text)}",
    Paragraph: lambda b: _text(b.text),
    Formula: _formula,
    Listing: lambda b: _fenced(b.text, b.language),
    Items: lambda b: "\n".join(f"- {_text(item)}" for item in b.items),
    Table: _table,
    Figure: _figure,
    Fold: _fold,
}
