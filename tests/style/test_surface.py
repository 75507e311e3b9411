"""The public surface of every module is what its ``__all__`` says: nothing missing, nothing that is not there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from framework.project import modules

EVERYTHING = [pytest.param(name, path, id=name) for name, path in modules() if name != "wirt.__main__"]


@pytest.mark.parametrize(("name", "path"), EVERYTHING)
def test_module_says_what_it_is(name: str, path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name} has no docstring"


@pytest.mark.parametrize(("name", "path"), EVERYTHING)
def test_all_names_exist_once(name: str, path: Path) -> None:
    exported = _exported(path)
    module = importlib.import_module(name)
    assert [word for word in exported or () if not hasattr(module, word)] == []
    assert len(set(exported or ())) == len(exported or ())


@pytest.mark.parametrize(("name", "path"), EVERYTHING)
def test_all_is_complete(name: str, path: Path) -> None:
    defined = _defined(path)
    if _exported(path) is None:
        # Tables of constants are public as a whole: they have the kernel's names, hundreds of them.
        assert name.startswith("wirt.abi.") or not defined, f"{name} has public names but no __all__"
    else:
        assert defined - set(_exported(path) or ()) == set()


def _exported(path: Path) -> list[str] | None:
    """The words in ``__all__``, or None where there is none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def _defined(path: Path) -> set[str]:
    """Public functions and classes that a module defines itself; constants may be a module's own affair."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(path.read_text()).body if isinstance(node, kinds)]
    tree = ast.parse(path.read_text())
    return {node.name for node in body if not node.name.startswith("_") and not _is_route(node)} - _system_calls(tree)


def _system_calls(tree: ast.Module) -> set[str]:
    """Handlers of system calls are reached through their module's table only: ``Call(number, name, handler, ...)``."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > 2]
    rows = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Call"]
    return {node.args[2].id for node in rows if isinstance(node.args[2], ast.Name)}


def _is_route(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Handlers are named for the API's description and reached through their router only."""
    return any(ast.unparse(decorator).startswith("router.") for decorator in node.decorator_list)
