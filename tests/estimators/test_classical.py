"""Classical models against scikit-learn's own, and against what the theory says of them."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import datasets, linear_model, svm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DataError
from chainrule.estimators import (
    Autoencoder,
    BasisFunctions,
    KernelSVM,
    LinearRegression,
    LogisticRegression,
    Perceptron,
)
from chainrule.optim import SGD
from chainrule.training import fit


def standardised(name):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


SETS = {name: standardised(name) for name in ("iris", "wine", "breast_cancer")}
IRIS, WINE, CANCER = SETS.values()
SETS_OF = pytest.mark.parametrize("name", SETS)


class TestLinearRegression:
    X, y = datasets.load_diabetes(return_X_y=True)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("solver", ["lstsq", "lbfgs"])
    def test_is_scikit_learns(self, solver, weighted, fit_intercept):
        weight = np.random.default_rng(0).random(len(self.y)) if weighted else None
        ours = LinearRegression(solver=solver, fit_intercept=fit_intercept, tol=1e-9)
        theirs = linear_model.LinearRegression(fit_intercept=fit_intercept)
        ours.fit(self.X, self.y, weight)
        theirs.fit(self.X, self.y, weight)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8)
        np.testing.assert_allclose(ours.predict(self.X), theirs.predict(self.X), rtol=1e-5)

    def test_several_targets(self):
        Y = np.stack([self.y, self.X[:, 0]], axis=1)
        ours, theirs = LinearRegression(), linear_model.LinearRegression()
        assert ours.fit(self.X, Y).predict(self.X).shape == Y.shape
        np.testing.assert_allclose(ours.coef_, theirs.fit(self.X, Y).coef_, atol=1e-9)

    def test_of_several_solutions_the_smallest(self):
        X = np.hstack([self.X, self.X])
        theirs = linear_model.LinearRegression().fit(X, self.y)
        ours = LinearRegression().fit(X, self.y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)

    def test_units_do_not_slow_the_descent(self):
        scales = 10.0 ** np.arange(-5, 5)
        plain = LinearRegression(solver="lbfgs").fit(self.X + 1.0, self.y)
        scaled = LinearRegression(solver="lbfgs").fit((self.X + 1.0) * scales, self.y)
        assert scaled.n_iter_ < plain.n_iter_ + 5
        np.testing.assert_allclose(scaled.coef_ * scales, plain.coef_, rtol=1e-4)

    def test_with_basis_functions_it_bends(self):
        x = np.linspace(0, 2, 50)[:, None]
        y = np.sin(3 * x[:, 0])
        for basis in (
            BasisFunctions("polynomial", degree=7),
            BasisFunctions("rbf", n_centres=8, gamma=3.0, random_state=0),
            BasisFunctions("fourier", n_harmonics=6, period=4 * np.pi / 3),
        ):
            model = make_pipeline(basis, LinearRegression()).fit(x, y)
            assert model.score(x, y) > 0.999


class TestLogisticRegression:
    @SETS_OF
    @pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
    def test_is_scikit_learns(self, name, C):
        X, y = SETS[name]
        theirs = linear_model.LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10)
        theirs.fit(X, y)
        ours = LogisticRegression(C=C).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=2e-4)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
        logs = ours.predict_log_proba(X)
        np.testing.assert_allclose(np.exp(logs), ours.predict_proba(X), rtol=1e-12)

    @pytest.mark.parametrize("name", ["iris", "wine"])
    def test_units_of_the_features_do_not_matter(self, name):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        theirs = linear_model.LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(X, y)
        ours = LogisticRegression().fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)

    @pytest.mark.parametrize("name", ["iris", "wine"])
    def test_lasso_is_scikit_learns(self, name):
        X, y = SETS[name]
        theirs = linear_model.LogisticRegression(
            C=0.5, l1_ratio=1.0, solver="saga", tol=1e-8, max_iter=10_000
        ).fit(X, y)
        ours = LogisticRegression(C=0.5, penalty="l1").fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
        assert np.array_equal(ours.coef_ == 0, theirs.coef_ == 0)

    def test_lasso_satisfies_its_conditions(self):
        """Where a weight is not 0 the slope of the costs outweighs the penalty's exactly."""
        X, y = CANCER
        C = 0.2
        model = LogisticRegression(C=C, penalty="l1").fit(X, y)
        error = model.predict_proba(X)[:, 1] - y
        slopes, kept = C * (error @ X), model.coef_[0] != 0
        assert 3 < kept.sum() < 20
        np.testing.assert_allclose(slopes[kept], -np.sign(model.coef_[0][kept]), atol=1e-4)
        assert np.all(np.abs(slopes[~kept]) < 1.0)
        assert error.sum() == pytest.approx(0.0, abs=1e-3)

    def test_weights_of_classes_and_rows(self):
        X, y = WINE
        weight = np.random.default_rng(0).random(len(y))
        options = {"class_weight": {0: 1.0, 1: 5.0, 2: 0.5}}
        theirs = linear_model.LogisticRegression(solver="newton-cholesky", tol=1e-10, **options)
        ours = LogisticRegression(**options)
        ours.fit(X, y, weight)
        theirs.fit(X, y, weight)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)

    def test_without_a_penalty_the_slopes_vanish(self):
        X, y = IRIS[0][50:], IRIS[1][50:]
        model = LogisticRegression(penalty=None, fit_intercept=False).fit(X, y)
        error = model.predict_proba(X)[:, 1] - (y == 2)
        np.testing.assert_allclose(error @ X, 0.0, atol=1e-4)
        assert model.intercept_.tolist() == [0.0]

    def test_its_gradient_is_the_error(self):
        """At the solution ``weight = -C * error' X``: read off the network's own graph."""
        X, y = CANCER
        model = LogisticRegression(C=0.5).fit(X, y)
        gradient = cr.grad(lambda m: nn.binary_cross_entropy(m(X), y[:, None], reduction="sum"))(
            model.network_
        )
        np.testing.assert_allclose(-0.5 * gradient.weight, model.coef_, atol=1e-3)

    def test_says_that_it_has_not_converged(self):
        with pytest.warns(ConvergenceWarning, match="has not converged in 2 iterations"):
            LogisticRegression(max_iter=2).fit(*CANCER)


