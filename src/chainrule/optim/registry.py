"""Optimizers by name, and back from their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.optim.adagrad import Adadelta, Adagrad, RMSprop
from chainrule.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from chainrule.optim.conjugate import ConjugateGradient
from chainrule.optim.full_batch import FullBatch
from chainrule.optim.layerwise import LAMB, Muon
from chainrule.optim.lbfgs import LBFGS
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.sgd import SGD
from chainrule.optim.signs import Lion, Rprop
from chainrule.optim.wrappers import EMA, SWA, Lookahead, Wrapper

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind
    for kind in (
        Adadelta, Adagrad, Adam, AdamW, Adamax, LAMB, Lion, Muon, NAdam, RAdam, RMSprop, Rprop, SGD,
    )
}  # fmt: skip
WRAPPERS: dict[str, type[Wrapper]] = {kind.__name__: kind for kind in (EMA, Lookahead, SWA)}
FULL_BATCH: dict[str, type[FullBatch]] = {
    kind.__name__: kind for kind in (ConjugateGradient, LBFGS)
}


def optimizer_from_config(
    config: Mapping[str, Any], more: Mapping[str, type[Optimizer]] | None = None
) -> Optimizer | FullBatch:
    """Rebuild an optimizer from its configuration.

    Parameters
    ----------
    config : mapping
        From `Optimizer.config`.
    more : mapping of str to class, optional
        Optimizers beside those of `OPTIMIZERS`, `WRAPPERS` and `FULL_BATCH`, by name.

    Raises
    ------
    ArgumentError
        If it names an optimizer that is not known, or parameters that it does not have.

    Examples
    --------
    >>> optimizer_from_config(EMA(Adam(lr=0.1)).config()) == EMA(Adam(lr=0.1))
    True
    """
    known: dict[str, Any] = {**OPTIMIZERS, **WRAPPERS, **FULL_BATCH, **(more or {})}
    arguments = dict(config)
    name = arguments.pop("optimizer", None)
    if not isinstance(name, str) or name not in known:
        raise ArgumentError(f"there is no optimizer {name!r}; there are {list(known)}")
    for key, value in arguments.items():
        if isinstance(value, Mapping):
            arguments[key] = optimizer_from_config(value, more)
    try:
        made: Optimizer | FullBatch = known[name](**arguments)
    except TypeError as error:
        raise ArgumentError(f"the configuration of {name} is not valid: {error}") from error
    return made
