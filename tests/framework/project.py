"""Where things are in this checkout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "markdown", "modules", "python_files", "text_files"]

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("src", "tests", "bench", "tools", "docs", "packaging", ".ci")


def python_files() -> list[Path]:
    """Every Python file of ours."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package: its dotted name and its file."""
    source = ROOT / "src"
    for path in sorted((source / "wirt").rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def markdown() -> list[Path]:
    """Every page a person reads."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text_files() -> Iterator[Path]:
    """Everything of ours that is text: sources, scripts, pages, settings."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != "LICENSE")
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and b"\0" not in path.read_bytes()[:4096]:
                yield path
