"""The declaration of an op: a forward in NumPy and its backward rule, said once."""

from __future__ import annotations

import enum
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph.aval import Aval
from chainrule.graph.sample import Sample


class Kind(enum.Enum):
    """What is known of an op's mathematics; it supplies the forward-mode rule.

    A *general* op's forward mode is the transpose of its backward rule. A *constant* op is
    piecewise constant: its results carry no derivative.
    """

    ELEMENTWISE = "elementwise"
    LINEAR = "linear"
    MULTILINEAR = "multilinear"
    GENERAL = "general"
    CONSTANT = "constant"


elementwise, linear, multilinear = Kind.ELEMENTWISE, Kind.LINEAR, Kind.MULTILINEAR
general = Kind.GENERAL

# How a call to the NumPy function is split into (inputs, params), where names do not suffice.
Binder = Callable[..., tuple[Sequence[Any], dict[str, Any]]]


class Recorded:
    """Base of the values that record the ops applied to them."""

    __slots__ = ()

    def _apply(self, op: Op, inputs: Sequence[Any], params: dict[str, Any]) -> Any:
        raise UnsupportedError(f"{type(self).__name__} does not record")


class Op:
    """One operation: its forward, its backward rule and what is known of both.

    Made by the decorators `op` and `constant`; a user's own op is made the same way. Calling an op
    computes on arrays and records on tensors.

    Attributes
    ----------
    name : str
    forward : callable
        Plain NumPy: ``forward(*inputs, **params)``.
    vjp : callable
        The backward rule ``vjp(g, y, *inputs, **params)``: one gradient for each active input,
        bare if there is only one. A gradient that is costly may be a function of no arguments,
        called only if it is wanted.
    kind : Kind
    inputs : tuple of str
        Names of the inputs; the last one is variadic if `variadic`.
    defaults : dict
        The params and their default values.
    inactive : frozenset of str
        Inputs that carry no derivative by nature: indices, conditions, arrays that only lend
        their shape.
    outputs : int
        Number of results; several make a tuple.
    kink : str
        The convention at points without a derivative.
    samples : tuple of Sample
        Examples for the test suites.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        rule: Callable[..., Any],
        *,
        kind: Kind,
        samples: Sequence[Sample] = (),
        bind: Binder | None = None,
        jvp: Callable[..., Any] | None = None,
        inactive: Sequence[str] = (),
        outputs: int = 1,
        kink: str = "",
    ) -> None:
        self.name = rule.__name__
        self.__doc__ = rule.__doc__
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = rule.__module__
        self.forward = forward
        self.vjp = rule
        self.kind = kind
        self.samples = tuple(samples)
        self.bind = bind
        self.jvp_rule = jvp
        self.inactive = frozenset(inactive)
        self.outputs = outputs
        self.is_constant = kind is Kind.CONSTANT
        self.is_simple = outputs == 1 and not inactive
        self.kink = kink
        self.functions: tuple[Any, ...] = ()
        self._read_signature(rule)

    def _read_signature(self, rule: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(rule).parameters.values())[2:]
        names = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.inputs = tuple(p.name for p in names)
        self.variadic = bool(names) and names[-1].kind is inspect.Parameter.VAR_POSITIONAL
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._keywords = frozenset(self.inputs[:-1] if self.variadic else self.inputs)

    @cached_property
    def public_names(self) -> tuple[str, ...]:
        """The forward's own parameter names, in the order in which a caller may give them."""
        try:
            parameters = inspect.signature(self.forward).parameters.values()
        except (TypeError, ValueError):
            return self.inputs + tuple(self.defaults)
        return tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)

    def active(self, n_inputs: int) -> range | tuple[int, ...]:
        """Return the positions of the inputs that carry a derivative, among `n_inputs`."""
        if not self.inactive:
            return range(n_inputs)
        last = len(self.inputs) - 1
        return tuple(i for i in range(n_inputs) if self.inputs[min(i, last)] not in self.inactive)

    def input_name(self, position: int) -> str:
        """Return the name of the input at a position."""
        last = len(self.inputs) - 1
        name = self.inputs[min(position, last)]
        return f"{name}[{position - last}]" if self.variadic and position >= last else name

    def split(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Sequence[Any], Any]:
        """Split the arguments of a NumPy call into inputs and params.

        Raises
        ------
        UnsupportedError
            If an argument has no meaning for the recorded op.
        """
        if self.bind is not None:
            return self.bind(*args, **kwargs)
        if not kwargs and len(args) == len(self.inputs) and not self.variadic:
            return args, {}
        if len(args) > len(self.public_names):
            raise UnsupportedError(f"{self.name} got {len(args)} arguments")
        given = dict(zip(self.public_names, args, strict=False)) | kwargs
        wanted = self.public_names[: len(self.inputs)]
        inputs = [given.pop(name) for name in wanted if name in given]
        return (tuple(inputs[0]) if self.variadic else inputs), self._known(given)

    def _known(self, given: dict[str, Any]) -> dict[str, Any]:
        params = {}
        for name, value in given.items():
            if name in self.defaults:
                params[name] = tuple(value) if isinstance(value, list) else value
            elif value is not None and value is not np._NoValue:
                raise UnsupportedError(
                    f"{self.name}(..., {name}=...) is not supported on a Tensor; "
                    + (_REMEDIES.get(name) or f"leave {name!r} out")
                )
        return params

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Compute on arrays; record if any input is a Tensor."""
        for name, value in params.items():
            if name in self._keywords:
                return self(*self._placed(inputs, params), **params)
            if isinstance(value, Recorded):
                return value._apply(self, inputs, params)  # which refuses it as a param
        for value in inputs:
            if isinstance(value, Recorded):
                return value._apply(self, inputs, params)
            if value.__class__ is list and any(isinstance(item, Recorded) for item in value):
                raise UnsupportedError(
                    f"{self.name} of a list that holds tensors: join them with np.stack"
                )
        return self.forward(*inputs, **params)

    def _placed(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Any]:
        """Return all inputs in order, those given by keyword taken out of `params`."""
        placed = list(inputs)
        for name in self.inputs[len(inputs) :]:
            if name in params:
                placed.append(params.pop(name))
            elif not self._keywords.isdisjoint(params):
                raise TypeError(f"{self.name} lacks its input {name!r}")
        return placed

    def infer(self, *avals: Aval, **params: Any) -> Aval:
        """Return the aval of the result for the avals of the inputs."""
        with np.errstate(all="ignore"):
            if self.kind is Kind.ELEMENTWISE:
                one = self.forward(*(np.ones((), a.dtype) for a in avals), **params)
                return Aval(np.broadcast_shapes(*(a.shape for a in avals)), Aval.of(one).dtype)
            return Aval.of(self.forward(*(a.example() for a in avals), **params))

    @property
    def target(self) -> Callable[..., Any]:
        """The public function whose calls this op records."""
        return _public(self)

    def __repr__(self) -> str:
        return f"<op {self.name} ({self.kind.value})>"


def overridable(function: Any) -> bool:
    """Return whether NumPy hands calls of a function to the arguments' own class."""
    return isinstance(function, np.ufunc) or hasattr(function, "_implementation")


