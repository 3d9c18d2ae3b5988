"""`vectors_report`: one page about word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.language import WordVectors
from chainrule.pages import Block, Heading, Paragraph, Text
from chainrule.report.course import course_section
from chainrule.report.language.common import facts_section, share_told, told, words_section
from chainrule.report.network import settings_section
from chainrule.report.page import Report

_JUDGED = {"similarity": "spearman", "analogies": "accuracy"}


def vectors_report(
    model: WordVectors, metrics: dict[str, Any], title: str, settings: Mapping[str, Any]
) -> Report:
    """Make the report of a run of ``chainrule vectors``.

    Parameters
    ----------
    model : WordVectors
        Just fitted.
    metrics : dict
        Of the run.
    title : str
    settings : mapping of str to value
        What was decided.

    Returns
    -------
    Report
    """
    with np.errstate(all="ignore"):
        blocks = [
            Heading(title, 1),
            *_headline(model, metrics),
            *_data(model),
            *course_section(model.history_),
            *words_section(
                model.vocabulary_.words, model.vectors_,
                lambda word, n: model.most_similar(word, n=n),
            ),
            *settings_section(settings, model.history_.engine),
        ]  # fmt: skip
    return Report(title, blocks, metrics)


def _headline(model: WordVectors, metrics: dict[str, Any]) -> list[Block]:
    n, width = model.vectors_.shape
    words = [f"{n:,} words have vectors of {width} numbers, learned by {model.model} with "]
    words += [f"{'a tree' if model.loss == 'hierarchical' else 'words of noise'}."]
    for name, measure in _JUDGED.items():
        if own := metrics.get(name):
            value = "undefined" if own[measure] is None else f"{own[measure]:.4f}"
            words.append(f" {name.capitalize()}: {measure} {value}, {own['known']:,} of "
                         f"{own['total']:,} known.")  # fmt: skip
    return [Paragraph("".join(words))]


def _data(model: WordVectors) -> list[Block]:
    known = model.vocabulary_
    rare = model.n_tokens_ - int(known.counts.sum())
    commonest = list(zip(known.words[:8], known.counts[:8].tolist(), strict=True))
    facts: dict[str, Text] = {
        "words": f"{model.n_tokens_:,}",
        "vocabulary": f"{len(known):,} words that come {model.min_count} times or more",
        "words too rare": share_told(rare, model.n_tokens_),
        "commonest": told(commonest, ","),
    }
    return facts_section(facts)
