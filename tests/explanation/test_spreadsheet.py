"""The spreadsheet's formulas, computed by an evaluator of our own, give what NumPy gives."""

import math
import re

import numpy as np
import pytest
from lectures import U, W, X, Y, loss_abc, network_221

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, UnsupportedError

openpyxl = pytest.importorskip("openpyxl")
FUNCTIONS = {
    "EXP": math.exp, "LN": math.log, "SQRT": math.sqrt, "TANH": math.tanh, "ABS": abs,
    "SUM": sum, "MAX": lambda *x: max(np.hstack(x)), "MIN": lambda *x: min(np.hstack(x)),
    "POWER": pow, "SIN": math.sin, "COS": math.cos,
    "SIGN": lambda x: (x > 0) - (x < 0), "IF": lambda c, a, b: a if c else b,
}  # fmt: skip


class Sheets:
    """A workbook whose formulas are computed."""

    def __init__(self, path):
        self.book = openpyxl.load_workbook(path)
        self.known = {}

    def cell(self, sheet, place):
        key = sheet, place
        if key not in self.known:
            value = self.book[sheet][place].value
            self.known[key] = self.computed(value) if isinstance(value, str) else value
        return self.known[key]

    def computed(self, formula):
        assert formula.startswith("=")
        assert len(formula) <= 8192
        words = re.sub(r"(\w+)!([A-Z]+\d+:[A-Z]+\d+)", r"cells('\1','\2')", formula[1:])
        words = re.sub(r"(\w+)!([A-Z]+\d+)", r"cell('\1','\2')", words)
        words = re.sub(r"(?<![<>])=", "==", words).replace("<>", "!=")
        return eval(
            words, {"__builtins__": {}}, {**FUNCTIONS, "cell": self.cell, "cells": self.cells}
        )

    def cells(self, sheet, places):
        return [self.cell(sheet, x.coordinate) for row in self.book[sheet][places] for x in row]

    def block(self, label):
        for sheet in self.book.worksheets:
            for row in range(1, sheet.max_row + 1):
                if sheet.cell(row, 1).value == label:
                    return self._numbers(sheet, row)
        raise KeyError(label)

    def _numbers(self, sheet, top):
        found = []
        for row in range(top, sheet.max_row + 1):
            cells = []
            for column in range(2, sheet.max_column + 1):
                cell = sheet.cell(row, column)
                if cell.value is None:
                    break
                cells.append(self.cell(sheet.title, cell.coordinate))
            if not cells or (row > top and sheet.cell(row, 1).value):
                break
            found.append(cells)
        return np.squeeze(np.array(found, float))


def test_the_first_lecture(tmp_path):
    path = cr.spreadsheet(loss_abc, tmp_path / "abc.xlsx")(3.0, 1.0, -2.0)
    sheets = Sheets(path)
    assert sheets.block("loss") == -10
    assert [sheets.block(f"d loss / d {n}") for n in "abc"] == [-2, -4, 5]
    assert sheets.block("new a") == pytest.approx(3.2)


def test_formulas_are_live(tmp_path):
    path = cr.spreadsheet(loss_abc, tmp_path / "abc.xlsx")(3.0, 1.0, -2.0)
    book = openpyxl.load_workbook(path)
    assert book["Inputs"]["B1"].value == 3.0
    book["Inputs"]["B1"].value = 10.0
    book.save(path)
    assert Sheets(path).block("loss") == -24


def test_the_network_of_two_layers(tmp_path):
    sheets = Sheets(cr.spreadsheet(network_221, tmp_path / "n.xlsx", ("w", "u"))(W, U, X, Y))
    dw, du = cr.grad(network_221, ("w", "u"))(W, U, X, Y)
    np.testing.assert_allclose(sheets.block("loss"), network_221(W, U, X, Y), rtol=1e-12)
    np.testing.assert_allclose(sheets.block("d loss / d w"), dw, rtol=1e-12)
    np.testing.assert_allclose(sheets.block("d loss / d u"), du, rtol=1e-12)
    np.testing.assert_allclose(sheets.block("new w"), W - 0.1 * dw, rtol=1e-12)


def test_constants_that_differ_in_their_last_digits(tmp_path):
    c, d = np.array([1e9, 0.5]), np.array([1e9 + 1, 0.5])
    loss = lambda x: np.sum((x * c - 1e9) ** 2) + np.sum((x * d - 1e9) ** 2)
    sheets = Sheets(cr.spreadsheet(loss, tmp_path / "n.xlsx")(1.0))
    np.testing.assert_allclose(sheets.block("d loss / d x"), cr.grad(loss)(1.0), rtol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "softplus"])
