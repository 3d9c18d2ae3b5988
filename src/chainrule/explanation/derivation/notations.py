"""Notation profiles: how five university lectures write the same equations, as tables of facts."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import ArgumentError


@dataclass(frozen=True)
class Notation:
    """One way to write a network and its gradients.

    Attributes
    ----------
    name, title : str
    loss : str
        Letter of the loss.
    gradient : {"delta", "partial", "nabla"}
        The derivative of the loss by v is written as a delta with subscript v, as a quotient of
        differentials, or with a nabla.
    columns : bool
        Whether vectors are columns, ``W x``, and a batch has its examples as columns; otherwise
        rows, ``X W'``.
    superscript : str
        Brackets of the layer's number, such as ``"[]"``; empty if layers have letters of their own.
    weights, biases, sums, outputs : tuple of str
        Letters of a layer's weight, bias, weighted sum and output, with ``^`` before one that
        wears a hat and ``_`` before a subscript. Without superscripts one a layer; what occurs
        twice has superscripts after all, and so has a network of more layers than letters.
    input : str
    jacobians : bool
        Whether the chain rule is written with Jacobians beside each delta.
    reduction : {"mean", "sum"}
        Whether the lecture's loss is a mean or a sum over the examples.
    relu_at_zero : float
        The derivative of ReLU at 0.
    bias_column : bool
        Whether the bias is the weight of an input that is always 1.
    index_form : bool
        Whether formulas are written element by element first.
    own_names : bool
        Whether variables keep the names that they have in the code.
    """

    name: str
    title: str
    loss: str = "L"
    gradient: str = "delta"
    columns: bool = True
    superscript: str = "[]"
    weights: tuple[str, ...] = ("W",)
    biases: tuple[str, ...] = ("b",)
    sums: tuple[str, ...] = ("z",)
    outputs: tuple[str, ...] = ("a",)
    input: str = "x"
    jacobians: bool = False
    reduction: str = "mean"
    relu_at_zero: float = 0.0
    bias_column: bool = False
    index_form: bool = False
    own_names: bool = False

    def letter(self, letters: tuple[str, ...], layer: int, n_layers: int) -> tuple[str, str]:
        """Return a layer's letter, and the brackets of its superscript if it has one."""
        if self.superscript or n_layers > len(letters) or len(set(letters)) < len(letters):
            return letters[0], self.superscript or "[]"
        return letters[layer - 1], ""

    def facts(self) -> list[str]:
        """Return what is to be known of this notation, in sentences."""
        found = [f"vectors are {'columns, W x' if self.columns else 'rows, x Wᵀ'}"]
        if self.bias_column:
            found.append("the bias w_0 is the weight of an input that is always 1")
        return found


NOTATIONS: dict[str, Notation] = {
    n.name: n
    for n in (
        Notation("own", "the names of the code", columns=False, own_names=True),
        Notation("kamper", "Kamper, NLP817: denominator layout, deltas"),
        Notation(
            "koller", "Koller, Foundations of Mathematics III: Jacobians",
            loss="E", gradient="nabla", superscript="", weights=("W", "V"), biases=("b", "c"),
            sums=("s", "l"), outputs=("a", "^y"), jacobians=True,
        ),
        Notation(
            "slp", "Jurafsky and Martin, Speech and Language Processing 3: rows, h and U",
            gradient="partial", columns=False, superscript="", weights=("W", "U"),
            biases=("b", "c"), sums=("z", "z"), outputs=("h", "^y"), relu_at_zero=1.0,
        ),
        Notation(
            "lampos", "Lampos, COMP0087: the chain of derivatives",
            gradient="partial", superscript="", weights=("w", "u"), biases=("b", "d"),
            sums=("z", "v"), outputs=("a", "c"), reduction="sum",
        ),
        Notation(
            "fund", "Fund, Neural networks: unit by unit",
            loss="E", superscript="()", weights=("w",), biases=("w_0",), sums=("u",),
            outputs=("z",), reduction="sum", bias_column=True, index_form=True,
        ),
    )
}  # fmt: skip


def notation_named(name: str) -> Notation:
    """Return a profile.

    Raises
    ------
    ArgumentError
        If there is none of this name.
    """
    if name not in NOTATIONS:
        raise ArgumentError(f"derive: notation is one of {', '.join(NOTATIONS)}, not {name!r}")
    return NOTATIONS[name]
