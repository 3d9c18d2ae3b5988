"""``chainrule tag``, and what can be done with its runs, in this process."""

import json
import os

import pytest

from chainrule.cli.exits import Exit
from chainrule.language.progress import TokenProgress

SENTENCES = [
    [("Ada", "B-PER", "PROPN"), ("met", "O", "VERB"), ("Alan", "B-PER", "PROPN")],
    [("Alan", "B-PER", "PROPN"), ("left", "O", "VERB"), ("Paris", "B-LOC", "PROPN")],
    [("the", "O", "DET"), ("New", "B-LOC", "ADJ"), ("York", "I-LOC", "X"), ("met", "O", "VERB")],
]
QUICK = (
    "--epochs", "6", "--embedding-dim", "8", "--hidden", "16", "--min-count", "1",
    "--batch-size", "16", "--lr", "0.02",
)  # fmt: skip


def conll(repeats):
    lines = ["\n".join(f"{word}\t{tag}" for word, tag, _ in s) + "\n\n" for s in SENTENCES]
    return "".join(lines * repeats)


def conllu(repeats):
    one = "".join(
        f"# text = {' '.join(word for word, *_ in s)}\n"
        + "".join(
            f"{i}\t{w}\t_\t{pos}\t{pos[0]}" + "\t_" * 5 + "\n" for i, (w, _, pos) in enumerate(s, 1)
        )
        + "\n"
        for s in SENTENCES
    )
    return one * repeats


@pytest.fixture
def files(tmp_path):
    (tmp_path / "train.conll").write_text(conll(10))
    (tmp_path / "test.conll").write_text(conll(1))
    (tmp_path / "train.conllu").write_text(conllu(10))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_columns_become_a_run(run, files, tmp_path):
    ended = run("tag", "train.conll", "--dev", "test.conll", "--test", "test.conll",
                "--scheme", "IOB2", *QUICK)  # fmt: skip
    assert ended.code == 0
    for words in (
        "30 sentences to train on, 3 (dev), 3 (test) to judge by",
        "100 words; 4 tags: O 40, B-PER 30, B-LOC 20, I-LOC 10",
        "On 3 sentences (test)",
        "commonest tags",
        "Entities",
        "PER",
        "run folder: runs/train-1",
    ):
        assert words in ended.out
    assert "tokens/s" in ended.err
    folder = tmp_path / "runs" / "train-1"
    assert names(folder) == [
        "history.csv", "metrics.json", "model.safetensors", "predictions.conll", "report.html",
        "request.json",
    ]  # fmt: skip
    scores = json.loads((folder / "metrics.json").read_text())["held_out"]["test"]
    assert scores["most_frequent"]["accuracy"] == 1
    assert scores["most_frequent"]["f1"] == 1
    assert scores["network"]["words"] == 10
    assert (folder / "predictions.conll").read_text().startswith("Ada\tB-PER\t")


def test_training_is_watched_on_a_file(run, files, tmp_path):
    rows = (tmp_path / "test.conll").read_text().replace("B-PER", "B-NEW")
    (tmp_path / "dev.conll").write_text(rows)
    options = ("tag", "train.conll", "--dev", "dev.conll", "--test", "test.conll", *QUICK)
    assert run(*options, "--out", "r", "--json").code == 0
    history = (tmp_path / "r" / "history.csv").read_text().splitlines()
    assert history[0] == "epoch,loss,lr,gradient_norm,validation_loss,accuracy"
    assert json.loads((tmp_path / "r/metrics.json").read_text())["best_epoch"] is None
    ended = run(
        *options, "--epochs", "60", "--patience", "1", "--lr", "0.2", "--json", "--out", "s"
    )
    document = json.loads(ended.out)
    assert document["epochs"] == document["best_epoch"] + 1 < 60
    ended = run("tag", "train.conll", *QUICK, "--patience", "2", "--json", "--out", "t")
    assert json.loads(ended.out)["best_epoch"]
    assert run("tag", "train.conll", "--patience", "0").code == Exit.USAGE


def test_a_treebank_becomes_a_run(run, files, tmp_path):
    for options, tag in (((), "VERB"), (("--tag", "XPOS"), "V")):
        ended = run("tag", "train.conllu", *options, *QUICK, "--json", "--out", f"r{tag}")
        assert ended.code == 0
        document = json.loads(ended.out)
        assert document["sentences"] == {"training": 24, "held out": 6}
        assert "f1" not in document["held_out"]["held out"]["network"]
        predicted = run("predict", f"r{tag}", "train.conllu").out
        assert predicted.startswith("Ada\t")
        assert f"\t{tag}\n" in predicted


