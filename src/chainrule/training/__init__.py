"""Training: the fit loop, its history, checkpoints and callbacks, and metrics.

What training itself does not need is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.errors import Interrupted
from chainrule.lazy import lazily
from chainrule.training import metrics
from chainrule.training.callbacks import Callback, State
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import Best, EarlyStopping
from chainrule.training.evaluate import evaluate, predict, update_bn
from chainrule.training.exhibit import Exhibit
from chainrule.training.history import History, Record
from chainrule.training.loop import fit
from chainrule.training.rows import Rows, checked_rows
from chainrule.training.step import Gradients, Step
from chainrule.training.weights import class_weights, row_weights

if TYPE_CHECKING:
    from chainrule.training.hidden import hidden_outputs
    from chainrule.training.nonfinite import NonFiniteReport
    from chainrule.training.range_test import RateTest, find_lr
    from chainrule.training.rate_search import RateSearch, RateTrial, search_lr

_HOME = {
    "NonFiniteReport": "nonfinite",
    "RateTest": "range_test", "find_lr": "range_test",
    "RateSearch": "rate_search", "RateTrial": "rate_search", "search_lr": "rate_search",
    "hidden_outputs": "hidden",
}  # fmt: skip

__all__ = [
    "Best",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Exhibit",
    "Gradients",
    "History",
    "Interrupted",
    "NonFiniteReport",
    "RateSearch",
    "RateTest",
    "RateTrial",
    "Record",
    "Rows",
    "State",
    "Step",
    "checked_rows",
    "class_weights",
    "evaluate",
    "find_lr",
    "fit",
    "hidden_outputs",
    "metrics",
    "predict",
    "row_weights",
    "search_lr",
    "update_bn",
]

__getattr__ = lazily(__name__, _HOME)