def rosenblatt(X, targets, order):
    """The rule of 1958, with Python's numbers; yield the weights and bias after every row."""
    w, b = [0.0] * X.shape[1], 0.0
    for i in order:
        x, t = X[i].tolist(), float(targets[i])
        if t * (sum(wj * xj for wj, xj in zip(w, x, strict=True)) + b) <= 0:
            w = [wj + t * xj for wj, xj in zip(w, x, strict=True)]
            b += t
        yield np.array([*w, b])


class TestPerceptron:
    X = np.round(CANCER[0][:60, :4] * 8) / 8  # eighths add up without rounding
    targets = 2 * CANCER[1][:60] - 1

    def test_gradient_descent_is_the_rule_update_by_update(self):
        layer = nn.Linear(4, 1, None, dtype=np.float64)
        descent = SGD(1.0)
        gradient = cr.grad(lambda m, x, t: nn.perceptron(m(x), t))
        for i, expected in enumerate(rosenblatt(self.X, self.targets, range(60))):
            x, t = self.X[i : i + 1], self.targets[i : i + 1, None]
            layer = descent.update(layer, gradient(layer, x, t), descent.init(layer))[0]
            assert np.array_equal(np.append(layer.weight, layer.bias), expected)

    def test_fit_on_batches_of_one_is_the_rule(self):
        from chainrule.data import permutation

        model, _ = fit(
            nn.Linear(4, 1, None, dtype=np.float64), (self.X, self.targets[:, None]),
            loss=nn.perceptron, optimizer=SGD(1.0), epochs=2, batch_size=1, seed=3,
            progress=False,
        )  # fmt: skip
        order = np.concatenate([permutation(60, 3, epoch) for epoch in range(2)])
        *_, expected = rosenblatt(self.X, self.targets, order)
        assert np.array_equal(np.append(model.weight, model.bias), expected)

    @pytest.mark.parametrize("averaged", [False, True])
    def test_the_estimator_is_the_rule(self, averaged):
        model = Perceptron(shuffle=False, averaged=averaged, max_iter=3).fit(self.X, self.targets)
        path = list(rosenblatt(self.X, self.targets, list(range(60)) * 3))
        assert model.n_iter_ == 3
        expected = np.mean(path, axis=0) if averaged else path[-1]
        np.testing.assert_allclose(np.append(model.coef_, model.intercept_), expected, rtol=1e-12)

    def test_what_a_line_divides_is_learned_within_the_bound_of_novikoff(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 2))
        margins = X @ [0.6, 0.8]
        X, y = X[np.abs(margins) > 0.1], (margins > 0)[np.abs(margins) > 0.1]
        model = Perceptron(fit_intercept=False, random_state=0).fit(X, y)
        assert model.score(X, y) == 1.0
        assert model.n_updates_ <= np.max(np.sum(X * X, axis=1)) / 0.1**2

    def test_the_mean_errs_less_where_no_line_divides(self):
        X, y = datasets.make_classification(600, 10, flip_y=0.2, random_state=0)
        train, test = slice(0, 300), slice(300, 600)
        last, mean = (
            np.mean([
                Perceptron(averaged=averaged, random_state=seed).fit(X[train], y[train])
                .score(X[test], y[test]) for seed in range(5)
            ])
            for averaged in (False, True)
        )  # fmt: skip
        assert mean > last + 0.02

    def test_learning_rate_scales_the_weights_alone(self):
        one, tenth = (Perceptron(lr=lr, random_state=0).fit(*IRIS) for lr in (1.0, 0.125))
        np.testing.assert_allclose(tenth.coef_, one.coef_ / 8, rtol=1e-12)

    def test_one_unit_a_class(self):
        model = Perceptron(random_state=0).fit(*WINE)
        assert model.coef_.shape == (3, 13)
        assert model.score(*WINE) > 0.97


