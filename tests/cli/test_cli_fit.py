"""``chainrule fit``, in this process."""

import csv
import json
import os
import re

import pytest
import typer

from chainrule.cli.app import app
from chainrule.cli.exits import Exit
from chainrule.cli.request import EMBEDDED, FitRequest, Reading, fingerprint
from chainrule.cli.runs import default_folder
from chainrule.data import Table
from chainrule.io import sole_writer
from chainrule.models import Settings
from chainrule.models.settings import OPTIMIZERS
from chainrule.training import Step


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_iris_from_one_command(run, tmp_path):
    ended = run("fit", "iris")
    assert (ended.code, ended.err) == (0, "")
    for words in (
        "150 rows; to predict: species",
        "multiclass of 3 classes, so 3 outputs, softmax, cross entropy",
        "sepal_length",
        "body.0",
        "259 parameters",
        "trained for 120 epochs",
        "majority class",
        "linear model",
        "Iris-setosa",
        "run folder: runs/iris-1",
    ):
        assert words in ended.out
    assert "\x1b" not in ended.out
    assert names(tmp_path / "runs" / "iris-1") == [
        "config.json", "health.csv", "history.csv", "metrics.json", "predictions.csv",
        "report.html", "request.json",
        "weights.safetensors",
    ]  # fmt: skip
    metrics = json.loads((tmp_path / "runs" / "iris-1" / "metrics.json").read_text())
    assert metrics["held_out"]["network"]["accuracy"] >= 0.93


def test_a_file_with_a_target(run, houses, quick):
    ended = run("fit", houses, "--target", "price", *quick, "--out", "run")
    assert ended.code == 0
    for words in (
        "regression, so 1 output, identity, squared error",
        "its numbers are all different",
        "=cmd",
        "rmse",
        "Quantiles of the error",
        "11",
    ):
        assert words in ended.out or words == "=cmd"


def test_runs_get_new_folders(run, tmp_path, quick):
    for _ in range(2):
        assert run("fit", "iris", *quick, "--quiet").code == 0
    assert names(tmp_path / "runs") == ["iris-1", "iris-2"]


def test_quiet_prints_the_folder_alone(run, quick):
    assert run("fit", "iris", *quick, "-q", "--out", "here") == (0, "here\n", "")


def test_json_is_one_document(run, quick, tmp_path):
    ended = run("fit", "digits", *quick, "--json", "--out", "d")
    document = json.loads(ended.out)
    assert ended.err == ""
    assert document.pop("run") == "d"
    assert document == json.loads((tmp_path / "d" / "metrics.json").read_text())
    assert document["task"] == "multiclass"
    assert len(document["held_out"]["network"]["confusion"]) == 10


def test_several_targets(run, tmp_path, quick):
    rows = "".join(f"{i % 10 / 10},{i % 7},{i % 10 + 0.5},{i % 3}.5\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,b,c,d\n" + rows)
    ended = run("fit", "t.csv", "-t", "c", "-t", "d", *quick, "--json", "--out", "r")
    outputs = json.loads(ended.out)["held_out"]["network"]["outputs"]
    assert [output["name"] for output in outputs] == ["c", "d"]
    with open(tmp_path / "r" / "predictions.csv", newline="") as file:
        header = next(csv.reader(file))
    assert header == ["line", "c", "d", "predicted c", "predicted d"]
    shown = run("fit", "t.csv", "-t", "c", "-t", "d", *quick)
    assert "d, on the 12 rows held out" in shown.out


