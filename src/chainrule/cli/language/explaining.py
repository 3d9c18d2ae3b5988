"""``chainrule explain --text``: which words moved the class of a text, or what a word costs."""

from __future__ import annotations

from pathlib import Path

from chainrule.cli.language.trained import load_model
from chainrule.cli.look import check_format, give
from chainrule.cli.runs import command_of
from chainrule.errors import DataError
from chainrule.language import LanguageModel, TextClassifier, WordEffects
from chainrule.pages import Shown


def explain_text(folder: Path, text: str, out: Path | None, *, as_json: bool) -> None:
    """Explain what a classifier or a language model makes of a text.

    Raises
    ------
    DataError, FileFormatError
        If the folder holds neither, or the text has no word that is known.
    """
    kinds = {"text": TextClassifier, "lm": LanguageModel}
    command = command_of(folder)
    if command not in kinds:
        raise DataError("holds no run of chainrule text or lm", path=str(folder))
    check_format(WordEffects if command == "text" else Shown, out, as_json)
    explained = load_model(folder, kinds[command]).explain_(text)
    give(explained, out, as_json=as_json)
