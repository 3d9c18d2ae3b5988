"""Names in emitted source: identifiers made here, whatever strings a user's variables carry."""

from __future__ import annotations

import builtins
import keyword
import re

from chainrule.graph import REGISTRY, Graph, Op

_TAKEN = frozenset({
    *keyword.kwlist, *keyword.softkwlist, *dir(builtins),
    "np", "jnp", "ops", "settings", "fixed", "program", "inputs", "constants", "buffers", "njit",
    "before", "frame", "thread", "n_threads", "places", "row", "rows", "s", "sync", "ticks", "mask",
    "given", "result", "entry", "carray",
    *(f"{name}{bits}" for name in ("exp", "log", "log1p", "tanh", "rank", "ranked", "product")
      for bits in (32, 64)),
    "transpose", "pointer", "stay_apart", "cycles", "owners", "share", "wait",
    "flush_denormals", "restore_denormals",
})  # fmt: skip
_LONGEST = 40


def identifier(name: str) -> str:
    """Return an identifier that resembles a name: ASCII letters, digits, single underscores.

    It is never a keyword, a builtin, or of the form that the emitters give their own variables.

    Examples
    --------
    >>> identifier("model.0.weight"), identifier("in"), identifier("x = 1; import os")
    ('model_0_weight', 'in_given', 'x_1_import_os')
    """
    word = re.sub(r"[^A-Za-z0-9]+", "_", name)[:_LONGEST].strip("_") or "x"
    if word[0].isdigit():
        word = f"x_{word}"
    ours = re.fullmatch(r"[a-z]{1,2}\d+", word)
    return f"{word}_given" if word in _TAKEN or ours else word


def input_names(graph: Graph) -> list[str]:
    """Return a different identifier for each input of a graph."""
    found: list[str] = []
    taken: set[str] = set()
    for x in graph.inputs:
        word, count = identifier(x.name), 1
        while word in taken:
            count += 1
            word = f"{identifier(x.name)}__{count}"
        taken.add(word)
        found.append(word)
    return found


def op_name(op: Op, others: list[Op]) -> str:
    """Return what emitted source calls an op; a user's own op is numbered among `others`."""
    if REGISTRY.by_name.get(op.name) is op and op.__module__.startswith("chainrule."):
        return identifier(op.name) if op.name not in dir(builtins) else op.name
    if op not in others:
        others.append(op)
    return f"own_{others.index(op)}"
