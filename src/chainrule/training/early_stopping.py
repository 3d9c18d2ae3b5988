"""Ending training when it no longer helps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.constraints import COUNT, NON_NEGATIVE, OneOf, check
from chainrule.nn import Module
from chainrule.training.history import Record


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a number has not improved for some epochs.

    Prechelt, "Early stopping - but when?" (1998), criterion UP.

    Parameters
    ----------
    patience : int >= 1
        Epochs without improvement after which training ends.
    min_delta : float >= 0
        A smaller change does not count as an improvement.
    monitor : str
        ``"validation_loss"``, ``"loss"`` or the name of a metric.
    mode : {"min", "max"}
        Whether smaller or larger is better.
    restore_best : bool
        Return the network as it was after its best epoch, not after the last.

    Raises
    ------
    ArgumentError
        Naming the argument and what is allowed.

    Examples
    --------
    >>> EarlyStopping(patience=5, monitor="accuracy", mode="max").improves(0.9, over=0.8)
    True
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "validation_loss"
    mode: str = "min"
    restore_best: bool = True

    allowed: ClassVar[dict[str, Any]] = {
        "patience": COUNT,
        "min_delta": NON_NEGATIVE,
        "mode": OneOf(("min", "max")),
        "restore_best": OneOf((True, False)),
    }

    def __post_init__(self) -> None:
        check("EarlyStopping", self.allowed, vars(self))

    def value(self, record: Record) -> float:
        """Return the monitored number of an epoch; NaN, which never improves, if it has none."""
        value = record.measured(self.monitor)
        return math.nan if value is None else value

    def improves(self, value: float, over: float) -> bool:
        """Return whether a value is better than another by more than `min_delta`."""
        gain = over - value if self.mode == "min" else value - over
        return gain > self.min_delta or (math.isnan(over) and not math.isnan(value))


@dataclass(frozen=True)
class Best:
    """The best epoch so far.

    Attributes
    ----------
    value : float
        Of what is monitored.
    epoch : int
        Counted from 1.
    model : Module
        The network as it was then.
    """

    value: float
    epoch: int
    model: Module
