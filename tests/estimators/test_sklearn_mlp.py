"""scikit-learn's own tests of its MLP, as they are installed, run against ours.

Their module is executed with our classes in the places of theirs; nothing of it is copied.
"""

import importlib.util
from unittest import mock

import pytest

neural_network = pytest.importorskip("sklearn.neural_network")

from chainrule.estimators import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore")]
# Name of the test: why it cannot pass. Each is expected to fail, and must.
EXCEPTED = {
    "test_gradient": "calls the private method _loss_grad_lbfgs with lists of buffers to fill; "
    "gradients are tested against finite differences in tests/estimators/test_mlp.py",
}
SLOW = {
    "test_n_iter_no_change", "test_n_iter_no_change_inf", "test_partial_fit_classification",
    "test_partial_fit_regression", "test_mlp_loading_from_joblib_partial_fit", "test_alpha",
    "test_multilabel_classification", "test_mlp_regressor_dtypes_casting", "test_shuffle",
    "test_mlp_sample_weight_with_early_stopping", "test_mlp_partial_fit_after_fit",
}  # fmt: skip


@pytest.fixture
def global_random_seed():
    return 42


def their_tests():
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    if spec is None:
        pytest.skip("scikit-learn is installed without its tests", allow_module_level=True)
    module = importlib.util.module_from_spec(spec)
    ours = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
    with mock.patch.multiple(neural_network, **ours):
        spec.loader.exec_module(module)
    assert module.MLPClassifier is MLPClassifier
    for name, test in vars(module).items():
        if name.startswith("test_"):
            if name in EXCEPTED:
                test = pytest.mark.xfail(strict=True, reason=EXCEPTED[name])(test)
            if name in SLOW:
                test = pytest.mark.slow(test)
            yield name, test


globals().update(their_tests())
