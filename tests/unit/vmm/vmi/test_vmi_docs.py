"""docs/vmi.md has every call, port and flag of the header, with its number."""

from __future__ import annotations

import pytest

from framework.project import ROOT
from wirt.vmm.vmi import abi

PAGE = (ROOT / "docs" / "vmi.md").read_text(encoding="utf-8")
CALLS = [name for name in vars(abi) if name.startswith("VMI_CALL_") and name not in ("VMI_CALL_BASE", "VMI_CALL_END")]
NUMBERED = [name for name in vars(abi) if name.startswith(("VMI_PORT_", "VMI_FLAG_"))]


@pytest.mark.parametrize("name", CALLS)
def test_page_has_the_call_with_its_number(name: str) -> None:
    assert f"| {getattr(abi, name):#x} | `{name}` |" in PAGE


@pytest.mark.parametrize("name", NUMBERED)
def test_page_has_the_constant_with_its_number(name: str) -> None:
    number = getattr(abi, name)
    assert f"| `{name}` {number:#x} |" in PAGE or f"| `{name}` {number} |" in PAGE
