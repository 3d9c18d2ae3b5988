"""Tags that mark entities, a tag a token: four ways of writing them, checked and converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.constraints import OneOf, check
from chainrule.errors import DataError

OUTSIDE = "O"


class Entity(NamedTuple):
    """Tokens that name one thing.

    Attributes
    ----------
    type : str
        Such as ``"PER"``; empty where tags have no type.
    start, stop : int
        The first token, and the one behind the last.
    """

    type: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Letters:
    """What stands before the type: at the first token of an entity, within, last, and alone."""

    begin: str
    inside: str
    end: str
    single: str


_LETTERS = {
    "IOB2": _Letters("B", "I", "I", "B"),
    "BIOES": _Letters("B", "I", "E", "S"),
    "BILOU": _Letters("B", "I", "L", "U"),
}
SCHEMES = ("IOB1", *_LETTERS, "raw")
_CHOICE = OneOf(SCHEMES)


def entities(tags: Sequence[str], scheme: str = "IOB2") -> list[Entity]:
    """Return the entities that tags mark.

    Parameters
    ----------
    tags : sequence of str
        Of one sentence.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU", "raw"}
        *IOB2*: ``B-`` at the first token of an entity, ``I-`` at its others. *IOB1*: ``I-``
        everywhere, ``B-`` only where an entity follows at once on one of its own type [1]_.
        *BIOES* and *BILOU*: also a letter for the last token (E, L) and for an entity of one token
        (S, U). *raw*: the type alone; neighbours of one type are one entity. ``O`` is outside.

    Returns
    -------
    list of Entity
        From left to right.

    Raises
    ------
    DataError
        If the tags break the scheme; it names the token, counted from 1.

    References
    ----------
    .. [1] Ramshaw and Marcus, "Text chunking using transformation-based learning", 1995; Tjong Kim
       Sang and Veenstra, "Representing text chunks", EACL 1999, section 2.

    Examples
    --------
    >>> entities(["B-LOC", "I-LOC", "O", "B-PER"])
    [Entity(type='LOC', start=0, stop=2), Entity(type='PER', start=3, stop=4)]
    """
    check("entities", {"scheme": _CHOICE}, {"scheme": scheme})
    if scheme == "raw":
        return _raw(tags)
    if scheme == "IOB1":
        return _iob1(tags)
    return _begun(tags, scheme, _LETTERS[scheme])


def convert_tags(tags: Sequence[str], source: str, target: str) -> list[str]:
    """Write the tags of a sentence in another scheme.

    Parameters
    ----------
    tags : sequence of str
    source, target : {"IOB1", "IOB2", "BIOES", "BILOU", "raw"}
        As for `entities`.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If the tags break the source's scheme, or hold entities that the target cannot tell apart;
        it names the token.

    Examples
    --------
    >>> convert_tags(["I-LOC", "I-LOC", "B-LOC", "O"], "IOB1", "BIOES")
    ['B-LOC', 'E-LOC', 'S-LOC', 'O']
    """
    check("convert_tags", {"target": _CHOICE}, {"target": target})
    return entity_tags(entities(tags, source), len(tags), target)


def entity_tags(found: Sequence[Entity], length: int, scheme: str = "IOB2") -> list[str]:
    """Return the tags that mark entities: the inverse of `entities`.

    Parameters
    ----------
    found : sequence of Entity
        From left to right, none overlapping.
    length : int
        Tokens of the sentence.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU", "raw"}

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If the scheme is *raw* and two entities of one type are neighbours.

    Examples
    --------
    >>> entity_tags([Entity("creative-work", 1, 3)], 3)
    ['O', 'B-creative-work', 'I-creative-work']
    """
    tags = [OUTSIDE] * length
    before = Entity("", -1, -1)
    for entity in found:
        touches = before.stop == entity.start and before.type == entity.type
        tags[entity.start : entity.stop] = _written(entity, scheme, touches)
        before = entity
    return tags


def _written(entity: Entity, scheme: str, touches: bool) -> list[str]:
    kind, start, stop = entity
    if scheme == "raw":
        if touches:
            raise DataError(
                f"token {start + 1}: two entities of type {kind!r} are neighbours, which raw tags "
                "cannot tell apart"
            )
        return [kind] * (stop - start)
    if scheme == "IOB1":
        first = "B" if touches else "I"
        return [_joined(first, kind), *[_joined("I", kind)] * (stop - start - 1)]
    letters = _LETTERS[scheme]
    if stop - start == 1:
        return [_joined(letters.single, kind)]
    middle = [_joined(letters.inside, kind)] * (stop - start - 2)
    return [_joined(letters.begin, kind), *middle, _joined(letters.end, kind)]


def _joined(letter: str, kind: str) -> str:
    return f"{letter}-{kind}" if kind else letter


def _raw(tags: Sequence[str]) -> list[Entity]:
    found: list[Entity] = []
    for i, tag in enumerate(tags):
        if not tag:
            raise _broken(i, tag, "raw", "is empty")
        if tag == OUTSIDE:
            continue
        if found and found[-1].stop == i and found[-1].type == tag:
            found[-1] = found[-1]._replace(stop=i + 1)
        else:
            found.append(Entity(tag, i, i + 1))
    return found


def _iob1(tags: Sequence[str]) -> list[Entity]:
    found: list[Entity] = []
    for i, tag in enumerate(tags):
        letter, _, kind = tag.partition("-")
        if tag == OUTSIDE:
            continue
        if letter not in ("B", "I"):
            raise _broken(i, tag, "IOB1", "is neither O nor begins with one of B, I")
        touches = bool(found) and found[-1].stop == i and found[-1].type == kind
        if letter == "I" and touches:
            found[-1] = found[-1]._replace(stop=i + 1)
        elif letter == "B" and not touches:
            raise _broken(i, tag, "IOB1", "does not follow on an entity of its own type")
        else:
            found.append(Entity(kind, i, i + 1))
    return found


def _begun(tags: Sequence[str], scheme: str, letters: _Letters) -> list[Entity]:
    """Read a scheme in which each entity's first token has a letter of its own."""
    found: list[Entity] = []
    known = {letters.begin, letters.inside, letters.end, letters.single}
    closed = letters.end != letters.inside  # whether an entity's last token has a letter too
    open_type: str | None = None
    for i, tag in enumerate([*tags, OUTSIDE]):
        letter, _, kind = tag.partition("-")
        if tag != OUTSIDE and letter not in known:
            named = ", ".join(sorted(known))
            raise _broken(i, tag, scheme, f"is neither O nor begins with one of {named}")
        if tag != OUTSIDE and letter in (letters.inside, letters.end):
            if kind != open_type:
                raise _broken(i, tag, scheme, "goes on with an entity that has not begun")
            found[-1] = found[-1]._replace(stop=i + 1)
            if closed and letter == letters.end:
                open_type = None
            continue
        if closed and open_type is not None:
            raise _broken(i - 1, tags[i - 1], scheme, "does not end its entity, and nothing does")
        open_type = None
        if tag != OUTSIDE:
            found.append(Entity(kind, i, i + 1))
            open_type = kind if letter == letters.begin else None
    return found


def _broken(place: int, tag: str, scheme: str, what: str) -> DataError:
    return DataError(f"token {place + 1}: the tag {tag!r} {what}, as {scheme} does not allow")
