"""Models of tables: networks with all that they need to read rows and to say what they found."""

from chainrule.models.baselines import ConstantModel, linear_model
from chainrule.models.settings import Settings
from chainrule.models.table import TableModel
from chainrule.models.trial import Result, Trial

__all__ = [
    "ConstantModel",
    "Result",
    "Settings",
    "TableModel",
    "Trial",
    "linear_model",
]
