"""The private directory in which emitted modules are kept, so that they are compiled once."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import ModuleType


def directory() -> Path | None:
    """Return the cache directory, made if need be; None if it cannot be trusted.

    It is ``chainrule`` in ``$XDG_CACHE_HOME`` or in ``~/.cache``. What is compiled from it is run,
    so it must be a directory of the user's own that nobody else can write to or read.
    """
    root = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
        path = base / "chainrule"
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except (OSError, RuntimeError):
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        return None
    return path


def module_of(text: str) -> ModuleType | None:
    """Return the module of a source, from a file named by its content; None without a directory.

    The file appears whole or not at all, and one whose content is not what its name says is
    written anew.
    """
    folder = directory()
    if folder is None:
        return None
    name = f"chainrule_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    if name in sys.modules:
        return sys.modules[name]
    path = folder / f"{name}.py"
    try:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            _write(path, text)
    except OSError:
        return None
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
