"""Basis functions and autoencoders: scikit-learn's polynomials and kernels, PCA's subspace."""

import contextlib

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import datasets, preprocessing
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise

from chainrule import nn
from chainrule.errors import ArgumentError, ShapeError
from chainrule.estimators import Autoencoder, BasisFunctions


class TestBasisFunctions:
    X = np.random.default_rng(0).normal(size=(40, 3))

    @pytest.mark.parametrize("include_bias", [False, True])
    @pytest.mark.parametrize("terms", ["all", "interactions"])
    def test_polynomials_are_scikit_learns(self, terms, include_bias):
        theirs = preprocessing.PolynomialFeatures(
            3, interaction_only=terms == "interactions", include_bias=include_bias
        ).fit(self.X)
        ours = BasisFunctions(degree=3, terms=terms, include_bias=include_bias).fit(self.X)
        np.testing.assert_allclose(ours.transform(self.X), theirs.transform(self.X), rtol=1e-13)
        names = theirs.get_feature_names_out(["a", "b", "c"])
        assert ours.get_feature_names_out(["a", "b", "c"]).tolist() == names.tolist()

    def test_radial_basis_functions_are_kernels(self):
        basis = BasisFunctions("rbf", n_centres=5, gamma=0.3, random_state=0).fit(self.X)
        centres = basis.network_.rows
        assert all(any(np.array_equal(c, x) for x in self.X) for c in centres)
        expected = pairwise.rbf_kernel(self.X, centres, gamma=0.3)
        np.testing.assert_allclose(basis.transform(self.X), expected, rtol=1e-12)
        assert basis.get_feature_names_out().tolist() == ["rbf0", "rbf1", "rbf2", "rbf3", "rbf4"]
        given = BasisFunctions("rbf", centres=centres, gamma=0.3).fit(self.X)
        np.testing.assert_array_equal(given.transform(self.X), basis.transform(self.X))

    def test_fourier_series(self):
        basis = BasisFunctions("fourier", n_harmonics=2, period=2.0).fit(self.X[:, :2])
        found = dict(
            zip(basis.get_feature_names_out(), basis.transform(self.X[:, :2]).T, strict=True)
        )
        assert list(found)[:4] == ["cos(1 x0)", "cos(2 x0)", "cos(1 x1)", "cos(2 x1)"]
        np.testing.assert_allclose(found["sin(2 x1)"], np.sin(2 * np.pi * self.X[:, 1]), atol=1e-9)

    def test_frames_keep_their_names(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(self.X, columns=["a", "b", "c"])
        made = BasisFunctions(terms="powers").set_output(transform="pandas").fit_transform(frame)
        assert list(made.columns) == ["a", "b", "c", "a^2", "b^2", "c^2"]

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"kind": "spline"}, "kind must be"),
            ({"degree": 0}, "degree must be"),
            ({"kind": "rbf", "gamma": -1.0}, "gamma must be"),
            ({"kind": "rbf", "centres": np.zeros((2, 2))}, "X has 3 features"),
        ],
    )
    def test_arguments_out_of_range_are_refused(self, options, match):
        with pytest.raises(ArgumentError, match=match):
            BasisFunctions(**options).fit(self.X)


def angles(A, B):
    """Principal angles between the spaces that the columns of two matrices span, in radians."""
    from scipy.linalg import subspace_angles

    return subspace_angles(A, B)


VARIANTS = {
    "linear": {},
    "deep": {"hidden_layer_sizes": (16,)},
    "tied": {"hidden_layer_sizes": (16,), "tied": True},
    "denoising": {"noise": 0.3},
    "sparse l1": {"sparsity": "l1", "sparsity_strength": 0.01},
    "sparse kl": {"code_activation": "sigmoid", "sparsity": "kl", "sparsity_strength": 0.001},
    "full batch": {"solver": "lbfgs", "hidden_layer_sizes": (8,)},
}


