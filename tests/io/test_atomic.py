"""Writes that fail or are killed leave the old file or the new one, whole."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.io import atomic, atomic_folder, atomic_write, remove_leftovers

OLD, NEW = b"old" * 1000, b"new" * 3000


class Faults:
    """Counts writes, syncs and renames, and makes the N-th of them fail."""

    def __init__(self, fail_at: int, error: int) -> None:
        self.calls, self.fail_at, self.error = 0, fail_at, error

    def count(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(self.error, os.strerror(self.error))

    def wrap(self, function):
        def counted(*args, **kwargs):
            self.count()
            return function(*args, **kwargs)

        return counted

    def open(self, *args, **kwargs):
        self.count()
        file = open(*args, **kwargs)  # noqa: SIM115
        return FaultyFile(file, self) if "r" not in args[1] else file


class FaultyFile:
    """A file whose writes and flushes are counted."""

    def __init__(self, file, faults):
        self.file, self.faults = file, faults

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.faults.count()
        # Half arrives, as on a full disk, before the failure of the next call.
        return self.file.write(content)

    def flush(self):
        self.faults.count()
        self.file.flush()

    def fileno(self):
        return self.file.fileno()


def inject(monkeypatch, fail_at, error):
    """Count the calls that a write makes, and let one fail."""
    faults = Faults(fail_at, error)
    monkeypatch.setattr(atomic, "open", faults.open, raising=False)
    for name in ("fsync", "replace", "open"):
        monkeypatch.setattr(atomic.os, name, faults.wrap(getattr(os, name)))


def failure(action, path, fail_at, error):
    """Run an action whose N-th call fails; return what it raised."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        inject(monkeypatch, fail_at, error)
        try:
            action(path)
        except OSError as raised:
            return raised
        return None


def write_file(path):
    with atomic_write(path) as file:
        for start in range(0, len(NEW), 3000):
            file.write(NEW[start : start + 3000])


def fill_folder(path):
    with atomic_folder(path) as folder:
        for name in ("a", "b"):
            write_file(folder / name)


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_fault_at_any_call_leaves_the_old_file_or_the_new(tmp_path, error):
    path = tmp_path / "model"
    survived = 0
    for fail_at in range(1, 100):
        path.write_bytes(OLD)
        raised = failure(write_file, path, fail_at, error)
        if raised is None:
            break
        assert raised.errno == error
        assert str(path) in str(raised)
        assert path.read_bytes() in (OLD, NEW)
        survived += path.read_bytes() == OLD
        assert os.listdir(tmp_path) == ["model"]
    # All but the two calls that follow the rename: opening and synchronising the folder.
    assert survived == fail_at - 3 >= 7
    assert path.read_bytes() == NEW


def test_a_fault_at_any_call_leaves_no_folder_or_all_of_it(tmp_path):
    path = tmp_path / "run"
    for fail_at in range(1, 100):
        raised = failure(fill_folder, path, fail_at, errno.ENOSPC)
        if raised is None:
            break
        assert raised.errno == errno.ENOSPC
        assert str(path) in str(raised)
        if path.exists():
            assert {name: (path / name).read_bytes() for name in os.listdir(path)} == {
                "a": NEW,
                "b": NEW,
            }
            for entry in path.iterdir():
                entry.unlink()
            path.rmdir()
        assert os.listdir(tmp_path) == []
    assert fail_at > 15


def test_a_real_full_disk_is_named(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    target = tmp_path / "model"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(atomic, "_beside", lambda _: full)
        monkeypatch.setattr(atomic, "discard", lambda _: None)
        monkeypatch.setattr(atomic, "open", lambda *_: full.open("wb"), raising=False)
        with pytest.raises(OSError, match=f"cannot write {target}: No space left"):
            write_file(target)
    assert os.listdir(tmp_path) == []


def interrupted_file(path):
    with atomic_write(path) as file:
        file.write(b"half")
        raise ZeroDivisionError


def interrupted_folder(path):
    with atomic_folder(path) as folder:
        (folder / "c").write_bytes(b"half")
        raise KeyboardInterrupt


def test_an_error_of_the_writer_passes_unchanged_and_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        interrupted_file(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        interrupted_folder(tmp_path / "b")
    assert os.listdir(tmp_path) == []


def test_text_permissions_and_links_are_kept(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with atomic_write(link, "w", encoding="utf-8", newline="") as file:
        file.write("é\r\n")
    assert real.read_bytes() == b"\xc3\xa9\r\n"
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_file(tmp_path / "model")
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_that_exists_is_refused(tmp_path):
    with pytest.raises(FileExistsError, match=str(tmp_path)), atomic_folder(tmp_path):
        pass


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/model"):
        write_file(tmp_path / "nowhere" / "model")


KILLED = """
import sys
from chainrule.io import atomic_write
print("ready", flush=True)
while True:
    with atomic_write(sys.argv[1]) as file:
        for _ in range(30):
            file.write(b"new" * 100)
"""


def test_kills_leave_a_whole_file(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(NEW)
    for delay in (0.0, 0.003, 0.011):
        with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=-1) as process:
            assert process.stdout.readline() == b"ready\n"
            signal.sigtimedwait([], delay)
            process.kill()
        assert path.read_bytes() == NEW
    remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["model"]