def test_yes_no_targets_are_labels(run, tmp_path, quick):
    rows = "".join(f"{i % 10},{'yn'[i % 2]},{'yn'[i % 3 > 0]}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("x,odd,third\n" + rows)
    ended = run("fit", "t.csv", "-t", "odd", "-t", "third", *quick)
    assert "multilabel, so 2 outputs, sigmoid, binary cross entropy" in ended.out
    assert "label frequencies" in ended.out
    assert "exact match" in ended.out


def test_every_option_reaches_the_run(run, tmp_path):
    rows = "".join(f"{i},25|{'ÄÖ'[i % 2]}l|x|{i % 3}0\n" for i in range(42)) + "-|Öl|y|30\n"
    (tmp_path / "odd.txt").write_bytes(f"junk\n{rows}".encode("latin-1"))
    ended = run(
        "fit", "odd.txt", "--target", "column4", "--task", "regression", "--delimiter", "|",
        "--encoding", "latin-1", "--no-header", "--skip-rows", "1", "--decimal", ",",
        "--missing", "-", "--types", "column2=category", "--drop", "column3",
        "--hidden", "6,5", "--activation", "tanh", "--optimizer", "sgd", "--lr", "0.01",
        "--batch-size", "7", "--epochs", "2", "--patience", "4", "--validation", "0.2",
        "--weight-decay", "0.01", "--dropout", "0.1", "--seed", "9", "--hold-out", "0.25",
        "--scaling", "robust", "--out", "r",
    )  # fmt: skip
    assert ended.code == 0
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert config["settings"] == {
        "hidden": [6, 5], "activation": "tanh", "optimizer": "sgd", "lr": 0.01, "batch_size": 7,
        "epochs": 2, "patience": 4, "validation": 0.2, "weight_decay": 0.01, "dropout": 0.1,
        "seed": 9, "scaling": "robust", "class_weight": "none",
    }  # fmt: skip
    first, second = config["encoder"]["inputs"]
    assert (first["name"], second["levels"]) == ("column1", ["Äl", "Öl"])
    assert config["encoder"]["left_out"] == {"column3": "left out, as you asked"}
    assert json.loads((tmp_path / "r" / "metrics.json").read_text())["rows"]["held_out"] == 11


def test_classes_that_are_weighed_and_numbers_scaled_by_their_order(run, tmp_path):
    options = ("--class-weight", "balanced", "--scaling", "quantile-normal", "--epochs", "2")
    ended = run("fit", "iris", *options, "--out", "r")
    assert ended.code == 0
    assert "quantile-normal scaling, classes balanced, seed 0" in ended.out.replace("\n", " ")
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert {column["output"] for column in config["encoder"]["inputs"]} == {"normal"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fit"], Exit.USAGE, "name a SOURCE"),
        (["fit", "houses.csv"], Exit.USAGE, "the columns are: id, size, town, day, price"),
        (["fit", "iris", "--hidden", "3,x"], Exit.USAGE, "--hidden expects widths"),
        (["fit", "iris", "--hidden", "0"], Exit.USAGE, "--hidden must be"),
        (["fit", "iris", "--lr", "-1"], Exit.USAGE, "--lr must be a number in (0, inf)"),
        (["fit", "iris", "--batch-size", "0"], Exit.USAGE, "--batch-size must be"),
        (["fit", "iris", "--epochs", "many"], Exit.USAGE, "--epochs"),
        (["fit", "iris", "--optimizer", "magic"], Exit.USAGE, "one of 'adadelta', 'adagrad'"),
        (
            ["fit", "iris", "--optimizer", "rprop", "--weight-decay", "0.1"],
            Exit.USAGE,
            "--weight-decay is 0.1, which the optimizer 'rprop' does not have",
        ),
        (["fit", "iris", "--scaling", "log"], Exit.USAGE, "--scaling must be one of 'standard'"),
        (["fit", "iris", "--class-weight", "even"], Exit.USAGE, "--class-weight must be"),
        (["fit", "houses.csv", "-t", "price", "--class-weight", "balanced"], Exit.DATA, "classes"),
        (["fit", "iris", "--hold-out", "1"], Exit.USAGE, "--hold-out"),
        (["fit", "iris", "--types", "species"], Exit.USAGE, "NAME=KIND"),
        (["fit", "iris", "--nonsense"], Exit.USAGE, "--nonsense"),
        (["fit", "iris", "--resume", "x"], Exit.USAGE, "leave out SOURCE"),
        (["fit", "iris", "--out", "."], Exit.USAGE, "exists already"),
        (["fit", "iris", "--task", "magic"], Exit.USAGE, "binary, multiclass"),
        (["fly"], Exit.USAGE, "fly"),
        (["fit", "absent.csv", "-t", "x"], Exit.DATA, "absent.csv: cannot be opened"),
        (["fit", "houses.csv", "-t", "prize"], Exit.DATA, "did you mean 'price'?"),
        (["fit", "houses.csv", "-t", "price", "--drop", "x"], Exit.DATA, "no column 'x'"),
        (["fit", "houses.csv", "-t", "price", "--types", "size=big"], Exit.USAGE, "'big'"),
        (["fit", "houses.csv", "-t", "price", "--encoding", "no"], Exit.USAGE, "'no'"),
        (["fit", "ragged.csv", "-t", "a"], Exit.DATA, "row 3"),
        (["fit", "stray.csv", "-t", "a"], Exit.DATA, "row 4, column 'b': '1O' stands among"),
        (["fit", "stray.csv", "-t", "a"], Exit.DATA, "--types b=category"),
        (["fit", "empty.csv", "-t", "a"], Exit.DATA, "empty.csv"),
        (["fit", "latin.csv", "-t", "a"], Exit.DATA, "--encoding 'latin-1'"),
        (["fit", "--resume", "nowhere"], Exit.DATA, "no interrupted run"),
        (["fit", "--resume", "x", "--lr", "1", "-t", "y"], Exit.USAGE, "leave out --target, --lr"),
        (["fit", "--resume", "x", "--out", "y"], Exit.USAGE, "leave out --out"),
        (["fit", "iris", "--hidden", "9" * 30], Exit.USAGE, "--hidden must be"),
        (["fit", "iris", "--delimiter", ",,"], Exit.USAGE, "--delimiter is one character"),
        (["fit", "iris", "--decimal", "x"], Exit.USAGE, "--decimal is . or ,"),
        (["fit", "iris", "--encoding", "base64"], Exit.USAGE, "'base64'"),
        (["fit", "iris", "--drop", "a", "--types", "a=date"], Exit.USAGE, "both ignore and date"),
        (["fit", "twice.csv", "-t", "y"], Exit.DATA, "(column 2 has the name 'x' again"),
        (["fit", "names.csv", "-t", "y"], Exit.DATA, "(the file has no header"),
        (["fit", "alone.csv", "-t", "a"], Exit.DATA, "nothing but the target"),
        (["fit", "quote.csv", "-t", "a"], Exit.DATA, "with --no-quotes"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(run, houses, tmp_path, arguments, code, words):
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "stray.csv").write_text("a,b\n" + "1.5,2\n2,3\n3,1O\n4,4.5\n" + "5,6\n6,7\n" * 9)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "twice.csv").write_text("x,x,z\n" + "1,2,a\n3,4,b\n" * 9)
    (tmp_path / "names.csv").write_text("x,x\nu,v\n")
    (tmp_path / "alone.csv").write_text("a\n" + "1.5\n2.5\n" * 9)
    (tmp_path / "quote.csv").write_text('a;b\n1;"no" she said\n2;yes\n')
    (tmp_path / "latin.csv").write_bytes("a,b\nÖ,1\n".encode("latin-1"))
    before = names(tmp_path)
    ended = run(*arguments)
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("chainrule: ")
    assert ended.err.count("\n") == 1
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert names(tmp_path) == before


def test_divergence_has_its_own_code(run):
    ended = run("fit", "iris", "--optimizer", "sgd", "--lr", "1e30", "--out", "r")
    assert ended.code == Exit.DIVERGED
    assert ended.err.count("\n") == 1
    assert ended.err.endswith("lower the learning rate\n")
    assert "typer" not in ended.err


def test_tables_fit_the_terminal_and_no_number_is_cut(run, tmp_path, monkeypatch):
    name = "a name as long as those of questionnaires"
    rows = "".join(f"{i % 7}.5,{i % 9},,{i % 40}0000,{'kind of ' * 2}{'abc'[i % 3]}\n"
                   for i in range(1200))  # fmt: skip
    (tmp_path / "t.csv").write_text(f"{name},{name} too,empty,price,kind\n{rows}")
    for width in (60, 80, 160):
        monkeypatch.setenv("COLUMNS", str(width))
        for target in ("price", "kind"):
            out = run("fit", "t.csv", "-t", target, "--epochs", "1").out
            tables = [line for line in out.splitlines() if line.startswith("  ")]
            assert all(len(line) <= width for line in tables)
            assert "1,200" in out  # the missing cells
            assert "category" in out or target == "kind"
            assert "…" not in out
            assert "e+0" not in out


def test_many_classes_are_shown_one_by_one_where_a_confusion_table_has_no_room(
    run, tmp_path, monkeypatch
):
    rows = "".join(f"{i % 11}.5,class number {i % 11}\n" for i in range(220))
    (tmp_path / "t.csv").write_text(f"x,kind\n{rows}")
    for width, title in (("60", "Classes"), ("160", "Actual class (rows)")):
        monkeypatch.setenv("COLUMNS", width)
        assert title in run("fit", "t.csv", "-t", "kind", "--epochs", "1").out


def test_what_is_assumed_is_said(run, tmp_path):
    rows = "".join(f"{1 + i % 28}.{1 + i % 12}.2024,{1000 + i % 5:05},{3 + i % 4},{i}\n"
                   for i in range(84))  # fmt: skip
    (tmp_path / "t.csv").write_text(f"day,zip,stars,n\n{rows}9.9.2024,01000,9,0\n")
    out = run("fit", "t.csv", "-t", "stars", "--epochs", "1").out
    text = " ".join(out.split())
    assert "--task regression predicts numbers" in text
    assert "1 of 5 classes has a single row" in text
    assert "leading zeros" in text
    assert "date:%d.%m.%Y" in text
    (tmp_path / "u.csv").write_text("x,y\n" + "".join(f"{i % 7},{i % 3}\n" for i in range(40)))
    assert "note:" not in run("fit", "u.csv", "-t", "y", "--epochs", "1").out


def test_quotation_marks_may_be_characters(run, tmp_path):
    rows = "".join(f'{i % 7};{i} "or so" she said {i};{"ab"[i % 2]}\n' for i in range(60))
    (tmp_path / "t.csv").write_text("x;text;y\n" + rows)
    assert run("fit", "t.csv", "-t", "y", "--no-quotes", "--epochs", "1", "-q").code == 0
    assert run("predict", "runs/t-1", "t.csv").code == 0


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a\nb\x1b[31m.csv", "a_b_31m-1"),
        ("$(rm x);.csv", "rm_x-1"),
        ("-q.csv", "q-1"),
        ("größe 漢.csv.gz", "größe_漢-1"),
        (".hidden.csv", "run-1"),
        ("L" * 200 + ".csv", "L" * 60 + "-1"),
    ],
)
def test_folders_have_harmless_names(tmp_path, monkeypatch, name, folder):
    monkeypatch.chdir(tmp_path)
    assert str(default_folder(name)) == f"runs/{folder}"


