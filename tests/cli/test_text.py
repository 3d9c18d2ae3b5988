"""Text for terminals, and how errors become one line."""

import pytest
import typer

from chainrule.cli.exits import Exit, explain
from chainrule.cli.text import as_options, short
from chainrule.errors import DataError, NonFiniteError
from chainrule.pages.visible import visible


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\n", "\r", "\x7f", "\x9b", "\u202e", "\u2028", "\u200b", "\ud800"]
)
def test_what_cannot_be_seen_is_written_out(char):
    shown = visible(f"a{char}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_letters_of_all_kinds_are_kept():
    text = "Größe 数 ½ 🙂 [x]"
    assert visible(text) == text


def test_long_names_are_cut():
    assert short("x" * 50) == "x" * 37 + "..."
    assert short("x" * 40) == "x" * 40


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("types={'a b': 'category'}", "--types 'a b=category'"),
        ("encoding='utf-16'", "--encoding 'utf-16'"),
        ("decimal=','", "--decimal ','"),
        ("name it with missing=, or", "name it with --missing, or"),
        ("header=False", "--no-header"),
        ("with quotes=False", "with --no-quotes"),
        ("types={'d': 'date:%d.%m.%Y'}", "--types d=date:%d.%m.%Y"),
        ("task='regression' it", "try --task regression it"),
    ],
)
def test_messages_speak_of_options(message, words):
    assert words in as_options(f"try {message}")


@pytest.mark.parametrize(
    "offer",
    [
        "; allow more with limits=Limits(size=...)",
        " Allow more with limits=Limits(line=...)",
        ", or clip the gradients with clip_norm=",
        "; name those to read: names=[...]",
        "; name the keys to read, such as names=[...]",
        " [/a folder/main.py:12]",
    ],
)
def test_messages_offer_nothing_that_a_command_cannot_do(offer):
    assert as_options(f"too long?{offer}") == "too long?"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), Exit.INTERRUPTED, "nothing was written"),
        (KeyboardInterrupt("go on"), Exit.INTERRUPTED, "go on"),
        (typer.Abort(), Exit.INTERRUPTED, "interrupted"),
        (typer.BadParameter("no"), Exit.USAGE, "--help"),
        (DataError("bad", row=3), Exit.DATA, "row 3: bad"),
        (NonFiniteError("nan"), Exit.DIVERGED, "nan"),
        (OSError(28, "No space left on device"), Exit.SYSTEM, "No space"),
        (OSError(20, "Not a directory", "a/b"), Exit.SYSTEM, "a/b: Not a directory"),
        (OSError(28, "cannot write a/b: full", "a/b"), Exit.SYSTEM, "cannot write a/b: full"),
        (MemoryError(), Exit.SYSTEM, "memory"),
        (ZeroDivisionError("oops"), Exit.BUG, "ZeroDivisionError: oops"),
    ],
)
def test_every_error_has_a_code_and_words(error, code, words):
    found, message = explain(error)
    assert found == code
    assert words in message
