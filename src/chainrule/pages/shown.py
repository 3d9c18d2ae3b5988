"""`Shown`: base of results that can be looked at in a terminal, a notebook or a file."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.pages.blocks import Page


class Shown(ABC):
    """A result with one tree of facts and one page, in every format.

    A subclass says its `facts` and its `page`; every format follows from these.
    """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return all that is known, as JSON-able values."""

    @abstractmethod
    def page(self) -> Page:
        """Return the page that a person reads."""

    def __str__(self) -> str:
        from chainrule.pages.terminal import as_text

        return as_text(self.page())

    def show(self) -> None:
        """Print the page, in colours on a terminal."""
        from chainrule.pages.terminal import show

        show(self.page())

    def to_html(self) -> str:
        """Return a whole HTML document that needs no network and no script."""
        from chainrule.pages.html import document

        return document(self.page())

    def to_markdown(self) -> str:
        """Return the page as Markdown, formulas in LaTeX between dollars."""
        from chainrule.pages.markdown import as_markdown

        return as_markdown(self.page())

    def to_latex(self) -> str:
        """Return the page as a whole LaTeX document."""
        from chainrule.pages.latex import document

        return document(self.page())

    def to_json(self) -> str:
        """Return the facts as JSON."""
        return json.dumps(self.facts(), indent=1, allow_nan=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file whose suffix says the format: .html, .md, .tex, .json or .txt.

        Raises
        ------
        ArgumentError
            If the suffix is another.
        OSError
            If the file cannot be written.
        """
        from chainrule.io import atomic_write  # brings NumPy, which a page without files needs not

        suffix, formats = Path(path).suffix.lower(), self.formats()
        if suffix not in formats:
            raise ArgumentError(f"save: {str(path)!r} ends in none of {', '.join(formats)}")
        with atomic_write(Path(path), "w", encoding="utf-8", newline="\n") as file:
            file.write(formats[suffix](self))

    @classmethod
    def formats(cls) -> dict[str, Callable[[Any], str]]:
        """Return what makes a file of each suffix."""
        return FORMATS

    def _repr_html_(self) -> str:
        from chainrule.pages.html import fragment

        return fragment(self.page())

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


FORMATS: dict[str, Callable[[Shown], str]] = {
    ".html": Shown.to_html,
    ".md": Shown.to_markdown,
    ".tex": Shown.to_latex,
    ".json": Shown.to_json,
    ".txt": Shown.__str__,
}
