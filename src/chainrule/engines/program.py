"""What engines make of a graph: a `Program`, and how emitted source is loaded."""

from __future__ import annotations

import importlib.abc
import importlib.util
import itertools
from collections.abc import Callable, MutableMapping, Sequence
from types import ModuleType
from typing import Any, Protocol, TypeAlias
from weakref import WeakValueDictionary

from chainrule.engines.plan import Plan
from chainrule.graph import Graph

# By source: the functions loaded, as long as a program uses them.
Cache: TypeAlias = MutableMapping[Any, Callable[..., Any]]
_serial = itertools.count()


def new_cache() -> Cache:
    """Return where programs find functions that are loaded already, as long as one uses them."""
    return WeakValueDictionary()


class Made(Protocol):
    """What an engine made of a graph.

    Attributes
    ----------
    graph : Graph
        What it computes; its interpretation defines the results.
    plan : Plan
    source : str
        What was emitted.
    """

    graph: Graph
    plan: Plan
    source: str


class Program(Made, Protocol):
    """A graph made ready to run on arrays of one set of shapes, strides and dtypes."""

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output from one array for each input."""

    def quick(self, example: Any) -> Callable[[Any], Any] | None:
        """Return a quicker way from an array like the example to one, if there is.

        It returns None for arrays that it is not made for.
        """
        return None


class _Text(importlib.abc.InspectLoader):
    """Loads a module from text; tracebacks show its lines."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        return self.text

    def is_package(self, fullname: str) -> bool:
        return False

    def get_filename(self, fullname: str) -> str:
        return f"<emitted {fullname}>"


def load(text: str, **names: Any) -> Callable[..., Any]:
    """Return the function `program` of emitted source.

    Parameters
    ----------
    text : str
    **names
        What the source refers to and does not define.
    """
    name = f"chainrule_program_{next(_serial)}"
    spec = importlib.util.spec_from_loader(name, _Text(text), origin=f"<emitted {name}>")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    module.__dict__.update(names)
    spec.loader.exec_module(module)
    program: Callable[..., Any] = module.program
    return program
