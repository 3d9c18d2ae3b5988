"""Pages in HTML: no network, no script; light and dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from html import escape as escape_html
from importlib.resources import files
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
from chainrule.pages.mathml import maths_mathml
from chainrule.pages.visible import visible

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def escaped(text: object) -> str:
    """Return text in which nothing is markup.

    Examples
    --------
    >>> escaped("<b>&")
    '&lt;b&gt;&amp;'
    """
    return escape_html(visible(text))


@cache
def style() -> str:
    """Return the style sheet of all pages."""
    return (files("chainrule.pages") / "page.css").read_text(encoding="utf-8")


def document(page: Page) -> str:
    """Return a page as a whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(page.title)}</title>\n<style>{style()}</style>\n</head>\n"
        f'<body>\n<main class="cr-page">\n{_blocks(page.blocks)}\n</main>\n</body>\n</html>\n'
    )


def fragment(page: Page) -> str:
    """Return a page for a place within another, such as the output of a notebook's cell."""
    return f'<div class="cr-page cr-inset"><style>{style()}</style>\n{_blocks(page.blocks)}</div>'


def _blocks(blocks: Sequence[Block]) -> str:
    return "\n".join(_BLOCKS[type(block)](block) for block in blocks)


def _text(text: Text) -> str:
    if isinstance(text, str):
        return escaped(text)
    return "".join(map(_piece, text))


def _piece(piece: Any) -> str:
    if isinstance(piece, str):
        return escaped(piece)
    if isinstance(piece, Code):
        return f"<code>{escaped(piece.text)}</code>"
    if isinstance(piece, Strong):
        return f'<strong class="cr-{piece.tone}">{escaped(piece.text)}</strong>'
    return maths_mathml(piece)


def _formula(b: Formula) -> str:
    remark = f'<p class="cr-remark">{_text(b.remark)}</p>' if b.remark else ""
    maths = maths_mathml(b.maths, block=True)
    return f'<div class="cr-formula"><div class="cr-wide" tabindex="0">{maths}</div>{remark}</div>'


def _table(b: Table) -> str:
    caption = f"<caption>{_text(b.caption)}</caption>" if b.caption else ""
    head = "".join(
        f'<th scope="col"{_side(b, i)}>{_text(column)}</th>' for i, column in enumerate(b.columns)
    )
    rows = "\n".join(
        f"<tr>{''.join(f'<td{_side(b, i)}>{_text(cell)}</td>' for i, cell in enumerate(row))}</tr>"
        for row in b.rows
    )
    return (
        f'<div class="cr-wide" tabindex="0"><table>{caption}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _side(b: Table, column: int) -> str:
    return ' class="cr-number"' if column in b.right else ""


def _figure(b: Figure) -> str:
    caption = f"<figcaption>{_text(b.caption)}</figcaption>" if b.caption else ""
    return f'<figure><div class="cr-wide" tabindex="0">{b.svg}</div>{caption}</figure>'


def _fold(b: Fold) -> str:
    opened = " open" if b.open else ""
    inner = _blocks(b.blocks)
    return f"<details{opened}><summary>{_text(b.title)}</summary>\n{inner}\n</details>"


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Heading: lambda b: f"<h{b.level}>{_text(b.text)}</h{b.level}>",
    Paragraph: lambda b: f"<p>{_text(b.text)}</p>",
    Formula: _formula,
    Listing: lambda b: (
        f'<pre class="cr-wide" tabindex="0"><code>{escape_html(visible(b.text, keep=chr(10)))}'
        "</code></pre>"
    ),
    Items: lambda b: f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in b.items)}</ul>",
    Table: _table,
    Figure: _figure,
    Fold: _fold,
}
