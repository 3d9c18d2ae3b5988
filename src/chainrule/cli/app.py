"""The commands and their options; what they do is imported only when they do it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from chainrule.cli.language.label_commands import tag, text
from chainrule.cli.language.text_commands import generate, lm, neighbours, vectors
from chainrule.cli.options import (
    DATA,
    EPILOG,
    NETWORK,
    OUTPUT,
    AsJson,
    Decimal,
    Delimiter,
    Encoding,
    Engine,
    Epochs,
    Header,
    HoldOut,
    Into,
    LearningRate,
    Missing,
    Out,
    Quiet,
    Quotes,
    Resume,
    Run,
    Seed,
    SkipRows,
    Traceback,
    refuse_beside_resume,
)  # fmt: skip

app = typer.Typer(
    name="chainrule",
    help="Neural networks in plain NumPy whose every gradient can be seen.",
    epilog=EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from chainrule import __version__

        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Neural networks in plain NumPy whose every gradient can be seen."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=EPILOG)
def fit(
    context: typer.Context,
    source: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(
            metavar="SOURCE",
            help="iris, digits, a CSV or TSV file (plain or compressed), or - for standard input; "
            "./iris is a file.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--target",
            "-t",
            metavar="NAME",
            help="Column to predict; may be repeated.",
            rich_help_panel=DATA,
        ),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="binary, multiclass, multilabel or regression; the data decides by default.",
            rich_help_panel=DATA,
        ),
    ] = None,
    types: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="NAME=KIND",
            help="Read a column as number, category, boolean, date or date:PATTERN; may be "
            "repeated.",
            rich_help_panel=DATA,
        ),
    ] = None,
    drop: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="NAME", help="Leave a column out; may be repeated.", rich_help_panel=DATA
        ),
    ] = None,
    hold_out: HoldOut = 0.2,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    header: Header = None,
    skip_rows: SkipRows = None,
    decimal: Decimal = None,
    quotes: Quotes = None,
    missing: Missing = None,
    hidden: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="WIDTHS",
            help="Widths of the hidden layers, such as 64,32, or none for a linear model.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    activation: Annotated[
        str, typer.Option(help="Activation of the hidden layers.", rich_help_panel=NETWORK)
    ] = "relu",
    optimizer: Annotated[
        str,
        typer.Option(
            help="adadelta, adagrad, adam, adamax, adamw, lamb, lion, muon, nadam, radam, rmsprop, "
            "rprop (for batches of all rows) or sgd.",
            rich_help_panel=NETWORK,
        ),
    ] = "adam",
    lr: LearningRate = None,
    batch_size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Rows of a step.", rich_help_panel=NETWORK),
    ] = None,
    epochs: Epochs = None,
    patience: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Epochs without progress on the validation part before training stops.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    validation: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="Share of the training rows that early stopping watches; 0 for none.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    weight_decay: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="L2 regularisation.", rich_help_panel=NETWORK),
    ] = None,
    dropout: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Share of hidden units left out in training.", rich_help_panel=NETWORK),
    ] = None,
    scaling: Annotated[
        str,
        typer.Option(
            help="How numbers are scaled: standard, min-max, robust, quantile-uniform or "
            "quantile-normal.",
            rich_help_panel=NETWORK,
        ),
    ] = "standard",
    class_weight: Annotated[
        str,
        typer.Option(
            help="balanced: each class counts as much as any other; or none.",
            rich_help_panel=NETWORK,
        ),
    ] = "none",
    seed: Seed = 0,
    engine: Engine = "auto",
    out: Out = None,
    resume: Resume = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Train a network on a table and judge it on rows held out.

    The task follows from the target: two classes, several, numbers, or several yes/no labels.
    What else there is to decide has a default, which depends on the number of rows.

    Examples: [bold]chainrule fit iris[/bold]; [bold]chainrule fit houses.csv --target price[/bold]
    """
    from chainrule.cli.exits import UsageError
    from chainrule.cli.fit import FIT
    from chainrule.cli.request import (
        FitRequest,
        Reading,
        parse_hidden,
        parse_types,
        reading_options,
        settings_of,
    )
    from chainrule.data.target import TASKS
    from chainrule.training.plan import ENGINES

    if resume is not None:
        refuse_beside_resume(context)
        FIT.resume(resume, as_json=as_json, quiet=quiet)
        return
    if source is None:
        raise UsageError("name a SOURCE: iris, digits, a file, or - (see chainrule fit --help)")
    if task not in (None, *TASKS):
        raise UsageError(f"--task is one of {', '.join(TASKS)}, not {task!r}")
    settings = settings_of(
        hidden=parse_hidden(hidden), activation=activation, optimizer=optimizer, lr=lr,
        batch_size=batch_size, epochs=epochs, patience=patience, weight_decay=weight_decay,
        dropout=dropout, validation=validation, scaling=scaling, class_weight=class_weight,
        seed=seed,
    )  # fmt: skip
    if engine not in ENGINES:
        raise UsageError(f"--engine is one of {', '.join(ENGINES)}, not {engine!r}")
    if not 0 < hold_out < 1:
        raise UsageError(f"--hold-out must lie between 0 and 1, not {hold_out}")
    options = reading_options(delimiter, encoding, header, skip_rows, decimal, quotes, missing)
    request = FitRequest(
        source, tuple(target or ()), task, parse_types(types or (), drop or ()), hold_out,
        settings, Reading(**options), engine,
    )  # fmt: skip
    FIT.start(request, out, as_json=as_json, quiet=quiet)


