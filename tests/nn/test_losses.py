"""Losses: values from SciPy, scikit-learn and by hand, gradients, weights, extremes, refusals."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DtypeError, ShapeError

RNG = np.random.default_rng(0)
N, C = 6, 4
LOGITS = RNG.normal(0.0, 2.0, (N, C))
CLASSES = np.array([0, 3, 1, 1, 2, 0])
SOFT = RNG.dirichlet(np.ones(C), N)
HOT = np.eye(C)[CLASSES]
REAL = RNG.normal(size=(N, 2))
CLASS_WEIGHT = np.array([1.0, 0.5, 2.0, 3.0])
ROW_WEIGHT = np.array([1.0, 2.0, 0.0, 1.0, 0.5, 3.0])
LABELS = (RNG.random((N, 2)) < 0.5).astype(int)
SIGNS = 2 * LABELS - 1

# Name -> (loss, outputs, targets, options)
CASES = {
    "mse": (nn.mse, RNG.normal(size=(N, 2)), REAL, {}),
    "mae": (nn.mae, RNG.normal(size=(N, 2)), REAL, {}),
    "huber": (nn.huber, RNG.normal(0, 2, (N, 2)), REAL, {"delta": 0.7}),
    "binary": (nn.binary_cross_entropy, LOGITS[:, :2], LABELS, {}),
    "binary weighted": (nn.binary_cross_entropy, LOGITS[:, :2], LABELS, {"pos_weight": 3.0}),
    "labels weighted": (
        nn.binary_cross_entropy, LOGITS[:, :2], LABELS, {"pos_weight": np.array([3.0, 0.5])},
    ),
    "binary soft": (nn.binary_cross_entropy, LOGITS[:, 0], SOFT[:, 0], {}),
    "classes": (nn.cross_entropy, LOGITS, CLASSES, {}),
    "classes weighted": (nn.cross_entropy, LOGITS, CLASSES, {"class_weight": CLASS_WEIGHT}),
    "classes smoothed": (
        nn.cross_entropy, LOGITS, CLASSES, {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.2},
    ),
    "one-hot": (nn.cross_entropy, LOGITS, HOT.astype(int), {}),
    "soft": (
        nn.cross_entropy, LOGITS, SOFT, {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.2},
    ),
    "sequences": (nn.cross_entropy, RNG.normal(size=(N, 3, C)), RNG.integers(0, C, (N, 3)), {}),
    "nll": (nn.nll, LOGITS, CLASSES, {"class_weight": CLASS_WEIGHT}),
    "kl": (nn.kl_div, special.log_softmax(LOGITS, axis=1), SOFT, {}),
    "hinge": (nn.hinge, LOGITS[:, :2], SIGNS, {}),
    "perceptron": (nn.perceptron, LOGITS[:, :2], SIGNS, {}),
    "ordinal": (nn.ordinal, LOGITS[:, :3], CLASSES, {}),
    "poisson": (nn.poisson, LOGITS[:, :2], np.array([[0, 2], [1, 0], [7, 3]] * 2), {}),
    "quantile": (nn.quantile, RNG.normal(size=(N, 2)), REAL, {"level": 0.8}),
    "multiclass hinge": (nn.multiclass_hinge, LOGITS, CLASSES, {}),
}  # fmt: skip
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@EVERY
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("sample_weight", [None, ROW_WEIGHT], ids=["plain", "weighted"])
def test_gradients_in_both_modes(case, reduction, sample_weight):
    loss, outputs, targets, options = case
    cr.check_grads(
        lambda z: loss(z, targets, reduction=reduction, sample_weight=sample_weight, **options),
        (outputs,),
    )


@pytest.mark.parametrize(
    "name", ["mse", "huber", "quantile", "poisson", "binary weighted", "soft", "kl"]
)
def test_gradients_of_targets(name):
    loss, outputs, targets, options = CASES[name]
    targets = targets if name in ("mse", "quantile") else 0.1 + 0.8 * targets
    cr.check_grads(lambda z, t: loss(z, t, **options), (outputs, targets))


@EVERY
def test_reductions_agree(case):
    loss, outputs, targets, options = case
    options = {k: v for k, v in options.items() if k != "class_weight"}
    costs = loss(outputs, targets, reduction="none", **options)
    assert costs.shape[0] == N
    assert loss(outputs, targets, reduction="sum", **options) == pytest.approx(costs.sum())
    assert loss(outputs, targets, **options) == pytest.approx(costs.mean())


@EVERY
def test_weight_2_is_the_row_twice(case):
    loss, outputs, targets, options = case
    weights = np.array([1, 2, 0, 1, 3, 1])
    rows = np.repeat(np.arange(N), weights)
    for reduction in ("mean", "sum"):
        weighted = loss(outputs, targets, sample_weight=weights, reduction=reduction, **options)
        repeated = loss(outputs[rows], targets[rows], reduction=reduction, **options)
        assert weighted == pytest.approx(repeated, rel=1e-12)
    none = loss(outputs, targets, sample_weight=weights, reduction="none", **options)
    assert not np.any(none[2])


@EVERY
def test_no_weight_at_all_costs_nothing(case):
    loss, outputs, targets, options = case
    value, gradient = cr.value_and_grad(
        lambda z: loss(z, targets, sample_weight=np.zeros(N), **options)
    )(outputs)
    assert value == 0.0
    assert not gradient.any()


@EVERY
def test_float32_stays(case):
    loss, outputs, targets, options = case
    value, gradient = cr.value_and_grad(
        lambda z: loss(z, targets, sample_weight=ROW_WEIGHT, **options)
    )(outputs.astype(np.float32))
    assert value.dtype == np.float32
    assert gradient.dtype == np.float32
    assert value == pytest.approx(
        loss(outputs, targets, sample_weight=ROW_WEIGHT, **options), rel=1e-5
    )


@EVERY
def test_a_trace_serves_other_batches(case):
    loss, outputs, targets, options = case
    graph = cr.trace(cr.value_and_grad(lambda z, t, w: loss(z, t, sample_weight=w, **options)))(
        outputs, targets, ROW_WEIGHT
    )
    half = slice(1, 4)
    value, gradient = graph(outputs[half], targets[half], ROW_WEIGHT[half])
    eager = cr.value_and_grad(
        lambda z: loss(z, targets[half], sample_weight=ROW_WEIGHT[half], **options)
    )(outputs[half])
    assert value == pytest.approx(eager[0], rel=1e-13)
    np.testing.assert_allclose(gradient, eager[1], rtol=1e-12, atol=1e-16)


class TestValues:
    def test_regression(self):
        o, t = CASES["mse"][1], REAL
        assert nn.mse(o, t) == pytest.approx(metrics.mean_squared_error(t, o))
        assert nn.mae(o, t) == pytest.approx(metrics.mean_absolute_error(t, o))
        weighted = metrics.mean_squared_error(t, o, sample_weight=ROW_WEIGHT)
        assert nn.mse(o, t, sample_weight=ROW_WEIGHT) == pytest.approx(weighted)
        for delta in (0.1, 1.0, 5.0):
            expected = special.huber(delta, o - t).mean()
            assert nn.huber(o, t, delta=delta) == pytest.approx(expected)

    def test_quantile(self):
        o = CASES["quantile"][1]
        for level in (0.1, 0.5, 0.8):
            expected = metrics.mean_pinball_loss(REAL, o, alpha=level)
            assert nn.quantile(o, REAL, level=level) == pytest.approx(expected)
        below = np.arange(101.0)
        best = min(below, key=lambda q: nn.quantile(np.full(101, q), below, level=0.25))
        assert best == 25.0

    def test_poisson(self):
        _, o, t, _ = CASES["poisson"]
        for column in (0, 1):
            expected = metrics.mean_poisson_deviance(t[:, column], np.exp(o[:, column])) / 2
            assert nn.poisson(o[:, column], t[:, column]) == pytest.approx(expected)
        assert nn.poisson(np.log([3.0, 0.5]), np.array([3.0, 0.5])) == pytest.approx(0.0)

    def test_ordinal(self):
        z = LOGITS[:, :3]
        above = CLASSES[:, None] > np.arange(3)
        expected = sum(
            metrics.log_loss(above[:, k], special.expit(z[:, k]), labels=[0, 1]) for k in range(3)
        )
        assert nn.ordinal(z, CLASSES) == pytest.approx(expected)

    def test_binary(self):
        z, t = LOGITS[:, 0], LABELS[:, 0]
        expected = metrics.log_loss(t, special.expit(z))
        assert nn.binary_cross_entropy(z, t) == pytest.approx(expected)
        p = special.expit(z)
        by_hand = -np.mean(3.0 * t * np.log(p) + (1 - t) * np.log1p(-p))
        assert nn.binary_cross_entropy(z, t, pos_weight=3.0) == pytest.approx(by_hand)
        both = nn.binary_cross_entropy(LOGITS[:, :2], LABELS, pos_weight=[3.0, 1.0])
        other = nn.binary_cross_entropy(LOGITS[:, 1], LABELS[:, 1])
        assert both == pytest.approx((by_hand + other) / 2)

    def test_categorical(self):
        q = special.softmax(LOGITS, axis=1)
        expected = metrics.log_loss(CLASSES, q)
        for targets in (CLASSES, HOT, HOT.astype(int), CLASSES.tolist()):
            assert nn.cross_entropy(LOGITS, targets) == pytest.approx(expected)
        assert nn.nll(np.log(q), CLASSES) == pytest.approx(expected)
        weighted = metrics.log_loss(CLASSES, q, sample_weight=ROW_WEIGHT)
        found = nn.cross_entropy(LOGITS, CLASSES, sample_weight=ROW_WEIGHT)
        assert found == pytest.approx(weighted)
        soft = -(SOFT * np.log(q)).sum(1).mean()
        assert nn.cross_entropy(LOGITS, SOFT) == pytest.approx(soft)

    def test_class_weights_are_torchs(self):
        logq = special.log_softmax(LOGITS, axis=1)
        w = CLASS_WEIGHT[CLASSES]
        cost = -logq[np.arange(N), CLASSES] * w
        value = nn.cross_entropy(LOGITS, CLASSES, class_weight=CLASS_WEIGHT)
        assert value == pytest.approx(cost.sum() / w.sum())
        equal = metrics.log_loss(CLASSES, np.exp(logq), sample_weight=w)
        assert value == pytest.approx(equal)
        smoothed = 0.9 * cost - 0.1 / C * (logq * CLASS_WEIGHT).sum(1)
        value = nn.cross_entropy(LOGITS, CLASSES, class_weight=CLASS_WEIGHT, label_smoothing=0.1)
        assert value == pytest.approx(smoothed.sum() / w.sum())
        hot = nn.cross_entropy(LOGITS, HOT, class_weight=CLASS_WEIGHT, label_smoothing=0.1)
        assert hot == pytest.approx(smoothed.sum() / N)

    def test_label_smoothing_mixes_in_the_uniform(self):
        mixed = nn.cross_entropy(LOGITS, 0.7 * HOT + 0.3 / C)
        assert nn.cross_entropy(LOGITS, CLASSES, label_smoothing=0.3) == pytest.approx(mixed)
        assert nn.cross_entropy(LOGITS, HOT, label_smoothing=0.3) == pytest.approx(mixed)

    def test_kl(self):
        q = special.softmax(LOGITS, axis=1)
        expected = np.mean([stats.entropy(p, r) for p, r in zip(SOFT, q, strict=True)])
        assert nn.kl_div(np.log(q), SOFT) == pytest.approx(expected)
        assert nn.kl_div(np.array([[-np.inf, 0.0]]), np.array([[0.0, 1.0]])) == 0.0

    def test_hinge(self):
        assert nn.hinge(LOGITS[:, 0], SIGNS[:, 0]) == pytest.approx(
            metrics.hinge_loss(SIGNS[:, 0], LOGITS[:, 0])
        )
        assert nn.multiclass_hinge(LOGITS, CLASSES) == pytest.approx(
            metrics.hinge_loss(CLASSES, LOGITS)
        )
        z = np.array([[1.0, 0.0]])
        assert cr.grad(lambda z: nn.multiclass_hinge(z, np.array([0])))(z).tolist() == [[0, 0]]

    def test_torch_agrees(self):
        torch = pytest.importorskip("torch")
        f = torch.nn.functional
        z, o = torch.tensor(LOGITS), torch.tensor(CASES["mse"][1])
        c, w = torch.tensor(CLASSES), torch.tensor(CLASS_WEIGHT)
        for smoothing in (0.0, 0.2):
            for reduction in ("mean", "sum", "none"):
                options = {"label_smoothing": smoothing, "reduction": reduction}
                for targets in (CLASSES, SOFT):
                    theirs = f.cross_entropy(z, torch.tensor(targets), weight=w, **options)
                    ours = nn.cross_entropy(LOGITS, targets, class_weight=CLASS_WEIGHT, **options)
                    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)
        assert nn.nll(LOGITS, CLASSES, class_weight=CLASS_WEIGHT) == pytest.approx(
            f.nll_loss(z, c, weight=w).item()
        )
        assert nn.huber(o.numpy(), REAL, delta=0.7) == pytest.approx(
            f.huber_loss(o, torch.tensor(REAL), delta=0.7).item()
        )
        rates, counts = CASES["poisson"][1:3]
        constant = special.xlogy(counts, counts) - counts
        theirs = f.poisson_nll_loss(torch.tensor(rates), torch.tensor(counts)).item()
        assert nn.poisson(rates, counts) == pytest.approx(theirs + constant.mean())
        assert nn.kl_div(LOGITS, SOFT) == pytest.approx(
            f.kl_div(z, torch.tensor(SOFT), reduction="batchmean").item()
        )


@pytest.mark.parametrize("z", [-1e4, -745.5, -40.3, -1e-8, 0.0, 30.0, 1e4])
@pytest.mark.parametrize("t", [0, 1])
def test_binary_cross_entropy_is_right_at_any_size(z, t):
    value, gradient = cr.value_and_grad(nn.binary_cross_entropy)(np.array([z]), np.array([t]))
    with mpmath.workdps(60):
        sign = z if t == 0 else -z
        expected = mpmath.log1p(mpmath.exp(mpmath.mpf(sign)))
        slope = 1 / (1 + mpmath.exp(-mpmath.mpf(z))) - t
    assert float(value) == pytest.approx(float(expected), rel=1e-12, abs=1e-300)
    assert float(gradient[0]) == pytest.approx(float(slope), rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("scores", [[1e4, 0, -1e4], [0, 0, 0], [50, 0, 10], [-1e4, -1e4, -1e4]])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_cross_entropy_is_right_at_any_size(scores, target):
    z = np.array([scores], float)
    for targets in (np.array([target]), np.eye(3)[[target]]):
        value, gradient = cr.value_and_grad(nn.cross_entropy)(z, targets)
        with mpmath.workdps(60):
            total = sum(mpmath.exp(mpmath.mpf(s) - scores[target]) for s in scores)
            expected = mpmath.log(total)
        assert float(value) == pytest.approx(float(expected), rel=1e-12, abs=1e-300)
        assert np.isfinite(gradient).all()
        assert abs(gradient.sum()) < 1e-12


class TestRefusals:
    def test_shapes_that_would_broadcast(self):
        for loss in (
            nn.mse, nn.mae, nn.huber, nn.quantile, nn.poisson, nn.binary_cross_entropy, nn.hinge,
        ):  # fmt: skip
            with pytest.raises(ShapeError, match=r"targets\[:, None\]"):
                loss(np.ones((3, 1)), np.ones(3))
            with pytest.raises(ShapeError, match=r"targets\[:, 0\]"):
                loss(np.ones(3), np.ones((3, 1)))
            with pytest.raises(ShapeError, match=r"\(3,\) and the targets \(4,\)"):
                loss(np.ones(3), np.ones(4))

    @pytest.mark.parametrize("wrong", [-1, 4])
    @pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll, nn.multiclass_hinge])
    def test_a_class_that_does_not_exist(self, loss, wrong):
        targets = CLASSES.copy()
        targets[4] = wrong
        with pytest.raises(ArgumentError, match=rf"classes from 0 to 3.* row 4 has {wrong}"):
            loss(LOGITS, targets)

    @pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll, nn.multiclass_hinge])
    def test_classes_that_are_no_integers_or_too_many(self, loss):
        with pytest.raises(DtypeError, match="return_inverse"):
            loss(LOGITS, CLASSES.astype(float))
        with pytest.raises(ShapeError, match=r"\(6,\), not \(5,\)"):
            loss(LOGITS, CLASSES[:5])
        with pytest.raises(ShapeError, match=r"\(6, 4\) need one class a row"):
            loss(LOGITS, CLASSES[:, None])

    def test_targets_out_of_range(self):
        z = np.zeros(3)
        with pytest.raises(ArgumentError, match="between 0 and 1; row 1 has -1"):
            nn.binary_cross_entropy(z, np.array([1, -1, 0]))
        with pytest.raises(ArgumentError, match="row 2 has nan"):
            nn.binary_cross_entropy(z, np.array([1, 0, np.nan]))
        with pytest.raises(ArgumentError, match=r"2 \* t - 1.* row 0 has 0"):
            nn.hinge(z, np.array([0, 1, 1]))
        with pytest.raises(ArgumentError, match=r"row 0 has -0\.5"):
            nn.cross_entropy(np.zeros((1, 2)), np.array([[-0.5, 1.5]]))
        with pytest.raises(ArgumentError, match="probabilities; row 0 has 2"):
            nn.kl_div(np.zeros((1, 2)), np.array([[2.0, 0.0]]))
        with pytest.raises(ArgumentError, match="not negative; row 1 has -1"):
            nn.poisson(z, np.array([0, -1, 3]))
        with pytest.raises(ArgumentError, match=r"classes from 0 to 4.* row 1 has 5"):
            nn.ordinal(LOGITS[:2], np.array([4, 5]))
        for level in (0.0, 1.0, np.nan):
            with pytest.raises(ArgumentError, match="level"):
                nn.quantile(z, z, level=level)

    def test_weights(self):
        with pytest.raises(ArgumentError, match="sample_weight must not be negative"):
            nn.mse(np.ones(2), np.ones(2), sample_weight=[1.0, -1.0])
        with pytest.raises(ArgumentError, match="NaN"):
            nn.mse(np.ones(2), np.ones(2), sample_weight=[1.0, np.nan])
        for bad in (np.ones(3), np.ones((2, 1)), 1.0):
            with pytest.raises(ShapeError, match="one weight a row"):
                nn.mse(np.ones(2), np.ones(2), sample_weight=bad)
        with pytest.raises(ShapeError, match="there are 4 classes"):
            nn.cross_entropy(LOGITS, CLASSES, class_weight=np.ones(3))
        with pytest.raises(ArgumentError, match="class_weight"):
            nn.cross_entropy(LOGITS, CLASSES, class_weight=[-1.0, 1, 1, 1])

    @pytest.mark.parametrize("reduction", ["average", None, "MEAN"])
    @pytest.mark.parametrize("case", CASES.values(), ids=CASES)
    def test_reduction(self, case, reduction):
        loss, outputs, targets, options = case
        with pytest.raises(ArgumentError, match="reduction must be one of 'mean', 'sum', 'none'"):
            loss(outputs, targets, reduction=reduction, **options)

    def test_options(self):
        with pytest.raises(ArgumentError, match="delta"):
            nn.huber(np.ones(2), np.ones(2), delta=0.0)
        with pytest.raises(ArgumentError, match="label_smoothing"):
            nn.cross_entropy(LOGITS, CLASSES, label_smoothing=1.0)
        with pytest.raises(ArgumentError, match="pos_weight"):
            nn.binary_cross_entropy(np.ones(2), np.ones(2), pos_weight=-1.0)
        with pytest.raises(ArgumentError, match="pos_weight"):
            nn.binary_cross_entropy(np.ones((2, 2)), np.ones((2, 2)), pos_weight=[1.0, 0.0])
        with pytest.raises(ShapeError, match=r"pos_weight has shape \(3,\), and a row .* \(2,\)"):
            nn.binary_cross_entropy(np.ones((2, 2)), np.ones((2, 2)), pos_weight=np.ones(3))

    def test_the_table_is_complete(self):
        assert set(nn.LOSSES) == {
            "binary_cross_entropy", "cross_entropy", "hinge", "huber", "kl_div", "mae", "mse",
            "multiclass_hinge", "nll", "ordinal", "perceptron", "poisson", "quantile",
        }  # fmt: skip
        assert all(name == loss.__name__ for name, loss in nn.LOSSES.items())
