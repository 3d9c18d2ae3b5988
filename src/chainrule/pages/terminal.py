"""Pages in a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

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
from chainrule.pages.plain import maths_text
from chainrule.pages.visible import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text as RichText

WIDTH = 100  # of text that is not shown on a terminal
_TONES = {
    "plain": "bold",
    "good": "bold green",
    "bad": "bold red",
    "note": "yellow",
    "faint": "dim",
}


def console(**options: Any) -> Console:
    """Return a console of rich, whose reader may go away."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program with an exit code of its own

    return Plain(highlight=False, **options)


def as_text(page: Page) -> str:
    """Return a page as plain text, 100 characters wide."""
    file = io.StringIO()
    # In a notebook a console would show the page and write nothing.
    _print(console(file=file, width=WIDTH, color_system=None, force_jupyter=False), page)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n")).strip("\n")


def show(page: Page) -> None:
    """Print a page on standard output, in colours on a terminal."""
    screen = console(file=sys.stdout)
    if screen.is_terminal:
        _print(screen, page)
    else:
        sys.stdout.write(as_text(page) + "\n")


def _print(screen: Console, page: Page) -> None:
    for renderable in renderables(page.blocks):
        screen.print(renderable)


def renderables(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    """Yield what rich prints for each block, and a blank line after it."""
    for block in blocks:
        yield from _BLOCKS[type(block)](block)
        if not isinstance(block, Fold):
            yield ""


def _text(text: Text, style: str = "") -> RichText:
    from rich.text import Text as RichText

    found = RichText(style=style)
    for piece in [text] if isinstance(text, str) else text:
        if isinstance(piece, str):
            found.append(visible(piece))
        elif isinstance(piece, Code):
            found.append(visible(piece.text), style="cyan")
        elif isinstance(piece, Strong):
            found.append(visible(piece.text), style=_TONES[piece.tone])
        else:
            found.append(maths_text(piece))
    return found


def _formula(b: Formula) -> Iterator[RenderableType]:
    from rich.padding import Padding

    yield Padding(_text([b.maths]), (0, 0, 0, 2))
    if b.remark:
        yield Padding(_text(b.remark, "dim"), (0, 0, 0, 6))


def _listing(text: str) -> Iterator[RenderableType]:
    from rich.text import Text as RichText

    yield RichText(visible(text, keep="\n"), no_wrap=True, overflow="ignore")


def _table(b: Table) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table as RichTable

    table = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i, column in enumerate(b.columns):
        table.add_column(_text(column), justify="right" if i in b.right else "left")
    for row in b.rows:
        table.add_row(*map(_text, row))
    if b.caption:
        yield _text(b.caption, "dim")
    yield table


def _figure(b: Figure) -> Iterator[RenderableType]:
    yield from _listing(b.text)
    if b.caption:
        yield _text(b.caption, "dim")


def _heading(b: Heading) -> Iterator[RenderableType]:
    heading = _text(b.text, "bold")
    yield heading
    if b.level <= 2:
        yield _text(("═" if b.level == 1 else "─") * heading.cell_len)


def _fold(b: Fold) -> Iterator[RenderableType]:
    yield _text(b.title, "bold")
    yield ""
    yield from renderables(b.blocks)


def _items(b: Items) -> Iterator[RenderableType]:
    from rich.padding import Padding

    for item in b.items:
        yield Padding(_text(["· ", *([item] if isinstance(item, str) else item)]), (0, 0, 0, 2))


_BLOCKS: dict[type, Callable[[Any], Iterator[RenderableType]]] = {
    Heading: _heading,
    Paragraph: lambda b: iter([_text(b.text)]),
    Formula: _formula,
    Listing: lambda b: _listing(b.text),
    Items: _items,
    Table: _table,
    Figure: _figure,
    Fold: _fold,
}
