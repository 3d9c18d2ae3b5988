"""Bad data are refused by row and column; one row, many classes and strange names are drawn."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from plot_cases import AUTOENCODER, IMAGES, NETWORK, SEARCH, X, Y

from chainrule import nn, plots
from chainrule.errors import ArgumentError, ChainruleError, DataError, ShapeError
from chainrule.training import History, Record

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

RNG = np.random.default_rng(2)


def with_nan(array):
    broken = np.array(array, np.float64)
    broken[3, 1] = np.nan
    return broken


REFUSED = {
    "regions": (plots.decision_regions, (NETWORK, with_nan(X), Y), "nan at row 3, column x1"),
    "units": (plots.hidden_units, (NETWORK, with_nan(X)), "nan at row 3, column x1"),
    "space": (plots.hidden_space, (NETWORK, with_nan(X)), "nan at row 3, column x1"),
    "pictures": (plots.reconstructions, (AUTOENCODER, with_nan(IMAGES)), "nan at row 3"),
    "label": (plots.hidden_space, (NETWORK, X[:2], [1.0, np.nan]), "y holds nan at row 1"),
    "probability": (plots.calibration, ([0, 1], [0.5, np.nan]), "nan at row 1"),
    "too probable": (plots.calibration, ([0, 1], [0.5, 1.5]), "1.5 at row 1"),
    "predicted": (plots.confusion_matrix, ([0, 1], [0, np.inf]), "y_pred holds inf at row 1"),
    "lengths": (plots.confusion_matrix, ([0, 1], [0]), "2 rows and y_pred 1"),
    "kinds": (plots.confusion_matrix, ([0, 1], ["0", "1"]), "labels of one kind"),
    "names": (plots.decision_regions, (NETWORK, X[:3], ["a", "b", "c"]), "names 3 classes"),
    "no rows": (plots.confusion_matrix, ([], []), r"shape \(0,\)"),
    "labels": (plots.decision_regions, (NETWORK, X, Y[:5]), "X has 60 rows and y 5"),
    "one column": (plots.decision_regions, (nn.Linear(1, 1, rng=0), X[:, :1]), "two columns"),
    "no model": (plots.decision_regions, ("net", X), "not str"),
    "no network": (plots.weights, (object(),), "not object"),
    "no square": (plots.weights, (nn.Linear(6, 2, rng=0),), r"shape=\(height, width\)"),
    "text": (plots.hidden_space, (NETWORK, [["a", "b"]]), "must hold numbers"),
    "no history": (plots.learning_curves, ([1, 2],), "not known"),
    "no search": (plots.rate_finder, (SimpleNamespace(lrs=[1]),), "has no losses"),
    "rates": (plots.rate_finder, (SimpleNamespace(**{**vars(SEARCH), "lrs": [0, 1, 2, 3]}),),
              "must be positive"),
    "no loss": (plots.gradient_flow, (NETWORK, X, Y, "crossentropy"), "there is no loss"),
    "misfit": (plots.gradient_flow, (NETWORK, X[:, :1], Y, "cross_entropy"), "no backward pass"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_refused(case):
    plot, args, message = REFUSED[case]
    with pytest.raises(ChainruleError, match=message) as raised:
        plot(*args)
    assert isinstance(raised.value, (ArgumentError, DataError, ShapeError))
    with pytest.raises(ChainruleError, match=message):
        plot.text(*args)


def test_other_arguments_are_checked():
    for plot, args, options in (
        (plots.decision_regions, (NETWORK, X), {"places": 1}),
        (plots.decision_regions, (NETWORK, X), {"columns": (0, 7)}),
        (plots.decision_regions, (NETWORK, X), {"columns": (0, 0)}),
        (plots.decision_regions, (NETWORK, X), {"columns": ("a", "b")}),
        (plots.hidden_units, (NETWORK, X), {"most": 0}),
        (plots.loss_surface, (NETWORK, X, Y, "cross_entropy"), {"span": -1.0}),
        (plots.loss_surface, (NETWORK, X, Y, "cross_entropy"), {"seed": -1}),
        (plots.calibration, ([0, 1], [0.1, 0.2]), {"bins": 0}),
        (plots.activations, ("relu",), {"low": 2.0, "high": 1.0}),
        (plots.confusion_matrix, ([0, 1], [0, 1]), {"names": ["a"]}),
        (plots.weights, (AUTOENCODER,), {"layer": "7"}),
        (plots.weights, (AUTOENCODER,), {"shape": (3, 5)}),
    ):
        with pytest.raises((ArgumentError, ShapeError)):
            plot(*args, **options)


class Nearest:
    """A classifier of k classes."""

    def __init__(self, names):
        self.classes_ = np.unique(names)
        self.centres = np.random.default_rng(0).normal(size=(len(self.classes_), 2))

    def predict(self, rows):
        apart = ((np.asarray(rows)[:, None] - self.centres) ** 2).sum(-1)
        return self.classes_[apart.argmin(1)]


STRANGE = [
    "$x_", "\\frac{", "a\nb", "\x1b[31mred", "_hidden", "<b>bold</b>", "%", "long " * 40, "{}",
]  # fmt: skip
FIFTY = RNG.integers(0, 50, 1000)
PLANE = RNG.normal(size=(1000, 2))
STRANGE_LABELS = np.array(STRANGE)[FIFTY % len(STRANGE)]
ONE = History((Record(1, 0.5, 0.1, 1.0, 0.1),))
GAPS = History(tuple(Record(i + 1, v, 0.1, 1.0, 0.1) for i, v in enumerate([9, np.nan, 0.1, 5])))
CONSTANT = np.column_stack([np.ones(20), np.arange(20.0)])
DRAWN = {
    "50 classes": (plots.confusion_matrix, (FIFTY, FIFTY[::-1]), {}),
    "strange names": (plots.confusion_matrix, (STRANGE_LABELS, STRANGE_LABELS), {}),
    "one class": (plots.confusion_matrix, (["a"], ["a"]), {}),
    "absent class": (plots.confusion_matrix, ([0, 1], [0, 1]), {"classes": [0, 1, 2]}),
    "50 regions": (plots.decision_regions, (Nearest(FIFTY), PLANE, FIFTY), {}),
    "strange regions": (plots.decision_regions, (Nearest(STRANGE), PLANE, STRANGE_LABELS), {}),
    "one region": (plots.decision_regions, (Nearest(["a"]), PLANE[:1], ["a"]), {}),
    "constant column": (plots.decision_regions, (NETWORK, CONSTANT), {}),
    "huge numbers": (plots.decision_regions, (NETWORK, X * 1e30), {}),
    "50 in space": (plots.hidden_space, (NETWORK, PLANE, FIFTY), {}),
    "one row in space": (plots.hidden_space, (NETWORK, PLANE[:1]), {}),
    "one epoch": (plots.learning_curves, (ONE,), {}),
    "epochs that failed": (plots.learning_curves, (GAPS,), {}),
    "one rate": (plots.rate_finder, (SimpleNamespace(
        lrs=[0.1], losses=[1.0], smoothed=[1.0], suggestion=None),), {}),
    "losses that fly": (plots.rate_finder, (SimpleNamespace(
        lrs=[0.1, 1, 9], losses=[1, 1e9, np.nan], smoothed=[1, 1, np.inf], suggestion=0.1),), {}),
    "no gradient": (plots.gradient_flow, (nn.Sequential(
        nn.load_parameters(nn.Linear(2, 3, rng=0), {"weight": np.zeros((3, 2)),
                                                    "bias": -np.ones(3)}),
        "relu", nn.Linear(3, 2, rng=1)), X, Y, "cross_entropy"), {}),
    "far away": (plots.loss_surface, (NETWORK, X, Y, "cross_entropy"), {"span": 1e6, "points": 5}),
    "zero weights": (plots.weights, (nn.load_parameters(
        nn.Linear(4, 3, rng=0), {"weight": np.zeros((3, 4)), "bias": np.zeros(3)}),), {}),
    "flat pictures": (plots.reconstructions, (lambda x: x, np.ones((1, 9))), {}),
    "strange models": (plots.reconstructions, ({n: lambda x: 0 * x for n in STRANGE}, IMAGES), {}),
    "one bin": (plots.calibration, ([1], [0.3]), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", DRAWN)
@pytest.mark.parametrize("size", [(6.4, 4.4), (2.4, 1.8)], ids=["large", "small"])
def test_it_is_drawn_without_a_warning(case, size):
    plot, args, options = DRAWN[case]
    figure = Figure(figsize=size, layout="constrained")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot(*args, **options, ax=figure.add_subplot())
        FigureCanvasAgg(figure).draw()


@pytest.mark.parametrize("case", DRAWN)
def test_text_obeys_no_name_and_stays_narrow(case):
    plot, args, options = DRAWN[case]
    text = plot.text(*args, **options)
    assert "\x1b" not in text
    assert max(map(len, text.split("\n"))) <= 100


def test_names_of_columns_are_text():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PLANE[:9], columns=["$\\frac{\n", "\x1b[2J\n"])
    text = plots.decision_regions.text(Nearest(["a", "b"]), frame)
    assert "\\x1b[2J\\n\n" in text
    ax = plots.decision_regions(Nearest(["a", "b"]), frame)
    FigureCanvasAgg(ax.figure).draw()
    assert "\n" not in ax.get_xlabel() + ax.get_ylabel()


def test_all_of_many_classes_have_a_row_in_text():
    lines = plots.confusion_matrix.text(FIFTY, FIFTY).split("\n")
    assert all(any(line.startswith(f"{c:>2} |") for line in lines) for c in range(50))


def test_names_are_no_mathematics():
    names = ["$\\alpha$", "b"]
    ax = plots.confusion_matrix([0, 1], [0, 1], names=names)
    labels = ax.get_xticklabels() + ax.get_yticklabels()
    assert {label.get_text() for label in labels} == set(names)
    assert not any(label.get_parse_math() or label.get_usetex() for label in labels)
