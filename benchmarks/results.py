"""Write what a benchmark measured into its section of docs/results.md.

A section stands between two comments that name it; running its command again replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results.md"
HEAD = """# Results on text

Each section is written by the command that it names; nothing here is typed in. Means and sample
standard deviations are over seeds.
"""


def write(name: str, title: str, command: str, lines: Iterable[str], page: Path = PAGE) -> None:
    """Put a section in its place, or at the end of the page.

    Parameters
    ----------
    name : str
        Of the section, in order of which they stand.
    title : str
    command : str
        What was run.
    lines : iterable of str
        Markdown.
    """
    sections = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    sections[name] = "\n".join([f"## {title}", "", f"`{command}`", "", *lines])
    parts = [f"<!-- {key} -->\n{text}\n<!-- end -->\n" for key, text in sorted(sections.items())]
    page.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    found = {}
    for part in text.split("\n<!-- ")[1:]:
        name, _, rest = part.partition(" -->\n")
        if name != "end":
            found[name] = rest.strip("\n")
    return found


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return mean and spread, such as ``0.91 ± 0.01``."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]
