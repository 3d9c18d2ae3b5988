"""``chainrule vectors``: vectors of words learned from running text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from chainrule.cli import show
from chainrule.cli.language import shown
from chainrule.cli.language.streams import RunningText
from chainrule.cli.language.trained import (
    LanguageRequest,
    checkpoint_of,
    digest,
    facts,
    made,
    settings_of,
    title_of,
    write_metrics,
    write_model,
)
from chainrule.cli.runs import Course
from chainrule.cli.text import short, verbatim
from chainrule.language import WordVectors
from chainrule.text.word_tests import read_analogies, read_word_pairs

if TYPE_CHECKING:
    from chainrule.report import Report

VECTORS = "vectors.vec"


@dataclass(frozen=True)
class VectorsRequest(LanguageRequest):
    """What ``chainrule vectors`` was asked to do.

    Parameters
    ----------
    similarity, analogies : str, optional
        Files to judge by: pairs of words with people's scores, and questions.
    """

    similarity: str | None = None
    analogies: str | None = None
    command: ClassVar[str] = "vectors"

    def model(self) -> WordVectors:
        """Return the vectors before training."""
        return made(WordVectors, self.arguments)


@dataclass
class _Run:
    """A text to learn from, tests, and the vectors."""

    request: VectorsRequest
    model: WordVectors
    text: RunningText
    pairs: Any
    questions: Any

    @cached_property
    def fingerprint(self) -> str:
        return digest(self.text)

    def show_plan(self) -> None:
        lines = show.counted(self.text.count(), "line")
        told = f"{short(self.request.source, 60)}: {lines} of text"
        show.console().print(verbatim(told, "bold"))

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        model = self.model.set_params(verbose=int(talking))
        model.fit(self.text, checkpoint=checkpoint_of(folder, model.epochs), resume=resume)
        write_model(model, folder)
        model.save_vectors(folder / VECTORS)
        metrics = {
            **facts("vectors", model.history_, model.network_),
            "vocabulary": len(model.vocabulary_),
            "loss": model.history_[-1].loss,
        }
        if self.pairs is not None:
            found = model.evaluate_similarity(self.pairs)
            metrics["similarity"] = {**found._asdict(), "spearman": _number(found.spearman)}
        if self.questions is not None:
            answered = model.evaluate_analogies(self.questions)
            metrics["analogies"] = {
                "accuracy": _number(answered.accuracy),
                "known": answered.known,
                "total": answered.total,
            }
        write_metrics(metrics, folder)
        return metrics

    def report(self, metrics: dict[str, Any], folder: Path) -> Report:
        from chainrule.report.language import vectors_report

        title = title_of(self.request, "Word vectors")
        settings = settings_of(self.request, self.model)
        return vectors_report(self.model, metrics, title, settings)

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        shown.learned_vectors(metrics, notes)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _prepare(request: VectorsRequest) -> _Run:
    pairs = None if request.similarity is None else list(read_word_pairs(request.similarity))
    questions = None if request.analogies is None else read_analogies(request.analogies)
    text = RunningText.of(request.source, request.reading.encoding, paragraphs=False)
    text.count()
    return _Run(request, request.model(), text, pairs, questions)


VECTORS_COURSE = Course(
    VectorsRequest, _prepare, ("ask", "neighbours", "WORD"),
    closed="holds word vectors, two tables without layers to look into: ask chainrule neighbours",
)  # fmt: skip
