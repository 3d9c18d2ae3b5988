"""``chainrule text`` and ``chainrule tag``: their options; the rest is imported when it is done."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from chainrule.cli.language.options import (
    BatchSize,
    Dropout,
    EmbeddingDim,
    Hidden,
    HoldOut,
    MinCount,
    Source,
    Test,
    Vectors,
    WordDropout,
    named,
    names_of,
    reading_of,
    share,
)
from chainrule.cli.options import (
    DATA,
    NETWORK,
    AsJson,
    Delimiter,
    Encoding,
    Engine,
    Epochs,
    Header,
    LearningRate,
    Out,
    Quiet,
    Quotes,
    Resume,
    Seed,
    SkipRows,
    Traceback,
    refuse_beside_resume,
)


def text(
    context: typer.Context,
    source: Source = None,
    text_column: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--text", metavar="NAME", help="Column of the texts.", rich_help_panel=DATA),
    ] = None,
    label: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="NAME",
            help="Column of the labels; without it the file is one of fastText's.",
            rich_help_panel=DATA,
        ),
    ] = None,
    multi: Annotated[
        bool,
        typer.Option("--multi", help="A text has any number of labels.", rich_help_panel=DATA),
    ] = False,
    separator: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="With --multi: what divides the labels in a cell.",
            show_default=";",
            rich_help_panel=DATA,
        ),
    ] = None,
    test: Test = None,
    hold_out: HoldOut = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    header: Header = None,
    skip_rows: SkipRows = None,
    quotes: Quotes = None,
    pooling: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="weighted, mean, max, sum or concatenate: how vectors of words become one.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    embedding_dim: EmbeddingDim = None,
    hidden: Hidden = None,
    tokenizer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="word, whitespace or character.", rich_help_panel=NETWORK),
    ] = None,
    word_ngrams: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Words of the longest n-grams of words.", rich_help_panel=NETWORK),
    ] = None,
    subwords: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="LENGTHS",
            help="Shortest and longest n-gram of characters, such as 3,4, or none.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    min_count: MinCount = None,
    vectors: Vectors = None,
    fixed: Annotated[
        bool,
        typer.Option("--fixed", help="Leave --vectors as they are.", rich_help_panel=NETWORK),
    ] = False,
    dropout: Dropout = None,
    word_dropout: WordDropout = None,
    weight_decay: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="L2 regularisation.", rich_help_panel=NETWORK),
    ] = None,
    class_weight: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="balanced: each class counts as much as any other.", rich_help_panel=NETWORK
        ),
    ] = None,
    optimizer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="adam, adagrad or sgd.", rich_help_panel=NETWORK),
    ] = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    patience: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Hold out a tenth, and stop after so many epochs without progress on it.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    seed: Seed = 0,
    engine: Engine = "auto",
    out: Out = None,
    resume: Resume = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Train a classifier of texts and judge it on texts held out.

    Texts and labels are columns of a table (CSV, TSV, JSON lines) or words of a file of fastText's,
    in which labels begin with __label__.

    Examples: [bold]chainrule text reviews.csv --text review --label sentiment[/bold];
    [bold]chainrule text train.txt --test test.txt[/bold]
    """
    from chainrule.cli.exits import UsageError
    from chainrule.cli.language.text import TEXT, TextRequest
    from chainrule.cli.language.trained import checked, given, parse_widths

    if resume is not None:
        refuse_beside_resume(context)
        TEXT.resume(resume, as_json=as_json, quiet=quiet)
        return
    if text_column is not None and label is None:
        raise UsageError("--text names a column of a table, whose labels are named by --label")
    if separator is not None and not (multi and label is not None):
        raise UsageError("--separator divides the labels in a cell: it goes with --multi, --label")
    if fixed and vectors is None:
        raise UsageError("--fixed leaves --vectors as they are: name a file of vectors")
    arguments = given(
        pooling=pooling, embedding_dim=embedding_dim, tokenizer=tokenizer, word_ngrams=word_ngrams,
        hidden_layer_sizes=parse_widths(hidden, "--hidden"), min_count=min_count, vectors=vectors,
        tune="fixed" if fixed else None, dropout=dropout, word_dropout=word_dropout,
        weight_decay=weight_decay, class_weight=class_weight, optimizer=optimizer,
        learning_rate=lr, batch_size=batch_size, epochs=epochs, patience=patience,
        early_stopping=None if patience is None else True, random_state=seed, engine=engine,
    )  # fmt: skip
    if (lengths := parse_widths(subwords, "--subwords")) is not None:
        arguments["subwords"] = lengths or None
    reading = reading_of(delimiter, encoding, header, skip_rows, quotes)
    request = TextRequest(
        named(source, "text"), reading, arguments, text_column, label,
        (separator or ";") if multi else None, test, share(hold_out, test),
    )  # fmt: skip
    checked(request.model())
    TEXT.start(request, out, as_json=as_json, quiet=quiet)


