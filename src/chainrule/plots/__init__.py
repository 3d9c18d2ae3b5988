"""Plots of data, networks and training: with matplotlib in axes, or as text in a terminal.

Each is a function that takes axes (``ax=``, or ``axes=`` where there are several panels), draws in
them alone and returns them; ``plots.NAME.text(...)`` writes the same numbers as text and
``plots.NAME.data(...)`` returns them. Pictures need ``pip install 'chainrule[plot]'``, text needs
nothing.
"""

from chainrule.plots.course import gradient_flow, learning_curves, rate_finder
from chainrule.plots.functions import activations
from chainrule.plots.images import reconstructions, weights
from chainrule.plots.judgement import calibration, confusion_matrix
from chainrule.plots.panel import Axis, Line, Panel, Points, Rule, Shades
from chainrule.plots.plot import PLOTS, Plot
from chainrule.plots.spaces import decision_regions, hidden_space, hidden_units
from chainrule.plots.surface import loss_surface

__all__ = [
    "PLOTS",
    "Axis",
    "Line",
    "Panel",
    "Plot",
    "Points",
    "Rule",
    "Shades",
    "activations",
    "calibration",
    "confusion_matrix",
    "decision_regions",
    "gradient_flow",
    "hidden_space",
    "hidden_units",
    "learning_curves",
    "loss_surface",
    "rate_finder",
    "reconstructions",
    "weights",
]
