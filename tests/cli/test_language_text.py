"""``chainrule text``, and what can be done with its runs, in this process."""

import csv
import gzip
import json
import os

import pytest

from chainrule.cli.exits import Exit
from chainrule.language import TextClassifier
from chainrule.language.progress import TokenProgress

GOOD = ["a fine film", "so good", "good and warm", "a good film", "fine, just fine"]
BAD = ["dull", "a dull mess", "so bad", "bad and cold", "what a mess"]
QUICK = ("--epochs", "2", "--embedding-dim", "4")


@pytest.fixture
def reviews(tmp_path):
    rows = [(text, "+") for text in GOOD * 4] + [(text, "-") for text in BAD * 4]
    path = tmp_path / "reviews.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("review", "id", "mood")] + [(t, i, m) for i, (t, m) in enumerate(rows)]
        )
    return path


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "train.txt.gz"
    lines = [f"__label__good {text}\n" for text in GOOD * 4] + ["\n"]
    lines += [f"__label__bad {text}\n" for text in BAD * 4]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


@pytest.fixture
def trained(run, reviews):
    ended = run("text", reviews, "--text", "review", "--label", "mood", *QUICK, "--out", "r", "-q")
    assert ended == (0, "r\n", "")
    return "r"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def rows_of(text):
    return list(csv.DictReader(text.splitlines()))


def test_a_table_becomes_a_run(run, reviews, tmp_path):
    ended = run("text", reviews, "--text", "review", "--label", "mood", *QUICK)
    assert ended.code == 0
    for words in (
        "32 texts to train on, 8 held out",
        "2 labels: + 16, - 16",
        "trained for 2 epochs",
        "majority class",
        "Actual class (rows)",
        "run folder: runs/reviews-1",
    ):
        assert words in ended.out
    assert "epoch 2/2" in ended.err
    assert "tokens/s" in ended.err
    folder = tmp_path / "runs" / "reviews-1"
    assert names(folder) == [
        "history.csv", "metrics.json", "model.safetensors", "predictions.csv", "report.html",
        "request.json",
    ]  # fmt: skip
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["held_out"]["network"]["accuracy"] == 1
    assert metrics["held_out"]["constant"]["accuracy"] == 0.5
    predictions = rows_of((folder / "predictions.csv").read_text())
    assert list(predictions[0]) == ["line", "actual", "predicted", "p(+)", "p(-)"]
    first = predictions[0]
    text = reviews.read_text().splitlines()[int(first["line"]) - 1]
    model = TextClassifier.load(folder / "model.safetensors")
    assert model.predict([text.split(",")[0]])[0] == first["predicted"]


def test_how_much_is_told_changes_no_file(run, reviews, tmp_path):
    options = ("text", reviews, "--text", "review", "--label", "mood", *QUICK)
    shown = run(*options, "--out", "a")
    told = run(*options, "--out", "b", "--json")
    assert (shown.code, told.code, told.err) == (0, 0, "")
    assert json.loads(told.out) == {
        "run": "b",
        **json.loads((tmp_path / "b/metrics.json").read_text()),
    }
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_file_of_fasttext_becomes_a_run(run, labelled, tmp_path):
    (tmp_path / "test.txt").write_text("\n__label__good so good\n__label__bad a mess\n")
    ended = run("text", labelled, "--test", "test.txt", *QUICK, "--out", "r")
    assert ended.code == 0
    assert "40 texts to train on, 2 held out" in ended.out
    found = rows_of((tmp_path / "r" / "predictions.csv").read_text())
    assert [row["line"] for row in found] == ["2", "3"]
    assert [row["predicted"] for row in found] == ["good", "bad"]
    predicted = run("predict", "r", "test.txt")
    assert [row["predicted"] for row in rows_of(predicted.out)] == ["good", "bad"]


def test_several_labels(run, tmp_path):
    lines = [f"{text};good|short" for text in GOOD] + [f"{text};bad" for text in BAD]
    (tmp_path / "t.csv").write_text("text;labels\n" + "\n".join(lines * 4) + "\nnothing;\n")
    ended = run("text", "t.csv", "--label", "labels", "--multi", "--separator", "|",
                "--delimiter", ";", *QUICK, "--out", "r")  # fmt: skip
    assert ended.code == 0, ended.err
    assert "3 labels, any number of them a text" in ended.out
    assert "label frequencies" in ended.out
    ended = run("predict", "r", "t.csv")
    assert {row["predicted"] for row in rows_of(ended.out)[:5]} == {"good|short"}


def test_a_table_is_predicted(run, trained, tmp_path):
    (tmp_path / "new.csv").write_text("x,review\n1,so good\n2,\n3,a mess\n")
    ended = run("predict", trained, "new.csv")
    assert (ended.code, ended.err) == (0, "")
    assert [(row["line"], row["predicted"]) for row in rows_of(ended.out)][::2] == [
        ("2", "+"),
        ("4", "-"),
    ]
    document = json.loads(run("predict", trained, "new.csv", "--json").out)
    assert [row["predicted"] for row in document["predictions"]][::2] == ["+", "-"]
    (tmp_path / "other.csv").write_text("x,text\n1,so good\n")
    ended = run("predict", trained, "other.csv", "--out", "p.csv")
    assert ended.code == Exit.DATA
    assert "no column 'review'" in ended.err
    assert not (tmp_path / "p.csv").exists()


