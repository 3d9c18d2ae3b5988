"""`Module`: a network, or a part of one, as a tree of its parameter arrays."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Protocol

import numpy as np

from chainrule.errors import ArgumentError, ShapeError, UnsupportedError
from chainrule.graph import Aval, Tensor
from chainrule.graph.tree import register
from chainrule.nn.parts import Part, Parts, put_together, take_apart


class TrainingRun(Protocol):
    """What a module needs of a `Run`."""

    def inside(self, module: Module) -> AbstractContextManager[None]:
        """Make the outermost module called the one whose paths name the buffers."""


class LayerError(ShapeError):
    """Input that does not fit a layer; the message names the layer by its path in the network.

    Parameters
    ----------
    layer : Module
        The layer that refuses.
    message : str
        What was given, what is expected, and the repair.

    Attributes
    ----------
    path : tuple of str
        Names that lead from the outermost module called so far to the layer.
    """

    def __init__(self, layer: Module, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.kind = type(layer).__name__
        self.path: tuple[str, ...] = ()
        self._raised_in = layer

    def climb(self, parent: Module) -> None:
        """Note the name under which a parent holds the layer that the error came from."""
        for name, child in children(parent):
            if child is self._raised_in:
                self.path = (name, *self.path)
                self._raised_in = parent
                return

    def __str__(self) -> str:
        where = f" {'.'.join(self.path)!r}" if self.path else ""
        return f"layer{where} ({self.kind}): {self.message}"


class Module(ABC):
    """Base of all layers and networks.

    A subclass sets arrays and layers as attributes and computes in `forward`; nothing more is
    needed for training it. Attributes that hold floating-point arrays are the parameters: the
    leaves of the tree that a module is for ``grad`` and the optimizers. Modules, and lists, tuples
    and dicts that hold arrays or modules, are searched for more. Everything else is static: it is
    carried along and never trained.

    A layer that is used twice is held once and called twice; held under two names, it would be
    two layers after the first update.

    Attributes
    ----------
    buffers : tuple of str
        Class attribute: names of floating-point arrays that are not trained, such as running
        statistics.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> class Perceptron(Module):
    ...     def __init__(self, n_in):
    ...         self.w = np.zeros(n_in)
    ...         self.b = np.array(0.0)
    ...
    ...     def forward(self, x):
    ...         return x @ self.w + self.b
    >>> model = Perceptron(2)
    >>> gradient = cr.grad(lambda m, x: np.sum(m(x)))(model, np.ones((3, 2)))
    >>> gradient.w, gradient.b
    (array([3., 3.]), array(3.))
    """

    buffers: ClassVar[tuple[str, ...]] = ()
    _takes_run: ClassVar[bool] = False
    _on_output: Callable[[Any], None] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.get("__slots__"):
            raise UnsupportedError(
                f"{cls.__name__} has __slots__, whose arrays would not be found: leave them out"
            )
        parameters = inspect.signature(cls.forward).parameters
        cls._takes_run = "run" in parameters
        register(cls, _flatten, lambda parts, leaves: rebuilt(cls, parts, leaves))

    @abstractmethod
    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output: plain NumPy.

        One that behaves differently in training takes ``run=None`` as its last argument, and one
        that contains such layers passes it on: ``self.dropout(x, run)``.
        """

    def __call__(self, x: Any, run: TrainingRun | None = None) -> Any:
        """Compute the output for an input.

        Parameters
        ----------
        x : array_like or tree of them
            A batch; the first axis counts its rows.
        run : Run, optional
            Given in training: the source of random draws, which also gathers running statistics.
            Without it the module infers: no dropout, and no statistics of the batch.

        Returns
        -------
        array, Tensor or tree of them

        Raises
        ------
        LayerError
            If the input does not fit a layer, naming the layer and the shapes.
        """
        if run is not None and not self._takes_run:
            _refuse_lost_run(self)
        try:
            with nullcontext() if run is None else run.inside(self):
                y = self.forward(x, run) if self._takes_run else self.forward(x)
        except LayerError as error:
            error.climb(self)
            raise
        if self._on_output is not None:
            self._on_output(y)
        return y

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, JSON-able; see `config`."""
        raise UnsupportedError(
            f"{type(self).__name__} is no layer of chainrule's own, so that it has no "
            "configuration: build it in code and use nn.load_parameters"
        )

    def config(self) -> dict[str, Any]:
        """Return what `from_config` needs to rebuild this module without its weights.

        Examples
        --------
        >>> from chainrule import nn
        >>> nn.Dropout(0.5).config()
        {'layer': 'Dropout', 'p': 0.5}
        """
        return {"layer": type(self).__name__, **self.arguments()}

    def __repr__(self) -> str:
        words = [f"{name}={_word(value)}" for name, value in vars(self).items()]
        return f"{type(self).__name__}({', '.join(words)})"


def _word(value: Any) -> str:
    if isinstance(value, (np.ndarray, Tensor)):
        return str(Aval.of(value))
    text = repr(value)
    return text if isinstance(value, Module) or len(text) < 60 else f"<{type(value).__name__}>"


def _is_child(value: Any) -> bool:
    if isinstance(value, (np.ndarray, Tensor)):
        return value.dtype.kind == "f"
    return isinstance(value, Module)


def apart(module: Module) -> tuple[Parts, list[tuple[str, Any]]]:
    """Return a module without its children, and its children: modules and parameter arrays."""
    found: list[tuple[str, Any]] = []
    fixed = type(module).buffers
    parts = {
        name: Part(value) if name in fixed else take_apart(value, name, _is_child, found)
        for name, value in vars(module).items()
    }
    return Parts(parts), found


def children(module: Module) -> list[tuple[str, Any]]:
    """Return the dotted names and values of a module's own parameters and inner modules."""
    return apart(module)[1]


