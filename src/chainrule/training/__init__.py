"""Training: the fit loop, its history, checkpoints and callbacks, and metrics."""

from chainrule.errors import Interrupted
from chainrule.training import metrics
from chainrule.training.callbacks import Callback, State
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import Best, EarlyStopping
from chainrule.training.evaluate import evaluate, hidden_outputs, predict, update_bn
from chainrule.training.history import History, Record
from chainrule.training.loop import fit
from chainrule.training.nonfinite import NonFiniteReport
from chainrule.training.rows import Rows, checked_rows
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
    "Record",
    "Rows",
    "State",
    "Step",
    "checked_rows",
    "class_weights",
    "evaluate",
    "fit",
    "hidden_outputs",
    "metrics",
    "predict",
    "update_bn",
    "row_weights",
]
