"""The jax engine: straight-line `jax.numpy` source that XLA compiles; a sweep is one program."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.engines.emit_jax import JaxEmitter, NoJaxError
from chainrule.engines.interpreter import InterpreterProgram
from chainrule.engines.lower import lowered
from chainrule.engines.numpy_engine import NumpyProgram
from chainrule.engines.plan import Plan
from chainrule.engines.program import Cache, Program, load
from chainrule.engines.sweep import Arrays, Stepwise, Sweep, Sweeping
from chainrule.errors import MissingExtraError
from chainrule.graph import Aval, Graph


def jax_program(graph: Graph, arrays: Sequence[Any], cache: Cache) -> Program:
    """Return a compiled program; one of the numpy engine, where JAX has no form of it.

    The plan of the latter says why.

    Raises
    ------
    MissingExtraError
        If JAX is not installed.
    """
    if importlib.util.find_spec("jax") is None:
        raise MissingExtraError("jax", "jax")
    try:
        return JaxProgram(graph, arrays, cache)
    except NoJaxError as reason:
        program = NumpyProgram(graph, arrays, cache)
        program.plan = replace(program.plan, note=f"numpy instead of jax: {reason}")
        return program


def jax_sweep(graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> Sweep:
    """Return a sweep that is one program; step by step, where JAX has no form of the step."""
    program = jax_program(graph, arrays, cache)
    if isinstance(program, JaxProgram):
        return JaxSweep(program, sweeping.n_carry)
    return Stepwise(program)


class JaxProgram(Program):
    """A graph as a function that JAX compiles.

    The results are those of the interpreter to rounding. It may run in several threads at once.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        from chainrule.engines import jax_functions

        self.graph = lowered(graph)
        self.plan = Plan(self.graph, {}, 0, "jax")
        emitter = JaxEmitter(self.plan, jax_functions.form_of)
        emitted = emitter.source
        self.source, self.constants = emitted.text, emitted.constants
        fixed = tuple((x.dtype, x.shape, x.tobytes()) for x in map(np.asarray, emitter.fixed))
        key = (self.source, tuple(emitted.ops.values()), repr(emitted.settings), fixed)
        function = cache.get(key)
        if function is None:
            forms = {name: jax_functions.form_of(op) for name, op in emitted.ops.items()}
            ops = SimpleNamespace(inside=jax_functions.inside, finite=jax_functions.finite, **forms)
            names = {"ops": ops, "settings": emitted.settings, "fixed": emitter.fixed}
            cache[key] = function = _jitted(load(self.source, **names))
        self.function = function
        _check(function, self.graph, arrays, self.constants)

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        with exact():
            results, checks = self.function(list(arrays), self.constants)
            if all(map(bool, checks)):
                return [np.array(y)[()] for y in results]
        return self.graph.evaluate(arrays)  # whose error says what is wrong


class JaxSweep:
    """A step run over batches, as one program.

    The carry stays on the device meanwhile. Data is moved there at each call, for its numbers may
    have changed, unless nobody can write to it and it is that of the call before.
    """

    def __init__(self, program: JaxProgram, n_carry: int) -> None:
        self.program: Program = program
        self.constants = program.constants
        self.run = _swept(program.function, n_carry)
        self._moved: list[tuple[Any, Any]] = []

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order."""
        import jax.numpy as jnp  # type: ignore[import-not-found, unused-ignore]

        with exact():
            own = [jnp.array(x, copy=True) for x in carry]  # whose memory is given away
            rows = self._on_device(data)
            state, kept, checks = self.run(own, rows, places, list(each), self.constants)
            if all(map(bool, checks)):
                for old, new in zip([*carry, *outputs], [*state, *kept], strict=True):
                    np.copyto(old, new)
                return
        numpy = Stepwise(InterpreterProgram(self.program.graph, (), {}))
        numpy(carry, data, places, each, outputs)  # whose error, if any, says what is wrong

    def _on_device(self, data: Arrays) -> list[Any]:
        import jax.numpy as jnp  # type: ignore[import-not-found, unused-ignore]

        before = {id(x): (x, moved) for x, moved in self._moved}
        frozen = {id(x): before.get(id(x)) or (x, jnp.asarray(x)) for x in data if _frozen(x)}
        self._moved = list(frozen.values())
        return [frozen[id(x)][1] if id(x) in frozen else x for x in data]


def _frozen(x: Any) -> bool:
    """Return whether nobody can write to an array, nor to one that it is a view of."""
    while isinstance(x, np.ndarray):
        if x.flags.writeable:
            return False
        x = x.base
    return True


@contextmanager
def exact() -> Iterator[None]:
    """Let JAX compute in NumPy's dtypes and in full precision, here and in no other place."""
    import jax  # type: ignore[import-not-found, unused-ignore]
    from jax import experimental  # type: ignore[import-not-found, unused-ignore]

    home: Any = jax if hasattr(jax, "enable_x64") else experimental  # before JAX 0.8
    with home.enable_x64(True), jax.default_matmul_precision("highest"), np.errstate(all="ignore"):
        yield


def _jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    import jax  # type: ignore[import-not-found, unused-ignore]

    compiled: Callable[..., Any] = jax.jit(function)
    return compiled


def _swept(function: Callable[..., Any], n_carry: int) -> Callable[..., Any]:
    """Return a program's sweep: carry, outputs, and whether each check held in all steps."""
    import jax  # type: ignore[import-not-found, unused-ignore]

    def sweep(carry: Any, data: Any, places: Any, each: Any, constants: Any) -> Any:
        def step(carry: Any, now: Any) -> Any:
            rows, moments = now
            results, checks = function([*carry, *(x[rows] for x in data), *moments], constants)
            return list(results[:n_carry]), (results[n_carry:], checks)

        carry, (outputs, checks) = jax.lax.scan(step, carry, (places, each))
        return carry, outputs, [x.all() for x in checks]

    compiled: Callable[..., Any] = jax.jit(sweep, donate_argnums=0)
    return compiled


def _check(function: Any, graph: Graph, arrays: Sequence[Any], constants: list[Any]) -> None:
    """Raise unless JAX can trace a program, and its results are of the shapes and dtypes meant."""
    import jax  # type: ignore[import-not-found, unused-ignore]

    with exact():
        try:
            results, _ = jax.eval_shape(function, list(arrays), constants)
        except (TypeError, ValueError, IndexError, NotImplementedError) as error:
            raise NoJaxError(str(error).partition("\n")[0]) from error
    for y, meant in zip(results, graph.outputs, strict=True):
        if Aval(y.shape, y.dtype) != meant.aval:
            raise NoJaxError(f"a result is {Aval(y.shape, y.dtype)} and not {meant.aval}")
