"""What every transform does with its arguments: choose, name and wrap the variables."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, DtypeError, NotDifferentiableError
from chainrule.graph import Tensor
from chainrule.graph.tensor import apply, leaf
from chainrule.graph.trace import alias, ancestors, argument_names, carriers
from chainrule.graph.tree import Structure, flatten, paths, unflatten

Which = int | str | Sequence[int | str]


@dataclass(frozen=True)
class Recording:
    """One run of a function: its variables, its result, and whether outer tensors took part.

    Attributes
    ----------
    variables : list of Tensor
        A leaf, or an alias of an outer Tensor, for each leaf of the chosen arguments.
    structure : Structure
        The tree of the variables.
    result : object
        What the function returned; tensors within.
    """

    variables: list[Tensor]
    structure: Structure
    result: Any
    aux: Any = None

    def way(self, outputs: Sequence[Tensor]) -> tuple[list[Tensor], bool, bool]:
        """Return the tensors between the variables and the outputs, and whether others take part.

        Tensors of an outer transform, of a trace, or leaves that the user made, make the run a
        nested one: its derivatives depend on them and must be recorded.

        Returns
        -------
        order : list of Tensor
            The tensors on the way, oldest first.
        alone : bool
            Whether everything that the outputs were computed from is on the way.
        nested : bool
        """
        own = {v.serial for v in self.variables}
        order = ancestors(outputs, until=self.variables)
        foreign = [t for t in order if t.op is None and t.serial not in own]
        aliases = any(v.op is alias for v in self.variables)
        nested = (
            aliases or any(t.dtype.kind in "fc" for t in foreign) or any(t.traced for t in outputs)
        )
        alone = not foreign and not aliases
        return order if alone else needed(order, self.variables), alone, nested


def needed(order: Sequence[Tensor], wanted: Iterable[Tensor]) -> list[Tensor]:
    """Return those of `order` (oldest first) that are computed from the wanted tensors."""
    found = {t.serial for t in wanted}
    kept = []
    for t in order:
        if t.serial in found:
            kept.append(t)
            continue
        for x in carriers(t):
            if isinstance(x, Tensor) and x.serial in found:
                found.add(t.serial)
                kept.append(t)
                break
    return kept


def named_after(
    function: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a transformed function the name and the signature of the original."""
    return functools.wraps(function, assigned=("__module__", "__name__", "__qualname__"))


def positions(function: Callable[..., Any], which: Which, n_args: int) -> tuple[int, ...]:
    """Return argument positions for `argnums`: positions, names, or a sequence of either."""
    wanted = [which] if isinstance(which, (int, str)) else list(which)
    names = argument_names(function, n_args)
    found = []
    for item in wanted:
        if isinstance(item, str):
            if item not in names:
                raise ValueError(f"there is no argument {item!r} by position; there are {names}")
            item = names.index(item)
        if not -n_args <= item < n_args:
            raise ValueError(f"argnums={item}, but the call has {n_args} positional arguments")
        found.append(item % n_args)
    return tuple(found)


def by_position(
    function: Callable[..., Any], which: Which, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Move arguments given by keyword, or by default, to their positions if these are wanted."""
    wanted = [which] if isinstance(which, (int, str)) else which
    names = argument_names(function, len(args))
    if all(item in names if isinstance(item, str) else item < len(args) for item in wanted):
        return args, kwargs
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return args, kwargs  # the call itself says best what is wrong with it
    bound.apply_defaults()
    return bound.args, bound.kwargs


def check_sequences(**sequences: Any) -> None:
    """Refuse an array where the tuple of all arguments belongs: its rows would be taken for them.

    Raises
    ------
    ArgumentError
        Naming the argument.
    """
    for name, value in sequences.items():
        if not isinstance(value, (tuple, list)):
            raise ArgumentError(
                f"{name} is a tuple with one item for each argument of the function, such as "
                f"(x,), not {type(value).__name__}"
            )


def variable(value: Any, name: str) -> Tensor:
    """Return a new variable for the value of one leaf.

    Raises
    ------
    DtypeError
        If the value is not of floating-point numbers.
    """
    try:
        made = apply(alias, (value,), {}) if isinstance(value, Tensor) else leaf(value)
    except DtypeError as error:
        raise DtypeError(
            f"{name} has no gradient: {error}; arguments are numbers, arrays, and dicts, lists and "
            "tuples of them (chainrule.graph.tree.register makes other containers known)"
        ) from error
    made.name = name
    if made.dtype.kind != "f":
        raise DtypeError(
            f"{name} holds {made.dtype} numbers, which have no gradient; "
            "give floating-point numbers, such as 3.0 or x.astype(float), or choose other argnums"
        )
    assert isinstance(made, Tensor)
    return made


def record(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    which: Which,
    has_aux: bool = False,
) -> Recording:
    """Run a function with variables in the place of the chosen arguments."""
    chosen = positions(function, which, len(args))
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"argnums={which!r} names an argument twice")
    names = argument_names(function, len(args))
    tree = args[chosen[0]] if isinstance(which, (int, str)) else tuple(args[i] for i in chosen)
    leaves, structure = flatten(tree)
    labels = [p for i in chosen for p in paths(flatten(args[i])[1], names[i])]
    variables = [variable(x, label) for x, label in zip(leaves, labels, strict=True)]
    filled = unflatten(structure, variables)
    new_args = list(args)
    for i, value in zip(chosen, [filled] if isinstance(which, (int, str)) else filled, strict=True):
        new_args[i] = value
    result = function(*new_args, **kwargs)
    if not has_aux:
        return Recording(variables, structure, result)
    result, aux = result
    return Recording(variables, structure, result, aux)


def detach(tree: Any) -> Any:
    """Return a tree with plain arrays in the place of tensors."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [x._value if isinstance(x, Tensor) else x for x in leaves])


def zeros(t: Any) -> Any:
    """Return zeros like a Tensor; within a trace a Tensor that follows the other's shape."""
    found: Any = np.zeros_like(t)
    return found if isinstance(found, Tensor) else found[()]


def owned(derivatives: Sequence[Any], others: Iterable[Any]) -> list[Any]:
    """Return arrays that may be changed in place: none shares memory with another or with others.

    A rule may hand on the array that it was given, or a read-only view of it.
    """
    taken = {_memory(x) for x in others}
    found = []
    for g in derivatives:
        if g.__class__ is np.ndarray:
            memory = _memory(g)
            if memory in taken or not g.flags.writeable:
                g = g.copy()
            taken.add(memory)
        found.append(g)
    return found


def _memory(array: Any) -> int:
    """Return the identity of the array that owns the memory of a view."""
    while array.__class__ is np.ndarray and array.base is not None:
        array = array.base
    return id(array)


def scalar(result: Any, transform: str) -> Tensor:
    """Return the result if it is a single recorded number.

    Raises
    ------
    NotDifferentiableError
        If it is not, or does not depend on the variables.
    """
    if not isinstance(result, Tensor):
        remedies = {
            type(None): ": does it lack a return?",
            tuple: ": return the number alone, or pass has_aux=True for (number, anything)",
        }
        raise NotDifferentiableError(
            f"{transform} needs a result that depends on its variables; the function returned "
            f"{type(result).__name__}, which carries no derivative{remedies.get(type(result), '')}"
        )
    if result.shape != ():
        raise NotDifferentiableError(
            f"{transform} needs a single number, and the function returned shape {result.shape}: "
            "sum or average it, or use jacobian"
        )
    if result.dtype.kind != "f":
        raise NotDifferentiableError(f"{transform} needs a real result, not {result.dtype}")
    return result
