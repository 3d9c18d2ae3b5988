"""Options that several commands have, and what they refuse in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from chainrule.cli.exits import MEANINGS

EPILOG = "Exit codes: " + "; ".join(f"{code.value} {text}" for code, text in MEANINGS.items())

DATA, NETWORK, OUTPUT = "Data", "Network and training", "Output"

Delimiter = Annotated[
    Optional[str],  # noqa: UP045 (typer reads the annotation)
    typer.Option(help="Character between cells; found out by default.", rich_help_panel=DATA),
]
Encoding = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Text encoding; UTF-8 by default.", rich_help_panel=DATA),
]
Header = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--header/--no-header",
        help="Whether the first line holds the names; without it they are column1, column2, ...",
        show_default="found out",
        rich_help_panel=DATA,
    ),
]
SkipRows = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Lines before the table begins.", min=0, rich_help_panel=DATA),
]
Decimal = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Decimal mark of the numbers: . or ,", rich_help_panel=DATA),
]
Quotes = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--quotes/--no-quotes",
        help='Whether " quotes cells; otherwise it is a character like others.',
        show_default="--quotes",
        rich_help_panel=DATA,
    ),
]
Missing = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        metavar="TEXT",
        help="What stands for a missing value, instead of NA, ?, null and their like.",
        rich_help_panel=DATA,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document, for machines.", rich_help_panel=OUTPUT),
]
Traceback = Annotated[
    bool, typer.Option("--traceback", help="On an error, show where it arose.", hidden=True)
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        metavar="FOLDER",
        help="The run folder to make; runs/NAME-1 and so on by default.",
        rich_help_panel=OUTPUT,
    ),
]
Resume = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        metavar="FOLDER",
        help="Go on with an interrupted run, as it was asked for.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the run folder only.", rich_help_panel=OUTPUT)
]
HoldOut = Annotated[
    float, typer.Option(help="Share of the rows kept for judging.", rich_help_panel=DATA)
]
Seed = Annotated[int, typer.Option(help="Decides everything random.", rich_help_panel=NETWORK)]
Engine = Annotated[
    str,
    typer.Option(
        help="auto, eager, numpy, numba or jax: what computes the steps of training.",
        rich_help_panel=NETWORK,
    ),
]
LearningRate = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Learning rate at the start.", rich_help_panel=NETWORK),
]
Epochs = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Passes over the data at most.", rich_help_panel=NETWORK),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Into = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        metavar="FILE",
        help="Where to write; its suffix says the format: .html, .md, .tex, .json or .txt.",
        rich_help_panel=OUTPUT,
    ),
]


def refuse_beside_resume(context: typer.Context) -> None:
    """Refuse what would have no effect, for a run goes on as it was asked for."""
    from chainrule.cli.exits import UsageError

    given = [
        "SOURCE" if parameter.name == "source" else parameter.opts[0]
        for parameter in context.command.params
        if str(parameter.name) not in ("resume", "as_json", "quiet", "traceback")
        and getattr(context.get_parameter_source(str(parameter.name)), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise UsageError(
            f"--resume goes on with the run as it was asked for; leave out {', '.join(given)}"
        )
