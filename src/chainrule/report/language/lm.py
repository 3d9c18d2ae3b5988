"""`lm_report`: one page about a language model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from chainrule.language import LanguageModel
from chainrule.language.exhibits import lm_exhibit
from chainrule.pages import Block, Code, Heading, Paragraph, Strong, Table, Text
from chainrule.report.charts import lines
from chainrule.report.course import course_section
from chainrule.report.language.common import (
    facts_section,
    looked_into,
    share_told,
    told,
    words_section,
)
from chainrule.report.network import network_section
from chainrule.report.page import Report
from chainrule.text import BOS, EOS, UNK
from chainrule.training import History

_NAMES = {"network": "network", "ngram": "n-grams", "mixture": "mixture of both"}
_WAYS = ((0.0, 0), (0.5, 0), (0.8, 1), (1.0, 2), (1.0, 3))  # temperatures and seeds of samples
_WORDS, _CHARACTERS = 40, 200  # of a sample
_PROMPTS, _FOLLOWING = 5, 6  # held-out texts, and words that are likely to follow


def lm_report(
    model: LanguageModel, parts: Mapping[str, Iterable[str]], metrics: dict[str, Any], title: str,
    settings: Mapping[str, Any],
) -> Report:  # fmt: skip
    """Make the report of a run of ``chainrule lm``.

    Parameters
    ----------
    model : LanguageModel
        Just fitted.
    parts : mapping of str to iterable of str
        The texts, ``"training"`` and ``"test"`` among them; they are read anew by each loop.
    metrics : dict
        Of the run.
    title : str
    settings : mapping of str to value
        What was decided.

    Returns
    -------
    Report
    """
    exhibit = lm_exhibit(model, parts["training"])
    known = model.vocabulary_
    order = [i for i in np.argsort(-known.counts, kind="stable").tolist() if _is_word(model, i)]
    with np.errstate(all="ignore"):
        blocks = [
            Heading(title, 1),
            *_headline(metrics),
            *_data(model, parts, metrics),
            *network_section(exhibit, _follows(model)),
            *course_section(model.history_),
            *_perplexities(model.history_),
            *_samples(model),
            *_following(model, parts["test"]),
            *words_section(
                known.tokens(order), model.network_.embedding.weight[order], model.neighbours
            ),
            *looked_into(exhibit, model.history_, settings),
        ]
    return Report(title, blocks, metrics)


def _is_word(model: LanguageModel, number: int) -> bool:
    return model.vocabulary_.words[number] not in (UNK, BOS, EOS)


def _headline(metrics: dict[str, Any]) -> list[Block]:
    held = metrics["held_out"]
    own = held["network"]
    words: list[Any] = ["On the held-out texts the network has the perplexity "]
    words += [Strong(f"{own['perplexity']:,.2f}", "good"), f", over {own['words']:,} words."]
    rows: list[list[Text]] = [
        [_named(name, found), f"{found['perplexity']:,.2f}", f"{found['bits_per_character']:.4f}"]
        for name, found in held.items()
    ]
    columns = ["", "perplexity", "bits per character"]
    return [Paragraph(words), Table(columns, rows, frozenset({1, 2}))]


def _named(name: str, found: Mapping[str, Any]) -> str:
    more = {
        "ngram": lambda: f" of {found['order']}, modified Kneser-Ney",
        "mixture": lambda: f", {found['weight']:.2f} of the network",
    }
    return _NAMES[name] + (more[name]() if name in more else "")


def _data(
    model: LanguageModel, parts: Mapping[str, Iterable[str]], metrics: dict[str, Any]
) -> list[Block]:
    known = model.vocabulary_
    seen = unknown = 0
    for text in parts["test"]:
        words = model.tokenize(text)
        seen += len(words)
        unknown += sum(word not in known for word in words)
    counts = metrics["texts"]
    facts = {
        "texts": ", ".join(f"{n:,} {name}" for name, n in counts.items()),
        "words to train on": f"{model.n_tokens_:,}, ends of texts among them",
        "vocabulary": f"{len(known):,}, with the marks of the unknown, the beginning and the end",
        "unknown words to train on": share_told(int(known.counts[known[UNK]]), model.n_tokens_),
        "unknown words held out": f"{share_told(unknown, seen)} of {seen:,}",
    }
    return facts_section(facts)


def _follows(model: LanguageModel) -> str:
    return (
        f"The {model.context} words before go in; what comes out is a distribution over "
        f"{len(model.vocabulary_):,} words, as {model.output!r} has it."
    )


def _perplexities(history: History) -> list[Block]:
    if not len(history):
        return []
    curves = {name: (x, np.exp(y).tolist()) for name, (x, y) in history.curves().items()}
    return [
        lines(
            "Perplexity after each epoch", curves, x_label="epoch", y_label="perplexity",
            log=True, mark=history.best_epoch,
        )
    ]  # fmt: skip


def _samples(model: LanguageModel) -> list[Block]:
    """Return texts that the model writes."""
    length = _CHARACTERS if model.unit == "character" else _WORDS
    rows: list[list[Text]] = [
        [f"{heat:g}", model.generate("", length, temperature=heat, seed=seed)]
        for heat, seed in _WAYS
    ]
    words = "From the beginning of a text on. At temperature 0 the likeliest word is always taken."
    table = Table(["temperature", "text"], rows)
    return [Heading("What it writes"), Paragraph(words), table]


def _following(model: LanguageModel, texts: Iterable[str]) -> list[Block]:
    """Return what is likely to follow after the beginnings of held-out texts."""
    rows: list[list[Text]] = []
    for text in islice(texts, _PROMPTS):
        tokens = model.tokenize(text)
        prompt = model._joined(tokens[: model.context])
        ends = len(tokens) <= model.context
        follows: Text = "the end" if ends else [Code(tokens[model.context])]
        rows.append([prompt, follows, told(model.following(prompt, _FOLLOWING), ".3f")])
    columns = ["beginning", "what follows", "what is likely, and its probability"]
    return [Heading("What is likely to follow"), Table(columns, rows)]
