"""Basis functions and kernels against scikit-learn, and what they let a linear layer do."""

import numpy as np
import pytest
from sklearn.metrics import pairwise
from sklearn.preprocessing import PolynomialFeatures

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, ShapeError
from chainrule.nn.kernels import squared_distances
from chainrule.optim import Adam
from chainrule.training import fit

X = np.random.default_rng(0).normal(size=(7, 3))
Z = np.random.default_rng(1).normal(size=(5, 3))


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize("terms", ["all", "interactions"])
def test_monomials_are_those_of_scikit_learn(degree, terms):
    interactions = terms == "interactions"
    theirs = PolynomialFeatures(degree, interaction_only=interactions, include_bias=False)
    found = nn.Polynomial(3, degree, terms=terms)(X)
    np.testing.assert_allclose(found, theirs.fit_transform(X), rtol=1e-13)


def test_powers_have_no_interactions():
    found = nn.Polynomial(3, 3, terms="powers")(X)
    np.testing.assert_allclose(found, np.hstack([X, X**2, X**3]), rtol=1e-14)


def test_whole_numbers_become_fractions_before_they_overflow():
    assert nn.Polynomial(1, 5)(np.array([[100_000]]))[0, 4] == 1e25


def test_too_many_monomials_are_refused_at_once():
    with pytest.raises(ArgumentError, match="more than a million monomials of degree 4"):
        nn.Polynomial(100, 9)


KERNELS = [
    ("linear", pairwise.linear_kernel, {}),
    ("poly", pairwise.polynomial_kernel, {}),
    ("poly", pairwise.polynomial_kernel, {"degree": 2, "gamma": 0.3, "coef0": -1.0}),
    ("rbf", pairwise.rbf_kernel, {}),
    ("rbf", pairwise.rbf_kernel, {"gamma": 0.7}),
    ("sigmoid", pairwise.sigmoid_kernel, {}),
    ("sigmoid", pairwise.sigmoid_kernel, {"gamma": 0.7, "coef0": 0.5}),
]


@pytest.mark.parametrize(("name", "theirs", "options"), KERNELS)
def test_kernels_are_those_of_scikit_learn(name, theirs, options):
    expected = theirs(X, Z, **options)
    np.testing.assert_allclose(nn.KERNELS[name](X, Z, **options), expected, rtol=1e-12)
    layer = nn.Kernel(Z, name, dtype=np.float64, **options)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-12)
    cr.check_grads(nn.KERNELS[name], (X, Z), rtol=1e-6)


def test_kernels_of_one_row_and_of_sequences():
    one = nn.rbf_kernel(X[0], Z)
    assert one.shape == (5,)
    stacked = nn.rbf_kernel(np.stack([X, 2 * X]), Z)
    assert stacked.shape == (2, 7, 5)
    np.testing.assert_allclose(stacked[0, 0], one, rtol=1e-14)


def test_second_derivatives_where_a_row_meets_itself():
    cr.check_grads(lambda x: nn.rbf_kernel(x, Z), (Z[:2].copy(),), order=2)
    assert squared_distances(Z, Z).diagonal() == pytest.approx(0.0, abs=1e-14)


def test_a_kernel_of_ones_own():
    layer = nn.Kernel(Z, lambda x, z: np.tanh(x @ z.T), dtype=np.float64)
    np.testing.assert_allclose(layer(X), np.tanh(X @ Z.T))


def test_stored_rows_are_not_trained():
    layer = nn.Kernel(Z)
    assert not nn.named_parameters(layer)
    assert nn.named_buffers(layer)["rows"].shape == (5, 3)
    assert list(nn.named_parameters(nn.RadialBasis(Z))) == ["centres", "log_gamma"]