def test_lines_are_predicted(run, trained, tmp_path):
    (tmp_path / "new.txt").write_text("so good\na mess\n")
    ended = run("predict", trained, "new.txt", "--lines", "--out", "p.csv")
    assert ended == (0, "", "")
    found = rows_of((tmp_path / "p.csv").read_text())
    assert [(row["line"], row["predicted"]) for row in found] == [("1", "+"), ("2", "-")]
    ended = run("predict", trained, "new.txt", "--lines", "--delimiter", ";")
    assert ended.code == Exit.USAGE


def test_formulas_are_disarmed(run, tmp_path):
    lines = [f'=good,"{text}"' for text in GOOD * 3] + [f"=bad,{text}" for text in BAD * 3]
    (tmp_path / "t.csv").write_text("mood,text\n" + "\n".join(lines) + "\n")
    assert run("text", "t.csv", "--label", "mood", *QUICK, "--out", "r").code == 0
    ended = run("predict", "r", "t.csv", "--safe-csv")
    assert {row["predicted"] for row in rows_of(ended.out)} == {"'=good", "'=bad"}


def test_names_of_labels_are_only_text(run, tmp_path):
    evil = "[red]x[/red]\x1b[31m"
    lines = [f'{evil},"{text}"' for text in GOOD * 3] + [f"<b>,{text}" for text in BAD * 3]
    (tmp_path / "t.csv").write_text("mood,text\n" + "\n".join(lines) + "\n")
    ended = run("text", "t.csv", "--label", "mood", *QUICK, "--out", "r")
    assert ended.code == 0
    assert "[red]x[/red]" in ended.out
    assert "\x1b" not in ended.out
    assert run("explain", "r", "--text", "so good", "--out", "e.html").code == 0
    assert "<b>" not in (tmp_path / "e.html").read_text()


def test_a_decision_is_explained(run, trained, tmp_path):
    ended = run("explain", trained, "--text", "so good")
    assert ended.code == 0
    assert "Which words moved the decision" in ended.out
    facts = json.loads(run("explain", trained, "--text", "so good", "--json").out)
    assert [word["word"] for word in facts["words"]] == ["so", "good"]
    assert run("explain", trained, "--text", "so good", "--out", "e.html").code == 0
    assert "<script" not in (tmp_path / "e.html").read_text()
    for wrong in ((), ("--text", "a", "--row", "3")):
        assert run("explain", trained, *wrong).code == Exit.USAGE
    assert run("explain", trained, "--text", "@@").code == Exit.DATA
    assert run("explain", trained, "--row", "3").code == Exit.DATA
    assert run("explain", "absent", "--text", "a").code == Exit.DATA


def test_a_run_of_another_command_is_refused(run, trained):
    for command in (
        ("fit", "--resume", trained),
        ("tag", "--resume", trained),
    ):
        ended = run(*command)
        assert ended.code == Exit.DATA
        assert "holds a run of chainrule text" in ended.err


def test_an_interrupted_run_goes_on_to_the_same_bytes(run, reviews, tmp_path, monkeypatch):
    options = ("text", reviews, "--text", "review", "--label", "mood", "--epochs", "6",
               "--embedding-dim", "4")  # fmt: skip
    assert run(*options, "--out", "whole", "-q").code == 0
    interrupt_after(3, monkeypatch)
    ended = run(*options, "--out", "cut")
    assert ended.code == Exit.INTERRUPTED
    assert ended.err.endswith("go on with: chainrule text --resume cut\n")
    assert names(tmp_path / "cut") == ["checkpoint", "request.json"]
    assert run("predict", "cut", reviews).code == Exit.DATA
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run("text", "--resume", "cut", "-q") == (0, "cut\n", "")
    for name in names(tmp_path / "whole"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), (
            name
        )
    again = run("text", "--resume", "cut", "--json")
    assert json.loads(again.out)["run"] == "cut"


def interrupt_after(epochs, monkeypatch):
    """Press Ctrl-C after so many epochs."""
    count = iter(range(1, 1000))

    def on_epoch_end(self, state):
        if next(count) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(TokenProgress, "on_epoch_end", on_epoch_end)