_REMEDIES = {
    "out": "a recorded result cannot be written into an array: use the returned Tensor",
    "where": "select with np.where(condition, ..., 0) before the call",
    "dtype": "convert before with .astype(dtype)",
    "initial": "add or compare the initial value after the call",
    "order": "only C order is recorded",
    "casting": "convert before with .astype(dtype)",
}


class Composed:
    """A function that is recorded as the ops that its plain NumPy body calls."""

    def __init__(self, body: Callable[..., Any], samples: Sequence[Sample], kink: str) -> None:
        self.name = self.__name__ = self.__qualname__ = body.__name__
        self.__doc__, self.__module__ = body.__doc__, body.__module__
        self.body, self.samples, self.kink = body, tuple(samples), kink
        self.functions: tuple[Any, ...] = ()

    @property
    def target(self) -> Callable[..., Any]:
        """The public function whose calls the body answers."""
        return _public(self)

    @cached_property
    def keywords(self) -> frozenset[str] | None:
        """Names of the arguments that the body takes; None if it takes any."""
        parameters = inspect.signature(self.body).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return None
        return frozenset(p.name for p in parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body on arrays or tensors."""
        if not kwargs or self.keywords is None:
            return self.body(*args, **kwargs)
        kept = {
            name: value
            for name, value in kwargs.items()
            if name in self.keywords or (value is not None and value is not np._NoValue)
        }
        unknown = [name for name in kept if name not in self.keywords]
        if unknown:
            remedy = _REMEDIES.get(unknown[0]) or f"leave {unknown[0]!r} out"
            raise UnsupportedError(
                f"{self.name}(..., {unknown[0]}=...) is not supported on a Tensor; {remedy}"
            )
        return self.body(*args, **kept)

    def __repr__(self) -> str:
        return f"<composed {self.name}>"


def _public(entry: Op | Composed) -> Callable[..., Any]:
    function = entry.functions[0] if entry.functions else entry
    return getattr(*function) if isinstance(function, tuple) else function


class Registry:
    """Which op answers which NumPy function, and every op by name."""

    def __init__(self) -> None:
        self.by_function: dict[Any, Op | Composed] = {}
        self.by_name: dict[str, Op | Composed] = {}
        self.late: dict[str, str] = {}

    def lookup(self, function: Any) -> Op | Composed | None:
        """Return what answers a function, after loading the ops of packages imported since.

        `late` names, for a package that chainrule does not import by itself, the module that
        declares the ops of its functions.
        """
        for package in [name for name in self.late if name in sys.modules]:
            importlib.import_module(self.late.pop(package))
        return self.by_function.get(function)

    def add(self, entry: Op | Composed, functions: Sequence[Any]) -> None:
        """Register an op under its name and the functions that it answers."""
        if entry.name in self.by_name:
            raise ValueError(f"an op named {entry.name!r} is declared already")
        self.by_name[entry.name] = entry
        entry.functions = tuple(f for f in functions if isinstance(f, tuple) or overridable(f))
        for function in entry.functions:
            self.by_function[function] = entry

    def __iter__(self) -> Iterator[Op | Composed]:
        return iter(self.by_name.values())


REGISTRY = Registry()


def op(
    forward: Callable[..., Any],
    *,
    kind: Kind = Kind.GENERAL,
    also: Sequence[Any] = (),
    register: bool = True,
    **declaration: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op: the decorated function is its backward rule.

    Parameters
    ----------
    forward : callable
        The NumPy function that is recorded, or any function of arrays in plain NumPy.
    kind : Kind
        What is known of the mathematics; `general` is always right.
    also : sequence of callables
        Further functions that mean the same, or ``(ufunc, "reduce")`` pairs.
    register : bool
        Whether the op answers calls to `forward` and joins the registry. A user's own op need
        not: it is called by its name.
    **declaration
        ``samples, bind, jvp, inactive, outputs, kink``: see `Op`.

    Returns
    -------
    decorator
        Turns a rule ``rule(g, y, *inputs, **params)`` into an `Op`.

    Examples
    --------
    >>> @op(lambda x, y: x * y, kind=multilinear, register=False)
    ... def multiply_gate(g, z, x, y):
    ...     return g * y, g * x
    >>> multiply_gate(3.0, 4.0)
    12.0
    """

    def declare(rule: Callable[..., Any]) -> Op:
        declared = Op(forward, rule, kind=kind, **declaration)
        if register:
            REGISTRY.add(declared, (forward, *also))
        return declared

    return declare


def composed(
    *functions: Any, samples: Sequence[Sample] = (), kink: str = ""
) -> Callable[[Callable[..., Any]], Composed]:
    """Declare what a NumPy function means on tensors, in terms of other NumPy functions."""

    def declare(body: Callable[..., Any]) -> Composed:
        entry = Composed(body, samples, kink)
        REGISTRY.add(entry, functions)
        return entry

    return declare


def constant(
    forward: Callable[..., Any],
    *,
    name: str = "",
    arrays: int | None = None,
    samples: Sequence[Sample] = (),
    also: Sequence[Any] = (),
) -> Op:
    """Declare a piecewise constant function: it returns plain arrays and has no derivative.

    The call goes through with every argument as given; in a trace it is recorded.

    Parameters
    ----------
    forward : callable
        The NumPy function, or any function of arrays in plain NumPy.
    name : str
        Name of the op, if not that of the function.
    arrays : int, optional
        How many leading arguments are arrays; the others are settings. All, if left out.
    samples, also
        See `op`.
    """

    def rule(g: Any, y: Any, *inputs: Any) -> Any:
        raise UnsupportedError(f"{declared.name} has no derivative")

    rule.__name__ = name or forward.__name__
    rule.__doc__ = f"`numpy.{rule.__name__}`: piecewise constant, without a derivative."
    if inspect.isfunction(forward) and forward.__doc__ and not overridable(forward):
        rule.__doc__, rule.__module__ = forward.__doc__, forward.__module__
    declared = Op(forward, rule, kind=Kind.CONSTANT, samples=samples, inactive=("inputs",))
    declared.bind = _constant_binder(forward, arrays)
    REGISTRY.add(declared, (forward, *also))
    return declared


def _constant_binder(forward: Callable[..., Any], arrays: int | None) -> Binder:
    if arrays is None:
        return lambda *args, **kwargs: (args, kwargs)
    signature = inspect.signature(forward)
    names = tuple(signature.parameters)[:arrays]

    def bind(*args: Any, **kwargs: Any) -> tuple[Sequence[Any], dict[str, Any]]:
        given = dict(signature.bind(*args, **kwargs).arguments)
        return [given.pop(name) for name in names if name in given], given

    return bind
