"""``chainrule lm``, ``vectors``, ``generate`` and ``neighbours``, in this process."""

import json
import math
import os
import warnings

import pytest

from chainrule.cli.exits import Exit
from chainrule.language import LanguageModel
from chainrule.language.progress import TokenProgress
from chainrule.text import load_vectors

LINES = ["the cat sat on the mat", "the dog sat on the rug", "the cat and the dog slept"]
SMALL = (
    "--epochs", "4", "--context", "2", "--embedding-dim", "4", "--hidden", "8",
    "--lr", "0.02", "--batch-size", "16",
)  # fmt: skip
VECTORS = ("--min-count", "1", "--vector-size", "4", "--epochs", "3")


@pytest.fixture
def story(tmp_path):
    path = tmp_path / "story.txt"
    path.write_text("\n".join(LINES * 20) + "\n")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def same(tmp_path, one, other):
    assert names(tmp_path / one) == names(tmp_path / other)
    for name in names(tmp_path / one):
        assert (tmp_path / one / name).read_bytes() == (tmp_path / other / name).read_bytes(), name


def test_a_text_becomes_a_language_model(run, story, tmp_path):
    ended = run("lm", story, "--ngram", *SMALL)
    assert ended.code == 0
    for words in (
        "49 texts to train on, 5 to choose the best epoch by, 6 held out",
        "ends of texts count as words",
        "n-grams of 3, modified Kneser-Ney",
        "mixture",
        "write with: chainrule generate runs/story-1 TEXT",
    ):
        assert words in ended.out
    assert "tokens/s" in ended.err
    folder = tmp_path / "runs" / "story-1"
    assert names(folder) == [
        "history.csv", "metrics.json", "model.safetensors", "report.html", "request.json",
    ]  # fmt: skip
    held = json.loads((folder / "metrics.json").read_text())["held_out"]
    model = LanguageModel.load(folder / "model.safetensors")
    assert held["network"]["perplexity"] == pytest.approx(model.perplexity(LINES * 2), rel=1e-6)
    assert held["network"]["bits_per_character"] == pytest.approx(
        model.bits_per_character(LINES * 2)
    )
    assert held["ngram"]["order"] == 3
    assert held["ngram"]["perplexity"] < 3
    assert 0 <= held["mixture"]["weight"] <= 1
    bits = math.log2(held["mixture"]["perplexity"]) * held["mixture"]["words"]
    characters = sum(len(line) + 1 for line in LINES * 2)
    assert held["mixture"]["bits_per_character"] == pytest.approx(bits / characters)


def test_files_and_paragraphs(run, tmp_path):
    for name, repeats in (("a", 20), ("b", 2), ("c", 1)):
        (tmp_path / name).write_text(
            "\n\n".join(line.replace(" sat", "\nsat") for line in LINES * repeats)
        )
    ended = run(
        "lm", "a", "--valid", "b", "--test", "c", "--paragraphs", *SMALL, "--json", "--out", "r"
    )
    document = json.loads(ended.out)
    assert document["texts"] == {"training": 60, "validation": 6, "test": 3}
    assert list(document["held_out"]) == ["network"]


def test_characters(run, story):
    assert run("lm", story, "--unit", "character", "--ngram", *SMALL, "-q", "--out", "r").code == 0
    ended = run("generate", "r", "the c", "--length", "7", "--temperature", "0")
    assert ended.code == 0
    assert len(ended.out) <= 8


def test_a_model_writes(run, story):
    assert run("lm", story, *SMALL, "-q", "--out", "r") == (0, "r\n", "")
    ended = run("generate", "r", "the cat", "--length", "3", "--seed", "3", "--json")
    assert json.loads(ended.out)["prompt"] == "the cat"
    assert run("generate", "r", "the cat", "--length", "3", "--seed", "3", "--json") == ended
    assert run("generate", "r", "--beam", "2", "--length", "3").code == 0
    for wrong, message in (
        (("--temperature", "-1"), "--temperature must be"),
        (("--top-p", "2"), "--top-p must be"),
        (("--beam", "2", "--top-k", "3"), "a beam searches"),
    ):
        ended = run("generate", "r", *wrong)
        assert (ended.code, message in ended.err) == (Exit.USAGE, True)
    assert json.loads(run("neighbours", "r", "cat", "-n", "2", "--json").out)["neighbours"][1]
    assert run("neighbours", "r", "cat", "dog").code == Exit.USAGE
    assert run("explain", "r", "--text", "the cat").code == 0
    assert run("predict", "r", story).code == Exit.DATA


def test_a_language_model_goes_on_to_the_same_bytes(run, story, tmp_path, monkeypatch):
    options = ("lm", story, "--ngram", *SMALL)
    assert run(*options, "-q", "--out", "whole").code == 0

    def on_epoch_end(self, state):
        if len(state.history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TokenProgress, "on_epoch_end", on_epoch_end)
        ended = run(*options, "--out", "cut")
    assert ended.code == Exit.INTERRUPTED
    assert ended.err == "chainrule: interrupted; go on with: chainrule lm --resume cut\n"
    assert run("generate", "cut").code == Exit.DATA
    assert run("lm", "--resume", "cut", "-q") == (0, "cut\n", "")
    same(tmp_path, "whole", "cut")


