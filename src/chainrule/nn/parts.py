"""A module without its children: comparable, hashable, and enough to rebuild it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError

_SEARCHED = (list, tuple, dict)


class Part:
    """A static value of any kind, compared without ambiguity.

    Arrays are equal if their dtypes, shapes and bytes are; what cannot be compared is equal to
    itself alone.

    Examples
    --------
    >>> import numpy as np
    >>> Part(np.array([1, 2])) == Part(np.array([1, 2]))
    True
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Part and same(self.value, other.value)

    def __hash__(self) -> int:
        return hash(type(self.value))

    def __repr__(self) -> str:
        return f"Part({type(self.value).__name__})"


class Nest(Part):
    """A list, tuple or dict with children somewhere within; its value maps keys to parts."""

    __slots__ = ("kind",)

    def __init__(self, kind: type, parts: dict[Any, Part]) -> None:
        super().__init__(parts)
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return type(other) is Nest and self.kind is other.kind and same(self.value, other.value)

    def __hash__(self) -> int:
        return hash((self.kind, tuple(self.value)))


class Child(Part):
    """The place of a child."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Child

    def __hash__(self) -> int:
        return 1


CHILD = Child(None)


class Parts(Nest):
    """The attributes of a module."""

    __slots__ = ()

    def __init__(self, parts: Mapping[str, Part]) -> None:
        super().__init__(dict, dict(parts))

    def __eq__(self, other: object) -> bool:
        return type(other) is Parts and same(self.value, other.value)

    def __hash__(self) -> int:
        return hash(tuple(self.value))

    def items(self) -> Any:
        """Return pairs of attribute and part."""
        return self.value.items()


def same(a: Any, b: Any) -> bool:
    """Return whether two values of any kind are the same; never raises."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        alike = a.dtype == b.dtype and a.shape == b.shape
        return bool(alike and a.tobytes() == b.tobytes())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    try:
        return bool(a == b) or bool(a != a and b != b)
    except Exception:  # whatever a foreign comparison raises: it cannot say that they are equal
        return False


def take_apart(
    value: Any, name: str, is_child: Callable[[Any], bool], found: list[tuple[str, Any]]
) -> Part:
    """Return the part that an attribute is; append the children within, with dotted names.

    Raises
    ------
    UnsupportedError
        If children are held by a container that is not searched.
    """
    if is_child(value):
        found.append((name, value))
        return CHILD
    if not isinstance(value, (*_SEARCHED, set, frozenset)) or not _holds(value, is_child):
        return Part(value)
    if type(value) not in _SEARCHED:
        raise UnsupportedError(
            f"the attribute {name!r} holds arrays or layers in a {type(value).__name__}, where "
            "they would not be trained: use a list, a tuple or a dict"
        )
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return Nest(type(value), {k: take_apart(v, f"{name}.{k}", is_child, found) for k, v in items})


def put_together(part: Part, source: Iterator[Any]) -> Any:
    """Return the value of a part, with children from `source`."""
    if isinstance(part, Child):
        return next(source)
    if not isinstance(part, Nest):
        return part.value
    inner = {key: put_together(p, source) for key, p in part.value.items()}
    return inner if part.kind is dict else part.kind(inner.values())


def _holds(value: Any, is_child: Callable[[Any], bool]) -> bool:
    if is_child(value):
        return True
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple, set, frozenset)):
        return False
    return any(_holds(item, is_child) for item in value)
