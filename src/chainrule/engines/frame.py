"""`Frame`: one array of whole numbers in which a program finds its arrays and their lengths.

A program that is given a hundred arrays takes long to compile and to call. Here it is given their
addresses, and makes each array where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engines.formulas import dtype_word

LINE = 8
"""Integers a cache line: counters of different threads lie that far apart."""
KERNELS = tuple(("kernel", i) for i in range(4))
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


class Frame:
    """The places of a frame, and the expressions that make arrays of them.

    Attributes
    ----------
    slots : list of tuple
        What each number of the frame is: a kind, and what it is of.
    arrays : dict of str to str
        By name of an array, the expression that makes it.
    address_of : dict of str to str
        By name of an array, that of its address.
    """

    def __init__(self) -> None:
        self.slots: list[tuple[Any, ...]] = list(KERNELS)
        self.arrays: dict[str, str] = {}
        self.address_of: dict[str, str] = {}
        self._numbers = {slot: i for i, slot in enumerate(self.slots)}

    def slot(self, kind: str, *of: Any) -> str:
        """Return the expression of a number of the frame."""
        what = (kind, *of)
        if what not in self._numbers:
            self._numbers[what] = len(self.slots)
            self.slots.append(what)
        return f"frame[{self._numbers[what]}]"

    def bind(
        self, name: str, address: str, shape: Sequence[str], dtype: np.dtype[np.generic]
    ) -> None:
        """Let a name be an array at an address."""
        self.address_of[name] = address
        lengths = ", ".join(shape) + "," * (len(shape) == 1)
        self.arrays[name] = f"carray(pointer({address}), ({lengths}), {dtype_word(dtype)})"

    def used(self, lines: Sequence[str]) -> list[str]:
        """Return the names of the arrays that lines use."""
        words = {word for line in lines for word in _WORD.findall(line.split("  #")[0])}
        return [name for name in self.arrays if name in words]

    def made(self, names: Sequence[str]) -> list[str]:
        """Return statements that make arrays."""
        return [f"{name} = {self.arrays[name]}" for name in names]

    def filled(self, values: dict[tuple[Any, ...], int]) -> Any:
        """Return a frame with what is known put in; the rest is zero."""
        return np.array([values.get(slot, 0) for slot in self.slots], np.int64)

    def place(self, kind: str, *of: Any) -> int | None:
        """Return the number of a place, if the program has it."""
        return self._numbers.get((kind, *of))


def address(array: Any) -> int:
    """Return where an array's elements begin."""
    found: int = array.__array_interface__["data"][0]
    return found
