"""Training: the fit loop, its history, checkpoints and callbacks, and metrics."""

from chainrule.errors import Interrupted
from chainrule.training import metrics
from chainrule.training.callbacks import Callback, State
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import Best, EarlyStopping
from chainrule.training.evaluate import evaluate, hidden_outputs, predict, update_bn
from chainrule.training.find_lr import RateTest, find_lr
from chainrule.training.history import History, Record
from chainrule.training.loop import fit
from chainrule.training.nonfinite import NonFiniteReport
from chainrule.training.rows import Rows, checked_rows
from chainrule.training.search_lr import RateSearch, RateTrial, search_lr
from chainrule.training.step import Gradients, Step
from chainrule.training.weights import class_weights, row_weights

__all__ = [
    "Best",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
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
