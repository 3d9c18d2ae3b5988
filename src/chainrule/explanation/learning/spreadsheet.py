"""A small network as a spreadsheet whose forward and backward pass are live formulas."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.autodiff import value_and_grad
from chainrule.autodiff.arguments import Which
from chainrule.errors import ArgumentError, MissingExtraError, UnsupportedError
from chainrule.explanation.account import Account
from chainrule.explanation.derivation.recast import as_graph
from chainrule.explanation.learning.cells import Cells, formulas, is_view, shown
from chainrule.explanation.subject import about
from chainrule.graph import Constant, Graph, trace
from chainrule.graph.ir import exact
from chainrule.graph.rewrite import node_key, rewrite
from chainrule.io import atomic_write
from chainrule.ops.rewrites import SIMPLIFY
from chainrule.pages.visible import visible

MOST = 20_000  # cells
_LONGEST = 8192  # characters of a formula, in Excel
_INPUTS, _FORWARD, _BACKWARD = "Inputs", "Forward", "Backward"


def spreadsheet(
    subject: Any, path: str | os.PathLike[str], wrt: Which | None = None, *, lr: float = 0.1
) -> Any:
    """Write a computation as an .xlsx file with live formulas: change an input, and all follows.

    Three sheets hold the inputs, the forward pass, and the backward pass with the updated weights.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed. Of a function, a function of its arguments is
        returned; so it is with a module.
    path : path-like
        Ends in .xlsx.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.
    lr : float
        Learning rate of the updated weights; it is an input of the sheet.

    Raises
    ------
    MissingExtraError
        If openpyxl is not installed.
    ArgumentError
        If the file would be of another kind, or of more than 20,000 cells.
    UnsupportedError
        If an operation has no formula, or one that is too long for Excel.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise ArgumentError(f"spreadsheet: {os.fspath(path)!r} must end in .xlsx")
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("openpyxl", "sheet") from None
    return about(
        subject, wrt, lambda account: _Book(openpyxl.Workbook(), account, lr).save(Path(path))
    )