def test_changed_data_is_refused(run, reviews, tmp_path, monkeypatch):
    options = ("text", reviews, "--text", "review", "--label", "mood", *QUICK, "--out", "r")
    interrupt_after(1, monkeypatch)
    assert run(*options).code == Exit.INTERRUPTED
    reviews.write_text(reviews.read_text().replace("dull", "grey"))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    ended = run("text", "--resume", "r")
    assert ended.code == Exit.DATA
    assert "the data has changed" in ended.err


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("a b\n", (), Exit.DATA, "t.csv, row 1: has no word that begins with '__label__'"),
        ("__label__a b\n" * 3, (), Exit.DATA, "all texts have the label 'a'"),
        ("x,y,z\n1,2,3\n", ("--label", "y"), Exit.USAGE, "name the column of texts with --text"),
        ("x,y\n1,2\n", ("--label", "w"), Exit.DATA, "no column 'w'"),
        ("x,y\n1,2\n3\n", ("--label", "y"), Exit.DATA, "t.csv, row 3: "),
        ("x,y\n", ("--label", "y"), Exit.DATA, "t.csv"),
        ("x,y\n1,\n2,\n3,\n", ("--label", "y"), Exit.DATA, "0"),
        ("x", ("--text", "x"), Exit.USAGE, "--text names a column"),
        ("x", ("--separator", ","), Exit.USAGE, "--separator"),
        ("x", ("--fixed",), Exit.USAGE, "--fixed"),
        ("x", ("--hold-out", "2"), Exit.USAGE, "--hold-out must lie between 0 and 1"),
        ("x", ("--hold-out", "0.1", "--test", "a"), Exit.USAGE, "leave one out"),
        ("x", ("--lr", "-1"), Exit.USAGE, "--lr must be a number in"),
        ("x", ("--pooling", "best"), Exit.USAGE, "--pooling must be one of"),
        ("x", ("--hidden", "a"), Exit.USAGE, "--hidden expects numbers"),
        ("x", ("--hidden", "0"), Exit.USAGE, "--hidden must be a whole number"),
        ("x", ("--engine", "steam"), Exit.USAGE, "--engine is one of"),
        ("x", ("--subwords", "4,3"), Exit.USAGE, "--subwords"),
        ("x", ("--encoding", "klingon"), Exit.USAGE, "klingon"),
        ("x", ("--pooling", "concatenate", "--word-ngrams", "2"), Exit.USAGE, "--word-ngrams must"),
        ("__label__a b\n__label__b c\n" * 5, ("--vectors", "a.vec"), Exit.DATA, "a.vec"),
        ("__label__a b\n__label__b c\n" * 5, ("--vectors", "t.csv"), Exit.DATA, "t.csv"),
    ],
)  # fmt: skip
def test_bad_input_leaves_nothing_behind(run, tmp_path, content, options, code, message):
    (tmp_path / "t.csv").write_text(content)
    ended = run("text", "t.csv", *options, "--out", "r")
    assert ended.code == code, ended.err
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["t.csv"]


def test_a_label_that_was_never_learned_is_refused(run, labelled, tmp_path):
    (tmp_path / "test.txt").write_text("__label__good a\n\n__label__odd b\n")
    ended = run("text", labelled, "--test", "test.txt", "--out", "r")
    assert ended.code == Exit.DATA
    assert "test.txt, row 3: no text to train on has the label 'odd'" in ended.err
    assert not (tmp_path / "r").exists()


def test_rows_without_a_label_are_told(run, reviews, tmp_path):
    reviews.write_text(reviews.read_text() + "nothing said,41,\n")
    ended = run("text", reviews, "--text", "review", "--label", "mood", *QUICK, "--out", "r")
    assert "note: 1 row without a label left out" in ended.out


def test_words_that_mean_missing_elsewhere_are_words(run, tmp_path):
    rows = [("NA", "none"), ("null and void", "null")] * 10
    (tmp_path / "t.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    )
    ended = run("text", "t.jsonl", "--label", "label", *QUICK, "--json", "--out", "r")
    assert json.loads(ended.out)["rows"] == {"training": 16, "held_out": 4}
    assert json.loads(ended.out)["held_out"]["network"]["accuracy"] == 1
    ended = run("predict", "r", "t.jsonl")
    assert [row["predicted"] for row in rows_of(ended.out)][:2] == ["none", "null"]


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: asked.update(command=3),
        lambda asked: asked.update(request=[]),
        lambda asked: asked["request"].update(odd=1),
        lambda asked: asked["request"].pop("text"),
        lambda asked: asked["request"].update(arguments={"odd": 1}),
        lambda asked: asked["request"].update(arguments={"epochs": -1}),
        lambda asked: asked["request"].update(arguments=3),
        lambda asked: asked["request"]["reading"].update(odd=1),
    ],
)
def test_a_damaged_request_is_refused(run, trained, tmp_path, change):
    path = tmp_path / trained / "request.json"
    asked = json.loads(path.read_text())
    change(asked)
    path.write_text(json.dumps(asked))
    (tmp_path / trained / "metrics.json").unlink()
    ended = run("text", "--resume", trained)
    assert (ended.code, ended.err.count("\n")) == (Exit.DATA, 1), ended.err
    assert path.exists()


def test_a_source_is_named(run):
    assert "name a SOURCE" in run("text").err
    assert "leave out SOURCE, --epochs" in run("text", "a", "--epochs", "3", "--resume", "r").err
