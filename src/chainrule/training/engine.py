"""How training takes steps: one by one on arrays, or many as one program."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.engines import auto, scan
from chainrule.errors import UnsupportedError
from chainrule.graph import Array, Aval, Graph, trace
from chainrule.graph.tree import map_leaves
from chainrule.nn import load_buffers, named_buffers, named_modules, named_parameters
from chainrule.optim import FullBatch
from chainrule.training.arrears import Arrears
from chainrule.training.callbacks import State
from chainrule.training.interrupts import Interrupts
from chainrule.training.plan import Plan
from chainrule.training.rows import SMALL, Rows
from chainrule.training.step import Carry, Gradients, Group, Step, Taken, norm
from chainrule.training.whole import Whole


class Engine(Protocol):
    """Takes steps of training.

    Attributes
    ----------
    name : str
    why : str
        Why this engine.
    at_once : int
        How many steps to ask for: together they take a fraction of a second, if not one alone
        takes longer.
    arrears : Arrears
        Rows that are not up to date between steps.
    """

    name: str
    why: str
    at_once: int
    arrears: Arrears

    def take(self, state: State, places: Array, rates: Sequence[float]) -> Taken:
        """Take one step for each learning rate, and change the arrays of the state in place.

        It may take fewer steps than asked for, but one at least.

        Raises
        ------
        NonFiniteError
            If the loss or a gradient of the first step is not finite.
        """


class Eager:
    """Steps on arrays, one by one: all that Python can do may happen in them."""

    name = "eager"
    at_once = 1

    def __init__(self, plan: Plan, rows: Rows, interrupts: Interrupts, why: str) -> None:
        self.plan, self.rows, self.interrupts, self.why = plan, rows, interrupts, why
        self.step = Step(plan.loss, plan.optimizer, plan.practice, plan.batch_size, plan.seed)
        self.arrears = Arrears(plan, self.step)

    def find_tables(self, state: State) -> None:
        """Find the parameters of which rows are updated alone, and open their books."""
        batch, lazy = self.rows.take(slice(0, self.plan.batch_size)), self.step.optimizer.lazy
        self.step.tables = self.step.tables_of(state.model, batch, self.step.run(state.step))
        if lazy == "exact":
            self.arrears = Arrears(self.plan, self.step, self.step.tables)
            self.arrears.open(state)

    def told(self, why: str) -> str:
        """Return why this engine, and what is updated by rows."""
        if self.step.tables:
            names = ", ".join(sorted(self.step.tables))
            return f"{why}; updated by the rows that a step looks up: {names}"
        if self.plan.practice.accumulate > 1:
            return f"{why}; sums over several batches are of whole parameters, which are updated so"
        return f"{why}; no parameter is read through row look-ups alone, so all are updated whole"

    def take(self, state: State, places: Array, rates: Sequence[float]) -> Taken:
        """Take the first of the steps."""
        found = self._gradients(state, places[: self.plan.rows_a_step])
        with np.errstate(all="ignore"):
            self._update(state, found, rates[0])
        return Taken([float(found.loss)], [float(found.norm)], rates[:1])

    def graph(self, state: State) -> Graph:
        """Return the graph of a step; see `chainrule.graph.trace`."""
        n_batches = self.plan.practice.accumulate
        batch = self.rows.take(slice(0, self.plan.batch_size))
        carry = Carry.of(state.model, state.optimizer_state, self.plan.seed, n_batches)
        rows = batch.X, batch.y, batch.weight
        closes = (np.array(True),) if n_batches > 1 else ()
        with np.errstate(all="ignore"):
            return trace(lambda *args: self.step.recorded(state.model, *args))(
                carry, rows, np.float64(self.step.optimizer.lr), *closes
            )

    def traced(self, state: State, name: str, graph: Graph) -> Traced:
        """Return what runs steps as programs of an engine."""
        return Traced(self, state, name, graph)

    def _gradients(self, state: State, places: Array) -> Gradients:
        """Return what the batches of a step give."""
        size, model = self.plan.batch_size, state.model
        group = Group.before(model) if self.plan.practice.accumulate > 1 else None
        for i, start in enumerate(range(0, len(places), size)):
            own = places[start : start + size]
            batch, run = self.rows.take(own), self.step.run(state.step, i)
            self._bring_up(state, batch, i)
            with self.interrupts.allowed():
                found = self._finite(self.step.gradients(model, batch, run), state, own, i)
            if group is not None:
                with np.errstate(all="ignore"):
                    group = group.plus(found, self.step.share(batch))
                    mean = group.mean()
                model = load_buffers(model, found.buffers)
        return found if group is None else self._finite(mean, state, own, i)

    def _finite(self, found: Gradients, state: State, places: Array, batch: int) -> Gradients:
        """Return what a batch gave, or say where the number that is not finite came from."""
        if not found.finite:
            with np.errstate(all="ignore"):
                wide = norm(g.astype(np.float64) for g in found.arrays.values())
            found = found._replace(norm=wide)
        if not found.finite:
            folder = self.plan.checkpoint.folder if self.plan.checkpoint else None
            from chainrule.training.nonfinite import refuse  # seldom needed

            refuse(self.step, state, self.rows, places, found, batch, folder)
        return found

    def _bring_up(self, state: State, batch: Rows, number: int) -> None:
        """Bring up to date the rows that a batch reads, which may depend on what they hold."""
        late = bool(self.arrears.tables)
        while late:
            with self.interrupts.allowed():
                read = self.step.rows_read(state.model, batch, self.step.run(state.step, number))
            late = self.arrears.pay(state, read)

    def _update(self, state: State, found: Gradients, lr: float) -> None:
        parameters, slots = named_parameters(state.model), state.optimizer_state["slots"]
        updates = self.step.updates(state.model, state.optimizer_state, found, lr)
        for name, places, new, after in updates:
            rows = ... if places is None else places
            parameters[name][rows] = new
            for slot, old in slots[name].items():
                old[rows if old.ndim else ...] = after[slot]
            del new, after
        for name, buffer in named_buffers(state.model).items():
            np.copyto(buffer, found.buffers[name])


class Traced:
    """Steps as one program, which stops changing anything at the first that is not finite.

    That one is left to the eager engine, which says where the number came from.
    """

    def __init__(self, eager: Eager, state: State, name: str, graph: Graph) -> None:
        self.eager, self.name, self.why = eager, name, eager.why
        self.arrears = eager.arrears
        self.model = map_leaves(lambda p: Aval.of(p).example(), state.model)  # holds no numbers
        self.scan = scan(self._step, name)
        self._arrays: tuple[Any, Carry] | None = None  # a network, and its arrays by name
        rows, size, n_batches = eager.rows, eager.plan.rows_a_step, eager.plan.practice.accumulate
        self.at_once = max(1, int(_CHUNK / (n_batches * auto.step_seconds(graph, name))))
        if not rows.converted:
            self.at_once = max(1, min(self.at_once, SMALL // rows.take(slice(0, size)).nbytes))
        self._rehearse(state)
        if self.scan.latest.plan.note:
            self.why += f"; {self.scan.latest.plan.note}"

    def _rehearse(self, state: State) -> None:
        """Make the programs, for batches of full size and for the last, by steps that go nowhere.

        Afterwards nothing is left that takes long and could be interrupted halfway. Of rows that
        are batched with those like them, the longest come last.
        """
        n, size = len(self.eager.rows), self.eager.plan.batch_size
        last = n % size if n > size else 0
        kinds = self.eager.rows.kinds()
        for kind in kinds:
            places = np.resize(kind, min(n, size) + (last if kind is kinds[-1] else 0))
            carry, *others = self._arguments(state, places, [0.0, 0.0])
            self.scan(carry._replace(going=np.array(False)), *others, in_place=True)

    def _step(self, carry: Carry, rows: Any, each: Any) -> Any:
        return self.eager.step.recorded(self.model, carry, rows, *each)

    def take(self, state: State, places: Array, rates: Sequence[float]) -> Taken:
        """Take steps as far as they are finite."""
        carry, *others = self._arguments(state, places, rates)
        _, (losses, norms) = self.scan(carry, *others, in_place=True)
        done = int(carry.step) - state.step
        if not done:
            return self.eager.take(state, places, rates)
        ends = self._ends(len(losses))[:done]
        return Taken(losses[ends].tolist(), norms[ends].tolist(), rates[:done])

    def _ends(self, n_batches: int) -> Array:
        """Return which of so many batches are the last of their step."""
        every = self.eager.plan.practice.accumulate
        return np.append(np.arange(every - 1, n_batches - 1, every), n_batches - 1)

    def _arguments(self, state: State, places: Array, rates: Sequence[float]) -> tuple[Any, ...]:
        if self._arrays is None or self._arrays[0] is not state.model:
            self._arrays = (
                state.model,
                Carry.of(state.model, state.optimizer_state, self.eager.plan.seed),
            )
        carry = self._arrays[1]._replace(step=np.array(state.step), going=np.array(True))
        rows, order = self.eager.rows.gathered(places)
        data, size = (rows.X, rows.y, rows.weight), self.eager.plan.batch_size
        every, n_batches = self.eager.plan.practice.accumulate, -(-len(places) // size)
        each: tuple[Any, ...] = (np.repeat(rates, every)[:n_batches],)
        if every > 1:
            carry = carry._replace(group=Group.before(state.model))
            each = *each, np.isin(np.arange(n_batches), self._ends(n_batches))
        return carry, data, order, size, each


_FEW = 10  # steps, which a trace takes as long as
_ASKED = "as was asked for"
_CHUNK = 0.2  # seconds of steps that are taken at once, by the estimate of `auto`


def engine_for(plan: Plan, rows: Rows, state: State, interrupts: Interrupts) -> Engine:
    """Return the engine of a plan; for "auto" what pays, and eager if nothing else can.

    Raises
    ------
    UnsupportedError
        If an engine other than "auto" is asked to run what cannot be traced.
    """
    if isinstance(plan.optimizer, FullBatch):
        return _resolved(Whole(plan, rows, interrupts, _ASKED), plan, state)
    eager = Eager(plan, rows, interrupts, _ASKED)
    if not plan.optimizer.lazy:
        return _resolved(eager, plan, state)
    try:
        eager.find_tables(state)
    except Exception:  # what is wrong is raised by the first step
        return eager
    engine = _resolved(eager, plan, state)
    engine.why = eager.told(engine.why)
    return engine


def _resolved(eager: Eager | Whole, plan: Plan, state: State) -> Engine:
    n_steps = plan.epochs * state.steps_per_epoch * plan.practice.accumulate
    name = plan.engine
    if name == "eager" or not n_steps:
        return eager
    if name == "auto" and n_steps < _FEW:
        eager.why = f"{n_steps} steps are done before a trace of one would be"
        return eager
    try:
        graph = _graph(eager, state)
        if name == "auto":
            name, eager.why, advice = auto.choose(graph, n_steps)
            if advice:
                warnings.warn(advice, stacklevel=5)
        return eager if name == "eager" else eager.traced(state, name, graph)
    except Exception as error:  # what is wrong without a trace too is raised by the first step
        if plan.engine != "auto":
            raise
        eager.why = f"a step cannot be traced: {error}"
        return eager


def _graph(eager: Eager | Whole, state: State) -> Graph:
    """Return the graph of a step; raise if the next step would have another."""
    graph = eager.graph(state)
    ours = [*(m for _, m in named_modules(state.model)), *eager.plan.optimizer.nested()]
    if all(_is_ours(x) for x in map(type, ours)) and _is_ours(eager.plan.loss):
        return graph
    if eager.graph(state).fingerprint() != graph.fingerprint():
        raise UnsupportedError(
            "the network, the loss or the optimizer computes something else at every step, such "
            "as with numbers drawn by np.random: draw them from the run (see nn.Run), or train "
            'with engine="eager"'
        )
    return graph


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("chainrule.")