def test_a_run_folder_is_there_with_its_request_or_not_at_all(run, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.cli.runs.save_request", interrupted)
    ended = run("fit", "iris", "--out", "r")
    assert (ended.code, "nothing was written" in ended.err) == (Exit.INTERRUPTED, True)
    assert names(tmp_path) == []


def test_a_run_that_is_overtaken_takes_the_next_folder(run, tmp_path, monkeypatch, quick):
    taken = iter([tmp_path / "runs" / "iris-1", tmp_path / "runs" / "iris-2"])
    (tmp_path / "runs" / "iris-1").mkdir(parents=True)
    monkeypatch.setattr("chainrule.cli.runs.default_folder", lambda source: next(taken))
    assert run("fit", "iris", *quick, "-q").out == f"{tmp_path / 'runs' / 'iris-2'}\n"


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_only_one_program_works_in_a_run_folder(run, tmp_path, quick):
    assert run("fit", "iris", *quick, "--out", "r").code == 0
    with sole_writer(tmp_path / "r"):
        ended = run("fit", "--resume", "r")
    assert (ended.code, ended.out) == (Exit.SYSTEM, "")
    assert "r: another program is writing in this folder" in ended.err
    assert run("fit", "--resume", "r").code == 0


def test_a_file_in_the_way_is_the_systems_refusal(run, tmp_path, quick):
    (tmp_path / "file").write_text("")
    ended = run("fit", "iris", *quick, "--out", "file/run")
    assert ended.code == Exit.SYSTEM
    assert ended.err.count("\n") == 1
    assert "file" in ended.err


def test_hostile_names_are_only_text(run, tmp_path, quick):
    name, label = '"[red]x\x1b[31m\u202e"', '"[link=http://e]\r\ny\x07"'
    rows = "".join(f"{i % 9},{label if i % 2 else 'b'}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"{name},kind\n{rows}", newline="")
    ended = run("fit", "t.csv", "--target", "kind", *quick, "--out", "[bold]r")
    assert ended.code == 0
    assert "[red]x\\x1b[31m\\u202e" in ended.out
    assert "[link=http:" in ended.out
    assert "[bold]r" in ended.out
    assert not {"\x1b", "\x07", "\u202e"} & set(ended.out)
    ended = run("fit", "t.csv", "--target", "[red]\x1b")
    assert (ended.code, "\x1b" in ended.err) == (Exit.DATA, False)


def test_a_finished_run_has_nothing_to_resume(run, quick):
    first = run("fit", "iris", *quick, "--json", "--out", "r")
    assert run("fit", "--resume", "r", "--json") == (0, first.out, "")


def test_resume_goes_on_where_the_run_stopped(run, tmp_path, monkeypatch):
    options = ("--epochs", "20", "--hidden", "8", "--quiet", "--engine", "eager")
    run("fit", "iris", *options, "--out", "whole")
    steps = []
    gradients = Step.gradients

    def counted(self, model, batch, run):
        if len(steps) == 101:
            raise KeyboardInterrupt
        steps.append(run._step[0])
        return gradients(self, model, batch, run)

    monkeypatch.setattr(Step, "gradients", counted)
    ended = run("fit", "iris", *options, "--out", "cut")
    assert (ended.code, "chainrule fit --resume cut" in ended.err) == (Exit.INTERRUPTED, True)
    steps.append(None)
    assert run("fit", "--resume", "cut", "--quiet").code == 0
    assert steps[102:][:59] == list(range(101, 160))
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "cut" / path.name).read_bytes()


def test_resume_refuses_other_data(run, houses, quick, tmp_path):
    assert run("fit", "houses.csv", "-t", "price", *quick, "--out", "r").code == 0
    (tmp_path / "r" / "metrics.json").unlink()
    houses.write_text(houses.read_text().replace("Oslo", "Riga"))
    ended = run("fit", "--resume", "r")
    assert (ended.code, "changed" in ended.err) == (Exit.DATA, True)


def test_a_request_survives_json():
    request = FitRequest("a.csv", ("y",), "binary", {"x": "date:%d"}, 0.3, Settings(hidden=(3,)),
                         Reading(";", header=False, missing=("-", "")))  # fmt: skip
    assert FitRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_fingerprints_tell_tables_apart():
    one = Table.from_columns({"a": ["x", "y"], "b": [1, 2]})
    assert fingerprint(one) == fingerprint(Table.from_columns({"a": ["x", "y"], "b": [1, 2]}))
    for other in (
        {"a": ["y", "x"], "b": [1, 2]},
        {"a": ["x", "y"], "c": [1, 2]},
        {"a": ["x", "y"]},
    ):
        assert fingerprint(Table.from_columns(other)) != fingerprint(one)
    assert set(EMBEDDED) == {"iris", "digits"}


def test_the_help_names_every_optimizer():
    command = typer.main.get_command(app).commands["fit"]
    told = next(option.help for option in command.params if option.name == "optimizer")
    assert sorted(re.findall(r"\b[a-z]+\b", re.sub(r"\(.*?\)", "", told))) == sorted(
        [*OPTIMIZERS, "or"]
    )