def tag(
    context: typer.Context,
    source: Source = None,
    token: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Column of the words, from 0; -1 is the last.",
            show_default="0",
            rich_help_panel=DATA,
        ),
    ] = None,
    tag_column: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--tag",
            metavar="COLUMN",
            help="Column of the tags, from 0; of CoNLL-U a name such as XPOS.",
            show_default="-1, or UPOS",
            rich_help_panel=DATA,
        ),
    ] = None,
    scheme: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Check entity tags to be IOB1, IOB2, BIOES, BILOU or raw.", rich_help_panel=DATA
        ),
    ] = None,
    convert: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="SCHEME", help="Learn and judge them in this scheme.", rich_help_panel=DATA
        ),
    ] = None,
    dev: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="FILE",
            help="Judge by this file after each epoch, and at the end beside --test.",
            rich_help_panel=DATA,
        ),
    ] = None,
    test: Test = None,
    hold_out: HoldOut = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    window: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Words on each side that are seen.", rich_help_panel=NETWORK),
    ] = None,
    loss: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="word, or sentence: whole sequences, decoded by Viterbi's algorithm.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    embedding_dim: EmbeddingDim = None,
    hidden: Hidden = None,
    features: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="NAMES",
            help="Of capitals, digits, shape, prefixes, suffixes; or none.",
            show_default="all",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    tables: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="shared, or separate: a table for each place in the window.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    min_count: MinCount = None,
    vectors: Vectors = None,
    dropout: Dropout = None,
    word_dropout: WordDropout = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    patience: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Stop after so many epochs without progress on --dev, or on a tenth held out.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    seed: Seed = 0,
    engine: Engine = "auto",
    out: Out = None,
    resume: Resume = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Train a tagger of words and judge it on sentences held out.

    A file has a word and its tag on each line and blank lines between sentences; one whose name
    ends in .conllu is a treebank.

    Examples: [bold]chainrule tag train.conllu --test test.conllu[/bold];
    [bold]chainrule tag train.txt --scheme IOB2 --loss sentence[/bold]
    """
    from chainrule.cli.language.tag import TAG, TagRequest, columns_of
    from chainrule.cli.language.trained import checked, given, parse_widths

    if resume is not None:
        refuse_beside_resume(context)
        TAG.resume(resume, as_json=as_json, quiet=quiet)
        return
    source = named(source, "tag")
    arguments = given(
        window=window, loss=loss, embedding_dim=embedding_dim, tables=tables, vectors=vectors,
        hidden_layer_sizes=parse_widths(hidden, "--hidden"), min_count=min_count,
        features=names_of(features), dropout=dropout,
        word_dropout=word_dropout, learning_rate=lr, batch_size=batch_size, epochs=epochs,
        patience=patience, early_stopping=None if patience is None else True,
        random_state=seed, engine=engine,
    )  # fmt: skip
    reading = reading_of(encoding=encoding, skip_rows=skip_rows)
    columns = columns_of(source, token, tag_column, scheme, convert)
    request = TagRequest(
        source, reading, arguments, **columns, dev=dev, test=test,
        hold_out=share(hold_out, test or dev),
    )  # fmt: skip
    checked(request.model())
    TAG.start(request, out, as_json=as_json, quiet=quiet)