class TestAutoencoder:
    X = np.random.default_rng(0).normal(size=(200, 10)) * np.linspace(1, 3, 10) + 50.0

    @pytest.mark.parametrize("tied", [False, True])
    def test_the_linear_one_spans_the_principal_components(self, tied):
        pca = PCA(3).fit(self.X)
        model = Autoencoder(3, tied=tied, solver="lbfgs", max_iter=500, random_state=0).fit(self.X)
        decoder = nn.named_parameters(model.network_)["encoder.0.weight"].T
        if not tied:
            decoder = model.network_.decoder.layers[0].weight
        assert np.max(angles(decoder, pca.components_.T)) < 1e-3
        theirs = pca.inverse_transform(pca.transform(self.X))
        ours = model.inverse_transform(model.transform(self.X))
        np.testing.assert_allclose(ours, theirs, atol=1e-2)
        assert model.loss_ == pytest.approx(np.mean((theirs - self.X) ** 2), rel=1e-6)

    def test_batches_come_near_to_the_principal_components(self):
        X = self.X * np.where(np.arange(10) > 6, 1.0, 0.2)
        model = Autoencoder(3, learning_rate_init=0.01, random_state=0, max_iter=300).fit(X)
        assert (
            np.max(angles(model.network_.decoder.layers[0].weight, PCA(3).fit(X).components_.T))
            < 0.1
        )

    @pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
    def test_every_variant_learns(self, options):
        X = datasets.load_digits().data[:300] / 16.0
        model = Autoencoder(8, learning_rate_init=0.01, max_iter=60, random_state=0, **options)
        early = "solver" in options  # 60 iterations are too few for a full batch
        with pytest.warns(ConvergenceWarning) if early else contextlib.nullcontext():
            code = model.fit_transform(X)
        assert code.shape == (300, 8)
        back = model.inverse_transform(code)
        np.testing.assert_allclose(
            model.reconstruction_error(X), np.mean((back - X) ** 2, axis=1), rtol=1e-9
        )
        assert model.loss_ < 0.8 * np.mean(np.var(X, axis=0))
        again = clone(model)
        assert len(model.get_feature_names_out()) == 8
        assert again.get_params() == model.get_params()

    def test_outputs_between_0_and_1(self):
        X = datasets.load_digits().data[:300] / 16.0
        model = Autoencoder(
            8, output_activation="sigmoid", learning_rate_init=0.02, batch_size=50, max_iter=40,
            random_state=0,
        ).fit(X)  # fmt: skip
        back = model.inverse_transform(model.transform(X))
        assert 0 < back.min() < back.max() < 1
        assert model.loss_ < 0.7 * np.mean(np.var(X, axis=0))

    def test_penalties_quieten_the_code(self):
        X = datasets.load_digits().data[:200] / 16.0
        options = {
            "code_activation": "sigmoid",
            "learning_rate_init": 0.02,
            "batch_size": 25,
            "random_state": 0,
        }
        plain, sparse = (
            Autoencoder(16, max_iter=60, sparsity=sparsity, sparsity_strength=0.2, **options)
            .fit_transform(X).mean() for sparsity in (None, "kl")
        )  # fmt: skip
        assert sparse < 0.1 < 0.2 < plain

    def test_the_seed_decides(self):
        one, same, other = (
            Autoencoder(2, max_iter=3, random_state=seed).fit_transform(self.X)
            for seed in (1, 1, 2)
        )
        assert one.tobytes() == same.tobytes() != other.tobytes()

    def test_what_cannot_be_is_refused(self):
        with pytest.raises(ArgumentError, match="needs code_activation='sigmoid'"):
            Autoencoder(sparsity="kl").fit(self.X)
        with pytest.raises(ArgumentError, match="noise needs solver='adam'"):
            Autoencoder(noise=0.1, solver="lbfgs").fit(self.X)
        with pytest.raises(ShapeError, match="a code has 2 numbers, not 3"):
            Autoencoder(max_iter=1).fit(self.X).inverse_transform(np.zeros((1, 3)))
