"""Which image of several is this host's."""

from __future__ import annotations

import pytest

from wirt.errors import InvalidInput
from wirt.image import platform
from wirt.image.documents import Descriptor, Index, Platform
from wirt.image.platform import choose


def offer(*platforms: str | None) -> Index:
    """An index whose n-th image has the size n."""
    manifests = []
    for number, text in enumerate(platforms):
        system, architecture, variant = [*(text or "").split("/"), "", ""][:3]
        wanted = Platform(architecture, system, variant=variant) if text else None
        manifests.append(Descriptor("x", f"sha256:{'0' * 64}", number, platform=wanted))
    return Index(manifests)


@pytest.mark.parametrize(
    ("host", "platforms", "chosen"),
    [
        ("amd64", ["linux/arm64", "linux/amd64", "windows/amd64"], 1),
        ("amd64", ["unknown/unknown", "linux/amd64"], 1),
        ("amd64", ["windows/amd64", None], 1),
        ("amd64", [None, "linux/amd64"], 1),
        ("arm/v7", ["linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"], 1),
        ("arm/v7", ["linux/arm/v5", "linux/arm64"], 0),
        ("arm64/v8", ["linux/arm/v7", "linux/arm64"], 1),
    ],
)
def test_choose_takes_what_runs_here(
    monkeypatch: pytest.MonkeyPatch, host: str, platforms: list[str | None], chosen: int
) -> None:
    architecture, _, variant = host.partition("/")
    monkeypatch.setattr(platform, "host_platform", lambda: Platform(architecture, "linux", variant=variant))
    assert choose(offer(*platforms), "the image").size == chosen


@pytest.mark.parametrize("platforms", [["linux/arm/v8"], ["linux/s390x", "windows/arm"], []])
def test_choose_says_what_is_offered_instead(monkeypatch: pytest.MonkeyPatch, platforms: list[str | None]) -> None:
    monkeypatch.setattr(platform, "host_platform", lambda: Platform("arm", "linux", variant="v7"))
    with pytest.raises(InvalidInput, match="and this host is linux/arm/v7"):
        choose(offer(*platforms), "the image")
