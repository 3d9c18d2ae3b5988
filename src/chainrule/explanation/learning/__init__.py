"""Learning by doing: worksheets, marks, and checks of hand-written backpropagation."""

from chainrule.explanation.learning.backward_check import BackwardCheck, check_my_backward
from chainrule.explanation.learning.exercise import Exercise, exercise
from chainrule.explanation.learning.grading import Marks, grade
from chainrule.explanation.learning.marks import Mark
from chainrule.explanation.learning.spreadsheet import spreadsheet
from chainrule.explanation.learning.worksheet import Item

__all__ = [
    "BackwardCheck",
    "Exercise",
    "Item",
    "Mark",
    "Marks",
    "check_my_backward",
    "exercise",
    "grade",
    "spreadsheet",
]
