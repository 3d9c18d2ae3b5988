"""One way to tell how training goes: a line written anew on a terminal, one an epoch elsewhere."""

import io

import pytest

from chainrule.language import LanguageModel, TextClassifier, WindowTagger, WordVectors
from chainrule.language.progress import TokenProgress
from chainrule.training import History, Record
from chainrule.training.callbacks import State, Totals

TEXTS = ["the cat sat on the mat", "the dog sat on the rug", "a cat and a dog slept"] * 10
WORDS = [text.split() for text in TEXTS]
FITS = {
    "text": lambda: TextClassifier(epochs=2, verbose=1).fit(TEXTS, ["a", "b", "b"] * 10),
    "tag": lambda: WindowTagger(epochs=2, verbose=1).fit(WORDS, WORDS),
    "lm": lambda: LanguageModel(epochs=2, verbose=1).fit(TEXTS),
    "vectors": lambda: WordVectors(epochs=2, min_count=1, verbose=1).fit(TEXTS),
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("kind", FITS)
def test_all_tell_alike(kind, capsys, monkeypatch):
    FITS[kind]()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all("loss" in line and line.endswith("tokens/s") for line in lines)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    FITS[kind]()
    assert terminal.getvalue().count("\n") == 2
    assert "epoch 1/2: " in terminal.getvalue()
    assert "%" in terminal.getvalue()


def state(batch, seconds, *records):
    totals = Totals(loss=batch * 2.0, weight=batch or 1.0, seconds=seconds)
    return State(None, None, {}, 3, 4, len(records), batch, history=History(records), totals=totals)


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_lines(stream):
    stream, record = stream(), Record(1, 1.5, 0.1, None, 2.0, validation_loss=1.25)
    told = TokenProgress(1000, stream)
    told.on_progress(state(1, 0.5))
    told.on_progress(state(2, 1.0))  # too soon after the first
    told.on_epoch_end(state(0, 0.0, record))
    told.on_end(state(0, 0.0, record))
    last = "epoch 1/3: loss 1.5, validation 1.25, 500 tokens/s\n"
    first = "epoch 1/3: 25%, loss 2, 500 tokens/s\r" if stream.isatty() else ""
    assert stream.getvalue() == first + last


def test_a_line_broken_off_is_left(capsys):
    told = TokenProgress(1000, stream := Terminal())
    told.on_progress(state(1, 0.5))
    told.on_end(state(1, 0.5))
    assert stream.getvalue() == "epoch 1/3: 25%, loss 2, 500 tokens/s\n"