KERNELS = {
    "linear": {"kernel": "linear"},
    "rbf": {"kernel": "rbf"},
    "rbf narrow": {"kernel": "rbf", "gamma": 1.5, "C": 10.0},
    "poly": {"kernel": "poly", "degree": 2, "coef0": 1.0, "gamma": "auto"},
    "sigmoid": {"kernel": "sigmoid", "gamma": 0.05, "coef0": -0.5},
}


class TestKernelSVM:
    moons = datasets.make_moons(120, noise=0.25, random_state=0)

    @pytest.mark.parametrize("options", KERNELS.values(), ids=KERNELS)
    @pytest.mark.parametrize("name", ["moons", "cancer", "iris"])
    def test_is_scikit_learns(self, name, options):
        X, y = {"moons": self.moons, "cancer": CANCER, "iris": (IRIS[0][50:], IRIS[1][50:])}[name]
        if (name, options["kernel"]) == ("cancer", "sigmoid"):
            pytest.skip("this is no inner product, and there are several solutions")
        theirs = svm.SVC(tol=1e-9, **options).fit(X, y)
        ours = KernelSVM(**options).fit(X, y)
        scores = theirs.decision_function(X)
        np.testing.assert_allclose(ours.decision_function(X), scores, atol=2e-4)
        if options["kernel"] != "sigmoid":  # whose solution need not be the only one
            total = np.abs(theirs.dual_coef_).sum()
            assert np.abs(ours.dual_coef_).sum() == pytest.approx(total, rel=1e-4)
        np.testing.assert_array_equal(ours.support_vectors_, X[ours.support_])

    def test_several_classes_are_one_against_the_rest(self):
        theirs = OneVsRestClassifier(svm.SVC(gamma=0.1, tol=1e-9)).fit(*WINE)
        ours = KernelSVM(gamma=0.1).fit(*WINE)
        np.testing.assert_allclose(
            ours.decision_function(WINE[0]), theirs.decision_function(WINE[0]), atol=1e-5
        )
        assert ours.dual_coef_.shape == (3, len(ours.support_))
        assert ours.score(*WINE) > 0.99

    def test_weights_are_factors_of_the_bound(self):
        X, y = self.moons
        weight = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
        options = {"class_weight": {0: 2.0, 1: 0.5}, "gamma": 1.0}
        theirs = svm.SVC(tol=1e-9, **options).fit(X, y, weight)
        ours = KernelSVM(**options).fit(X, y, weight)
        np.testing.assert_allclose(
            ours.decision_function(X), theirs.decision_function(X), atol=1e-5
        )
        assert np.all(weight[ours.support_] > 0)

    @pytest.mark.parametrize("options", list(KERNELS.values())[:4], ids=list(KERNELS)[:4])
    def test_primal_and_dual_meet(self, options):
        """What the network's graph says it costs is what the dual says it must cost at least."""
        X, y = self.moons
        C = options.get("C", 1.0)
        model = KernelSVM(**options).fit(X, y)
        kernel, linear = model.network_.layers
        targets = (2.0 * y - 1.0)[:, None]
        primal = nn.svm_objective(kernel, linear, X, targets, C=C)
        dual = np.sum(np.abs(model.dual_coef_)) - 0.5 * nn.rkhs_norm(kernel, linear.weight)
        assert primal == pytest.approx(dual, rel=1e-3)
        assert primal >= dual - 1e-9
        np.testing.assert_allclose(model.dual_coef_.sum(), 0.0, atol=1e-9)

    def test_free_support_vectors_lie_on_the_margin_exactly(self):
        X, y = self.moons
        model = KernelSVM(C=10.0, tol=1e-2).fit(X, y)
        free = np.abs(model.dual_coef_[0]) < 10.0
        assert free.sum() > 3
        scores = model.decision_function(model.support_vectors_[free])
        np.testing.assert_allclose(np.abs(scores), 1.0, atol=1e-9)

    @pytest.mark.parametrize("C", [1e-3, 1e-2])
    def test_where_every_multiplier_is_at_a_bound(self, C):
        X, y = self.moons
        ours, theirs = KernelSVM(C=C).fit(X, y), svm.SVC(C=C, tol=1e-9).fit(X, y)
        assert np.all(np.abs(ours.dual_coef_) == C)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-8)

    def test_descent_of_the_graph_comes_to_the_same_machine(self):
        """Subgradient descent of the primal, from zero, by the network's own gradient."""
        X, y = self.moons
        targets = (2.0 * y - 1.0)[:, None]
        model = KernelSVM(gamma=1.0, C=0.5).fit(X, y)
        best = nn.svm_objective(*model.network_.layers, X, targets, C=0.5)
        machine = nn.Sequential(
            nn.Kernel(X, "rbf", gamma=1.0, dtype=np.float64),
            nn.Linear(len(X), 1, None, dtype=np.float64),
        )
        gradient = cr.value_and_grad(lambda m: nn.svm_objective(*m.layers, X, targets, C=0.5))
        lowest = np.inf
        for step in range(1, 1500):
            value, slopes = gradient(machine)
            lowest = min(lowest, float(value))
            machine, _ = SGD(0.02 / np.sqrt(step)).update(machine, slopes, SGD(1.0).init(machine))
        assert best <= lowest < 1.01 * best

    def test_the_linear_kernel_has_weights_of_the_features(self):
        model = KernelSVM(kernel="linear").fit(*CANCER)
        theirs = svm.SVC(kernel="linear", tol=1e-8).fit(*CANCER)
        np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-4)
        with pytest.raises(AttributeError, match="kernel='linear'"):
            _ = KernelSVM().fit(*CANCER).coef_

    def test_a_kernel_of_ones_own(self):
        ours = KernelSVM(kernel=lambda x, z: (x @ z.T + 1.0) ** 2).fit(*self.moons)
        theirs = KernelSVM(kernel="poly", degree=2, gamma=1.0, coef0=1.0).fit(*self.moons)
        np.testing.assert_allclose(
            ours.decision_function(self.moons[0]), theirs.decision_function(self.moons[0])
        )

    def test_equal_rows_of_different_classes(self):
        X, y = np.ones((4, 2)), np.array([0, 0, 1, 1])
        assert np.isfinite(KernelSVM().fit(X, y).decision_function(X)).all()

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"kernel": "gauss"}, "kernel must be one of"),
            ({"gamma": 0.0}, "gamma must be 'scale', 'auto'"),
            ({"gamma": "wide"}, "gamma must be 'scale', 'auto'"),
            ({"C": -1.0}, "C must be"),
        ],
    )
    def test_arguments_out_of_range_are_refused(self, options, match):
        with pytest.raises(ArgumentError, match=match):
            KernelSVM(**options).fit(*self.moons)

    def test_says_that_it_has_not_converged(self):
        with pytest.warns(ConvergenceWarning, match="in 5 pairs"):
            KernelSVM(max_iter=5).fit(*self.moons)


