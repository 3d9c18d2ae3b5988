"""What a report says of a network: layers, faults, gradients, source, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule import __version__, engines, nn
from chainrule.autodiff import value_and_grad
from chainrule.doctor import Diagnosis, diagnose
from chainrule.engines.compiled import Compiled
from chainrule.explanation import derive, draw
from chainrule.pages import (
    Block,
    Code,
    Fold,
    Heading,
    Listing,
    Paragraph,
    Table,
    Text,
)
from chainrule.training import Exhibit, History

_ROWS = 8  # that the derivation and the source are made with
_LONGEST = 60_000  # characters of source
_MOST = 20_000_000  # parameters up to which every formula is evaluated for a report


def network_section(exhibit: Exhibit, follows: str, view: str = "layers") -> list[Block]:
    """Return a drawing of the network and its layers; `follows` says what the task decided."""
    network = exhibit.network
    X, y = exhibit.first(1)
    drawing = draw(exhibit.objective, wrt="network", view=view)(network, X, y)
    rows: list[list[Text]] = [
        [[Code(row.name)], row.layer, " × ".join(map(str, row.output_shape[1:])),
         f"{row.parameters:,}"]
        for row in nn.summary(network, X)
    ]  # fmt: skip
    table = Table(["layer", "is", "outputs", "parameters"], rows, frozenset({2, 3}))
    words = f"{nn.count_parameters(network):,} parameters. {follows}"
    return [Heading("Network"), Paragraph(words), drawing.figure(), Fold("Layers", [table])]


def diagnosis_section(exhibit: Exhibit, history: History) -> list[Block]:
    """Return what the doctor finds, without a course of training."""
    found = diagnose(
        exhibit.network, (exhibit.X, exhibit.y), loss=exhibit.loss,
        validation=exhibit.validation, history=history, names=exhibit.names,
    )  # fmt: skip
    return [Heading("Diagnosis"), *Diagnosis(found.findings, found.checked).blocks()]


def derivation_section(exhibit: Exhibit) -> list[Block]:
    """Return the derivation of the gradients, where it has a readable size."""
    if exhibit.underivable or nn.count_parameters(exhibit.network) > _MOST:
        return []
    found = derive(exhibit.objective, wrt="network", notation="kamper")
    derivation = found(exhibit.network, *exhibit.first(_ROWS))
    return [Heading("Derivation"), Fold("How every gradient follows", derivation.blocks())]


def source_section(exhibit: Exhibit) -> list[Block]:
    """Return the source of the loss and its gradients that the numpy engine runs."""
    step = engines.compile(value_and_grad(exhibit.objective), engine="numpy")
    assert isinstance(step, Compiled)
    source = step.program(exhibit.network, *exhibit.first(_ROWS)).source
    cut = source[:_LONGEST] + ("\n# and so on" if len(source) > _LONGEST else "")
    return [
        Heading("Source"),
        Paragraph("The loss and all gradients as one straight-line program in NumPy, as emitted."),
        Fold("Emitted source", [Listing(cut, "python")]),
    ]


def settings_section(settings: Mapping[str, Any], engine: str) -> list[Block]:
    """Return what was decided."""
    shown = {**settings, "engine": engine, "chainrule": __version__}
    rows: list[list[Text]] = [[name, str(value)] for name, value in shown.items()]
    return [Heading("Settings"), Fold("What was decided", [Table(["setting", "value"], rows)])]
