"""A sample of an op as a function of its arrays, on which transforms can be tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Composed, Op, Sample, Tensor
from chainrule.graph.tensor import leaf
from chainrule.graph.tree import flatten, unflatten


class Case:
    """One sample with its random arrays drawn.

    Attributes
    ----------
    function : callable
        The sample's call as a function of its floating-point arrays alone. It returns the list of
        the results that carry a derivative, real and imaginary parts apart.
    arrays : list of numpy.ndarray
        The float64 arrays of the call.
    """

    def __init__(self, entry: Op | Composed, sample: Sample, rng: np.random.Generator) -> None:
        self.entry, self.sample = entry, sample
        args, self.kwargs = sample.build(rng)
        self.leaves, self.structure = flatten(args)
        self.places = [
            i for i, x in enumerate(self.leaves)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        ]  # fmt: skip
        self.arrays = [self.leaves[i] for i in self.places]
        self.recorded = self._recorded_places()

    def __repr__(self) -> str:
        return f"{self.entry.name} {self.sample!r}"

    def call(self, arrays: Sequence[Any]) -> Any:
        """Call the public function with these arrays or tensors in place of the floating ones."""
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return self.target(*unflatten(self.structure, leaves), **self.kwargs)

    @property
    def target(self) -> Callable[..., Any]:
        """The public function."""
        return self.entry.target

    def _recorded_places(self) -> list[int]:
        results, _ = flatten(self.call([leaf(x) for x in self.arrays]))
        return [i for i, y in enumerate(results) if isinstance(y, Tensor)]

    def function(self, *arrays: Any) -> list[Any]:
        """Return the results that carry a derivative."""
        results, _ = flatten(self.call(arrays))
        parts: list[Any] = []
        for i in self.recorded:
            y = results[i]
            parts += [np.real(y), np.imag(y)] if np.iscomplexobj(y) else [y]
        return parts

    @property
    def differentiable(self) -> bool:
        """Whether finite differences and derivatives can be compared."""
        return bool(self.recorded) and bool(self.arrays) and self.sample.smooth
