"""Text for a terminal: what users and files name is shown as text, never obeyed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from shlex import quote
from typing import TYPE_CHECKING

from chainrule.pages.visible import visible

if TYPE_CHECKING:
    from rich.text import Text

_PLAIN = 5  # powers of ten that are written without an exponent

# How the library names an argument, and how this command line names the same thing.
_OPTIONS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"types=\{(['\"])(.*?)\1: '([^']+)'\}"),
        lambda found: f"--types {quote(f'{found[2]}={found[3]}')}",
    ),
    (re.compile(r"\btask='(\w+)'"), r"--task \1"),
    (re.compile(r"\b(encoding|decimal|delimiter)='(.*?)'"), r"--\1 '\2'"),
    (re.compile(r"\bmissing="), "--missing"),
    (re.compile(r"\bskip_rows="), "--skip-rows "),
    (re.compile(r"\bheader=False"), "--no-header"),
    (re.compile(r"\bheader=True"), "--header"),
    (re.compile(r"\bquotes=False"), "--no-quotes"),
    (re.compile(r"\bmin_count\b"), "--min-count"),
    # What the command line does not offer: limits, clipping, lines of a user's program.
    (re.compile(r"(?:;| )? ?[aA]llow more with limits=.*"), ""),
    (re.compile(r"; name (?:those|the keys) to read[^\[]*names=\[\.\.\.\]"), ""),
    (re.compile(r", or clip the gradients with clip_norm="), ""),
    (re.compile(r" \[[^\[\]]*:\d+\]"), ""),
)


def short(text: object, width: int = 40) -> str:
    """Return visible text of at most `width` characters.

    Examples
    --------
    >>> short("a long name of a column", 12)
    'a long na...'
    """
    shown = visible(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def figures(values: Sequence[float], digits: int = 5) -> list[str]:
    """Return numbers with equally many decimals, `digits` significant ones in the largest.

    Examples
    --------
    >>> figures([116792.4, -4837.06, 0.2])
    ['116,792', '-4,837', '0']
    >>> figures([1.25, 0.0312])
    ['1.2500', '0.0312']
    >>> figures([3e-9])
    ['3.0000e-09']
    """
    largest = max(map(abs, values), default=0.0)
    magnitude = math.floor(math.log10(largest)) if largest else 0
    if not -_PLAIN <= magnitude < 3 * _PLAIN:
        return [f"{value:.{digits - 1}e}" for value in values]
    decimals = max(0, digits - 1 - magnitude)
    return [f"{round(value, decimals) + 0.0:,.{decimals}f}" for value in values]


def verbatim(text: object, style: str = "") -> Text:
    """Return text for rich, in which square brackets are square brackets."""
    from rich.text import Text

    return Text(visible(text), style=style)


def as_options(message: str) -> str:
    """Let a message of the library speak of this command line's options.

    Examples
    --------
    >>> as_options("read the column otherwise with types={'size': 'category'}")
    'read the column otherwise with --types size=category'
    """
    for pattern, replacement in _OPTIONS:
        message = pattern.sub(replacement, message)
    return message
