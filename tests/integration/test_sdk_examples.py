"""Every example of docs/sdk.md, run as it stands, on a real host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import wirt
from framework.instance import Instance
from framework.project import ROOT

BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "sdk.md").read_text(), re.M | re.S)


@pytest.mark.root
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_sdk_example_runs_as_it_stands(
    number: int, host: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRT_HOST", f"unix://{host.socket}")
    names: dict[str, Any] = {"host": wirt.Client(), "folder": tmp_path}
    exec(compile(BLOCKS[number], f"docs/sdk.md, example {number + 1}", "exec"), names)  # noqa: S102 - our own page
    assert list(names["host"].guests.list(all=True)) == []
