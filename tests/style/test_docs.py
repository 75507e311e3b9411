"""The pages tell the truth: links lead somewhere, promises name their proof, verbs are described."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from framework.project import ROOT, markdown
from wirt.cli.index import all_verbs
from wirt.sentry.table import collect

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
VERSION = re.compile(r"^## \[(Unreleased|\d+\.\d+\.\d+\](?: - \d{4}-\d{2}-\d{2})?)")
HEADINGS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("page", markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_resolve(page: Path) -> None:
    targets = [target for target, _ in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_specification_names_a_proof_for_every_promise() -> None:
    rows = [
        line for line in (ROOT / "SPECIFICATION.md").read_text().splitlines() if re.match(r"\| *[A-Z]+\d+ *\|", line)
    ]
    assert rows
    for row in rows:
        proofs = [target for target, _ in LINK.findall(row) if target.startswith(("tests/", "bench/"))]
        assert proofs or "pending" in row, row


def test_specification_names_tests_that_exist() -> None:
    named = re.findall(r"\[(test_\w+)\]\((\S+?)\)", (ROOT / "SPECIFICATION.md").read_text())
    assert [name for name, file in named if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_specification_numbers_each_promise_once() -> None:
    numbers = re.findall(r"^\| *([A-Z]+\d+) *\|", (ROOT / "SPECIFICATION.md").read_text(), re.M)
    assert len(numbers) == len(set(numbers))


def test_changelog_keeps_to_its_format() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert lines[0] == "# Changelog"
    versions = [line for line in lines if line.startswith("## ")]
    assert versions and versions[0] == "## [Unreleased]"
    assert [line for line in versions if not VERSION.match(line)] == []
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= HEADINGS


def test_decisions_are_numbered_without_gaps_and_fit_a_page() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert len(text.splitlines()) <= 60, page.name
        assert all(heading in text for heading in ("## Context", "## Decision", "## Consequences")), page.name


def test_architecture_has_a_line_for_every_folder_of_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    folders = [path.name for path in (ROOT / "src" / "wirt").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in folders if f"`{name}/`" not in text] == []


def test_reference_describes_every_verb() -> None:
    headings = re.findall(r"^#+ `?wirt ([a-z ]+)`?$", (ROOT / "docs" / "cli.md").read_text(), re.M)
    assert sorted(set(all_verbs()) - set(headings)) == []


def test_matrix_has_a_row_for_every_system_call() -> None:
    rows = re.findall(
        r"^\| (?:\d+|0x\w+) \| `(\w+)` \| (\w+) \|", (ROOT / "docs" / "system-calls.md").read_text(), re.M
    )
    assert sorted(rows) == sorted((call.name, str(call.support)) for call in collect().values())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_units_are_valid(tmp_path: Path) -> None:
    units = []
    for unit in (ROOT / "packaging" / "systemd").iterdir():
        # Checked with a program that exists: wirt may not be installed here.
        copy = tmp_path / unit.name
        copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M))
        units.append(str(copy))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
