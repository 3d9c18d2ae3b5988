"""Trees: dicts, lists, tuples, None and registered classes, with arrays as leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# A container type: value -> (keys, children, what rebuild needs), and its inverse.
Flatten = Callable[[Any], tuple[Sequence[str], Sequence[Any], Any]]
Unflatten = Callable[[Any, Sequence[Any]], Any]

_containers: dict[type, tuple[Flatten, Unflatten]] = {}


def register(cls: type, flatten: Flatten, unflatten: Unflatten) -> None:
    """Make instances of a class containers.

    Parameters
    ----------
    cls : type
        The class; subclasses are not included.
    flatten : callable
        Takes an instance; returns the path pieces of its children (such as ``".weight"``), the
        children, and any hashable description that `unflatten` needs.
    unflatten : callable
        Takes that description and new children; returns a new instance.
    """
    _containers[cls] = (flatten, unflatten)


@dataclass(frozen=True)
class Structure:
    """A tree without its leaves: comparable and hashable."""

    kind: type | None
    description: Any = None
    keys: tuple[str, ...] = ()
    children: tuple[Structure, ...] = ()

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return 1 if self.kind is None else sum(child.n_leaves for child in self.children)


LEAF = Structure(None)


def _named_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _container(value: Any) -> tuple[Flatten, Unflatten] | None:
    cls = type(value)
    if cls not in _containers and _named_tuple(value):
        register(
            cls,
            lambda v: ([f".{name}" for name in v._fields], tuple(v), cls),
            lambda kind, children: kind(*children),
        )
    return _containers.get(cls)


def is_container(value: Any) -> bool:
    """Return whether a value is a tree of others, not a leaf.

    Examples
    --------
    >>> is_container([1, 2]), is_container(1)
    (True, False)
    """
    return _container(value) is not None


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Return the leaves of a tree in order, and its structure.

    Examples
    --------
    >>> leaves, structure = flatten({"b": 1, "W": [2, 3]})
    >>> leaves
    [2, 3, 1]
    >>> unflatten(structure, [x * 10 for x in leaves])
    {'W': [20, 30], 'b': 10}
    """
    leaves: list[Any] = []
    return leaves, _flatten_into(leaves, tree)


# A recursive closure is a reference cycle: it would keep the leaves alive until a collection.
def _flatten_into(leaves: list[Any], value: Any) -> Structure:
    container = _container(value)
    if container is None:
        leaves.append(value)
        return LEAF
    keys, children, description = container[0](value)
    structures = tuple([_flatten_into(leaves, child) for child in children])
    return Structure(type(value), description, tuple(keys), structures)


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """Rebuild a tree from its structure and its leaves."""
    return _rebuild(structure, iter(leaves))


def _rebuild(node: Structure, leaves: Iterator[Any]) -> Any:
    if node.kind is None:
        return next(leaves)
    children = [_rebuild(child, leaves) for child in node.children]
    return _containers[node.kind][1](node.description, children)


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function to the corresponding leaves of one or more trees of equal structure.

    Raises
    ------
    ValueError
        If the structures differ.
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for other in others:
        more, same = flatten(other)
        if same != structure:
            raise ValueError(f"the trees differ in structure: {structure} and {same}")
        columns.append(more)
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def paths(structure: Structure, root: str = "") -> list[str]:
    """Return a name for each leaf, such as ``params['W'][0]``."""
    if structure.kind is None:
        return [root]
    pairs = zip(structure.keys, structure.children, strict=True)
    return [path for key, child in pairs for path in paths(child, root + key)]


def _sorted_items(tree: dict[Any, Any]) -> tuple[list[str], list[Any], tuple[Any, ...]]:
    try:
        keys = sorted(tree)
    except TypeError:
        keys = list(tree)
    return [f"[{key!r}]" for key in keys], [tree[key] for key in keys], tuple(keys)


def _indexed(tree: Sequence[Any]) -> tuple[list[str], Sequence[Any], None]:
    return [f"[{i}]" for i in range(len(tree))], tree, None


register(dict, _sorted_items, lambda keys, children: dict(zip(keys, children, strict=True)))
register(list, _indexed, lambda _, children: list(children))
register(tuple, _indexed, lambda _, children: tuple(children))
register(type(None), lambda _: ((), (), None), lambda _, __: None)
