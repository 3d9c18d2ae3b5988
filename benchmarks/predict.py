"""Inference: the class probabilities of one row, and of 1,024, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import trainers
from data import layers
from roofline import Phase
from runner import OURS, Contender, Workload, main


@dataclass(frozen=True)
class Net:
    """A network with one hidden layer of ReLU, and the rows it is asked about.

    Attributes
    ----------
    sizes : three ints
    n_rows : int
    calls : int
        Calls of one step of the benchmark.
    """

    sizes: Sequence[int]
    n_rows: int
    calls: int

    @property
    def weights(self) -> list[Any]:
        """Matrices (in, out), and biases."""
        return layers(self.sizes)

    @property
    def x(self) -> Any:
        """The rows."""
        shape = self.n_rows, self.sizes[0]
        return np.random.default_rng(0).random(shape, np.float32)

    def contender(self, predict: Callable[[Any], Any]) -> Contender:
        """Return the contender of a function from rows to probabilities."""
        x, calls = self.x, range(self.calls)

        def step() -> list[float]:
            for _ in calls:
                predict(x)
            return []

        final = lambda: np.asarray(predict(x), np.float64)[:64].ravel()
        return Contender(step, self.calls, final)

    def phases(self) -> list[Phase]:
        """Return the operations of a call, and the bytes of the weights that it reads."""
        a, b, c = self.sizes
        n = a * b + b * c
        return [Phase(2 * self.n_rows * n, 4 * (n + b + c) + 4 * self.n_rows * (a + b + c))]


def chainrule(net: Net, engine: str = "") -> Contender:
    import chainrule as cr
    from chainrule import nn

    w1, b1, w2, b2 = net.weights
    a, b, c = net.sizes
    model = nn.Sequential(nn.Linear(a, b, rng=0), "relu", nn.Linear(b, c, rng=0))
    arrays = {"0.weight": w1.T.copy(), "0.bias": b1, "2.weight": w2.T.copy(), "2.bias": b2}
    model = nn.load_parameters(model, arrays)
    engine = engine or trainers.ENGINE
    return net.contender(cr.compile(lambda x: cr.softmax(model(x)), engine=engine))


def by_hand(net: Net) -> Contender:
    """Predict with NumPy."""
    w1, b1, w2, b2 = net.weights

    def predict(x: Any) -> Any:
        h = x @ w1
        h += b1
        np.maximum(h, 0, out=h)
        z = h @ w2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z

    return net.contender(predict)


def torch(net: Net, script: bool = False) -> Contender:
    """Predict with layers of PyTorch without gradients, or with their frozen TorchScript."""
    import torch as t

    w1, b1, w2, b2 = (t.from_numpy(np.array(w.T, order="C")) for w in net.weights)
    a, b, c = net.sizes
    model = t.nn.Sequential(t.nn.Linear(a, b), t.nn.ReLU(), t.nn.Linear(b, c), t.nn.Softmax(-1))
    with t.no_grad():
        for own, given in zip(model.parameters(), (w1, b1, w2, b2), strict=True):
            own.copy_(given)
    if script:
        traced = t.jit.trace(model.eval(), t.from_numpy(net.x))
        model = t.jit.optimize_for_inference(t.jit.freeze(traced))

    def predict(x: Any) -> Any:
        with t.inference_mode():
            return model(t.from_numpy(x)).numpy()

    return net.contender(predict)


def jax(net: Net) -> Contender:
    import jax as j
    import jax.numpy as jnp

    w1, b1, w2, b2 = (jnp.array(w) for w in net.weights)

    @j.jit
    def predict(x: Any) -> Any:
        return j.nn.softmax(j.nn.relu(x @ w1 + b1) @ w2 + b2)

    return net.contender(lambda x: np.asarray(predict(x)))


def sklearn(net: Net) -> Contender:
    """Predict with scikit-learn's classifier, given the weights of the others."""
    from sklearn.neural_network import MLPClassifier

    w1, b1, w2, b2 = net.weights
    model = MLPClassifier((net.sizes[1],), solver="sgd")
    classes = np.arange(net.sizes[2])
    rows = np.zeros((len(classes), net.sizes[0]), np.float32)
    model.partial_fit(rows, classes, classes=classes)
    model.coefs_, model.intercepts_ = [w1, w2], [b1, b2]
    return net.contender(model.predict_proba)


def onnxruntime(net: Net) -> Contender:
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    names = ("w1", "b1", "w2", "b2")
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["z"]),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("Gemm", ["h", "w2", "b2"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"], axis=-1),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("x", net.sizes[0]), ("p", net.sizes[-1]))
    ]
    held = [numpy_helper.from_array(w, name) for w, name in zip(net.weights, names, strict=True)]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], held)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return net.contender(lambda x: session.run(None, {"x": x})[0])


PEERS = {
    OURS: chainrule,
    "numpy": by_hand,
    "onnxruntime": onnxruntime,
    "torch": torch,
    "torch jit": partial(torch, script=True),
    "jax jit": jax,
    "sklearn": sklearn,
}


def workload(title: str, key: str, net: Net) -> Workload:
    """Return the workload of one network and number of rows."""
    builds = {name: partial(build, net) for name, build in PEERS.items()}
    return Workload(title, builds, 1e-3, net.phases(), key)


LARGE, SMALL = (784, 128, 10), (4, 16, 3)
WORKLOADS = [
    workload("784-128-10, one row: a call", "predict, one row", Net(LARGE, 1, 100)),
    workload("4-16-3, one row: a call", "predict, one small row", Net(SMALL, 1, 100)),
    workload("784-128-10, 1,024 rows: a call", "predict, 1,024 rows", Net(LARGE, 1024, 1)),
]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
