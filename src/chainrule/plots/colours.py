"""Colours that eyes of every kind tell apart, shapes beside them, and the characters of text."""

from __future__ import annotations

import string

# Okabe and Ito, "Color universal design" (2008), without the yellow, which is faint on white; the
# black is a grey that shows on dark paper too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7a7670")
SHAPES = ("o", "s", "^", "D", "v", "P")
MAPS = {"sequential": "cividis", "diverging": "RdBu", "grey": "Greys_r"}
FAINT = "#7a7670"

LETTERS = string.ascii_uppercase
RAMP = " .:-=+*#%@"  # from low to high
SIGNED = "=- +#"  # far below zero, below, about zero, above, far above


def colour(series: int) -> str:
    """Return the colour of a series."""
    return COLOURS[series % len(COLOURS)]


def shape(series: int) -> str:
    """Return the shape of a series: with its colour it comes again after 42 others."""
    return SHAPES[(series + series // len(COLOURS)) % len(SHAPES)]


def letter(series: int) -> str:
    """Return the character of a series."""
    return LETTERS[series % len(LETTERS)]