def test_a_text_becomes_vectors(run, story, tmp_path):
    (tmp_path / "pairs.txt").write_text("cat\tdog\t9\ncat\tmat\t2\nrug\tmat\t7\n")
    (tmp_path / "questions.txt").write_text(": all\ncat dog mat rug\n")
    ended = run("vectors", story, *VECTORS, "--similarity", "pairs.txt",
                "--analogies", "questions.txt", "--out", "v")  # fmt: skip
    assert ended.code == 0, ended.err
    for words in ("60 lines of text", "9 words have vectors", "similarity: spearman",
                  "3 of 3 known", "1 of 1 known", "chainrule neighbours v WORD"):  # fmt: skip
        assert words in ended.out
    assert names(tmp_path / "v") == [
        "history.csv", "metrics.json", "model.safetensors", "report.html", "request.json",
        "vectors.vec",
    ]  # fmt: skip
    assert load_vectors(tmp_path / "v" / "vectors.vec").vectors.shape == (9, 4)
    ended = run("neighbours", "v", "cat", "dog", "--without", "mat", "-n", "2")
    assert ended.code == 0
    assert "Nearest to cat dog" in ended.out
    assert run("neighbours", "v", "zebra").code == Exit.DATA
    assert run("generate", "v").code == Exit.DATA


def test_vectors_go_on_to_the_same_bytes(run, story, tmp_path, monkeypatch):
    options = ("vectors", story, *VECTORS, "--subwords", "3,4")
    assert run(*options, "-q", "--out", "whole").code == 0
    told = TokenProgress.on_epoch_end

    def on_epoch_end(self, state):
        told(self, state)
        if len(state.history) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TokenProgress, "on_epoch_end", on_epoch_end)
        ended = run(*options, "--out", "cut")
    assert ended.code == Exit.INTERRUPTED
    assert ended.err.endswith("go on with: chainrule vectors --resume cut\n")
    assert run("vectors", "--resume", "cut", "-q") == (0, "cut\n", "")
    same(tmp_path, "whole", "cut")


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("\n", ("lm",), Exit.DATA, "there is no text"),
        ("one line\n", ("lm",), Exit.DATA, "one text is too few"),
        (b"a\n\xff\n", ("lm",), Exit.DATA, "byte 2"),
        ("a\n" * 9, ("lm", "--valid", "absent"), Exit.DATA, "absent: cannot be opened"),
        ("a", ("lm", "--unit", "syllable"), Exit.USAGE, "--unit is word"),
        ("a", ("lm", "--unit", "t.txt"), Exit.DATA, "t.txt"),
        ("a", ("lm", "--output", "odd"), Exit.USAGE, "--output must be one of"),
        ("a", ("lm", "--context", "0"), Exit.USAGE, "--context must be"),
        ("a", ("lm", "--hold-out", "1"), Exit.USAGE, "--hold-out must lie"),
        ("a", ("lm", "--valid", "-", "--test", "-"), Exit.USAGE, "one file only"),
        ("", ("vectors",), Exit.DATA, "there is no text"),
        ("a b\n", ("vectors", "--min-count", "9"), Exit.DATA, "a lower --min-count"),
        ("a b\n", ("vectors", "--similarity", "absent"), Exit.DATA, "absent"),
        ("a b\n", ("vectors", "--tokenizer", "x"), Exit.USAGE, "a tokeniser is one of"),
        ("a b\n", ("vectors", "--subwords", "6,3"), Exit.USAGE, "--subwords must rise"),
        ("a b\n", ("vectors", "--loss", "odd"), Exit.USAGE, "--loss must be one of"),
    ],
)  # fmt: skip
def test_bad_input_leaves_nothing_behind(run, tmp_path, content, options, code, message):
    path = tmp_path / "t.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    command, *others = options
    ended = run(command, "t.txt", *others, "--out", "r")
    assert ended.code == code, ended.err
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["t.txt"]


def test_what_training_notes_is_told(run, story, monkeypatch):
    class Noting(LanguageModel):
        def fit(self, *arguments, **options):
            warnings.warn("[bold]slow[/bold]", stacklevel=1)
            return super().fit(*arguments, **options)

    monkeypatch.setattr("chainrule.cli.language.lm.LanguageModel", Noting)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        ended = run("lm", story, *SMALL, "--out", "r")
        quiet = run("lm", story, *SMALL, "--out", "q", "-q")
    assert "note: [bold]slow[/bold]\n" in ended.out
    assert quiet == (0, "q\n", "")


def test_standard_input_is_a_source(run, monkeypatch):
    import io
    import sys
    from types import SimpleNamespace

    for command, options in (("lm", SMALL), ("vectors", VECTORS)):
        text = io.BytesIO("\n".join(LINES * 10).encode())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=text))
        assert run(command, "-", *options, "-q", "--out", command) == (0, f"{command}\n", "")
