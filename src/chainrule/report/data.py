"""What a report says of the data: its columns, and how its rows were divided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.data import Table
from chainrule.models import Trial
from chainrule.pages import Block, Code, Fold, Heading, Paragraph, Text
from chainrule.pages import Table as PageTable
from chainrule.report.chart import short_number

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 60  # that are listed


def data_section(trial: Trial) -> list[Block]:
    """Return the summary of the rows and columns that a network was trained on."""
    parts = {
        "training": trial.training,
        "validation": trial.validation,
        "held out": trial.held_out,
    }
    sizes = [f"{len(table):,} {name}" for name, table in parts.items() if table is not None]
    names = list(trial.types)
    rows = [_column(trial.training, name, trial.types[name]) for name in names[:_COLUMNS]]
    more = len(names) - len(rows)
    table = PageTable(["column", "read as", "missing", "values", "distribution"], rows)
    blocks: list[Block] = [
        Heading("Data"),
        Paragraph(f"Rows: {', '.join(sizes)}. Columns: {len(names)}, the target apart."),
        Fold("Columns", [table], open=len(rows) <= 12),
    ]
    if more > 0:
        blocks.append(Paragraph(f"{more} more columns are not listed."))
    return [*blocks, *_target(trial)]


def _column(table: Table, name: str, kind: Any) -> list[Text]:
    column = table[name]
    missing = int(np.sum(column.missing))
    words = kind.kind if kind.used else f"{kind.kind}, left out"
    values, shape = "", ""
    if kind.kind == "number":
        numbers = np.asarray(column.numbers(), np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if numbers.size:
            low, high = float(numbers.min()), float(numbers.max())
            values = f"{short_number(low)} to {short_number(high)}, mean {numbers.mean():.4g}"
            shape = sparkline(np.histogram(numbers, bins=12)[0])
    elif kind.used:
        levels, codes = column.categories()
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        values = f"{len(levels)} different"
        if levels:
            values += f", most often {levels[int(counts.argmax())]!r:.24}"
        shape = sparkline(np.sort(counts)[::-1][:12])
    return [[Code(name)], words, f"{missing:,}" if missing else "", values, shape]


def sparkline(counts: Any) -> str:
    """Return counts as a line of small bars.

    Examples
    --------
    >>> sparkline([0, 2, 4])
    '▁▅█'
    """
    top = max(1, int(np.max(counts, initial=1)))
    return "".join(_BARS[round(int(n) * (len(_BARS) - 1) / top)] for n in counts)


def _target(trial: Trial) -> list[Block]:
    """Return how the target is distributed."""
    target, table = trial.model.target, trial.training
    if target.task == "regression":
        columns = [np.asarray(table[name].numbers(), np.float64) for name in target.columns]
        words = [
            f"{name}: mean {c.mean():.4g}, deviation {c.std():.4g}, "
            + sparkline(np.histogram(c, 12)[0])
            for name, c in zip(target.columns, columns, strict=True)
        ]
        return [Paragraph(f"Target, {'; '.join(words)}.")]
    y = target.encode(table)
    if target.task == "multilabel":
        shares = np.asarray(y).mean(axis=0)
    else:
        counts = np.bincount(np.asarray(y).ravel().astype(int), minlength=len(target.classes))
        shares = counts / counts.sum()
    told = shares_told(shares, target.classes)
    return [Paragraph(f"Target {', '.join(target.columns)}: {told}.")]


def shares_told(shares: Any, names: Sequence[str]) -> str:
    """Return the largest shares of names as words.

    Examples
    --------
    >>> shares_told([0.25, 0.75], ["no", "yes"])
    'yes 75 %, no 25 %'
    """
    pairs = sorted(zip(shares, names, strict=True), reverse=True)
    shown = ", ".join(f"{name} {100 * share:.3g} %" for share, name in pairs[:12])
    return shown + (f" and {len(pairs) - 12} more" if len(pairs) > 12 else "")
