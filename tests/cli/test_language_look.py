"""What can be looked into of runs on text: ``draw``, ``derive``, ``diagnose`` and the report."""

import json

import pytest
from test_language_models import LINES, SMALL, VECTORS
from test_language_tag import QUICK as QUICK_TAG
from test_language_tag import conll, conllu
from test_language_text import BAD, GOOD
from test_language_text import QUICK as QUICK_TEXT

from chainrule.cli.exits import Exit

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def sources(tmp_path):
    story = LINES * 20
    (tmp_path / "story.txt").write_text("\n".join([*story, EVIL]) + "\n")
    labelled = [f"__label__{EVIL} {t}" for t in GOOD * 4] + [f"__label__bad {t}" for t in BAD * 4]
    (tmp_path / "t.txt").write_text("\n".join(labelled) + "\n")
    (tmp_path / "train.conllu").write_text(conllu(10).replace("Paris", EVIL))
    (tmp_path / "train.conll").write_text(conll(10).replace("Paris", EVIL))


TRAINED = {
    "text": ("text", "t.txt", *QUICK_TEXT),
    "deep": ("text", "t.txt", *QUICK_TEXT, "--hidden", "6", "--pooling", "mean"),
    "tag": ("tag", "train.conllu", *QUICK_TAG),
    "sentence": ("tag", "train.conll", *QUICK_TAG, "--loss", "sentence"),
    "lm": ("lm", "story.txt", *SMALL),
    "vectors": ("vectors", "story.txt", *VECTORS),
}


@pytest.mark.parametrize("kind", ["text", "deep", "tag", "lm"])
def test_a_network_is_drawn_derived_and_diagnosed(run, sources, tmp_path, kind):
    assert run(*TRAINED[kind], "--out", "r", "-q").code == 0
    drawn = run("draw", "r")
    assert "parameters" in drawn.out
    assert run("draw", "r", "--view", "graph", "--out", "g.svg") == (0, "", "")
    assert (tmp_path / "g.svg").read_text(encoding="utf-8").startswith("<svg")
    for notation in ("kamper", "slp"):
        derived = json.loads(run("derive", "r", "--notation", notation, "--json").out)
        assert derived["ok"]
        assert len(derived["backward"]) > 4
    found = json.loads(run("diagnose", "r", "--json").out)
    assert "linear-layers" not in [finding["code"] for finding in found["findings"]]
    tried = run("diagnose", "r", "--try-fixes")
    assert "as it was before training" in tried.out


def test_whole_sentences_have_no_readable_formulas(run, sources):
    assert run(*TRAINED["sentence"], "--out", "r", "-q").code == 0
    assert run("draw", "r").out.count("\n+") == 1  # of words and features, not those of the loss
    assert run("diagnose", "r").code == 0
    ended = run("derive", "r")
    assert ended.code == Exit.DATA
    assert ended.err == (
        "chainrule: r: its gradients have no formulas of readable size: the loss of whole "
        "sentences is a product of matrices, one a word\n"
    )


@pytest.mark.parametrize("command", ["draw", "derive", "diagnose"])
def test_what_has_no_network_or_no_end_is_refused_in_a_line(run, sources, tmp_path, command):
    assert run(*TRAINED["vectors"], "--out", "v", "-q").code == 0
    (tmp_path / "story.txt").unlink()  # not even read
    ended = run(command, "v")
    assert (ended.code, ended.err.count("\n")) == (Exit.DATA, 1)
    assert "two tables without layers to look into" in ended.err
    assert "holds no run of chainrule" in run(command, ".").err
    assert run(*TRAINED["text"], "--out", "r", "-q").code == 0
    (tmp_path / "t.txt").write_text("__label__a b\n__label__b c\n" * 9)
    assert "the data has changed" in run(command, "r").err
    (tmp_path / "r" / "metrics.json").unlink()
    assert "unfinished run; go on by chainrule text --resume" in run(command, "r").err
    request = json.loads((tmp_path / "r" / "request.json").read_text())
    (tmp_path / "r" / "request.json").write_text(json.dumps({**request, "command": "odd"}))
    assert "no command is called 'odd'" in run(command, "r").err


@pytest.mark.parametrize("kind", TRAINED)
def test_a_run_leaves_a_report(run, sources, tmp_path, kind):
    assert run(*TRAINED[kind], "--out", "r", "-q") == (0, "r\n", "")
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert TRAINED[kind][1] in page


def test_a_run_is_whole_without_its_report(run, sources, tmp_path, monkeypatch):
    def failing(*_):
        raise ValueError("no")

    monkeypatch.setattr("chainrule.report.language.lm_report", failing)
    ended = run(*TRAINED["lm"], "--out", "r", "-q")
    assert ended == (0, "r\n", "chainrule: no report.html was written: ValueError: no\n")
    assert "note: no report.html was written" in run(*TRAINED["lm"], "--out", "s").out
    assert not (tmp_path / "r" / "report.html").exists()
    assert run("generate", "r").code == 0
