"""Commands on running text: their options; what they do is imported only when they do it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from chainrule.cli.language.options import (
    BatchSize,
    Dropout,
    EmbeddingDim,
    Hidden,
    MinCount,
    Source,
    Test,
    named,
    reading_of,
    share,
)
from chainrule.cli.options import (
    DATA,
    NETWORK,
    AsJson,
    Encoding,
    Engine,
    Epochs,
    LearningRate,
    Out,
    Quiet,
    Resume,
    Run,
    Seed,
    Traceback,
    refuse_beside_resume,
)


def lm(
    context: typer.Context,
    source: Source = None,
    valid: Annotated[
        Optional[str],  # noqa: UP045 (typer reads the annotation)
        typer.Option(
            metavar="FILE", help="Choose the best epoch by this file.", rich_help_panel=DATA
        ),
    ] = None,
    test: Test = None,
    hold_out: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="Share of the texts, the last ones, that takes the place of --test and --valid.",
            show_default="0.1",
            rich_help_panel=DATA,
        ),
    ] = None,
    paragraphs: Annotated[
        bool,
        typer.Option(
            "--paragraphs",
            help="A text goes on to a blank line, and not to the end of a line.",
            rich_help_panel=DATA,
        ),
    ] = False,
    encoding: Encoding = None,
    unit: Annotated[
        str,
        typer.Option(
            help="word, whitespace, character, or a tokenizer.json.", rich_help_panel=NETWORK
        ),
    ] = "word",
    min_count: MinCount = None,
    max_vocabulary: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Words that are known at most.", rich_help_panel=NETWORK),
    ] = None,
    context_size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--context", help="Words that are looked at.", rich_help_panel=NETWORK),
    ] = None,
    embedding_dim: EmbeddingDim = None,
    hidden: Hidden = None,
    activation: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Activation of the hidden layers.", rich_help_panel=NETWORK),
    ] = None,
    output: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="softmax, sampled, nce, hierarchical or adaptive.", rich_help_panel=NETWORK
        ),
    ] = None,
    n_samples: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Words drawn for a step by sampled and nce.", rich_help_panel=NETWORK),
    ] = None,
    direct: Annotated[
        bool,
        typer.Option(
            "--direct", help="The output sees the vectors of words too.", rich_help_panel=NETWORK
        ),
    ] = False,
    tie_weights: Annotated[
        bool,
        typer.Option(
            "--tie-weights", help="One table for input and output.", rich_help_panel=NETWORK
        ),
    ] = False,
    dropout: Dropout = None,
    embedding_dropout: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Share of vectors' numbers left out.", rich_help_panel=NETWORK),
    ] = None,
    weight_decay: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Decay of the weights.", rich_help_panel=NETWORK),
    ] = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    patience: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Epochs without improvement after which training ends.", rich_help_panel=NETWORK
        ),
    ] = None,
    ngram: Annotated[
        bool,
        typer.Option(
            "--ngram",
            help="Compare with n-grams of the same order, and with the mixture.",
            rich_help_panel=NETWORK,
        ),
    ] = False,
    seed: Seed = 0,
    engine: Engine = "auto",
    out: Out = None,
    resume: Resume = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Train a language model on running text and judge it on text held out.

    Examples: [bold]chainrule lm novel.txt --paragraphs --ngram[/bold];
    [bold]chainrule lm plays.txt --unit character --context 10[/bold]
    """
    from chainrule.cli.language.lm import LM, ModelRequest, check_unit
    from chainrule.cli.language.streams import only_once
    from chainrule.cli.language.trained import checked, given, parse_widths

    if resume is not None:
        refuse_beside_resume(context)
        LM.resume(resume, as_json=as_json, quiet=quiet)
        return
    source = named(source, "lm")
    only_once(source, valid, test)
    check_unit(unit)
    arguments = given(
        context=context_size, embedding_dim=embedding_dim, activation=activation, output=output,
        hidden_layer_sizes=parse_widths(hidden, "--hidden"), direct=direct, n_samples=n_samples,
        tie_weights=tie_weights, min_count=min_count, max_vocabulary=max_vocabulary,
        dropout=dropout, embedding_dropout=embedding_dropout, learning_rate=lr,
        weight_decay=weight_decay, batch_size=batch_size, epochs=epochs, patience=patience,
        random_state=seed, engine=engine,
    )  # fmt: skip
    both = valid if test is not None else None
    request = ModelRequest(
        source, reading_of(encoding=encoding), arguments, unit, paragraphs, valid, test,
        share(hold_out, both, 0.1), ngram,
    )  # fmt: skip
    checked(request.model())
    LM.start(request, out, as_json=as_json, quiet=quiet)


