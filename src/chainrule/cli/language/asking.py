"""``chainrule generate`` and ``chainrule neighbours``: what a trained model says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainrule.cli.exits import UsageError
from chainrule.cli.language.trained import load_model
from chainrule.cli.runs import command_of
from chainrule.cli.show import add_row, console, new_grid
from chainrule.cli.text import short
from chainrule.errors import ArgumentError, DataError
from chainrule.language import LanguageModel, WordVectors
from chainrule.pages.visible import visible


def generate(run: Path, prompt: str, options: dict[str, Any], *, as_json: bool) -> None:
    """Print what a language model goes on with.

    Raises
    ------
    UsageError
        If an option is out of range.
    DataError
        If the folder holds no language model.
    """
    if command_of(run) != "lm":
        raise DataError("holds no run of chainrule lm", path=str(run))
    try:
        text = load_model(run, LanguageModel).generate(prompt, **options)
    except ArgumentError as error:
        message = str(error).removeprefix("generate: ")
        raise UsageError(re.sub(r"^(\w+) must", lambda name: _option(name[1]), message)) from None
    if as_json:
        sys.stdout.write(json.dumps({"prompt": prompt, "text": text}) + "\n")
    else:
        sys.stdout.write(visible(text) + "\n")


def _option(argument: str) -> str:
    return f"--{argument.replace('_', '-')} must"


def neighbours(
    run: Path, words: Sequence[str], without: Sequence[str], n: int, *, as_json: bool
) -> None:
    """Print the words whose vectors are nearest to those of words, added and subtracted.

    Raises
    ------
    UsageError
        If a language model is asked for more than one word.
    DataError
        If a word is unknown, or the folder holds no vectors of words.
    """
    command = command_of(run)
    if command == "vectors":
        found = load_model(run, WordVectors).most_similar(list(words), list(without), n)
    elif command == "lm":
        if len(words) != 1 or without:
            raise UsageError("a language model is asked for the neighbours of one word")
        found = load_model(run, LanguageModel).neighbours(words[0], n)
    else:
        raise DataError("holds no run of chainrule vectors or lm", path=str(run))
    if as_json:
        listed = [{"word": word, "cosine": cosine} for word, cosine in found]
        sys.stdout.write(json.dumps({"neighbours": listed}, allow_nan=False) + "\n")
        return
    grid = new_grid(f"Nearest to {short(' '.join(words))}", "word", "cosine", numbers=1)
    for word, cosine in found:
        add_row(grid, short(word), f"{cosine:.4f}")
    console().print(grid)
