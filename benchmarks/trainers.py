"""Training with chainrule, PyTorch and JAX: what is the same for every network and loss.

Each function takes the task, the parameters in the library's own form, and the loss in its own
words, and returns a contender that trains `task.steps` steps a call and goes on where it stopped.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from data import BETAS, EPS, MOMENTUM, Task
from runner import Contender

ENGINE = "numba" if importlib.util.find_spec("numba") else "numpy"

Loss = Callable[..., Any]
Weights = Callable[[Any], list[Any]]


def chainrule(task: Task, model: Any, loss: Loss, weights: Weights, engine: str = "") -> Contender:
    """Train with `chainrule.scan`: all steps of a call are one program."""
    import chainrule as cr
    from chainrule import optim

    rules = {
        "sgd": optim.SGD(lr=task.lr),
        "momentum": optim.SGD(lr=task.lr, momentum=MOMENTUM),
        "adam": optim.Adam(lr=task.lr, betas=BETAS, eps=EPS),
    }
    opt = rules[task.optimizer]

    def step(carry: Any, rows: Any) -> Any:
        model, state = carry
        value, g = cr.value_and_grad(lambda m: loss(m, *rows))(model)
        model, state = opt.update(model, g, state)
        return (model, state), value

    train = cr.scan(step, engine=engine or ENGINE)
    carry = model, opt.init(model)

    def run() -> Any:
        nonlocal carry
        carry, losses = train(carry, task.rows, task.order, batch_size=task.batch, in_place=True)
        return losses

    return task.contender(run, lambda: weights(carry[0]))


def torch(
    task: Task,
    params: list[Any],
    loss: Loss,
    weights: Weights,
    *,
    fused: bool = False,
    compiled: bool = False,
    bf16: bool = False,
) -> Contender:
    """Train with PyTorch: its optimizer by default or fused, the loss eager or compiled.

    The batches are gathered beforehand, and no loss is read while it trains.
    """
    import torch as t

    options: dict[str, Any] = {"fused": True} if fused else {}
    if task.optimizer == "adam":
        opt: Any = t.optim.Adam(params, lr=task.lr, betas=BETAS, eps=EPS, **options)
    else:
        momentum = MOMENTUM if task.optimizer == "momentum" else 0.0
        opt = t.optim.SGD(params, lr=task.lr, momentum=momentum, **options)
    batches = list(zip(*(t.from_numpy(x) for x in task.batches), strict=True))
    if bf16:
        loss = _autocast(loss)
    if compiled:
        loss = t.compile(loss)

    def run() -> Any:
        losses = []
        for batch in batches:
            opt.zero_grad(set_to_none=True)
            value = loss(params, *batch)
            value.backward()
            opt.step()
            losses.append(value.detach())
        return losses

    return task.contender(run, lambda: weights([p.detach().numpy() for p in params]), bf16)


def _autocast(loss: Loss) -> Loss:
    import torch as t

    def cast(params: Any, *batch: Any) -> Any:
        with t.autocast("cpu", dtype=t.bfloat16):
            return loss(params, *batch)

    return cast


def torch_leaves(arrays: list[Any]) -> list[Any]:
    """Return parameters of PyTorch; a matrix (in, out) becomes (out, in), as its layers have it."""
    import torch as t

    return [t.from_numpy(np.array(a.T, order="C")).requires_grad_() for a in arrays]


def transposed(arrays: list[Any]) -> list[Any]:
    """Return matrices (out, in) as (in, out)."""
    return [a.T for a in arrays]


def jax_rule(task: Task) -> tuple[Any, Callable[[Any, Any, Any], tuple[Any, Any]]]:
    """Return the first state and the update of a task's rule in JAX."""
    import jax.numpy as jnp
    from jax import tree

    beta1, beta2 = BETAS
    zeros = [jnp.zeros_like(w) for w in task.weights]

    def adam(params: Any, grads: Any, state: Any) -> Any:
        m, v, count = state
        count = count + 1
        m = tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, grads)
        v = tree.map(lambda v, g: beta2 * v + (1 - beta2) * (g * g), v, grads)
        # 1 - beta**count; as it stands here float32 would leave it four correct digits.
        gone1, gone2 = (-jnp.expm1(count * math.log(beta)) for beta in BETAS)
        size, unbias = task.lr / gone1, 1 / gone2
        params = tree.map(lambda p, m, v: p - size * m / (jnp.sqrt(v * unbias) + EPS), params, m, v)
        return params, (m, v, count)

    def momentum(params: Any, grads: Any, state: Any) -> Any:
        state = tree.map(lambda v, g: MOMENTUM * v + g, state, grads)
        return tree.map(lambda p, v: p - task.lr * v, params, state), state

    def sgd(params: Any, grads: Any, state: Any) -> Any:
        return tree.map(lambda p, g: p - task.lr * g, params, grads), state

    if task.optimizer == "adam":
        return (zeros, [jnp.zeros_like(z) for z in zeros], jnp.zeros((), jnp.float32)), adam
    return (zeros, momentum) if task.optimizer == "momentum" else ((), sgd)


def jax(
    task: Task,
    loss: Loss,
    *,
    scan: bool = True,
    unroll: int = 1,
    update: Callable[..., Any] | None = None,
) -> Contender:
    """Train with JAX: a loop of steps under one `jit`, or a step under `jit` called in a loop.

    The batches are gathered beforehand.

    Parameters
    ----------
    loss : callable
        ``loss(params, *batch)``; its parameters are the task's arrays as they are.
    update : callable, optional
        ``update(params, *batch)`` returns parameters and loss, in place of gradients and rule.
    """
    import jax as j
    import jax.numpy as jnp

    state, rule = jax_rule(task)

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        if update is not None:
            params, value = update(params, *batch)
            return (params, state), value
        value, grads = j.value_and_grad(loss)(params, *batch)
        return rule(params, grads, state), value

    carry = ([jnp.array(w) for w in task.weights], state)
    train = _jax_epoch(task, step, unroll) if scan else _jax_steps(task, step)

    def run() -> Any:
        nonlocal carry
        carry, losses = train(carry)
        j.block_until_ready(carry)
        return losses

    return task.contender(run, lambda: [np.asarray(p) for p in carry[0]])


def _jax_epoch(task: Task, step: Any, unroll: int) -> Callable[[Any], Any]:
    """Return all steps as one program."""
    import jax as j
    import jax.numpy as jnp

    batches = tuple(jnp.asarray(x) for x in task.batches)
    program = lambda carry, batches: j.lax.scan(step, carry, batches, unroll=unroll)
    compiled = j.jit(program, donate_argnums=0)
    return lambda carry: compiled(carry, batches)


def _jax_steps(task: Task, step: Any) -> Callable[[Any], Any]:
    """Return a loop over a program of one step."""
    import jax as j
    import jax.numpy as jnp

    arrays = tuple(jnp.asarray(x) for x in task.batches)
    batches = [tuple(x[i] for x in arrays) for i in range(task.steps)]
    one = j.jit(step, donate_argnums=0)

    def train(carry: Any) -> Any:
        losses = []
        for batch in batches:
            carry, value = one(carry, batch)
            losses.append(value)
        return carry, losses

    return train
