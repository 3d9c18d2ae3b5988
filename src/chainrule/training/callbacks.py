"""What training shows to callbacks, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.nn import Module, load_parameters, named_parameters
from chainrule.optim import FullBatch, Optimizer
from chainrule.optim.optimizer import State as OptimizerState
from chainrule.training.early_stopping import Best
from chainrule.training.history import History


@dataclass
class Totals:
    """Sums over the steps of an epoch that is under way, and the last one's learning rate."""

    loss: float = 0.0
    weight: float = 0.0
    gradient_norm: float = 0.0
    seconds: float = 0.0
    lr: float = 0.0


@dataclass
class State:
    """Where training stands; callbacks read it and change nothing.

    Attributes
    ----------
    model : Module
        The network in training. Its arrays are updated in place: copy what is to be kept.
    optimizer : Optimizer or FullBatch
    optimizer_state : dict
        See `chainrule.optim.Optimizer.init`.
    epochs, steps_per_epoch : int
        What is planned.
    epoch : int
        Epochs completed.
    batch : int
        Batches done of the epoch under way.
    step : int
        Steps taken in all.
    loss, gradient_norm, lr : float
        Of the last step.
    history : History
    best : Best or None
        With early stopping, the best epoch so far.
    totals : Totals
        Of the epoch under way.
    """

    model: Module
    optimizer: Optimizer | FullBatch
    optimizer_state: OptimizerState
    epochs: int
    steps_per_epoch: int
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = float("nan")
    gradient_norm: float = float("nan")
    lr: float = float("nan")
    history: History = field(default_factory=History)
    best: Best | None = None
    totals: Totals = field(default_factory=Totals)

    @property
    def result(self) -> Module:
        """The network to predict with: that in training, or what its optimizer makes of it.

        Of averaged weights its parameters are the averages; its buffers are those in training. Its
        arrays are updated in place as well.
        """
        if isinstance(self.optimizer, FullBatch):
            return self.model
        slots, known = self.optimizer_state["slots"], named_parameters(self.model)
        found = {name: self.optimizer.result(p, slots[name]) for name, p in known.items()}
        if all(found[name] is p for name, p in known.items()):
            return self.model
        return load_parameters(self.model, found)


class Callback:
    """Base of what is called while training runs; override what is needed.

    Examples
    --------
    >>> class GoodEnough(Callback):
    ...     def on_epoch_end(self, state):
    ...         return state.history[-1].loss < 0.01
    """

    def on_start(self, state: State) -> None:
        """Before the first step, also of a resumed run."""

    def on_step_end(self, state: State) -> None:
        """After each update of the parameters; where this is overridden, steps are run singly."""

    def on_progress(self, state: State) -> None:
        """After some steps, of an epoch that takes long several times a second.

        Rows of a table may wait for updates then, if the optimizer has ``lazy="exact"``; everywhere
        else they are up to date.
        """

    def on_epoch_end(self, state: State) -> bool | None:
        """After each epoch, its record in ``state.history[-1]``; return True to stop.

        Ctrl-C waits until it returns, so that a resumed run lacks nothing; a second does not.
        """

    def on_end(self, state: State) -> None:
        """When training ends, in whatever way: done, stopped, interrupted or failed."""
