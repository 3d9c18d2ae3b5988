"""Options that several commands about language have."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from chainrule.cli.options import DATA, NETWORK

Source = Annotated[
    Optional[str],  # noqa: UP045 (typer reads the annotation)
    typer.Argument(
        metavar="SOURCE", help="A file, plain or compressed, or - for standard input.",
        show_default=False,
    ),
]  # fmt: skip
Test = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="FILE", help="Judge by this file, read as SOURCE is.", rich_help_panel=DATA
    ),
]
HoldOut = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        help="Share kept for judging, unless --test is given.",
        show_default="0.2",
        rich_help_panel=DATA,
    ),
]
Hidden = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="WIDTHS",
        help="Widths of the hidden layers, such as 64,32, or none.",
        rich_help_panel=NETWORK,
    ),
]
BatchSize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Texts or words of a step.", rich_help_panel=NETWORK),
]
EmbeddingDim = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Length of the vectors of words.", rich_help_panel=NETWORK),
]
MinCount = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Words that come less often are unknown.", rich_help_panel=NETWORK),
]
Dropout = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Share of hidden units left out in training.", rich_help_panel=NETWORK),
]
WordDropout = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Share of words left out in training.", rich_help_panel=NETWORK),
]
Vectors = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="FILE",
        help="Pretrained vectors to start from: .vec, GloVe's or word2vec's.",
        rich_help_panel=NETWORK,
    ),
]


def named(source: str | None, command: str) -> str:
    """Return the source, or refuse that there is none."""
    from chainrule.cli.exits import UsageError

    if source is None:
        raise UsageError(f"name a SOURCE: a file, or - (see chainrule {command} --help)")
    return source


def share(hold_out: float | None, test: str | None, default: float = 0.2) -> float:
    """Return the share that is held out."""
    from chainrule.cli.exits import UsageError

    if hold_out is None:
        return default
    if test is not None:
        raise UsageError("--hold-out and --test both say what is judged by: leave one out")
    if not 0 < hold_out < 1:
        raise UsageError(f"--hold-out must lie between 0 and 1, not {hold_out}")
    return hold_out


def reading_of(
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    quotes: bool | None = None,
) -> Any:
    """Return how files are read."""
    from chainrule.cli.request import Reading, reading_options

    return Reading(**reading_options(delimiter, encoding, header, skip_rows, None, quotes, None))


def names_of(text: str | None) -> list[str] | None:
    """Return the names in a text such as ``capitals,shape``; ``none`` has none of them."""
    if text is None or text == "none":
        return None if text is None else []
    return text.split(",")
