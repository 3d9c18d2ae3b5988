"""The house: imports go down only, packages of a floor ignore each other, files stay small."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src" / "chainrule"
FLOORS = [
    {"errors", "lazy"},
    {"borrowed", "constraints", "graph", "io"},
    {"estimator", "ops", "pages"},
    {"autodiff", "engines"},
    {"nn", "optim", "data", "text", "explanation"},
    {"training", "testing"},
    {"models", "language", "export", "doctor"},
    {"plots", "report", "estimators"},
    {"studio"},
    {"cli"},
]
FLOOR_OF = {package: floor for floor, packages in enumerate(FLOORS) for package in packages}
MODULES = sorted(
    path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] != "__main__.py"
)


def package_of(name):
    return name.split(".")[1] if name.startswith("chainrule.") else None


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODULES}


def imports(path):
    """Every module of chainrule that a file imports, deferred imports too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in NAMES else node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    home = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if home == "__init__":
        return
    assert home in FLOOR_OF, f"{home} stands on no floor"
    for name in imports(path):
        package = package_of(name)
        if package is None or package == home or package.startswith("__"):
            continue
        assert package in FLOOR_OF, f"{path} imports {name}, which stands on no floor"
        assert FLOOR_OF[package] < FLOOR_OF[home], f"{home} imports {package}, which is not below"


def test_no_import_cycles():
    edges = {name: {n for n in imports(path) if n in NAMES} for name, path in NAMES.items()}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"import cycle: {' -> '.join([*path, name])}"
        if name in done:
            return
        path.append(name)
        for other in sorted(edges[name]):
            if other != name:
                visit(other)
        path.pop()
        done.add(name)

    for name in sorted(edges):
        visit(name)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            first = body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if documented and len(body) > 1 else node.lineno
            length = node.end_lineno - start
            assert length <= 45, f"{node.name} has {length} lines"


def test_no_pickle_eval_or_import_by_name():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "__import__"}, path
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {a.name for a in node.names} | {getattr(node, "module", None) or ""}
                assert not names & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}, path


@pytest.mark.parametrize("name", [n for n, path in NAMES.items() if path.name == "__init__.py"])
def test_no_name_is_hidden_by_a_module(name):
    """Importing a module sets it as an attribute of its package, over a name that comes lazily."""
    home = getattr(importlib.import_module(name), "_HOME", {})
    assert not [each for each in home if f"{name}.{each}" in NAMES]
