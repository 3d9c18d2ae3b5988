"""Commands run in this process, in an empty folder."""

from typing import NamedTuple

import pytest

from chainrule import cli


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command; return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture
def houses(tmp_path):
    """A small table with every kind of trouble that is no error."""
    rows = ["id,size,town,day,price"]
    for i in range(120):
        size = "NA" if i % 11 == 0 else f"{(i * 37) % 100 / 10}"
        town = ["Rome", "Oslo", '"=cmd, ""x"""'][i % 3]
        rows.append(f"{i * 3},{size},{town},2024-01-{1 + i % 28:02},{(i * 37) % 100 * 2 + i % 3}.5")
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


QUICK = ("--epochs", "3", "--hidden", "8")


@pytest.fixture
def quick():
    """Options of a run that ends at once."""
    return QUICK
