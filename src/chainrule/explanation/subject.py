"""What is to be explained: a Tensor that was computed, or a function and its arguments."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which, positions
from chainrule.errors import UnsupportedError
from chainrule.explanation.account import Account
from chainrule.explanation.names import Seen, name_variables
from chainrule.graph import Tensor
from chainrule.graph.site import is_library, user_frame
from chainrule.graph.tensor import leaf
from chainrule.graph.trace import argument_names
from chainrule.graph.tree import flatten, is_container, paths, unflatten


def about(subject: Any, wrt: Which | None, make: Callable[[Account], Any]) -> Any:
    """Return `make` of a Tensor's account, or, for a function, a function of its arguments.

    Parameters
    ----------
    subject : Tensor, module or callable
        A module stands for the function of itself and its inputs.
    wrt : int, str or a sequence of them, optional
        As `argnums` of `chainrule.grad`. By default the modules among the arguments, or all
        arguments of floating-point numbers if there are none.
    make : callable
        Takes an `Account`.
    """
    if isinstance(subject, Tensor):
        if wrt is not None:
            raise UnsupportedError("wrt= chooses arguments of a function; this is a Tensor")
        account = Account(subject)
        name_variables(account, visible(user_frame(sys._getframe(1))))
        return make(account)
    if is_container(subject):
        return functools.partial(about(_call, 0 if wrt is None else wrt, make), subject)

    @functools.wraps(subject, assigned=("__module__", "__name__", "__qualname__"), updated=())
    def explained(*args: Any) -> Any:
        return make(account_of(subject, args, wrt))

    return explained


def _call(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def account_of(function: Callable[..., Any], args: Sequence[Any], wrt: Which | None) -> Account:
    """Run a function on tensors and return the account of its result.

    Raises
    ------
    NotDifferentiableError
        If the result is no single number that depends on the variables.
    """
    leaves, structure = flatten(tuple(args))
    names = argument_names(function, len(args))
    labels = [p for n, a in zip(names, args, strict=True) for p in paths(flatten(a)[1], n)]
    tensors = [
        leaf(x, label) if _is_float(x) and not isinstance(x, Tensor) else x
        for x, label in zip(leaves, labels, strict=True)
    ]
    chosen = positions(function, default_positions(args) if wrt is None else wrt, len(args))
    seen = Seen()
    with seen.watching():
        result = function(*unflatten(structure, tensors))
    counts = [len(flatten(a)[0]) for a in args]
    starts = np.cumsum([0, *counts])
    wanted = [
        t for i in chosen for t in tensors[starts[i] : starts[i + 1]] if isinstance(t, Tensor)
    ]
    account = Account(result, wanted)
    arrays = {id(x): label for x, label in zip(leaves, labels, strict=True)}
    name_variables(account, seen.names, arrays)
    return account


def default_positions(args: Sequence[Any]) -> Sequence[int]:
    """Return the positions of the modules, or of all that holds floating-point numbers."""
    ours = [i for i, a in enumerate(args) if is_container(a) and not _is_plain(a)]
    return ours or [i for i, a in enumerate(args) if any(map(_is_float, flatten(a)[0]))]


def _is_plain(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple, type(None)))


def _is_float(value: Any) -> bool:
    return isinstance(value, (float, Tensor)) or (
        isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    )


def visible(frame: FrameType | None) -> dict[int, str]:
    """Return the names of the tensors that a frame and its callers see, by serial."""
    names: dict[int, str] = {}
    while frame is not None:
        if not is_library(frame.f_code.co_filename):
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in list(scope.items()):
                    if isinstance(value, Tensor) and not name.startswith("_"):
                        names.setdefault(value.serial, name)
        frame = frame.f_back
    return names
