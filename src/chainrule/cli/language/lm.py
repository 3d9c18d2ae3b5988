"""``chainrule lm``: a language model learned from running text, beside n-grams if asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chainrule.cli import show
from chainrule.cli.exits import UsageError
from chainrule.cli.language import shown
from chainrule.cli.language.streams import RunningText
from chainrule.cli.language.trained import (
    LanguageRequest,
    checkpoint_of,
    digest,
    facts,
    load_model,
    made,
    settings_of,
    title_of,
    write_metrics,
    write_model,
)
from chainrule.cli.runs import Course
from chainrule.cli.text import short, verbatim
from chainrule.graph import Array
from chainrule.language import LanguageModel
from chainrule.text import BOS, EOS, BPETokenizer, NGramModel, mixture, mixture_weight
from chainrule.training import Exhibit

if TYPE_CHECKING:
    from chainrule.report import Report

UNITS = ("word", "whitespace", "character")


@dataclass(frozen=True)
class ModelRequest(LanguageRequest):
    """What ``chainrule lm`` was asked to do.

    Parameters
    ----------
    unit : str
        One of `UNITS`, or a ``tokenizer.json``.
    paragraphs : bool
        Whether a text is a paragraph, and not a line.
    valid, test : str, optional
        Files to choose the best epoch by, and to judge by.
    hold_out : float
        The share of the texts that takes the place of either.
    ngram : bool
        Whether n-grams of the same order are learned too.
    """

    unit: str = "word"
    paragraphs: bool = False
    valid: str | None = None
    test: str | None = None
    hold_out: float = 0.1
    ngram: bool = False
    command: ClassVar[str] = "lm"

    def model(self) -> LanguageModel:
        """Return the model before training."""
        unit = self.unit if self.unit in UNITS else BPETokenizer.load(self.unit)
        return made(LanguageModel, self.arguments, unit=unit)

    def texts(self, path: str) -> RunningText:
        """Return the texts of a file."""
        return RunningText.of(path, self.reading.encoding, self.paragraphs)


@dataclass
class _Run:
    """Texts to learn from, to choose an epoch by and to be judged by, and the model."""

    request: ModelRequest
    model: LanguageModel
    parts: dict[str, RunningText]
    counts: dict[str, int]

    @cached_property
    def fingerprint(self) -> str:
        return digest(chain.from_iterable(([name], *part) for name, part in self.parts.items()))

    def show_plan(self) -> None:
        training, validation, test = self.counts.values()
        told = f"{short(self.request.source, 60)}: {show.counted(training, 'text')} to train on, "
        told += f"{validation:,} to choose the best epoch by, {test:,} held out"
        show.console().print(verbatim(told, "bold"))

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        model = self.model.set_params(verbose=int(talking))
        model.fit(
            self.parts["training"], validation=self.parts["validation"],
            checkpoint=checkpoint_of(folder, model.epochs), resume=resume,
        )  # fmt: skip
        write_model(model, folder)
        metrics = {
            **facts("lm", model.history_, model.network_),
            "texts": self.counts,
            "words": model.n_tokens_,
            "vocabulary": len(model.vocabulary_),
            "held_out": self._held_out(),
        }
        write_metrics(metrics, folder)
        return metrics

    def _held_out(self) -> dict[str, Any]:
        """Return the measures on the test part, of the network and of n-grams."""
        model, parts = self.model, self.parts
        n_characters = sum(len(text) + 1 for text in parts["test"])
        of_network = {
            name: np.concatenate(model.log_probs(parts[name])) for name in ("validation", "test")
        }
        found = {"network": _measures(of_network["test"], n_characters)}
        if not self.request.ngram:
            return found
        ngrams = NGramModel(model.context + 1).fit(
            map(model.tokenize, parts["training"]), vocabulary=model.vocabulary_
        )
        of_ngrams = {name: _by_ngrams(ngrams, model, parts[name]) for name in of_network}
        weight = mixture_weight(of_network["validation"], of_ngrams["validation"])
        mixed = mixture(of_network["test"], of_ngrams["test"], weight)
        found["ngram"] = {**_measures(of_ngrams["test"], n_characters), "order": ngrams.order}
        found["mixture"] = {**_measures(mixed, n_characters), "weight": weight}
        return found

    def report(self, metrics: dict[str, Any], folder: Path) -> Report:
        from chainrule.report.language import lm_report

        title = title_of(self.request, "A language model")
        settings = settings_of(self.request, self.model)
        return lm_report(self.model, self.parts, metrics, title, settings)

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        shown.modelling(metrics, notes)

    def exhibit(self, folder: Path, *, untrained: bool = False) -> Exhibit:
        from chainrule.language.exhibits import lm_exhibit

        model = load_model(folder, LanguageModel)
        return lm_exhibit(model, self.parts["training"], self.model if untrained else None)


def _by_ngrams(ngrams: NGramModel, model: LanguageModel, texts: Iterable[str]) -> Array:
    """Return the log probabilities of the words that the network predicts."""
    known = model.vocabulary_
    stream = np.concatenate([known.ids([BOS, *model.tokenize(text), EOS]) for text in texts])
    found: Array = ngrams.log_probs_ids(stream)[stream != known.bos]
    return found


def _measures(log_probs: Array, n_characters: int) -> dict[str, Any]:
    total = float(np.sum(log_probs, dtype=np.float64))
    return {
        "perplexity": math.exp(-total / len(log_probs)),
        "bits_per_character": -total / math.log(2) / n_characters,
        "words": len(log_probs),
    }


def _prepare(request: ModelRequest) -> _Run:
    training = request.texts(request.source)
    if request.test is not None:
        test = request.texts(request.test)
    else:
        training, test = training.divided(request.hold_out)
    if request.valid is not None:
        validation = request.texts(request.valid)
    else:
        training, validation = training.divided(request.hold_out)
    parts = {"training": training, "validation": validation, "test": test}
    counts = {name: part.count() for name, part in parts.items()}
    return _Run(request, request.model(), parts, counts)


def check_unit(unit: str) -> None:
    """Refuse a unit that is neither a name nor a file.

    Raises
    ------
    UsageError
    """
    if unit not in UNITS and not Path(unit).is_file():
        raise UsageError(f"--unit is {', '.join(UNITS)}, or a tokenizer.json, not {unit!r}")


LM = Course(ModelRequest, _prepare, ("write", "generate", "TEXT"))
