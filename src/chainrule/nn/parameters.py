"""Parameters and buffers of a network by their dotted names, as PyTorch writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.graph.tree import flatten, paths, unflatten
from chainrule.nn.arrays import as_array
from chainrule.nn.module import Module, map_modules, named_modules

AnyModule = TypeVar("AnyModule", bound=Module)


def named_parameters(model: Module) -> dict[str, Any]:
    """Return the parameter arrays by dotted name, in the order of the tree's leaves.

    Raises
    ------
    ArgumentError
        If two parameters have the same name, as a key with a dot may bring about.

    Examples
    --------
    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), "relu", nn.Linear(3, 1, rng=1))
    >>> [(name, array.shape) for name, array in nn.named_parameters(model).items()]
    [('0.weight', (3, 2)), ('0.bias', (3,)), ('2.weight', (1, 3)), ('2.bias', (1,))]
    """
    leaves, structure = flatten(model)
    return _by_name(
        (path.removeprefix("."), x) for path, x in zip(paths(structure), leaves, strict=True)
    )


def named_buffers(model: Module) -> dict[str, Any]:
    """Return the buffers, such as running statistics, by dotted name.

    Examples
    --------
    >>> from chainrule import nn
    >>> list(nn.named_buffers(nn.Sequential(nn.BatchNorm(3))))
    ['0.running_mean', '0.running_var']
    """
    return _by_name(
        (f"{path}.{name}" if path else name, getattr(module, name))
        for path, module in named_modules(model)
        for name in type(module).buffers
    )


def _by_name(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in items:
        if name in found:
            raise ArgumentError(
                f"two arrays of the network are named {name!r}: rename an attribute"
            )
        found[name] = value
    return found


def load_parameters(model: AnyModule, arrays: Mapping[str, Any]) -> AnyModule:
    """Return a copy of a network with other parameters.

    Parameters
    ----------
    model : Module
    arrays : mapping of name to array
        One for each of `named_parameters`, of its shape; converted to its dtype. Buffers may be
        among them.

    Raises
    ------
    ArgumentError
        Naming what is missing and what is not known.
    ShapeError, DtypeError
        Naming a parameter that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> layer = nn.Linear(2, 1, rng=0)
    >>> layer = nn.load_parameters(layer, {"weight": np.ones((1, 2)), "bias": np.zeros(1)})
    >>> layer(np.array([[1.0, 2.0]]))
    array([[3.]], dtype=float32)
    """
    known = named_parameters(model)
    buffers = {name: arrays[name] for name in named_buffers(model) if name in arrays}
    missing = [name for name in known if name not in arrays]
    unknown = [name for name in arrays if name not in known and name not in buffers]
    if missing or unknown:
        raise ArgumentError(
            "the arrays are not those of this network: "
            + "; ".join(
                f"{word} {', '.join(map(repr, names[:5]))}{' ...' * (len(names) > 5)}"
                for word, names in (("missing", missing), ("unknown", unknown))
                if names
            )
        )
    leaves = [_converted(name, arrays[name], old) for name, old in known.items()]
    loaded: AnyModule = unflatten(flatten(model)[1], leaves)
    return load_buffers(loaded, buffers) if buffers else loaded


def load_buffers(model: AnyModule, arrays: Mapping[str, Any]) -> AnyModule:
    """Return a copy of a network with some or all of its buffers replaced.

    Raises
    ------
    ArgumentError
        If the network has no buffer of a name.
    ShapeError, DtypeError
        Naming a buffer that does not fit.
    """
    known = named_buffers(model)
    for name in arrays:
        if name not in known:
            raise ArgumentError(f"the network has no buffer {name!r}; it has {list(known)}")

    def filled(path: str, module: Module) -> Module:
        for name in type(module).buffers:
            full = f"{path}.{name}" if path else name
            if full in arrays:
                setattr(module, name, _converted(full, arrays[full], known[full]))
        return module

    return map_modules(filled, model)  # type: ignore[return-value]


def _converted(name: str, new: Any, old: Any) -> Any:
    new = as_array(new)
    if new.shape != old.shape:
        raise ShapeError(f"{name} has shape {old.shape} in the network, but {new.shape} here")
    if new.dtype.kind not in "fiu":
        raise DtypeError(f"{name} holds {new.dtype}, where real numbers are expected")
    return new if new.dtype == old.dtype else new.astype(old.dtype)


def count_parameters(model: Module) -> int:
    """Return the number of trained numbers in a network.

    Examples
    --------
    >>> from chainrule import nn
    >>> nn.count_parameters(nn.Linear(4, 3, rng=0))
    15
    """
    return sum(int(np.size(array)) for array in named_parameters(model).values())
