"""Names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, home: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package some of whose names are imported when first used.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    home : mapping of str to str
        Each name's module within the package.

    Examples
    --------
    >>> lazily("chainrule.explanation", {"derive": "derivation"})("derive").__name__
    'derive'
    """

    def found(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
