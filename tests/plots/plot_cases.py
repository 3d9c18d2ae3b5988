"""One call of each plot, on small data of the right kind."""

from types import SimpleNamespace

import numpy as np

from chainrule import nn
from chainrule.training import History, Record

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
IMAGES = RNG.random((12, 16)).astype(np.float32)
NETWORK = nn.Sequential(nn.Linear(2, 5, rng=0), "tanh", nn.Linear(5, 2, rng=1))
AUTOENCODER = nn.Sequential(nn.Linear(16, 3, rng=0), nn.Linear(3, 16, rng=1))
HISTORY = History(
    tuple(Record(i + 1, 10.0 / (i + 1) ** 2, 0.1, 1.0, 0.1, 5.0 / (i + 1)) for i in range(8)),
    best_epoch=7,
)
SEARCH = SimpleNamespace(
    lrs=[1e-4, 1e-3, 1e-2, 1e-1], losses=[2.0, 1.5, 0.9, 6.0], smoothed=[2.0, 1.7, 1.2, 3.0],
    suggestion=1e-2,
)  # fmt: skip

CASES = {
    "activations": ((["relu", "tanh", "softmax"],), {}),
    "calibration": (([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), {}),
    "confusion_matrix": ((["a", "b", "b", "c"], ["a", "b", "c", "c"]), {}),
    "decision_regions": ((NETWORK, X, Y), {"places": 20}),
    "gradient_flow": ((NETWORK, X, Y, "cross_entropy"), {}),
    "hidden_space": ((NETWORK, X, Y), {}),
    "hidden_units": ((NETWORK, X, Y), {"places": 12, "most": 3}),
    "learning_curves": ((HISTORY,), {}),
    "loss_surface": ((NETWORK, X, Y, "cross_entropy"), {"points": 5}),
    "rate_finder": ((SEARCH,), {}),
    "reconstructions": ((AUTOENCODER, IMAGES), {}),
    "weights": ((AUTOENCODER,), {}),
}
