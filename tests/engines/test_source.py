"""Emitted source: only names that were made here, and nothing but arithmetic."""

import ast
import keyword

import numpy as np
import pytest
from engine_cases import programs, step_and_arguments
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engines.names import identifier
from chainrule.graph import REGISTRY

HOSTILE = [
    "x'); import os; os.system('id') #", 'a"b', "line\nbreak", "in", "print", "np", "ops", "v1",
    "c0", "x\u2028y", "\u0435\u0430", "", "1st", "a" * 500, "#", "__import__", "inputs", "\\",
]  # fmt: skip

NODES = (
    ast.Module, ast.Import, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Return,
    ast.Assign, ast.Expr, ast.Name, ast.Load, ast.Store, ast.Tuple, ast.Call, ast.keyword,
    ast.Attribute, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice,
    ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


def assert_harmless(text):
    """Only numbers, names, and calls of functions of ``np`` and ``ops``."""
    tree = ast.parse(text)
    ours = {"np", "ops", "settings", "inputs", "constants", "buffers"}
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and type(n.ctx) is ast.Store}
    for node in ast.walk(tree):
        assert isinstance(node, NODES), ast.dump(node)
        if isinstance(node, ast.Import):
            assert ast.unparse(node) == "import numpy as np"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            assert node.id in stored | ours, node.id
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Attribute)
            root = node.func.value
            root = root.value if isinstance(root, ast.Attribute) else root
            assert isinstance(root, ast.Name)
            assert root.id in {"np", "ops"}
        if isinstance(node, ast.Attribute):
            assert node.attr == "T" or ast.unparse(node).split(".")[0] in {"np", "ops"}
            assert not node.attr.startswith("_")
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int | float | bool | None | type(...)) or (
                node.value == "unsafe"
            )
    for line in text.splitlines():
        assert line.isascii()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_a_harmless_identifier(name):
    word = identifier(name)
    assert word.isidentifier()
    assert word.isascii()
    assert not keyword.iskeyword(word)
    assert word not in {"np", "ops", "print", "inputs", "v1", "c0", "__import__"}


@given(st.text())
def test_any_name_does(name):
    word = identifier(name)
    assert word.isidentifier()
    assert word.isascii()
    assert len(word) <= 50


def test_hostile_names_reach_no_source():
    arguments = {name: np.ones((2, 2)) for name in HOSTILE}

    @cr.op(lambda x, **params: x + 1.0, register=False)
    def own(g, y, x, **params):
        return g

    own.name = "evil(); import os"
    own.defaults = {"text": None}

    def function(tree):
        total = sum(np.tanh(x) for x in tree.values())
        return own(total, text="x'); import os")

    fast = cr.compile(function)
    fast(arguments)
    assert_harmless(fast.source)
    for word in ("system", "evil", "'", "\u2028"):
        assert word not in fast.source.replace("x_import_os_os_system_id", "")


@pytest.mark.parametrize("entry", sorted(REGISTRY, key=lambda e: e.name), ids=lambda e: e.name)
def test_the_source_of_every_op_is_harmless(entry):
    for program, arrays in programs(entry):
        fast = cr.compile(program)
        fast(*arrays)
        assert_harmless(fast.source)


def test_a_training_step_reads_well():
    step, arguments = step_and_arguments()
    fast = cr.compile(step)
    fast(*arguments)
    assert_harmless(fast.source)
    assert "np.matmul(x, v" in fast.source
    line = step.__code__.co_firstlineno + 1
    assert f"# line {line}: v" in fast.source
    assert max(map(len, fast.source.splitlines())) < 140
