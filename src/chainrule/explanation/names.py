"""Names for the variables of an account: the user's own wherever they can be known."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from chainrule.explanation.account import Account, Variable
from chainrule.explanation.layers import layers
from chainrule.graph import Tensor
from chainrule.graph.site import assigned, is_library


class Seen:
    """The names that tensors had in the functions that ran while one watched.

    What a caller calls a Tensor counts more than what a function that it called did.

    Attributes
    ----------
    names : dict of int to str
        By serial.
    """

    def __init__(self) -> None:
        self.names: dict[int, str] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the local variables of every function of the user when it returns.

        Under a profiler, which could not be put back, nothing is noted.
        """
        before: Any = sys.getprofile()
        if before is not None and not callable(before):
            yield
            return
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "return" or is_library(frame.f_code.co_filename):
            return
        for name, value in frame.f_locals.items():
            if isinstance(value, Tensor) and not name.startswith((".", "_")):
                self.names[value.serial] = name


def name_variables(
    account: Account, seen: Mapping[int, str], arrays: Mapping[int, str] | None = None
) -> None:
    """Give every variable of an account a unique name.

    In this order: the Tensor's own name; what the user's code called it; the variable that its
    line assigns it to; ``z1`` and ``a1`` in the first layer found, and so on; else ``v1``.

    Parameters
    ----------
    account : Account
    seen : mapping of int to str
        Names by serial.
    arrays : mapping of int to str, optional
        Names by `id` of arrays that are constants of the graph.
    """
    account.constants = dict(arrays or {})
    taken: set[str] = set()
    for v in account.variables:
        if v.tensor.name:
            _name(v, v.tensor.name, taken)
    for v in account.variables:
        if not v.named and (word := _user_word(v, seen)):
            _name(v, word, taken)
    if not account.loss.named:
        _name(account.loss, "loss", taken)
    for layer in layers(account):
        for v, letter in ((layer.z, "z"), (layer.a, "a")):
            if not v.named:
                _name(v, f"{letter}{layer.number}", taken)
    numbers = itertools.count(1)
    for v in account.variables:
        if not v.named:
            v.name = next(name for n in numbers if (name := f"v{n}") not in taken)


def _user_word(v: Variable, seen: Mapping[int, str]) -> str | None:
    if v.serial in seen:
        return seen[v.serial]
    if v.op is None or v.is_bundle or is_library(v.tensor.code.co_filename):
        return None
    return assigned(v.tensor.code, v.tensor.instruction)


def _name(v: Variable, word: str, taken: set[str]) -> None:
    """Give a name, with a number where it is taken."""
    name, count = word, 1
    while name in taken:
        count += 1
        name = f"{word}_{count}"
    v.name, v.named = name, True
    taken.add(name)
