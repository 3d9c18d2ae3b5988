"""The numbers behind each plot are right: against definitions, differences and scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from plot_cases import HISTORY, NETWORK, X, Y

import chainrule as cr
from chainrule import nn, plots
from chainrule.errors import ArgumentError
from chainrule.estimators import MLPRegressor
from chainrule.training import History, Record

RNG = np.random.default_rng(1)


class Plain(nn.Module):
    """A network in plain NumPy, without activation modules."""

    def __init__(self):
        self.W1, self.b1 = RNG.normal(size=(3, 2)), RNG.normal(size=3)
        self.W2 = RNG.normal(size=(2, 3))

    def forward(self, x):
        return np.tanh(x @ self.W1.T + self.b1) @ self.W2.T


class Sum:
    """A classifier of data frames that keeps what it was asked."""

    classes_ = np.array(["no", "yes"])

    def predict(self, frame):
        self.seen = frame
        return np.where(frame["a"] + frame["c"] > 0, "yes", "no")


def hidden(network, x):
    first = nn.named_parameters(network)
    return np.tanh(x @ first["0.weight"].T + first["0.bias"])


def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, chainrule.plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_activations_are_all_there_with_the_slope_of_their_values():
    panels = plots.activations.data()
    assert [panel.title for panel in panels] == list(nn.ACTIVATIONS)
    for panel in panels:
        value, *slopes = panel.marks
        if panel.title == "binary_step":
            assert not slopes
            assert panel.notes == ["no derivative to train by"]
            continue
        (slope,) = slopes
        below, here, above = (
            nn.ACTIVATIONS[panel.title](np.stack([value.x + h, 0 * value.x], axis=1))[:, 0]
            for h in (-1e-6, 0.0, 1e-6)
        )
        np.testing.assert_array_equal(value.y, here)
        smooth = np.abs(above - 2 * here + below) < 1e-9  # not so at kinks
        assert smooth.mean() > 0.99
        np.testing.assert_allclose(slope.y[smooth], ((above - below) / 2e-6)[smooth], atol=1e-6)
    assert sum(panel.legend for panel in panels) == 1


def test_a_function_of_rows_is_shown_by_its_first_output():
    (panel,) = plots.activations.data("softmax")
    np.testing.assert_allclose(panel.marks[0].y, 1 / (1 + np.exp(-panel.marks[0].x)))
    (own,) = plots.activations.data(lambda x: x**2, low=-1, high=1)
    np.testing.assert_allclose(own.marks[1].y, 2 * own.marks[1].x)
    with pytest.raises(ArgumentError, match="no function 'relo'"):
        plots.activations.data("relo")


def test_a_jump_is_a_gap_in_the_line():
    (panel,) = plots.activations.data("relu")
    value, slope = panel.marks
    assert not np.isnan(value.drawn()[1]).any()
    assert np.isnan(slope.drawn()[1]).sum() == 1


def test_confusions_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    names = np.array(["b", "a", "ć", "d"])
    y_true, y_pred = names[RNG.integers(0, 4, 200)], names[RNG.integers(0, 4, 200)]
    for classes in (None, ["d", "a", "b", "ć"], ["a", "d"]):
        panel = plots.confusion_matrix.data(y_true, y_pred, classes=classes)
        counts = metrics.confusion_matrix(y_true, y_pred, labels=classes)
        shown = [[int(cell) for cell in row[1:-1]] for row in panel.table.rows]
        assert shown == counts.tolist()
        rates = counts / counts.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(panel.marks[0].values, rates)
        assert panel.marks[0].words[0][0].startswith(f"{counts[0, 0]}\n")
    many = RNG.integers(0, 30, (2, 500))
    counts = metrics.confusion_matrix(*many)
    worst = plots.confusion_matrix.data(*many).table.rows[0]
    off = counts - np.diag(np.diag(counts))
    assert int(worst[2]) == off.max() == counts[int(worst[0]), int(worst[1])]


def test_calibration_is_that_of_scikit_learn():
    calibration = pytest.importorskip("sklearn.calibration")
    p = np.concatenate([RNG.random(300), np.linspace(0, 1, 21)])
    y = (RNG.random(len(p)) < p).astype(int)
    for bins in (1, 5, 10, 17):
        shown = plots.calibration.data(y, p, bins=bins).marks[1]
        right, mean = calibration.calibration_curve(y, p, n_bins=bins)
        np.testing.assert_allclose(shown.y, right)
        np.testing.assert_allclose(shown.x, mean)
    both = plots.calibration.data(y, np.stack([1 - p, p], axis=1)).marks[1]
    assert both.x.min() >= 0.5


@pytest.mark.parametrize("columns", [None, (2, 0), ("c", "a")])
def test_regions_are_predictions_with_other_columns_at_their_medians(columns):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(RNG.normal(size=(50, 3)) ** 3, columns=["a", "b", "c"])
    y = np.where(frame["a"] + frame["c"] > 0, "yes", "no")
    model = Sum()
    panel = plots.decision_regions.data(model, frame, y, columns=columns, places=9)
    across, up = (0, 1) if columns is None else (2, 0)
    assert (panel.x.label, panel.y.label) == tuple(frame.columns[[across, up]])
    assert panel.notes == ["the other column at its median"]
    regions = panel.marks[0]
    assert list(model.seen.columns) == list("abc")
    seen = model.seen.to_numpy().reshape(9, 9, 3)
    np.testing.assert_array_equal(seen[:, :, across], np.tile(regions.x, (9, 1)))
    np.testing.assert_array_equal(seen[:, :, up].T, np.tile(regions.y, (9, 1)))
    other = 3 - across - up
    assert (seen[:, :, other] == frame["abc"[other]].median()).all()
    expected = np.where(seen[..., 0] + seen[..., 2] > 0, 1, 0)
    np.testing.assert_array_equal(regions.values, expected)
    assert sum(len(points.x) for points in panel.marks[1:]) == 50


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_regions_of_networks_and_of_regressions():
    one = nn.load_parameters(
        nn.Linear(2, 1, rng=0), {"weight": np.array([[1.0, 0.0]]), "bias": np.zeros(1)}
    )
    classes = plots.decision_regions.data(one, X, Y, places=6).marks[0]
    assert classes.scale == "classes"
    np.testing.assert_array_equal(classes.values[0], classes.x > 0)
    half = plots.decision_regions.data(one, X, Y, places=6, threshold=0.5).marks[0]
    np.testing.assert_array_equal(half.values[0], half.x > 0.5)
    named = np.array(["left", "right"], object)[Y]
    for network in (one, NETWORK):
        codes = plots.decision_regions.data(network, X, Y, places=6)
        words = plots.decision_regions.data(network, X, named, places=6)
        np.testing.assert_array_equal(codes.marks[0].values, words.marks[0].values)
        assert {mark.name for mark in words.marks[1:]} == {"left", "right"}
    numbers = plots.decision_regions.data(one, X, places=6).marks[0]
    np.testing.assert_allclose(numbers.values[3], numbers.x, rtol=1e-6)
    fitted = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(X, X[:, 0])
    assert plots.decision_regions.data(fitted, X, X[:, 0], places=5).marks[0].scale == "sequential"


@pytest.mark.parametrize("network", [NETWORK, Plain()], ids=["modules", "plain"])
def test_hidden_units_are_outputs_on_the_grid(network):
    panels = plots.hidden_units.data(network, X, places=7)
    grid = panels[0].marks[0]
    x = np.array([[grid.x[4], grid.y[1]]])
    if network is NETWORK:
        expected = hidden(network, x.astype(np.float32))
    else:
        expected = np.tanh(x @ network.W1.T + network.b1)
    found = [panel.marks[0].values[1, 4] for panel in panels]
    np.testing.assert_allclose(found, expected[0], rtol=1e-5)


def test_hidden_space_is_that_of_pca():
    decomposition = pytest.importorskip("sklearn.decomposition")
    panel = plots.hidden_space.data(NETWORK, X, Y)
    expected = decomposition.PCA(2).fit(hidden(NETWORK, X))
    scores = expected.transform(hidden(NETWORK, X))
    for c in (0, 1):
        points, inside = panel.marks[c], np.equal(Y, c)
        np.testing.assert_allclose(np.abs(points.x), np.abs(scores[inside, 0]), atol=1e-5)
        np.testing.assert_allclose(np.abs(points.y), np.abs(scores[inside, 1]), atol=1e-5)
    assert f"({100 * expected.explained_variance_ratio_[0]:.0f} %" in panel.x.label


def test_two_units_are_shown_as_they_are_and_any_module_can_be_named():
    panel = plots.hidden_space.data(NETWORK, X, layer="2")
    np.testing.assert_allclose(panel.marks[0].x, NETWORK(X)[:, 0])
    with pytest.raises(ArgumentError, match="there is no layer 'x'; there are '0', '1', '2'"):
        plots.hidden_space.data(NETWORK, X, layer="x")
    with pytest.raises(ArgumentError, match="no hidden layer"):
        plots.hidden_space.data(nn.Linear(2, 3, rng=0), X)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_learning_curves_of_histories_and_estimators():
    panel = plots.learning_curves.data(HISTORY)
    assert panel.y.log
    assert [mark.name for mark in panel.marks] == ["training", "validation", "best epoch: 7"]
    assert panel.marks[0].y.tolist() == HISTORY["loss"]
    flat = History((Record(1, 1.0, 0.1, 1.0, 0.1, metrics={"accuracy": 0.5}),))
    assert not plots.learning_curves.data(flat).y.log
    assert plots.learning_curves.data(flat, of="accuracy").marks[0].y.tolist() == [0.5]
    with pytest.raises(ArgumentError, match="no measure 'f1'; it has 'loss', 'accuracy'"):
        plots.learning_curves.data(flat, of="f1")
    with pytest.raises(ArgumentError, match="no epochs"):
        plots.learning_curves.data(History())
    fitted = MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit(X, X[:, 0])
    assert plots.learning_curves.data(fitted).marks[0].y.tolist() == fitted.loss_curve_


def test_gradient_flow_is_the_gradient():
    y = Y.astype(int)
    panel = plots.gradient_flow.data(NETWORK, X, y, "cross_entropy")
    gradient = nn.named_parameters(
        cr.grad(lambda model, x: nn.cross_entropy(model(x), y))(NETWORK, X)
    )
    sizes = [np.abs(gradient[f"{name}.weight"]) for _, name in panel.x.ticks]
    largest, mean = panel.marks
    np.testing.assert_allclose(largest.y, [s.max() for s in sizes], rtol=1e-5)
    np.testing.assert_allclose(mean.y, [s.mean() for s in sizes], rtol=1e-5)


def loss_at(network, moves):
    arrays = nn.named_parameters(network)
    moved = {n: a + m for (n, a), m in zip(arrays.items(), moves, strict=True)}
    moved = nn.load_parameters(network, moved)
    return float(nn.cross_entropy(moved(X), Y))


def test_the_loss_surface_is_the_loss_along_filter_normalised_directions():
    panel = plots.loss_surface.data(NETWORK, X, Y, "cross_entropy", seed=3, points=5, span=0.5)
    shades = panel.marks[0]
    rng = np.random.default_rng(3)
    directions = []
    for _ in range(2):
        direction = []
        for array in nn.named_parameters(NETWORK).values():
            if array.ndim == 1:
                direction.append(0.0)
                continue
            drawn = rng.standard_normal(array.shape)
            unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
            direction.append(unit * np.linalg.norm(array, axis=1, keepdims=True))
        directions.append(direction)
    for i, j in ((2, 2), (0, 4), (3, 1)):
        moves = [shades.x[j] * a + shades.y[i] * b for a, b in zip(*directions, strict=True)]
        assert shades.values[i, j] == pytest.approx(loss_at(NETWORK, moves), rel=1e-5)
    other = plots.loss_surface.data(NETWORK, X, Y, "cross_entropy", seed=4, points=5, span=0.5)
    assert not np.array_equal(other.marks[0].values, shades.values)


def test_a_trajectory_lies_on_its_surface():
    arrays = nn.named_parameters(NETWORK)
    moments = []
    for t in (0.3, 0.7, 1.5):
        moved = {n: a * (1 - t) + t**2 * np.cos(np.arange(a.size)).reshape(a.shape)
                 for n, a in arrays.items()}  # fmt: skip
        moments.append(nn.load_parameters(NETWORK, moved))
    panel = plots.loss_surface.data(NETWORK, X, Y, "cross_entropy", trajectory=moments, points=5)
    path = panel.marks[1]
    vectors = [
        np.concatenate([a.ravel() for a in nn.named_parameters(m).values()])
        for m in (*moments, NETWORK)
    ]
    lengths = [np.linalg.norm(v - vectors[-1]) for v in vectors]
    np.testing.assert_allclose(np.hypot(path.x, path.y), lengths, rtol=1e-5, atol=1e-6)
    assert (path.x[-1], path.y[-1]) == (0, 0)
    with pytest.raises(ArgumentError, match="two networks at least"):
        plots.loss_surface.data(NETWORK, X, Y, "cross_entropy", trajectory=moments[:1])
    with pytest.raises(ArgumentError, match=r"trajectory\[0\] is not the same network"):
        plots.loss_surface.data(NETWORK, X, Y, "cross_entropy", trajectory=[nn.Linear(2, 2, rng=0)])


def test_weights_are_the_rows_of_the_weight():
    arrays = {"weight": np.arange(30.0).reshape(5, 6) / 8 - 0.5, "bias": np.zeros(5)}
    layer = nn.load_parameters(nn.Linear(6, 5, rng=0), arrays)
    panel = plots.weights.data(layer, shape=(2, 3), most=4)
    shades, weight = panel.marks[0], np.asarray(layer.weight, np.float64)
    np.testing.assert_array_equal(shades.values[:2, :3], weight[0].reshape(2, 3))
    np.testing.assert_array_equal(shades.values[:2, 4:7], weight[1].reshape(2, 3))
    np.testing.assert_array_equal(shades.values[3:5, :3], weight[2].reshape(2, 3))
    assert np.isnan(shades.values[2]).all()
    low, high = shades.ends()
    assert low == -high == -np.abs(weight[:4]).max()


def test_reconstructions_beside_those_of_pca():
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = RNG.random((30, 16))
    pca = decomposition.PCA(3).fit(rows)
    panel = plots.reconstructions.data({"same": lambda x: x, "PCA": pca}, rows, most=2)
    error = np.mean((pca.inverse_transform(pca.transform(rows)) - rows) ** 2)
    assert panel.table.rows == [["same", "0"], ["PCA", f"{error:.4g}"]]
    board = panel.marks[0].values
    np.testing.assert_array_equal(board[:4, 5:9], rows[1].reshape(4, 4))
    np.testing.assert_array_equal(board[5:9], board[:4])
