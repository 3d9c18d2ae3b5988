"""Pages of text, formulas, tables and pictures, for the terminal, HTML, Markdown and LaTeX."""

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
    Piece,
    Strong,
    Table,
    Text,
)
from chainrule.pages.shown import FORMATS, Shown

__all__ = [
    "FORMATS",
    "Block",
    "Code",
    "Figure",
    "Fold",
    "Formula",
    "Heading",
    "Items",
    "Listing",
    "Page",
    "Paragraph",
    "Piece",
    "Shown",
    "Strong",
    "Table",
    "Text",
]
