"""``chainrule predict`` for runs of ``text`` and ``tag``: texts in, classes or tags out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

from chainrule.cli.exits import UsageError
from chainrule.cli.language.tag import TagRequest, write_tagged
from chainrule.cli.language.text import TextRequest, cells_of, predicted_columns
from chainrule.cli.language.trained import load_model
from chainrule.cli.request import Reading
from chainrule.cli.runs import load_request
from chainrule.language import TextClassifier, WindowTagger
from chainrule.models.run_folder import write_columns
from chainrule.text import read_labelled, stream_lines, tokenizer_for

_BLOCK = 2**12  # texts that are predicted at a time

Numbered = tuple[list[int], list[str]]


def predict_texts(
    run: Path, source: str, file: IO[str], options: Mapping[str, Any], *, lines: bool,
    as_json: bool, safe: bool,
) -> None:  # fmt: skip
    """Write classes or labels of texts, and their probabilities, as CSV or JSON."""
    request, _ = load_request(run, TextRequest)
    if lines or request.label is None:
        _refuse_of_tables(options, "encoding")
    model = load_model(run, TextClassifier)
    request = replace(request, reading=replace(request.reading, **options))
    blocks = _lines(source, request.reading) if lines else _texts(request, source)
    rows: list[dict[str, Any]] = []
    for number, (places, texts) in enumerate(blocks):
        shares = model.predict_proba(texts)
        columns = {"line": places, **predicted_columns(model, shares, request.separator)}
        if as_json:
            cells = zip(*columns.values(), strict=True)
            rows += [dict(zip(columns, row, strict=True)) for row in cells]
        else:
            write_columns(file, columns, header=number == 0, safe=safe)
    if as_json:
        file.write(json.dumps({"task": "text", "predictions": rows}, allow_nan=False) + "\n")


def _texts(request: TextRequest, source: str) -> Iterator[Numbered]:
    """Yield the texts of a file as training read it, with their lines."""
    if request.label is None:
        found = read_labelled(source, multi=True, encoding=request.reading.encoding)
        for start in range(0, len(found.texts), _BLOCK):
            part = slice(start, start + _BLOCK)
            yield found.lines[part], found.texts[part]
        return
    for table in request.reading.blocks(source):
        yield table.lines.tolist(), cells_of(table, request.text_column(table))


def _lines(source: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the lines of a file, each a text."""
    numbered = enumerate(stream_lines(source, encoding=reading.encoding), 1)
    while block := list(islice(numbered, _BLOCK)):
        yield [number for number, _ in block], [text for _, text in block]


def predict_tags(
    run: Path, source: str, file: IO[str], options: Mapping[str, Any], *, lines: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Write words and their tags in columns, a blank line between sentences, or as JSON."""
    request, _ = load_request(run, TagRequest)
    known = ("encoding",) if lines or request.treebank else ("encoding", "skip_rows", "delimiter")
    _refuse_of_tables(options, *known)
    model = load_model(run, WindowTagger)
    request = replace(request, reading=replace(request.reading, **options))
    if lines:
        tokenize = tokenizer_for("word")
        found = stream_lines(source, encoding=request.reading.encoding)
        sentences: list[Sequence[str]] = [tokenize(line) for line in found if line.strip()]
    else:
        sentences = [each.tokens for each in request.read(source, tags=False)]
    tags = model.predict(sentences)
    if as_json:
        pairs = zip(sentences, tags, strict=True)
        document = [{"tokens": tokens, "tags": own} for tokens, own in pairs]
        file.write(json.dumps({"task": "tag", "sentences": document}) + "\n")
    else:
        write_tagged(file, sentences, tags)


def _refuse_of_tables(options: Mapping[str, Any], *allowed: str) -> None:
    """Refuse options that say how a table is read, where there is none."""
    if odd := sorted(set(options) - set(allowed)):
        raise UsageError(f"--{odd[0].replace('_', '-')} says how a table is read: there is none")
