"""``chainrule predict``, in this process."""

import csv
import io
import json

import pytest

from chainrule.cli.exits import Exit


@pytest.fixture
def trained(run, houses, quick):
    assert run("fit", "houses.csv", "-t", "town", *quick, "--out", "r").code == 0
    return "r"


def test_predictions_are_csv_with_probabilities(run, trained):
    ended = run("predict", trained, "houses.csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert (ended.code, ended.err, len(rows)) == (0, "", 120)
    first = rows[0]
    assert list(first) == ["line", "predicted town", 'p(=cmd, "x")', "p(Oslo)", "p(Rome)"]
    assert first["line"] == "2"
    for row in rows:
        shares = {name[2:-1]: float(p) for name, p in row.items() if name.startswith("p(")}
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)
        assert row["predicted town"] == max(shares, key=shares.get)


def test_the_held_out_rows_are_predicted_as_in_the_run(run, trained, tmp_path):
    with open(tmp_path / "r" / "predictions.csv", newline="") as file:
        held_out = {row["line"]: row for row in csv.DictReader(file)}
    assert len(held_out) == 24
    for row in csv.DictReader(io.StringIO(run("predict", trained, "houses.csv").out)):
        if row["line"] in held_out:
            assert row["predicted town"] == held_out[row["line"]]["predicted town"]


def test_predictions_as_json(run, trained):
    document = json.loads(run("predict", trained, "houses.csv", "--json").out)
    assert (document["task"], document["target"]) == ("multiclass", ["town"])
    assert len(document["predictions"]) == 120
    assert set(document["predictions"][0]) == {
        "line", "predicted town", 'p(=cmd, "x")', "p(Oslo)", "p(Rome)",
    }  # fmt: skip


def test_predictions_to_a_file(run, trained, tmp_path):
    ended = run("predict", trained, "houses.csv", "--out", "p.csv")
    assert ended == (0, "", "")
    assert (tmp_path / "p.csv").read_text() == run("predict", trained, "houses.csv").out


def test_the_rows_themselves_are_never_overwritten(run, trained, houses):
    before = houses.read_text()
    ended = run("predict", trained, "houses.csv", "--out", "./houses.csv")
    assert (ended.code, "would replace" in ended.err) == (Exit.USAGE, True)
    assert houses.read_text() == before


def test_a_given_option_wins_over_that_of_the_training(run, tmp_path, quick):
    rows = [f"{i % 7},5;{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("x;y\n" + "\n".join(rows) + "\n")
    (tmp_path / "new.csv").write_text("x,z\n1.5,0\n")
    assert run("fit", "t.csv", "-t", "y", "--decimal", ",", *quick, "--out", "r").code == 0
    assert run("predict", "r", "new.csv", "--decimal", ".").code == 0


def test_bad_rows_leave_an_old_file_alone(run, trained, tmp_path):
    (tmp_path / "p.csv").write_text("old")
    (tmp_path / "bad.csv").write_text("id,size,day,price\n1,2,2024-01-01,3\n1,huge,2024-01-01,3\n")
    ended = run("predict", trained, "bad.csv", "--out", "p.csv")
    assert ended.code == Exit.DATA
    assert "row 3, column 'size'" in ended.err
    assert (tmp_path / "p.csv").read_text() == "old"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")]


def test_formulas_are_disarmed_on_request(run, trained, tmp_path):
    (tmp_path / "r" / "config.json").write_text(
        (tmp_path / "r" / "config.json").read_text().replace("Oslo", "@Oslo").replace("Rome", "+Ro")
    )
    armed = run("predict", trained, "houses.csv").out
    safe = run("predict", trained, "houses.csv", "--safe-csv").out
    assert {row[0] for row in column(armed)} <= {"=", "@", "+"}
    assert {row[0] for row in column(safe)} == {"'"}


def column(text):
    return [row["predicted town"] for row in csv.DictReader(io.StringIO(text))]


def test_unknown_categories_are_told_of(run, houses, quick, tmp_path):
    assert run("fit", "houses.csv", "-t", "price", *quick, "--out", "r").code == 0
    (tmp_path / "new.csv").write_text("price,town,day,size\n1,\x1b[31mBonn,2024-02-01,3\n")
    ended = run("predict", "r", "new.csv")
    assert ended.code == 0
    assert "column 'town'" in ended.err
    assert "\x1b" not in ended.err
    assert ended.out.startswith("line,predicted price\n2,")


def test_files_are_read_as_in_training(run, houses, quick, tmp_path):
    odd = tmp_path / "odd.txt"
    lines = houses.read_text().replace(",", ";").replace(".", ",").splitlines()[1:]
    odd.write_text("\n".join(line for line in lines if "cmd" not in line))
    options = ("--no-header", "--decimal", ",", "--delimiter", ";")
    assert run("fit", odd, "-t", "column5", *options, *quick, "--out", "r").code == 0
    assert run("predict", "r", odd).out.count("\n") == 81
    odd.write_text(odd.read_text().replace(";", "|"))
    assert run("predict", "r", odd).code == Exit.DATA
    assert run("predict", "r", odd, "--delimiter", "|").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere", "houses.csv"], Exit.DATA, "config.json is missing"),
        (["r", "absent.csv"], Exit.DATA, "absent.csv: cannot be opened"),
        (["r", "less.csv"], Exit.DATA, "no column"),
        (["r"], Exit.USAGE, "FILE"),
        (["r", "houses.csv", "--out", "no/such/folder.csv"], Exit.SYSTEM, "no/such/folder.csv"),
    ],
)
def test_errors_are_one_line(run, trained, tmp_path, arguments, code, words):
    (tmp_path / "less.csv").write_text("a,b\n1,2\n")
    ended = run("predict", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert words in ended.err


def test_a_damaged_run_is_refused(run, trained, tmp_path):
    weights = tmp_path / "r" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-3])
    ended = run("predict", trained, "houses.csv")
    assert (ended.code, ended.err.count("\n")) == (Exit.DATA, 1)
    assert "weights.safetensors" in ended.err
