"""What a report says of the course of training: curves, and how the layers fared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.doctor import Health
from chainrule.pages import Block, Heading, Paragraph
from chainrule.report.chart import SERIES
from chainrule.report.charts import lines
from chainrule.training import History


def course_section(history: History) -> list[Block]:
    """Return the curves of the losses and measures, and what ended training."""
    if not len(history):
        return []
    words = f"{len(history)} epochs by the {history.engine} engine"
    if history.best_epoch:
        words += f"; the weights are those of epoch {history.best_epoch}, the dotted line"
    if history.stopped:
        words += f"; stopped, for {history.stopped}"
    blocks: list[Block] = [
        Heading("Course of training"),
        lines(
            "Loss after each epoch", history.curves(), x_label="epoch", y_label="loss", log=True,
            mark=history.best_epoch, caption=f"{words}.",
        ),
    ]  # fmt: skip
    for name in history[-1].metrics:
        title, curves = f"{name} after each epoch".capitalize(), history.curves(name)
        blocks.append(lines(title, curves, x_label="epoch", y_label=name, mark=history.best_epoch))
    return blocks


def health_section(records: Sequence[Health]) -> list[Block]:
    """Return how the layers' gradients, updates and units fared over the epochs."""
    layers = list(dict.fromkeys(record.layer for record in records))[:SERIES]
    if len({record.epoch for record in records}) < 2:
        return []
    blocks: list[Block] = [
        Heading("Health of the layers"),
        Paragraph("On up to 128 rows of the training part, from time to time."),
    ]
    measures = (
        ("gradient_norm", "Norm of the gradient", True),
        ("update_ratio", "A gradient step, relative to the weights", True),
        ("activation_std", "Deviation of the outputs", True),
        ("dead", "Share of units that are zero for every row", False),
        ("saturated", "Share of saturated outputs", False),
    )
    for name, title, log in measures:
        series = {}
        for layer in layers:
            own = [(r.epoch, getattr(r, name)) for r in records if r.layer == layer]
            kept = [(e, v) for e, v in own if np.isfinite(v) and (v > 0 or not log)]
            if len(kept) > 1:
                series[layer] = ([e for e, _ in kept], [v for _, v in kept])
        if series and (log or any(max(values) > 0 for _, values in series.values())):
            blocks.append(lines(title, series, x_label="epoch", y_label=title.lower(), log=log))
    return blocks
