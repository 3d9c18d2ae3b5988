"""What the ops answer at points without a derivative, read from their own declarations."""

from __future__ import annotations

from chainrule.graph import REGISTRY

HEADER = """\
# Points without a derivative

Where a function has a kink, a jump or an infinite slope, chainrule gives one answer, always the
same, and tests it from both sides. It is never NaN where a finite subgradient exists. This table
is generated from the ops' own declarations.

| function | its derivative |
|---|---|
"""


def conventions() -> list[tuple[str, str]]:
    """Return the name of each op that has points without a derivative, and its answer there.

    Examples
    --------
    >>> dict(conventions())["maximum"]
    'at a tie: one half to each'
    """
    return sorted((entry.name, entry.kink) for entry in REGISTRY if entry.kink)


def conventions_table() -> str:
    """Return the conventions as the text of ``docs/conventions.md``."""
    lines = (f"| `{name}` | {text.replace('|', chr(92) + '|')} |\n" for name, text in conventions())
    return HEADER + "".join(lines)
