"""`Parts`: loops that a program has several times over are functions of their own.

Equal layers give equal loops over other arrays. A deep network then takes hardly longer to compile
than a shallow one.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from chainrule.engines.axes import shape_of
from chainrule.engines.frame import Frame
from chainrule.engines.loops import Step

FEWEST_LINES, FEWEST_TIMES = 3, 3
_WORD = re.compile(r"frame\[\d+\]|(?<![\w.])[A-Za-z_]\w*")
_PLACE = re.compile(r"frame\[(\d+)\]")
_TARGET = re.compile(r"\s*(?:for (\w+) in|(\w+) (?:[-+*/]?=) )")
_HEAD = """\
@njit(nogil=True, error_model="numpy", fastmath={{"reassoc", "contract"}})
def {name}({arguments}):
    stay_apart()
{body}


"""
_KNOWN = frozenset({"np", "math", "range", "abs", "max", "min", "carray", *keyword.kwlist})


class Parts:
    """Places of a program's lines that may be the same but for their names.

    Parameters
    ----------
    lines : list of str
        The program; `taken_out` changes it.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._places: list[tuple[int, int, int]] = []

    @staticmethod
    def may_share(step: Step) -> bool:
        """Return whether a step's lines leave nothing behind but what is in arrays."""
        return all(shape_of(node) for node in step.nodes)

    def note(self, first: int, end: int, depth: int) -> None:
        """Remember that lines are the loops of one step."""
        if end - first >= FEWEST_LINES:
            self._places.append((first, end, depth))

    def taken_out(self, frame: Frame) -> str:
        """Put calls in the place of lines that come often; return the functions' source.

        They call ``stay_apart``, and make the arrays of a frame that they use.
        """
        groups: dict[str, list[tuple[int, int, int, list[str]]]] = {}
        for first, end, depth in self._places:
            body = self._body(frame, first, end, depth)
            text, free = _general(body)
            groups.setdefault(text, []).append((first, end, depth, free))
        functions: list[str] = []
        calls: list[tuple[int, int, str]] = []
        for places in groups.values():
            if len(places) < FEWEST_TIMES:
                continue
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

    def _body(self, frame: Frame, first: int, end: int, depth: int) -> list[str]:
        lines = [line[4 * (depth - 1) :] for line in self.lines[first:end]]
        return [*(f"    {line}" for line in frame.made(frame.used(lines))), *lines]


def _general(body: Sequence[str]) -> tuple[str, list[str]]:
    """Return lines with numbered names and no comments, and the names that they are given."""
    code = [line.split("  #")[0] for line in body]
    own = {word for line in code for word in _targets(line)}
    numbers: dict[str, str] = {}
    free: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        word = found.group()
        if word in _KNOWN or code_calls(word):
            return word
        if word not in numbers:
            numbers[word] = f"_{len(numbers)}"
            if word not in own:
                free.append(word)
        return numbers[word]

    whole = "\n".join(code)

    def code_calls(word: str) -> bool:
        return f"{word}(" in whole

    return _WORD.sub(numbered, whole), free


def _targets(line: str) -> list[str]:
    """Return the local variable that a line gives a value."""
    found = _TARGET.match(line)
    return [word for word in found.groups() if word] if found else []
