"""Text for a terminal: what users and files name is shown as text, never obeyed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

# How the library names an argument, and how this command line names the same thing.
_OPTIONS = (
    (re.compile(r"types=\{(['\"])(.*?)\1: '(\w+)'\}"), r"--types '\2=\3'"),
    (re.compile(r"\b(encoding|decimal|delimiter)='(.*?)'"), r"--\1 '\2'"),
    (re.compile(r"\bmissing="), "--missing"),
    (re.compile(r"\bskip_rows="), "--skip-rows "),
    (re.compile(r"\bheader=False"), "--no-header"),
    (re.compile(r"\bheader=True"), "--header"),
)


def plain(text: object) -> str:
    r"""Return text on one line whose control characters and invisible marks can be seen.

    Examples
    --------
    >>> plain("red\x1b[31m\nblue")
    'red\\x1b[31m\\nblue'
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "replace").decode()
        for char in str(text)
    )


def short(text: object, width: int = 40) -> str:
    """Return plain text of at most `width` characters.

    Examples
    --------
    >>> short("a long name of a column", 12)
    'a long na...'
    """
    shown = plain(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def verbatim(text: object, style: str = "") -> Text:
    """Return text for rich, in which square brackets are square brackets."""
    from rich.text import Text

    return Text(plain(text), style=style)


def as_options(message: str) -> str:
    """Let a message of the library speak of this command line's options.

    Examples
    --------
    >>> as_options("read the column otherwise with types={'size': 'category'}")
    "read the column otherwise with --types 'size=category'"
    """
    for pattern, replacement in _OPTIONS:
        message = pattern.sub(replacement, message)
    return message
