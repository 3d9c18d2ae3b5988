"""`Run`: one pass in training, its random draws and what it observes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from chainrule.constraints import Interval, check
from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, constant
from chainrule.graph.trace import stop_gradient
from chainrule.nn.module import Module, named_modules
from chainrule.nn.parameters import load_buffers, named_buffers
from chainrule.ops.broadcast import cast

AnyModule = TypeVar("AnyModule", bound=Module)
Words = Sequence[Any]

MASK = 0xFFFFFFFF
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
_KEY = {"key": Interval(0, 2**64, integer=True), "step": Interval(0, 2**64, integer=True)}


def philox4x32(counter: Words, key: Words, rounds: int = 10) -> Words:
    """Return four random 32-bit words for a counter and a key: the generator Philox4x32-10.

    Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011),
    section 3.3. It is a function of its arguments alone, so that draws can be made in any order,
    and it is written in integer operations that give the same bits everywhere.

    Parameters
    ----------
    counter : four uint64 arrays or scalars
        Words in [0, 2**32).
    key : two uint64 arrays or scalars
        Words in [0, 2**32).
    rounds : int
        10 for Philox4x32-10.

    Returns
    -------
    tuple of four uint64 arrays or scalars
        Words in [0, 2**32).

    Examples
    --------
    >>> zero = np.uint64(0)
    >>> [f"{int(word):08x}" for word in philox4x32([zero] * 4, [zero] * 2)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (second >> 32) ^ c1 ^ k0,
            second & MASK,
            (first >> 32) ^ c3 ^ k1,
            first & MASK,
        )
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def _blocks(like: Any) -> Any:
    return np.arange((np.size(like) + 3) // 4, dtype=np.uint64)


def _in_shape(w0: Any, w1: Any, w2: Any, w3: Any, like: Any) -> Any:
    return np.stack([w0, w1, w2, w3], axis=-1).ravel()[: np.size(like)].reshape(np.shape(like))


# Both take the array itself, never its shape, so that a trace serves every batch size.
blocks = constant(_blocks, name="blocks", samples=[S((3, 5)), S(()), S((0, 2))])


def _random_words(n: int) -> Any:
    return lambda rng: rng.integers(0, 1 << 32, n, dtype=np.uint32)


in_shape = constant(
    _in_shape,
    name="in_shape",
    samples=[S(*[_random_words(2)] * 4, (3, 2)), S(*[_random_words(1)] * 4, ())],
)


def _words(name: str, number: Any) -> tuple[Any, Any]:
    """Return the low and the high 32 bits of a number."""
    if isinstance(number, Tensor):
        if number.dtype != np.uint64:
            raise DtypeError(f"a traced {name} of a Run must have dtype uint64, not {number.dtype}")
    else:
        check("Run", _KEY, {name: number})
        number = np.uint64(number)
    return number & MASK, number >> 32


class Run:
    """One pass through a network in training.

    Layers draw their random numbers from it and tell it what they observed. Draws depend on the
    key, the step, their order within the run and the place in the array, and on nothing else: not
    on the platform, the engine or the dtype.

    Parameters
    ----------
    key : int in [0, 2**64)
        The seed. In a trace it may be an argument of dtype uint64, so that one graph serves every
        key.
    step : int in [0, 2**64)
        A second number, such as that of the training step; the same rules hold.

    Attributes
    ----------
    updates : dict of str to list of arrays
        By name of a buffer: the values observed for it, in order. Of a traced step, return it
        among the results and give it to `apply`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.BatchNorm(2, momentum=0.5), nn.Dropout(0.5))
    >>> run = nn.Run(7)
    >>> _ = model(np.array([[1.0, 2.0], [3.0, 6.0]]), run)
    >>> nn.named_buffers(run.apply(model))["0.running_mean"]
    array([1., 2.], dtype=float32)
    """

    def __init__(self, key: Any, step: Any = 0) -> None:
        self._key = _words("key", key)
        self._step = _words("step", step)
        self._draws = 0
        self._root: Module | None = None
        self._momenta: dict[str, float] = {}
        self.updates: dict[str, list[Any]] = {}

    @contextmanager
    def inside(self, module: Module) -> Iterator[None]:
        """Make the outermost module called the one whose paths name the buffers."""
        outermost = self._root is None
        if outermost:
            self._root = module
        try:
            yield
        finally:
            if outermost:
                self._root = None

    def uniform(self, like: Any) -> Any:
        """Draw numbers from [0, 1), multiples of 2**-24.

        Parameters
        ----------
        like : float array
            Its shape and dtype are those of the result.
        """
        counter = (blocks(like), np.uint64(self._draws), *self._step)
        self._draws += 1
        bits = in_shape(*philox4x32(counter, self._key), like)
        return cast(bits >> 8, like) * 2.0**-24

    def normal(self, like: Any) -> Any:
        """Draw numbers from the standard normal distribution, between -5.8 and 5.8.

        Box and Muller, "A note on the generation of random normal deviates" (1958), from two
        draws of `uniform`; of other platforms, engines and dtypes they differ by rounding.

        Parameters
        ----------
        like : float array
            Its shape and dtype are those of the result.
        """
        radius = np.sqrt(-2.0 * np.log(1.0 - self.uniform(like)))
        return radius * np.cos((2.0 * math.pi) * self.uniform(like))

    def beta(self, alpha: float) -> Any:
        """Draw a number from the beta distribution of two equal parameters.

        A number of Student's t distribution with 2 alpha degrees of freedom, drawn as Bailey,
        "Polar generation of random variates with the t-distribution" (Mathematics of Computation
        1994), has it, and mapped to [0, 1]: so it takes two draws of `uniform` and no rejection.

        Parameters
        ----------
        alpha : float > 0

        Returns
        -------
        float64 in [0, 1]

        Examples
        --------
        >>> from chainrule import nn
        >>> bool(0 <= nn.Run(0).beta(0.2) <= 1)
        True
        """
        one = np.ones(1)
        near = self.uniform(one)[0] ** (1.0 / float(alpha))
        turn = np.cos((2.0 * math.pi) * self.uniform(one)[0])
        far = (1.0 - near) * turn * turn
        return 0.5 + 0.5 * np.sign(turn) * np.sqrt(far / (near + far))

    def average(self, module: Module, momentum: float, **observed: Any) -> None:
        """Note what a layer observed, for its buffers to move towards.

        Parameters
        ----------
        module : Module
            The layer; it is, or is within, the module that was called with this run.
        momentum : float in [0, 1]
            The fraction of the way that each buffer moves.
        **observed
            Values by name of the buffer.
        """
        root = module if self._root is None else self._root
        path = next((name for name, inner in named_modules(root) if inner is module), None)
        if path is None:
            raise ArgumentError(
                f"a {type(module).__name__} was called that is no part of {type(root).__name__}: "
                "set it as an attribute, so that its running statistics have a name"
            )
        for name, value in observed.items():
            full = f"{path}.{name}" if path else name
            self._momenta[full] = momentum
            self.updates.setdefault(full, []).append(_constant(value))

    def apply(
        self, model: AnyModule, updates: Mapping[str, Sequence[Any]] | None = None
    ) -> AnyModule:
        """Return the network with its buffers moved towards what was observed.

        Parameters
        ----------
        model : Module
            The module that was called with this run.
        updates : mapping of str to sequence of arrays, optional
            The values of `updates`, where a traced graph computed them.
        """
        updates = self.updates if updates is None else updates
        moved: dict[str, Any] = {}
        known = named_buffers(model) if updates else {}
        for name, values in updates.items():
            moved[name] = known[name]
            for value in values:
                moved[name] = moved[name] + self._momenta[name] * (value - moved[name])
        return load_buffers(model, moved) if moved else model


def _constant(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return stop_gradient(value) if value.traced else value.value
