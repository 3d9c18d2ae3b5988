"""What a page is made of: headings, text, formulas, tables, pictures, one below another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chainrule.pages.maths import Maths

# A line of text: strings are text and nothing else, whatever characters they hold.
Piece: TypeAlias = "str | Code | Strong | Maths"
Text: TypeAlias = "str | Sequence[Piece]"


@dataclass(frozen=True)
class Code:
    """A piece of source, or a name in it."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Text that stands out.

    Parameters
    ----------
    text : str
    tone : {"plain", "good", "bad", "note", "faint"}
        What it means; each format has its own way to say so, colour is never the only one.
    """

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (the page's) to 4."""

    text: Text
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True)
class Formula:
    """A formula on a line of its own, and what is to be said of it."""

    maths: Maths
    remark: Text = ""


@dataclass(frozen=True)
class Listing:
    """Source, or other text whose lines are to stay as they are."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Items:
    """A list of points."""

    items: Sequence[Text]


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings.

    Parameters
    ----------
    columns : sequence of Text
        The headings.
    rows : sequence of sequences of Text
    right : collection of int
        Columns whose cells are numbers, set to the right.
    caption : Text
    """

    columns: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    right: frozenset[int] = frozenset()
    caption: Text = ""


@dataclass(frozen=True)
class Figure:
    """A picture: SVG where pictures can be shown, text elsewhere.

    Parameters
    ----------
    svg : str
        A whole ``<svg>`` element, made by chainrule: it is shown as it is.
    text : str
        The same as text, several lines perhaps.
    caption : Text
    """

    svg: str
    text: str
    caption: Text = ""


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when the reader asks, where the format can do that."""

    title: Text
    blocks: Sequence[Block] = field(default_factory=tuple)
    open: bool = False


Block: TypeAlias = Heading | Paragraph | Formula | Listing | Items | Table | Figure | Fold


@dataclass(frozen=True)
class Page:
    """Blocks, and the title of a document that holds them."""

    title: str
    blocks: Sequence[Block]