class TestTogether:
    @pytest.mark.parametrize(
        "estimator",
        [LogisticRegression(), Perceptron(random_state=0), KernelSVM()],
        ids=lambda e: type(e).__name__,
    )
    def test_bases_are_searched(self, estimator):
        model = make_pipeline(StandardScaler(), BasisFunctions(degree=2), estimator)
        grid = {"basisfunctions__degree": [1, 2]}
        assert GridSearchCV(model, grid, cv=2).fit(*IRIS).best_score_ > 0.85

    @pytest.mark.parametrize(
        ("estimator", "rtol"),
        [
            (LinearRegression(), 1e-9),
            (LogisticRegression(), 1e-5),
            (LogisticRegression(penalty="l1"), 1e-5),
            (KernelSVM(), 1e-8),
        ],
        ids=str,
    )
    def test_weight_2_is_the_row_twice(self, estimator, rtol):
        X, y = IRIS[0][40:], IRIS[1][40:]
        times = np.random.default_rng(0).integers(0, 4, len(y))
        weighted = clone(estimator).fit(X, y, sample_weight=times.astype(float))
        repeated = clone(estimator).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
        method = "decision_function" if hasattr(estimator, "decision_function") else "predict"
        np.testing.assert_allclose(
            getattr(weighted, method)(X), getattr(repeated, method)(X), rtol=rtol, atol=rtol
        )

    @pytest.mark.parametrize(
        "estimator",
        [
            LinearRegression(), LogisticRegression(), Perceptron(max_iter=3), KernelSVM(),
            Autoencoder(max_iter=2),
        ],
        ids=lambda e: type(e).__name__,
    )  # fmt: skip
    def test_networks_are_explained_and_examined(self, estimator):
        X, y = IRIS
        estimator.fit(X, y)
        assert "were checked by finite differences" in str(estimator.explain_(X[:3], y[:3]))
        assert str(estimator.diagnose_(X, y)).startswith("Diagnosis")

    def test_the_doctor_knows_which_loss_it_is(self):
        X, y = np.random.default_rng(0).normal(size=(400, 3)), np.repeat([0, 1, 2], [385, 10, 5])
        assert LogisticRegression().fit(X, y).diagnose_(X, y).codes == ["class-imbalance"]

    @pytest.mark.parametrize(
        "estimator",
        [
            LinearRegression(), LogisticRegression(), Perceptron(random_state=0), KernelSVM(),
            Autoencoder(max_iter=2, random_state=0), BasisFunctions(),
        ],
        ids=lambda e: type(e).__name__,
    )  # fmt: skip
    def test_sparse_rows_are_rows(self, estimator):
        sparse = pytest.importorskip("scipy.sparse")
        X, y = np.where(IRIS[0] > 0, IRIS[0], 0.0), IRIS[1]
        method = "transform" if hasattr(estimator, "transform") else "predict"
        dense = getattr(clone(estimator).fit(X, y), method)(X)
        found = getattr(clone(estimator).fit(sparse.csr_array(X), y), method)(sparse.csc_matrix(X))
        np.testing.assert_array_equal(found, dense)

    def test_unknown_classes_are_named(self):
        model = LogisticRegression().fit(*IRIS)
        with pytest.raises(DataError, match=r"not trained on the class .*7"):
            model.explain_(IRIS[0][:2], [0, 7])

    @pytest.mark.parametrize("cls", [LogisticRegression, Perceptron, KernelSVM])
    def test_one_class_is_refused(self, cls):
        with pytest.raises(DataError, match="two classes at least"):
            cls().fit(np.zeros((3, 2)), np.zeros(3))
