"""Examples of calls, declared beside each op; every test suite draws from them."""

from __future__ import annotations

from typing import Any

import numpy as np

Domain = tuple[float, float]


class Sample:
    """One call of a function, with random arrays where shapes stand.

    Parameters
    ----------
    *args
        The arguments of the call. A tuple of ints is the shape of an array of random floats; a
        function is given a `numpy.random.Generator` and returns the argument; a list holds
        further arguments; anything else is passed as it is.
    domain : (float, float)
        Range of the random floats.
    smooth : bool
        False if finite differences mean nothing here: at a kink, or where the result is constant.
    **kwargs
        Keyword arguments of the call, passed as they are.

    Examples
    --------
    >>> args, kwargs = Sample((2, 3), axis=0).build(np.random.default_rng(0))
    >>> args[0].shape, kwargs
    ((2, 3), {'axis': 0})
    """

    def __init__(
        self, *args: Any, domain: Domain = (-2.0, 2.0), smooth: bool = True, **kwargs: Any
    ) -> None:
        self.args, self.kwargs, self.domain, self.smooth = args, kwargs, domain, smooth
        self.error: type[Exception] | None = None
        self.match = ""

    @classmethod
    def raises(cls, error: type[Exception], *args: Any, match: str = "", **kwargs: Any) -> Sample:
        """Return a sample of a call that must raise `error` with a message matching `match`."""
        sample = cls(*args, **kwargs)
        sample.error, sample.match = error, match
        return sample

    def build(self, rng: np.random.Generator) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments and keyword arguments of the call."""
        return [self._value(arg, rng) for arg in self.args], dict(self.kwargs)

    def _value(self, arg: Any, rng: np.random.Generator) -> Any:
        if isinstance(arg, tuple) and all(type(n) is int for n in arg):
            low, high = self.domain
            return np.asarray(rng.uniform(low, high, arg))
        if isinstance(arg, list):
            return [self._value(item, rng) for item in arg]
        return arg(rng) if callable(arg) and not isinstance(arg, type) else arg

    def __repr__(self) -> str:
        words = [getattr(a, "__name__", None) or repr(a) for a in self.args]
        words += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"S({', '.join(words)})"
