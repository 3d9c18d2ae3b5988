"""`Report`: a page about a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.pages import Block, Page, Shown


class Report(Shown):
    """A page about a run.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
    metrics : dict
    """

    def __init__(self, title: str, blocks: Sequence[Block], metrics: dict[str, Any]) -> None:
        self.title, self._blocks, self.metrics = title, list(blocks), metrics

    def facts(self) -> dict[str, Any]:
        """Return the metrics of the run."""
        return self.metrics

    def page(self) -> Page:
        """Return the report."""
        return Page(self.title, self._blocks)
