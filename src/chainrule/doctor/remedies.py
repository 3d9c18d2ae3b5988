"""What is usually done, as changes that can be tried, each with its source.

Only a change that leaves the loss what it was can be tried: one number is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.doctor.findings import Remedy
from chainrule.doctor.patient import Patient

GLOROT = "Glorot and Bengio 2010, section 4.2"
HE = "He et al. 2015, section 2.2"
EFFICIENT = "LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3"
RATES = "Bengio 2012, Practical recommendations, section 3.1"
BOOK = "Goodfellow, Bengio and Courville 2016, "
CLIPPING = "Pascanu, Mikolov and Bengio 2013, section 3.2"


def rate(factor: float) -> Callable[[Patient], Patient]:
    """Return the change of the learning rate by a factor."""

    def change(p: Patient) -> Patient:
        assert p.optimizer is not None
        return p.changed(optimizer=p.optimizer.changed(lr=p.optimizer.lr * factor))

    return change


def standardised(p: Patient) -> Patient:
    """Return the patient with every numeric column brought to mean 0 and deviation 1."""
    numbers = p.numbers
    assert numbers is not None
    mean, std = numbers.mean(axis=0), numbers.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    return _with_numbers(p, lambda rows: (rows - mean) / std)


def _with_numbers(p: Patient, change: Callable[[Any], Any]) -> Patient:
    """Return the patient whose numeric inputs, as rows, are changed, validation too."""

    def changed(X: Any) -> Any:
        if isinstance(X, dict):
            return {**X, "numbers": changed(X["numbers"])}
        array = np.asarray(X)
        return change(array.reshape(len(array), -1)).reshape(array.shape)

    held = None if p.validation is None else (changed(p.validation[0]), p.validation[1])
    return p.changed(X=changed(p.X), validation=held)


def counted_from_zero(p: Patient) -> Patient:
    """Return the patient whose lowest label is 0."""
    low = int(p.y.min())
    held = None if p.validation is None else (p.validation[0], p.validation[1] - low)
    return p.changed(y=p.y - low, validation=held)


def reinitialised(p: Patient) -> Patient:
    """Return the patient with fresh weights, drawn as suits the activation after them."""
    rng = np.random.default_rng(p.seed)
    kinds = {reading.layer: reading.activation for reading in p.readings}

    def fresh(name: str, module: Any) -> Any:
        if not isinstance(module, nn.Linear):
            return module
        n_out, n_in = module.weight.shape
        rectified = kinds.get(name) in ("relu", "leaky_relu", "elu", "gelu", "silu")
        init = "kaiming_uniform" if rectified else "xavier_uniform"
        return nn.Linear(
            n_in, n_out, rng, bias=module.bias is not None, weight_init=init, bias_init="zeros",
            dtype=module.weight.dtype,
        )  # fmt: skip

    return p.changed(model=nn.map_modules(fresh, p.model))


def rectified(p: Patient) -> Patient:
    """Return the patient with ReLU for every sigmoid and tanh between layers, and fresh weights."""

    def other(_: str, module: Any) -> Any:
        squashes = isinstance(module, nn.Activation) and module.function in ("sigmoid", "tanh")
        return nn.Activation("relu") if squashes else module

    return reinitialised(p.changed(model=nn.map_modules(other, p.model)))


def without_output_activation(p: Patient) -> Patient:
    """Return the patient whose last layer gives scores."""

    def plain(name: str, module: Any) -> Any:
        if name == "" and isinstance(module, nn.Sequential):
            return nn.Sequential(*module.layers[:-1])
        return module

    return p.changed(model=nn.map_modules(plain, p.model))


def without_columns(*columns: int) -> Callable[[Patient], Patient]:
    """Return the change that sets columns to zero."""

    def cut(rows: Any) -> Any:
        return np.where(np.isin(np.arange(rows.shape[1]), columns), rows.dtype.type(0), rows)

    return lambda p: _with_numbers(p, cut)


def decayed(p: Patient) -> Patient:
    """Return the patient with decay of the weights, where the optimizer has it."""
    assert p.optimizer is not None
    if "weight_decay" not in p.optimizer.hyperparameters():
        return p
    return p.changed(optimizer=p.optimizer.changed(weight_decay=0.01))


LOWER = Remedy("lower the learning rate tenfold", RATES, rate(0.1))
HIGHER = Remedy("raise the learning rate tenfold", RATES, rate(10.0))
MUCH_HIGHER = Remedy("raise the learning rate a thousandfold", RATES, rate(1000.0))
MUCH_LOWER = Remedy("lower the learning rate a thousandfold", RATES, rate(0.001))
STANDARDISE = Remedy("bring every input to mean 0 and deviation 1", EFFICIENT, standardised)
FRESH = Remedy("draw the weights anew, by the activation's rule", f"{GLOROT}; {HE}", reinitialised)
RELU = Remedy("use ReLU between the layers", BOOK + "section 6.3.1", rectified)
SKIP = Remedy("add ways around layers", "He et al. 2016, Deep residual learning, section 3.1")
CLIP = Remedy("clip the gradients' norm (clip_norm=1)", CLIPPING)