@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.mse, nn.binary_cross_entropy])
def test_networks_of_modules(activation, loss, tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng, dtype=np.float64), activation, nn.Linear(4, 2, rng, dtype=np.float64)
    )
    x = rng.normal(size=(5, 3))
    y = rng.integers(0, 2, 5) if loss is nn.cross_entropy else rng.integers(0, 2, (5, 2)) * 1.0
    function = lambda model, x, y: loss(model(x), y)
    sheets = Sheets(cr.spreadsheet(function, tmp_path / "n.xlsx")(model, x, y))
    gradient = cr.grad(function)(model, x, y)
    for name, g in nn.named_parameters(gradient).items():
        np.testing.assert_allclose(
            sheets.block(f"d loss / d model.{name}"), g, rtol=1e-9, atol=1e-12
        )


def test_a_formula_is_no_longer_than_excel_reads(tmp_path):
    x, w = np.linspace(-2.0, 2.0, 1000), np.ones((2, 500))
    loss = lambda x: np.sum(x * x)
    sheets = Sheets(cr.spreadsheet(loss, tmp_path / "n.xlsx")(x))
    assert sheets.block("loss") == pytest.approx(loss(x))
    z, y = np.random.default_rng(0).normal(size=(2, 26)), np.array([3, 25])
    sheets = Sheets(cr.spreadsheet(nn.cross_entropy, tmp_path / "n.xlsx", 0)(z, y))
    assert sheets.block("loss") == pytest.approx(nn.cross_entropy(z, y))
    with pytest.raises(UnsupportedError, match="Excel reads 8,192 at most"):
        cr.spreadsheet(lambda w: np.sum(w @ w.T), tmp_path / "m.xlsx")(w)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.sum(cr.sigmoid(x)), lambda x: np.sum(cr.softplus(x)),
        lambda x: np.sum(cr.log_sigmoid(x)), lambda x: np.sum(cr.softmax(x) * np.arange(4.0)),
        lambda x: np.sum(cr.log_softmax(x, axis=0)),
        lambda x: nn.cross_entropy(x, np.array([1, 3])),
        lambda x: nn.binary_cross_entropy(x, np.ones((2, 4))), lambda x: np.sum(np.sum(x, axis=0)),
        lambda x: np.sum(np.sum(np.reshape(x.T, (2, 4)), axis=1) ** 2),
        lambda x: np.sum(np.mean(np.reshape(x + np.ones((3, 1, 1)), (8, 3)), axis=1) ** 2),
        lambda x: np.sum(np.broadcast_to(x, (3, 2, 4)), axis=(0, 1)) @ np.arange(4.0),
    ],
)  # fmt: skip
def test_large_numbers_and_every_kind_of_total(loss, tmp_path):
    x = np.array([[-800.0, 2.0, 800.0, 1.0], [0.5, 750.0, -3.0, -900.0]])
    sheets = Sheets(cr.spreadsheet(loss, tmp_path / "n.xlsx")(x))
    np.testing.assert_allclose(sheets.block("loss"), loss(x), rtol=1e-12)
    np.testing.assert_allclose(
        sheets.block("d loss / d x"), cr.grad(loss)(x), rtol=1e-12, atol=1e-300
    )


def test_names_are_never_formulas(tmp_path):
    w = cr.Tensor(2.0, name='=HYPERLINK("http://x")')
    path = cr.spreadsheet(w * w, tmp_path / "n.xlsx")
    cell = openpyxl.load_workbook(path)["Inputs"]["A1"]
    assert cell.data_type == "s"
    assert cell.value.startswith("=HYPERLINK")


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(ArgumentError, match=r"must end in \.xlsx"):
        cr.spreadsheet(loss_abc, tmp_path / "abc.csv")
    with pytest.raises(ArgumentError, match="more than 20,000 cells"):
        cr.spreadsheet(lambda x: np.sum(x * x), tmp_path / "n.xlsx")(np.ones((200, 200)))
    with pytest.raises(UnsupportedError, match="cumsum has no formula"):
        cr.spreadsheet(lambda x: np.sum(np.cumsum(x)), tmp_path / "n.xlsx")(np.ones(3))
    assert not list(tmp_path.iterdir())
