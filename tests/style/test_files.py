"""What every file of the project keeps to."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from framework.project import ROOT, python_files, text_files

MOST_LINES = 900
MOST_LINES_OF_A_FUNCTION = 75
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
PLACES = (f"{ROOT}/", "/work/", "registry-1.docker.io", "hub.docker.com")
OTHERS = [path for path in text_files() if path != Path(__file__)]  # this file names what it forbids


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", python_files(), ids=_id)
def test_file_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", python_files(), ids=_id)
def test_functions_are_short_enough_to_read(path: Path) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_nothing_is_left_unfinished() -> None:
    found = [f"{_id(path)}: {word}" for path in OTHERS for word in UNFINISHED.findall(path.read_text())]
    assert found == []


def test_no_file_names_a_place_that_only_one_machine_has() -> None:
    found = [f"{_id(path)}: {place}" for path in OTHERS for place in PLACES if place in path.read_text()]
    assert found == []


def test_scripts_are_executable_and_stop_at_the_first_error() -> None:
    for path in [*(ROOT / "tools").glob("*.sh"), ROOT / ".ci" / "run"]:
        text = path.read_text()
        assert text.startswith("#!/bin/"), path
        assert "\nset -eu" in text, path
        assert path.stat().st_mode & 0o111, path