class _Book:
    """A workbook as it grows: a label and a block of cells for each array."""

    def __init__(self, book: Any, account: Account, lr: float) -> None:
        self.book, self.cells = book, 0
        book.remove(book.active)
        self.rows = dict.fromkeys((_INPUTS, _FORWARD, _BACKWARD), 1)
        for name in self.rows:
            book.create_sheet(name).column_dimensions["A"].width = 34
        graph, sources = as_graph(account)
        wanted = [
            i for i, source in enumerate(sources)
            if any(source is v for v in account.wanted)
        ]  # fmt: skip
        values = [getattr(source, "value", source) for source in sources]
        places = [
            self._block(_INPUTS, x.name, np.asarray(value, np.float64))
            for x, value in zip(graph.inputs, values, strict=True)
        ]
        forward = self._run(graph, places, _FORWARD)
        gradients = self._backward(graph, values, wanted, places, forward)
        rate = self._block(_INPUTS, "learning rate", np.asarray(lr))
        for i, g in zip(wanted, gradients, strict=True):
            name = graph.inputs[i].name
            update = np.vectorize(lambda p, d: f"{p}-{rate}*({d})", otypes=[object])(places[i], g)
            self._block(_BACKWARD, f"new {name}", update)

    def _run(self, graph: Graph, places: list[Cells], sheet: str) -> dict[int, Cells]:
        """Write the nodes of a graph and return where each value stands."""
        names = graph.names()
        known: dict[int, Cells] = {
            id(x): place for x, place in zip(graph.inputs, places, strict=True)
        }
        for node in graph.nodes:
            operands = [self._operand(x, known) for x in node.inputs]
            if is_view(node):
                known[id(node)] = shown(node, operands)
                continue
            label = node.name or f"{names[id(node)]}: {node.op.name}"
            known[id(node)] = self._block(sheet, label, formulas(node, operands))
        return known

    def _operand(self, x: Any, known: dict[int, Cells]) -> Cells:
        if isinstance(x, Constant):
            return np.vectorize(lambda v: repr(float(v)), otypes=[object])(np.asarray(x.value))
        return known[id(x)]

    def _backward(
        self, graph: Graph, values: list[Any], wanted: list[int], places: list[Cells],
        forward: dict[int, Cells],
    ) -> list[Cells]:  # fmt: skip
        """Write the gradients; what the forward sheet has already is referred to."""
        both = trace(lambda *xs: value_and_grad(lambda *ys: graph.evaluate(ys)[0], wanted)(*xs))(
            *values
        )
        both = rewrite(both, SIMPLIFY)
        known: dict[int, Cells] = dict(zip(map(id, both.inputs), places, strict=True))
        same = _same_nodes(graph, both)
        for node in both.nodes:
            twin = same.get(id(node))
            if twin is not None and twin in forward:
                known[id(node)] = forward[twin]
                continue
            operands = [self._operand(x, known) for x in node.inputs]
            known[id(node)] = (
                shown(node, operands) if is_view(node)
                else self._block(_BACKWARD, f"step: {node.op.name}", formulas(node, operands))
            )  # fmt: skip
        found = []
        for i, output in zip(wanted, both.outputs[1:], strict=True):
            cells = self._operand(output, known)
            label = f"d loss / d {graph.inputs[i].name}"
            found.append(self._block(_BACKWARD, label, np.asarray(cells, dtype=object)))
        return found

    def _block(self, sheet: str, label: str, content: Cells) -> Cells:
        """Write a label and an array of numbers or formulas; return references to its cells."""
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter

        page, top = self.book[sheet], self.rows[sheet]
        title = page.cell(top, 1, visible(label))
        title.data_type, title.font = "s", Font(bold=True)  # a text, whatever it begins with
        array = np.asarray(content)
        flat = array.reshape(-1, array.shape[-1] if array.ndim else 1)
        self.cells += flat.size
        if self.cells > MOST:
            raise ArgumentError(
                f"spreadsheet: more than {MOST:,} cells; this is for small networks and few rows"
            )
        references = np.empty(flat.shape, dtype=object)
        for r, c in np.ndindex(*flat.shape):
            value = f"={flat[r, c]}" if isinstance(flat[r, c], str) else float(flat[r, c])
            if isinstance(value, str) and len(value) > _LONGEST:
                raise UnsupportedError(
                    f"spreadsheet: a formula of {visible(label)} would have {len(value):,} "
                    f"characters, and Excel reads {_LONGEST:,} at most"
                )
            page.cell(top + r, c + 2, value)
            references[r, c] = f"{sheet}!{get_column_letter(c + 2)}{top + r}"
        self.rows[sheet] = top + max(len(flat), 1) + 1
        return references.reshape(array.shape) if array.ndim else references[0, 0]

    def save(self, path: Path) -> Path:
        """Write the file, whole or not at all."""
        buffer = io.BytesIO()
        self.book.save(buffer)
        with atomic_write(path) as file:
            file.write(buffer.getvalue())
        return path


def _same_nodes(graph: Graph, both: Graph) -> dict[int, int]:
    """Return, for nodes of a larger graph, the nodes of a graph that compute the same."""
    numbers: dict[Any, int] = {}
    old = {number: x for x, number in _numbered(graph, numbers).items()}
    new = _numbered(both, numbers)
    return {x: old[number] for x, number in new.items() if number in old}


def _numbered(graph: Graph, numbers: dict[Any, int]) -> dict[int, int]:
    """Return a number for each value, by its identity: the same for what computes the same."""
    found = {id(x): -1 - i for i, x in enumerate(graph.inputs)}
    for node in graph.nodes:
        inputs = tuple(
            exact(x.value) if isinstance(x, Constant) else found[id(x)] for x in node.inputs
        )
        found[id(node)] = numbers.setdefault(node_key(node, inputs), len(numbers))
    return found
