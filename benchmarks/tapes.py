"""Dense networks in the smaller libraries: tapes, tinygrad, thinc and scikit-learn."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from data import BETAS, EPS, MOMENTUM, update_rule
from runner import Contender

if TYPE_CHECKING:
    from networks import Network


def autograd(network: Network) -> Contender:
    import autograd.numpy as np_
    from autograd import value_and_grad

    task = network.task()
    weights, update = [w.copy() for w in task.weights], update_rule(task)
    functions = {
        "relu": lambda z: np_.maximum(z, 0.0),
        "tanh": np_.tanh,
        "sigmoid": lambda z: 1 / (1 + np_.exp(-z)),
    }
    function = functions[network.activation]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        for i in range(network.n_layers - 1):
            x = function(np_.dot(x, weights[2 * i]) + weights[2 * i + 1])
        z = np_.dot(x, weights[-2]) + weights[-1]
        if network.binary:
            return np_.mean(np_.logaddexp(0.0, z) - y * z)
        z = z - np_.max(z, axis=1, keepdims=True)
        return np_.mean(np_.log(np_.sum(np_.exp(z), axis=1)) - z[np.arange(len(y)), y])

    gradient = value_and_grad(loss)
    batches = list(zip(*task.batches, strict=True))

    def run() -> Any:
        losses = []
        for batch in batches:
            value, grads = gradient(weights, *batch)
            update(weights, grads)
            losses.append(value)
        return losses

    return task.contender(run, lambda: weights)


def mygrad(network: Network) -> Contender:
    import mygrad as mg
    from mygrad.nnet.activations import relu, sigmoid, tanh
    from mygrad.nnet.losses import softmax_crossentropy

    task = network.task()
    arrays, update = [w.copy() for w in task.weights], update_rule(task)
    function = {"relu": relu, "sigmoid": sigmoid, "tanh": tanh}[network.activation]

    def loss(params: Any, x: Any, y: Any) -> Any:
        for i in range(network.n_layers - 1):
            x = function(mg.matmul(x, params[2 * i]) + params[2 * i + 1])
        z = mg.matmul(x, params[-2]) + params[-1]
        if network.binary:
            return mg.mean(mg.logaddexp(0.0, z) - y * z)
        return softmax_crossentropy(z, y)

    batches = list(zip(*task.batches, strict=True))

    def run() -> Any:
        losses = []
        for batch in batches:
            params = [mg.tensor(a, copy=False) for a in arrays]
            value = loss(params, *batch)
            value.backward()
            update(arrays, [p.grad for p in params])
            losses.append(value.item())
        return losses

    return task.contender(run, lambda: arrays)


def micrograd(network: Network) -> Contender:
    """Train on numbers one by one; it has no sigmoid: ReLU and squared error in its place."""
    from micrograd.nn import MLP

    task = network.task()
    model = MLP(network.sizes[0], list(network.sizes[1:]))
    batches = [(x.tolist(), y.reshape(-1).tolist()) for x, y in zip(*task.batches, strict=True)]

    def step(x: Any, y: Any) -> Any:
        value = sum(((model(row) - target) ** 2 for row, target in zip(x, y, strict=True)), 0.0)
        model.zero_grad()
        value.backward()
        for p in model.parameters():
            p.data -= task.lr / len(y) * p.grad
        return value.data

    run = lambda: [step(*batch) for batch in batches]
    return task.contender(run, lambda: task.weights, other=True)


def tinygrad(network: Network) -> Contender:
    from tinygrad import Context, Device, Tensor, TinyJit
    from tinygrad.nn import optim

    try:
        assert Device.DEFAULT
    except RuntimeError as error:
        raise ImportError(f"tinygrad finds {error}: it needs clang or LLVM") from error
    task = network.task()
    params = [Tensor(w.copy()).realize() for w in task.weights]
    if task.optimizer == "adam":
        opt = optim.Adam(params, lr=task.lr, b1=BETAS[0], b2=BETAS[1], eps=EPS)
    else:
        opt = optim.SGD(params, lr=task.lr, momentum=MOMENTUM * (task.optimizer == "momentum"))

    def loss(x: Any, y: Any) -> Any:
        for i in range(network.n_layers - 1):
            x = getattr(x @ params[2 * i] + params[2 * i + 1], network.activation)()
        z = x @ params[-2] + params[-1]
        if network.binary:
            return z.binary_crossentropy_logits(y)
        return z.sparse_categorical_crossentropy(y)

    @TinyJit
    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        value = loss(x, y).backward()
        return value.realize(*opt.schedule_step())

    batches = [tuple(Tensor(x).realize() for x in b) for b in zip(*task.batches, strict=True)]

    def run() -> Any:
        with Context(TRAINING=1):
            return [step(*batch).item() for batch in batches]

    return task.contender(run, lambda: [p.numpy() for p in params])


def thinc(network: Network) -> Contender:
    """Train with layers and the update of thinc, whose Adam and averages are its own."""
    from thinc.api import Adam, Linear, Relu, chain

    task = network.task()
    x, y = task.batches
    model = chain(*(Relu(n) for n in network.sizes[1:-1]), Linear(network.sizes[-1]))
    model.initialize(X=x[0], Y=np.eye(network.sizes[-1], dtype=np.float32)[y[0]])
    opt = Adam(task.lr, L2=0.0, grad_clip=0.0, use_averages=False)
    classes = np.eye(network.sizes[-1], dtype=np.float32)

    def step(x: Any, y: Any) -> Any:
        z, backprop = model.begin_update(x)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        backprop((p - classes[y]) / np.float32(len(y)))
        model.finish_update(opt)
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    run = lambda: [step(*batch) for batch in zip(x, y, strict=True)]
    return task.contender(run, lambda: task.weights, other=True)


def sklearn(network: Network) -> Contender:
    """Train epochs of scikit-learn's own, which shuffles for itself and starts from own weights."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    logging.captureWarnings(False)
    task = network.task()
    x, y = task.rows
    x, y = x[task.order], y[task.order]
    solver = {"adam": "adam"}.get(task.optimizer, "sgd")
    model = MLPClassifier(
        tuple(network.sizes[1:-1]),
        activation="logistic" if network.activation == "sigmoid" else network.activation,
        solver=solver,
        alpha=0.0,
        batch_size=task.batch,
        learning_rate_init=task.lr,
        momentum=MOMENTUM if task.optimizer == "momentum" else 0.0,
        nesterovs_momentum=False,
        random_state=0,
    )
    classes = np.arange(network.sizes[-1])

    def run() -> Any:
        model.partial_fit(x, y, classes=classes)  # one epoch over the rows of all steps
        return [model.loss_]

    return task.contender(run, lambda: task.weights, other=True)