def rebuilt(cls: type[Module], parts: Parts, leaves: Any) -> Any:
    """Return a module with new children in the places of the old."""
    source = iter([_as_array(leaf) for leaf in leaves])
    made = object.__new__(cls)
    made.__dict__.update({k: put_together(part, source) for k, part in parts.items()})
    return made


def _as_array(leaf: Any) -> Any:
    # Arithmetic on 0-d arrays gives scalars, which would no longer count as parameters.
    return np.asarray(leaf) if isinstance(leaf, np.floating) else leaf


def _flatten(module: Module) -> tuple[list[str], list[Any], Parts]:
    parts, found = apart(module)
    return [f".{name}" for name, _ in found], [child for _, child in found], parts


def named_modules(module: Module, path: str = "") -> Iterator[tuple[str, Module]]:
    """Yield a module and all modules within, with dotted names; the outermost one's is empty."""
    yield path, module
    for name, child in children(module):
        if isinstance(child, Module):
            yield from named_modules(child, f"{path}.{name}" if path else name)


def map_modules(
    function: Callable[[str, Module], Module], module: Module, path: str = ""
) -> Module:
    """Return a copy of a module with ``function(name, module)`` in the place of each, inner first.

    Examples
    --------
    >>> from chainrule import nn
    >>> model = nn.Sequential("tanh", nn.Dropout(0.5))
    >>> nn.map_modules(lambda name, m: nn.Dropout(0.1) if name == "1" else m, model).layers[1]
    Dropout(p=0.1)
    """
    parts, found = apart(module)
    inner = [
        map_modules(function, child, f"{path}.{name}" if path else name)
        if isinstance(child, Module)
        else child
        for name, child in found
    ]
    return function(path, rebuilt(type(module), parts, inner))


def _refuse_lost_run(module: Module) -> None:
    """Refuse a training run that would not reach a layer within."""
    for name, inner in named_modules(module):
        if (
            name
            and inner._takes_run
            and not any(c for _, c in named_modules(inner) if c is not inner)
        ):
            kind = type(module).__name__
            raise ArgumentError(
                f"{kind}.forward takes no run, so that its layer {name!r} "
                f"({type(inner).__name__}) would behave in training as in inference: write "
                f"def forward(self, x, run=None) and call self.{name}(x, run)"
            )
