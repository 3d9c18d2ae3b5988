"""`compile`: a function of trees of arrays, traced once and then run by an engine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, OneOf, check
from chainrule.engines.auto import choose
from chainrule.engines.program import Cache, Program, new_cache
from chainrule.engines.registry import ARRAYS, ENGINES, KEPT, as_array
from chainrule.engines.scan import Scan
from chainrule.errors import ChainruleError
from chainrule.graph import Graph, Tensor, trace
from chainrule.graph.tree import LEAF, Structure, flatten, unflatten


class Compiled:
    """A function that is traced for each new set of shapes and dtypes, and then run by an engine.

    Attributes
    ----------
    function : callable
        The original.
    """

    def __init__(self, function: Callable[..., Any], engine: str, calls: int) -> None:
        check("compile", {"engine": OneOf(("auto", *ENGINES))}, {"engine": engine})
        check("compile", {"calls": COUNT}, {"calls": calls})
        update_wrapper(self, function)
        self.function, self.engine, self.calls = function, engine, calls
        self._programs: OrderedDict[Any, tuple[Program, Structure]] = OrderedDict()
        self._loaded: Cache = new_cache()
        self._quick: Callable[[Any], Any] | None = None

    def __call__(self, *args: Any) -> Any:
        """Compute the function's result.

        Raises
        ------
        UnsupportedError
            If the function does what cannot be recorded, such as a branch on a value.
        DtypeError
            If a leaf of the arguments is no array of numbers.
        """
        if self._quick is not None and len(args) == 1:
            result = self._quick(args[0])
            if result is not None:
                return result
        leaves, structure = flatten(args)
        if any(isinstance(x, Tensor) for x in leaves):
            return self.function(*args)
        arrays = [x if isinstance(x, ARRAYS) else as_array(x) for x in leaves]
        program, gives = self._prepared(args, arrays, structure)
        if len(args) == 1 and args[0] is leaves[0] and gives == LEAF:
            self._quick = program.quick(arrays[0])
        return unflatten(gives, program(arrays))

    def program(self, *args: Any) -> Program:
        """Return the program for arguments of these shapes, without running it.

        It takes a list of arrays, the leaves of the arguments, and returns those of the result:
        a loop that keeps leaves in lists is spared the taking apart of trees at each call.
        """
        leaves, structure = flatten(args)
        return self._prepared(args, [as_array(x) for x in leaves], structure)[0]

    def _prepared(
        self, args: Sequence[Any], arrays: Sequence[Any], structure: Structure
    ) -> tuple[Program, Structure]:
        key = (structure, *[(x.shape, x.strides, x.dtype) for x in arrays])
        found = self._programs.get(key)
        if found is None:
            with np.errstate(all="ignore"):
                graph = trace(self.function)(*unflatten(structure, list(arrays)))
            if self.engine == "auto":
                self.engine = choose(graph, self.calls, ("numpy", "numba")).engine
            found = ENGINES[self.engine](graph, arrays, self._loaded), graph.gives
            self._programs[key] = found
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        return found

    @property
    def _latest(self) -> Program:
        if not self._programs:
            raise ChainruleError(
                "nothing has been compiled yet: call the function, or give .program(...) "
                "example arguments"
            )
        return next(reversed(self._programs.values()))[0]

    @property
    def source(self) -> str:
        """The source emitted for the shapes met last."""
        return self._latest.source

    @property
    def plan(self) -> Any:
        """The plan for the shapes met last; it prints."""
        return self._latest.plan

    @property
    def graph(self) -> Graph:
        """The graph for the shapes met last, as it was rewritten for the engine."""
        return self._latest.graph

    @property
    def n_programs(self) -> int:
        """How many different programs are loaded; all shapes share one where they can."""
        return len(self._loaded)


class ByExample:
    """`per_example_grad`, compiled: its examples are the steps of a scan."""

    def __init__(self, function: Callable[..., Any], engine: str) -> None:
        update_wrapper(self, function)
        self.function = function
        self._divided, step = function.by_example  # type: ignore[attr-defined]
        self.scan = Scan(step, engine)

    def __call__(self, *args: Any) -> Any:
        """Return the gradient of each example."""
        shared, rows = self._divided(args)
        return self.scan(shared, rows, batch_size=1)[1]

    @property
    def source(self) -> str:
        """The source emitted for the shapes met last."""
        return self.scan.latest.source

    @property
    def plan(self) -> Any:
        """The plan for the shapes met last; it prints."""
        return self.scan.latest.plan

    @property
    def graph(self) -> Graph:
        """The graph of one example for the shapes met last."""
        return self.scan.latest.graph


def compile(
    function: Callable[..., Any], engine: str = "numpy", calls: int = 1
) -> Compiled | ByExample:
    """Return a function that computes the same faster, by a program emitted for it.

    The first call traces the function on its arguments, simplifies the graph, plans its memory and
    emits source. Later calls run that. Arguments of other shapes, such as a last, shorter batch,
    are traced again, once, for a branch or a number in the function may depend on a shape; they
    share the program if it comes out the same, as it does where no shape is written into it.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a tree of arrays; plain NumPy, as for `trace`. It may
        contain ``value_and_grad`` and an optimizer's update: a whole training step. It must not
        have side effects. Arrays and numbers that it does not take as arguments are constants of
        the program, read when it is traced. What `per_example_grad` returns is run example by
        example, by several threads.
    engine : {"numpy", "numba", "jax", "interpreter", "auto"}
        ``"interpreter"`` defines the results. ``"numpy"`` gives its bits, faster, and compiles
        nothing. ``"numba"`` compiles one function of fused loops, which takes seconds the first
        time and a fraction of one in later processes, and gives the same numbers to rounding;
        numbers too small to be normal (in float32 below 1.2e-38) count as zero. A program with an
        op that it has no loops for runs on ``"numpy"``, and the plan's first line says why.
        ``"jax"`` lets XLA compile the program, for each set of shapes anew, and gives the same
        numbers to rounding, in NumPy's dtypes; what JAX has no form of runs on ``"numpy"`` too.
        ``"auto"`` is ``"numba"`` if so many `calls` of the function first met pay for compiling
        it, by an estimate from its operations that no clock has a part in, else ``"numpy"``.
    calls : int >= 1
        About how often it will be called, for ``"auto"``.

    Returns
    -------
    Compiled
        Called like the function, with positional arguments. Numbers among them count as arrays of
        float64 or int64, so that a new number needs no new program. NumPy's floating-point
        warnings are off within. The attributes ``plan`` and ``source`` show what was made.

    Raises
    ------
    ArgumentError
        If there is no such engine.
    MissingExtraError
        When it is called: if the engine is ``"numba"`` and Numba is not installed, or
        ``"jax"`` and JAX is not.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> def step(w, x, y):
    ...     loss = lambda w: np.mean((x @ w - y) ** 2)
    ...     value, g = cr.value_and_grad(loss)(w)
    ...     return w - 0.1 * g, value
    >>> fast = cr.compile(step)
    >>> w, value = fast(np.zeros(2), np.eye(2), np.array([1.0, 2.0]))
    >>> w, float(value)
    (array([0.1, 0.2]), 2.5)
    """
    if hasattr(function, "by_example"):
        return ByExample(function, engine)
    return Compiled(function, engine, calls)
