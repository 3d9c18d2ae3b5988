"""The eager engine's cost: a chain of 1,000 operations on numbers, forward and backward.

Next to nothing is computed, so what is timed is the price of recording an operation and of walking
back over it. Each library is written the way its own users write it, with its own ReLU where it has
one and NumPy's maximum where it has not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from runner import Step, Workload, main

X, W, B = 0.5, 0.99, 0.01
ROUNDS = 250


def arithmetic(x: Any, w: Any, b: Any, relu: Any) -> Any:
    """250 rounds of four sums and products."""
    for _ in range(ROUNDS):
        x = x * w
        x = x + b
        x = x * 0.999
        x = b + x
    return x


def rectified(x: Any, w: Any, b: Any, relu: Any) -> Any:
    """250 rounds of multiply, add, ReLU, multiply."""
    for _ in range(ROUNDS):
        x = relu(x * w + b)
        x = x * 0.999
    return x


def chainrule_backward(chain: Callable[..., Any]) -> Step:
    from chainrule import Tensor, relu

    x, w, b = Tensor(X), Tensor(W), Tensor(B)

    def step() -> list[Any]:
        x.grad = w.grad = b.grad = None
        chain(x, w, b, relu).backward()
        return [x.grad, w.grad, b.grad]

    return step


def chainrule_grad(chain: Callable[..., Any]) -> Step:
    from chainrule import grad, relu

    gradient = grad(lambda x, w, b: chain(x, w, b, relu), (0, 1, 2))
    return lambda: gradient(X, W, B)


def micrograd(chain: Callable[..., Any]) -> Step:
    from micrograd.engine import Value

    sys.setrecursionlimit(10_000)  # its backward pass recurses once an operation
    x, w, b = Value(X), Value(W), Value(B)

    def step() -> list[Any]:
        x.grad = w.grad = b.grad = 0
        chain(x, w, b, Value.relu).backward()
        return [x.grad, w.grad, b.grad]

    return step


def autograd(chain: Callable[..., Any]) -> Step:
    import autograd.numpy as np
    from autograd import grad

    gradient = grad(lambda x, w, b: chain(x, w, b, lambda z: np.maximum(z, 0.0)), (0, 1, 2))
    return lambda: gradient(X, W, B)


def mygrad(chain: Callable[..., Any]) -> Step:
    import mygrad as mg

    x, w, b = mg.tensor(X), mg.tensor(W), mg.tensor(B)

    def step() -> list[Any]:
        for leaf in (x, w, b):
            leaf.null_grad()
        chain(x, w, b, lambda z: mg.maximum(z, 0.0)).backward()
        return [x.grad, w.grad, b.grad]

    return step


def torch(chain: Callable[..., Any]) -> Step:
    import torch

    x, w, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (X, W, B))

    def step() -> list[Any]:
        x.grad = w.grad = b.grad = None
        chain(x, w, b, torch.relu).backward()
        return [x.grad, w.grad, b.grad]

    return step


LIBRARIES = {
    "chainrule": chainrule_backward,
    "chainrule.grad": chainrule_grad,
    "micrograd": micrograd,
    "autograd": autograd,
    "mygrad": mygrad,
    "torch": torch,
}


def workload(title: str, key: str, chain: Callable[..., Any]) -> Workload:
    """Return the workload of one chain for every library."""
    builds = {name: lambda f=f: f(chain) for name, f in LIBRARIES.items()}
    return Workload(f"1,000 scalar operations, forward and backward: {title}", builds, key=key)


WORKLOADS = [
    workload("sums, products", "eager, sums", arithmetic),
    workload("with ReLU", "eager, ReLU", rectified),
]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
