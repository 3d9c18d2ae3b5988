"""`Parts`: loops that a program has several times over are functions of their own.

Equal layers give equal loops over other arrays. A deep network then takes hardly longer to compile
than a shallow one. Of a long program the other loops are functions too, some after another in each,
for the time that Numba takes for one function rises faster than its length.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from chainrule.engines.axes import shape_of
from chainrule.engines.frame import Frame
from chainrule.engines.loops import Step

FEWEST_LINES, FEWEST_TIMES = 3, 3
LONG, STRETCH = 250, 50  # lines: of a program that is cut, and of a piece of it
_WORD = re.compile(r"frame\[\d+\]|(?<![\w.])[A-Za-z_]\w*")
_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\(")
_PLACE = re.compile(r"frame\[(\d+)\]")
_TARGET = re.compile(r"\s*(?:for (\w+) in|(\w+) (?:[-+*/]?=) )")
_HEAD = """\
@njit(nogil=True, error_model="numpy", fastmath={{"reassoc", "contract"}})
def {name}({arguments}):
    stay_apart()
{body}


"""
_KNOWN = frozenset({"np", "math", "range", "abs", "max", "min", "carray", *keyword.kwlist})


Place: TypeAlias = tuple[int, int, int]
"""The first line, the line behind the last, and how deep they stand."""
Given: TypeAlias = tuple[int, int, int, list[str]]


class Parts:
    """Places of a program's lines that may be the same but for their names.

    Parameters
    ----------
    lines : list of str
        The program; `taken_out` changes it.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._places: list[Place] = []

    @staticmethod
    def may_share(step: Step) -> bool:
        """Return whether a step's lines leave nothing behind but what is in arrays."""
        return all(shape_of(node) for node in step.nodes)

    def note(self, first: int, end: int, depth: int) -> None:
        """Remember that lines are the loops of one step."""
        self._places.append((first, end, depth))

    def taken_out(self, frame: Frame) -> str:
        """Put calls in the place of lines that come often; return the functions' source.

        They call ``stay_apart``, and make the arrays of a frame that they use.
        """
        often = [x for x in self._alike(frame, self._places) if len(x) >= FEWEST_TIMES]
        if len(self.lines) > LONG:
            taken = {place[0] for places in often for place in places}
            rest = [place for place in self._places if place[0] not in taken]
            often += self._alike(frame, self._stretches(rest))
        functions: list[str] = []
        calls: list[tuple[int, int, str]] = []
        for places in often:
            name = f"part_{len(functions)}"
            first, end, depth, free = places[0]
            body = self._body(frame, first, end, depth)
            text = _HEAD.format(name=name, arguments=", ".join(free), body="\n".join(body))
            functions.append(_PLACE.sub(r"f\1", text))
            calls += [
                (f, e, f"{'    ' * d}{name}({', '.join(given)})") for f, e, d, given in places
            ]
        for first, end, call in sorted(calls, reverse=True):
            self.lines[first:end] = [call]
        return "".join(functions)

    def _alike(self, frame: Frame, places: Iterable[Place]) -> list[list[Given]]:
        """Return together the places whose lines are the same but for names."""
        groups: dict[str, list[Given]] = {}
        for first, end, depth in places:
            if end - first >= FEWEST_LINES:
                text, free = _general(self._body(frame, first, end, depth))
                groups.setdefault(text, []).append((first, end, depth, free))
        return list(groups.values())

    def _stretches(self, places: Iterable[Place]) -> list[Place]:
        """Return places joined where at most meetings of threads are between them."""
        found: list[Place] = []
        for first, end, depth in places:
            if found:
                start, before, outer = found[-1]
                between = all(x.strip().startswith("wait(") for x in self.lines[before:first])
                if between and depth == outer and end - start <= STRETCH:
                    found[-1] = start, end, depth
                    continue
            found.append((first, end, depth))
        return found

    def _body(self, frame: Frame, first: int, end: int, depth: int) -> list[str]:
        lines = [line[4 * (depth - 1) :] for line in self.lines[first:end]]
        return [*(f"    {line}" for line in frame.made(frame.used(lines))), *lines]


def _general(body: Sequence[str]) -> tuple[str, list[str]]:
    """Return lines with numbered names and no comments, and the names that they are given."""
    code = [line.split("  #")[0] for line in body]
    whole = "\n".join(code)
    own = {word for line in code for word in _targets(line)}
    called = set(_CALL.findall(whole))
    numbers: dict[str, str] = {}
    free: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        word = found.group()
        if word in _KNOWN or word in called:
            return word
        if word not in numbers:
            numbers[word] = f"_{len(numbers)}"
            if word not in own:
                free.append(word)
        return numbers[word]

    return _WORD.sub(numbered, whole), free


def _targets(line: str) -> list[str]:
    """Return the local variable that a line gives a value."""
    found = _TARGET.match(line)
    return [word for word in found.groups() if word] if found else []