def vectors(
    context: typer.Context,
    source: Source = None,
    encoding: Encoding = None,
    similarity: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="FILE", help="Judge by pairs of words with scores.", rich_help_panel=DATA
        ),
    ] = None,
    analogies: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="FILE", help="Judge by questions of analogy.", rich_help_panel=DATA),
    ] = None,
    tokenizer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="word, whitespace or character.", rich_help_panel=NETWORK),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="skip-gram or cbow.", rich_help_panel=NETWORK),
    ] = None,
    loss: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="negative or hierarchical.", rich_help_panel=NETWORK),
    ] = None,
    vector_size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Length of the vectors.", rich_help_panel=NETWORK),
    ] = None,
    window: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="How far a neighbour may be.", rich_help_panel=NETWORK),
    ] = None,
    min_count: MinCount = None,
    negative: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Words of noise for each pair.", rich_help_panel=NETWORK),
    ] = None,
    sample: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="Words of more than this share are left out at times.", rich_help_panel=NETWORK
        ),
    ] = None,
    subwords: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="LENGTHS",
            help="Shortest and longest n-gram of characters, such as 3,6.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    engine: Engine = "auto",
    out: Out = None,
    resume: Resume = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Train vectors of words on running text, each line a text.

    Examples: [bold]chainrule vectors novel.txt[/bold];
    [bold]chainrule vectors novel.txt --subwords 3,6 --similarity pairs.csv[/bold]
    """
    from chainrule.cli.language.trained import checked, given, parse_widths
    from chainrule.cli.language.vectors import VECTORS_COURSE, VectorsRequest

    if resume is not None:
        refuse_beside_resume(context)
        VECTORS_COURSE.resume(resume, as_json=as_json, quiet=quiet)
        return
    arguments = given(
        tokenizer=tokenizer, model=model, loss=loss, vector_size=vector_size, window=window,
        min_count=min_count, negative=negative, sample=sample, learning_rate=lr,
        subwords=parse_widths(subwords, "--subwords") or None, batch_size=batch_size,
        epochs=epochs, random_state=seed, engine=engine,
    )  # fmt: skip
    request = VectorsRequest(
        named(source, "vectors"), reading_of(encoding=encoding), arguments, similarity, analogies
    )
    checked(request.model())
    VECTORS_COURSE.start(request, out, as_json=as_json, quiet=quiet)


def generate(
    run: Run,
    prompt: Annotated[str, typer.Argument(metavar="[PROMPT]", help="What stands before.")] = "",
    length: Annotated[int, typer.Option(help="Words, or characters, at most.")] = 50,
    temperature: Annotated[
        float, typer.Option(help="Below 1 likely words become likelier; 0 takes the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Draw among so many of the likeliest words."),
    ] = None,
    top_p: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Draw among the fewest words that together are as likely."),
    ] = None,
    beam: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Search for the likeliest text, keeping so many at a time."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn.")] = 0,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """Go on with a text, by a run of chainrule lm."""
    from chainrule.cli.language import asking

    options = {
        "length": length, "temperature": temperature, "top_k": top_k, "top_p": top_p,
        "beam": beam, "seed": seed,
    }  # fmt: skip
    asking.generate(run, prompt, options, as_json=as_json)


def neighbours(
    run: Run,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Added, if several.")],
    without: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="WORD", help="Subtract this word; may be repeated."),
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="How many words.", min=1)] = 10,
    as_json: AsJson = False,
    traceback: Traceback = False,
) -> None:
    """List the words nearest to a word, by a run of chainrule vectors or lm.

    Example: [bold]chainrule neighbours RUN king woman --without man[/bold]
    """
    from chainrule.cli.language import asking

    asking.neighbours(Path(run), words, without or (), number, as_json=as_json)