@pytest.mark.parametrize("rows", [np.zeros(3), np.zeros((0, 3)), np.zeros((2, 0)), 5.0])
def test_rows_are_a_matrix(rows):
    for make in (nn.Kernel, nn.RadialBasis, nn.Fourier):
        with pytest.raises(ShapeError, match="must be a matrix, rows of features"):
            make(rows)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: nn.Kernel(Z, "gauss"), "kernel must be one of 'linear'"),
        (lambda: nn.Kernel(Z, "rbf", gamma=0.0), "gamma must be"),
        (lambda: nn.Kernel(Z, "poly", degree=1.5), "degree must be"),
        (lambda: nn.RadialBasis(Z, gamma=-1.0), "gamma must be"),
        (lambda: nn.Polynomial(0), "in_features must be"),
        (lambda: nn.Polynomial(2, terms="some"), "terms must be"),
        (lambda: nn.harmonics(2, 0), "n_harmonics must be"),
    ],
)
def test_arguments_out_of_range_are_refused(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


def test_radial_basis_functions_find_their_places():
    """Two bumps, learned from centres and widths that are wrong."""
    x = np.linspace(-3, 3, 60)[:, None]
    y = np.exp(-4.0 * (x + 1.5) ** 2) - np.exp(-0.5 * (x - 1.0) ** 2)
    model = nn.Sequential(
        nn.RadialBasis([[-1.0], [0.5]], 1.0, dtype=np.float64),
        nn.Linear(2, 1, 0, bias=False, dtype=np.float64),
    )
    model, _ = fit(
        model, (x, y), loss=nn.mse, optimizer=Adam(0.05), epochs=400, batch_size=60, progress=False
    )
    basis = model.layers[0]
    np.testing.assert_allclose(basis.centres[:, 0], [-1.5, 1.0], atol=0.01)
    np.testing.assert_allclose(np.exp(basis.log_gamma), [4.0, 0.5], rtol=0.05)


def test_random_frequencies_estimate_the_kernel():
    rng, gamma, k = np.random.default_rng(0), 0.4, 20_000
    layer = nn.Fourier(rng.normal(0.0, np.sqrt(2 * gamma), (k, 3)), dtype=np.float64)
    estimate = layer(X) @ layer(Z).T / k
    np.testing.assert_allclose(estimate, nn.rbf_kernel(X, Z, gamma=gamma), atol=0.03)


def test_harmonics_are_periodic_and_orthogonal():
    x = np.arange(0.0, 5.0, 0.01)[:, None]
    waves = nn.Fourier(nn.harmonics(1, 3, period=2.5), dtype=np.float64)(x)
    np.testing.assert_allclose(waves[:250], waves[250:], atol=1e-12)
    np.testing.assert_allclose(waves.T @ waves, np.eye(6) * len(x) / 2, atol=1e-9)


F64 = {"dtype": np.float64}
NETWORKS = {
    "polynomial": nn.Sequential(nn.Polynomial(3, 3), nn.Linear(19, 1, 0, **F64)),
    "radial basis": nn.Sequential(nn.RadialBasis(Z, 0.5, **F64), nn.Linear(5, 1, 0, **F64)),
    "fourier": nn.Sequential(nn.Fourier(nn.harmonics(3, 2), **F64), nn.Linear(12, 1, 0, **F64)),
    "kernel": nn.Sequential(nn.Kernel(Z, "poly", **F64), nn.Linear(5, 1, 0, **F64)),
}


@pytest.mark.parametrize("loss", [nn.mse, nn.hinge, nn.perceptron], ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_networks_are_explained_derived_and_drawn(network, loss):
    y = np.where(X[:, :1] > 0, 1.0, -1.0)

    def cost(model, x, y):
        return loss(model(x), y)

    assert "lines were checked by finite differences" in str(cr.explain(cost)(network, X, y))
    assert "give the computed numbers" in str(cr.derive(cost)(network, X, y))
    assert str(cr.draw(cost)(network, X, y)).startswith("Computational graph")


def test_what_a_support_vector_machine_costs_is_derived():
    kernel, linear = NETWORKS["kernel"].layers
    y = np.where(X[:, :1] > 0, 1.0, -1.0)
    text = str(cr.derive(lambda linear: nn.svm_objective(kernel, linear, X, y))(linear))
    assert "give the computed numbers" in text
    cr.check_grads(lambda linear: nn.svm_objective(kernel, linear, X, y, C=0.7), (linear,))
    assert nn.rkhs_norm(kernel, linear.weight) == pytest.approx(
        float((linear.weight @ nn.polynomial_kernel(Z, Z) @ linear.weight.T).item())
    )


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_engines_train_them_alike(network):
    y = np.where(X[:, :1] > 0, 1.0, -1.0)
    options = {"loss": nn.hinge, "optimizer": Adam(0.01), "epochs": 2, "batch_size": 3}
    trained = [
        nn.named_parameters(fit(network, (X, y), engine=engine, progress=False, **options)[0])
        for engine in ("eager", "numpy")
    ]
    for name, array in trained[0].items():
        np.testing.assert_allclose(trained[1][name], array, rtol=1e-12)
