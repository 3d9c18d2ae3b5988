"""The commands that look into a run, as a user types them."""

import json

import pytest
from typer.testing import CliRunner

from chainrule.cli.app import app
from chainrule.cli.exits import Exit
from chainrule.cli.exits import explain as explained
from chainrule.cli.runs import save_report


def ran(*words):
    found = CliRunner().invoke(app, list(map(str, words)))
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        return explained(found.exception)
    return Exit(found.exit_code), found.output


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "iris"
    code, _ = ran("fit", "iris", "--epochs", 8, "--quiet", "--out", folder)
    assert code == Exit.DONE
    return folder


def test_fit_leaves_a_report_and_the_layers_health(run):
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (run / "health.csv").read_text(encoding="utf-8").startswith("epoch,layer,")


def test_explain(run):
    code, out = ran("explain", run, "--row", 17)
    assert code == Exit.DONE
    assert "species at line 17" in out
    assert "lines were checked by finite differences" in out
    code, out = ran("explain", run, "--row", 17, "--json")
    assert json.loads(out)["ok"] is True
    assert json.loads(out)["line"] == 17


def test_derive_draw_and_diagnose(run, tmp_path):
    assert "All 12 formulas" in ran("derive", run)[1]
    assert "Koller" in ran("derive", run, "--notation", "koller")[1]
    assert "parameters" in ran("draw", run)[1]
    assert ran("draw", run, "--view", "graph", "--out", tmp_path / "g.svg")[0] == Exit.DONE
    assert (tmp_path / "g.svg").read_text(encoding="utf-8").startswith("<svg")
    code, out = ran("diagnose", run, "--json")
    assert code == Exit.DONE
    assert "findings" in json.loads(out)


def test_wrong_input_gets_one_line(run, tmp_path):
    code, words = ran("explain", run, "--row", 9999)
    assert code == Exit.DATA
    assert words.endswith("there is no row at line 9999: rows are at lines 2 to 151")
    assert ran("explain", tmp_path, "--row", 3)[0] == Exit.DATA
    assert ran("derive", run, "--notation", "nobody")[0] == Exit.USAGE
    assert ran("draw", run, "--view", "cube")[0] == Exit.USAGE
    for command in (["explain", run, "--row", 17], ["derive", run], ["draw", run]):
        assert ran(*command, "--out", tmp_path / "g.docx")[0] == Exit.USAGE
        assert ran(*command, "--json", "--out", tmp_path / "g.html")[0] == Exit.USAGE
        assert ran(*command, "--json", "--out", tmp_path / "g.json")[0] == Exit.DONE
    assert [path.name for path in tmp_path.iterdir()] == ["g.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no")])
def test_a_run_is_whole_without_its_report(tmp_path, monkeypatch, error):
    def failing(*_):
        raise error

    monkeypatch.setattr("chainrule.cli.fit.run_report", failing)
    code, words = ran("fit", "iris", "--epochs", 2, "--quiet", "--out", tmp_path / "run")
    if isinstance(error, KeyboardInterrupt):
        assert code == Exit.INTERRUPTED
        with pytest.raises(KeyboardInterrupt, match=r"run is whole, without report\.html"):
            save_report(failing, tmp_path / "run")
    else:
        assert code == Exit.DONE
        assert "no report.html was written: ValueError: no" in words
    assert ran("diagnose", tmp_path / "run")[0] == Exit.DONE
    assert not (tmp_path / "run" / "report.html").exists()
