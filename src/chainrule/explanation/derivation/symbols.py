"""Which symbol stands for which variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explanation.derivation.notations import Notation
from chainrule.explanation.layers import Layer
from chainrule.pages.maths import GREEK, Fenced, Fraction, Maths, Script, Sign, Symbol, row


@dataclass(frozen=True)
class Letter:
    """A symbol before it is set: a letter with scripts.

    Attributes
    ----------
    base : str
        A letter, a Greek letter by its name, or a word.
    sub : str
    layer : int
        0 if it belongs to none.
    brackets : str
        Of the layer's number; empty if that is not written.
    accent : str
    ndim : int
        Of the value: scalars are italic, vectors and matrices bold.
    """

    base: str
    sub: str = ""
    layer: int = 0
    brackets: str = ""
    accent: str = ""
    ndim: int = 0

    def set(self, layer: Maths | None = None, *, element: Maths | None = None) -> Maths:
        """Return it as a formula.

        Parameters
        ----------
        layer : Maths, optional
            Written in the place of the layer's number.
        element : Maths, optional
            Indices: the symbol of an element, which is a scalar.
        """
        style = "italic" if element is not None or not self.ndim else "bold"
        subs: list[Maths] = [Symbol(self.sub)] if self.sub else []
        if element is not None:
            subs.append(element)
        sup: Maths | None = None
        if self.brackets:
            number = Symbol(str(self.layer), "upright") if layer is None else layer
            sup = Fenced(number, self.brackets)
        base = Symbol(self.base, style, self.accent)
        if not subs and sup is None:
            return base
        sub = None if not subs else subs[0] if len(subs) == 1 else row(subs[0], ",", *subs[1:])
        return Script(base, sub, sup)


def letter_of_name(name: str, ndim: int) -> Letter:
    """Return the symbol of a user's variable: ``W1`` has a subscript, ``alpha`` is Greek."""
    match = re.fullmatch(r"([A-Za-z]|" + "|".join(GREEK) + r")_?(\d{1,2})", name)
    if match:
        return Letter(match[1], match[2], ndim=ndim)
    stem, _, sub = name.partition("_")
    if (len(stem) == 1 or stem in GREEK) and sub and len(sub) <= 12:
        return Letter(stem, sub, ndim=ndim)
    return Letter(name, ndim=ndim)


class Symbols:
    """The symbols of a derivation, by key of the equations.

    Parameters
    ----------
    notation : Notation
    layers : list of Layer
    values : mapping of str to array
        Of every key, for its number of axes.
    batched : collection of str
        Keys whose first axis counts the examples.
    """

    def __init__(
        self,
        notation: Notation,
        layers: list[Layer],
        values: Mapping[str, Any],
        batched: frozenset[str],
        extra: Mapping[str, Letter] | None = None,
    ) -> None:
        self.notation, self.values, self.batched = notation, values, batched
        self.letters: dict[str, Letter] = dict(extra or {})
        for layer in layers:
            self._name_layer(layer, len(layers))

    def _name_layer(self, layer: Layer, n_layers: int) -> None:
        n, notation = layer.number, self.notation
        parts = [
            (layer.weight, notation.weights), (layer.bias, notation.biases),
            (layer.z, notation.sums), (layer.a, notation.outputs),
        ]  # fmt: skip
        for variable, letters in parts:
            if variable is None or (variable.name in self.letters) or self._keeps(variable.name):
                continue
            spelling, brackets = notation.letter(letters, n, n_layers)
            base, _, sub = spelling.removeprefix("^").partition("_")
            accent = "hat" if spelling.startswith("^") else ""
            made = Letter(base, sub, n, brackets, accent)
            self.letters[variable.name] = self._sized(variable.name, made)
        if n == 1 and layer.x is not None and layer.x.op is None and not self._keeps(layer.x.name):
            self.letters.setdefault(layer.x.name, self._sized(layer.x.name, Letter(notation.input)))

    def _keeps(self, name: str) -> bool:
        """Return whether a variable keeps the name that it has in the code."""
        made_here = "." in name or re.fullmatch(r"[az]\d+", name) is not None
        return self.notation.own_names and not made_here

    def _sized(self, name: str, letter: Letter) -> Letter:
        ndim = np.ndim(self.values.get(name, 0.0))
        base = letter.base
        if name in self.batched and ndim > 1 and len(base) == 1 and not self.notation.own_names:
            base = base.upper()
        return Letter(base, letter.sub, letter.layer, letter.brackets, letter.accent, ndim)

    def letter(self, name: str) -> Letter:
        """Return the symbol of a variable."""
        if name not in self.letters:
            made = letter_of_name(name, np.ndim(self.values.get(name, 0.0)))
            self.letters[name] = self._sized(name, made)
        return self.letters[name]

    @property
    def loss(self) -> Maths:
        """The symbol of the loss."""
        return Symbol(self.notation.loss)

    def gradient(self, inner: Maths) -> Maths:
        """Return the derivative of the loss by what is written."""
        style = self.notation.gradient
        if style == "delta":
            return Script(Symbol("delta", "bold"), inner)
        if style == "nabla":
            return row(Script(Sign("nabla"), inner), self.loss)
        return quotient(self.loss, inner)


def quotient(top: Maths, bottom: Maths) -> Maths:
    """Return a derivative as a quotient of differentials."""
    return Fraction(row("partial", top), row("partial", bottom))