for _command in (text, tag, lm, vectors, generate, neighbours):
    app.command(epilog=EPILOG)(_command)


@app.command(epilog=EPILOG)
def predict(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder of chainrule fit, text or tag.")
    ],
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="Rows to predict: a file, or - (standard input).")
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="Where to write.", rich_help_panel=OUTPUT)
    ] = "-",
    as_json: AsJson = False,
    lines: Annotated[
        bool,
        typer.Option(
            "--lines",
            help="Each line of FILE is a text: for runs of chainrule text and tag.",
            rich_help_panel=DATA,
        ),
    ] = False,
    safe_csv: Annotated[
        bool,
        typer.Option(
            help="Write an apostrophe before texts that a spreadsheet takes for formulas.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    header: Header = None,
    skip_rows: SkipRows = None,
    decimal: Decimal = None,
    quotes: Quotes = None,
    missing: Missing = None,
    traceback: Traceback = False,
) -> None:
    """Predict the rows, texts or sentences of a file, as CSV, in columns or as JSON.

    The file is read as the training file was, unless options say otherwise. Columns of a table may
    come in any order, and there may be others.
    """
    from chainrule.cli import predict as command
    from chainrule.cli.request import reading_options

    options = reading_options(delimiter, encoding, header, skip_rows, decimal, quotes, missing)
    command.predict(run, source, out, options, lines=lines, as_json=as_json, safe=safe_csv)


@app.command(epilog=EPILOG)
def explain(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder of chainrule fit, text or lm.")
    ],
    row: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Line of the data file, as in predictions.csv.", min=1),
    ] = None,
    text: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="A text, for runs of chainrule text and lm."),
    ] = None,
    out: Into = None,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """Explain the answer for one row or text: what moved it, and every gradient, checked."""
    from chainrule.cli import look
    from chainrule.cli.exits import UsageError
    from chainrule.cli.language import explaining

    if (row is None) == (text is None):
        raise UsageError("name what to explain: --row LINE of a table, or --text TEXT")
    if text is not None:
        explaining.explain_text(run, text, out, as_json=as_json)
    elif row is not None:
        look.explain_row(run, row, out, as_json=as_json)


@app.command(epilog=EPILOG)
def derive(
    run: Run,
    notation: Annotated[
        str, typer.Option(help="own, kamper, koller, slp, lampos or fund.")
    ] = "kamper",
    out: Into = None,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """Derive the gradients of a network in matrix notation."""
    from chainrule.cli import look

    look.derive_run(run, notation, out, as_json=as_json)


@app.command(epilog=EPILOG)
def draw(
    run: Run,
    view: Annotated[str, typer.Option(help="graph, units or layers.")] = "layers",
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE",
            help="Where to write: .svg, .html, .mmd (Mermaid), .dot, .json or .txt.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """Draw a network: its computational graph, its units, or its layers."""
    from chainrule.cli import look

    look.draw_run(run, view, out, as_json=as_json)


@app.command(epilog=EPILOG)
def diagnose(
    run: Run,
    try_fixes: Annotated[
        bool, typer.Option("--try-fixes", help="Try remedies on copies and say which helped.")
    ] = False,
    out: Into = None,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """Look for what is wrong with a network, its data or its training."""
    from chainrule.cli import look

    look.diagnose_run(run, out, try_fixes=try_fixes, as_json=as_json)