def test_tags_are_converted(run, files):
    ended = run(
        "tag", "train.conll", "--scheme", "IOB2", "--convert", "BIOES", *QUICK, "--out", "r"
    )
    assert "S-PER 24, B-LOC 8" in ended.out or "S-PER" in ended.out


def test_words_are_tagged(run, files, tmp_path):
    assert run("tag", "train.conll", *QUICK, "-q", "--out", "r") == (0, "r\n", "")
    (tmp_path / "new.txt").write_text("Ada met Paris\n\nthe York\n")
    ended = run("predict", "r", "new.txt", "--lines")
    assert ended.code == 0
    blocks = ended.out.split("\n\n")
    assert [line.split("\t")[0] for line in blocks[0].splitlines()] == ["Ada", "met", "Paris"]
    document = json.loads(run("predict", "r", "new.txt", "--lines", "--json").out)
    assert document["sentences"][1]["tokens"] == ["the", "York"]
    assert run("predict", "r", "test.conll", "--out", "p").code == 0
    assert len((tmp_path / "p").read_text().split("\n\n")) == 4
    assert run("predict", "r", "test.conll", "--safe-csv").code == Exit.USAGE
    assert run("predict", "r", "test.conll", "--header").code == Exit.USAGE
    (tmp_path / "bad.conll").write_text("a\tO\nb\n")
    ended = run("predict", "r", "bad.conll", "--out", "q")
    assert (ended.code, "bad.conll, row 2" in ended.err) == (Exit.DATA, True)
    assert not (tmp_path / "q").exists()
    assert run("explain", "r", "--text", "a").code == Exit.DATA


def test_an_interrupted_run_goes_on_to_the_same_bytes(run, files, tmp_path, monkeypatch):
    options = ("tag", "train.conll", *QUICK, "--loss", "sentence")
    assert run(*options, "--out", "whole").code == 0

    def on_epoch_end(self, state):
        if len(state.history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TokenProgress, "on_epoch_end", on_epoch_end)
        ended = run(*options, "--out", "cut")
    assert ended.code == Exit.INTERRUPTED
    assert ended.err == "chainrule: interrupted; go on with: chainrule tag --resume cut\n"
    assert run("tag", "--resume", "cut", "-q") == (0, "cut\n", "")
    for name in names(tmp_path / "whole"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), (
            name
        )


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("a\tO\nb\n", (), Exit.DATA, "t.conll, row 2: 1 column where row 1 has 2"),
        ("a\n", (), Exit.DATA, "no tag beside the token"),
        ("", (), Exit.DATA, "there is no token"),
        ("a\tI-X\n\nb\tO\n", ("--scheme", "IOB2"), Exit.DATA, "t.conll, row 1"),
        ("a\tO\nb\tB\n", ("--tag", "7"), Exit.DATA, "there is no column 7"),
        ("a\tO\n", ("--tag", "UPOS"), Exit.DATA, "2 columns between tabs"),
        ("a", ("--tag", "x"), Exit.USAGE, "--tag is the number of a column"),
        ("a", ("--tag", "UPOS", "--token", "1"), Exit.USAGE, "--token and --scheme are not"),
        ("a", ("--convert", "IOB1"), Exit.USAGE, "--convert needs"),
        ("a", ("--scheme", "IOB7"), Exit.USAGE, "--scheme is one of"),
        ("a", ("--window", "-1"), Exit.USAGE, "--window must be"),
        ("a", ("--hidden", "none"), Exit.USAGE, "--hidden must name one width"),
        ("a", ("--features", "smell"), Exit.USAGE, "--features must be one of"),
        ("a\tO\n\nb\tO\n", ("--vectors", "absent.vec"), Exit.DATA, "absent.vec"),
    ],
)  # fmt: skip
def test_bad_input_leaves_nothing_behind(run, tmp_path, content, options, code, message):
    (tmp_path / "t.conll").write_text(content)
    ended = run("tag", "t.conll", *options, "--out", "r")
    assert ended.code == code, ended.err
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["t.conll"]
