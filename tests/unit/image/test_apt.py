"""What is made of the host's apt configuration, and of what apt says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wirt.errors import InvalidInput, NotFound, RuntimeFailure, Unavailable
from wirt.image import apt
from wirt.image.apt import Source, failure, sources

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is missing: no Debian host")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt configuration of our own; returns its folder for sources."""
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (tmp_path / "lists/partial").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "{folder}";\nDir::State::Lists "{tmp_path}/lists";\n'
        f'Dir::Cache "{tmp_path}";\nDir::Etc::Parts "/nowhere";\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::https::CAInfo "/etc/os-release";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setattr(apt, "host_codename", lambda: "bookworm")
    return folder


@needs_apt
def test_sources_are_the_hosts_own_without_what_is_not_the_releases(host: Path) -> None:
    (host / "site.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates bookworm-backports\n"
        "Components: main contrib\nSigned-By: /etc/apt/keyrings/site.gpg\n\n"
        "Types: deb deb-src\nURIs: http://security.example/debian-security/\nSuites: bookworm-security\n"
        "Components: main\nSigned-By: /usr/share/keyrings/other.gpg\n"
    )
    (host / "vendor.list").write_text("deb [signed-by=/x.gpg] https://vendor.example/apt stable main\n")
    expected = [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), "/etc/apt/keyrings/site.gpg"),
        Source("http://mirror.example/debian", "bookworm-updates", ("main", "contrib"), "/etc/apt/keyrings/site.gpg"),
        Source(
            "http://security.example/debian-security", "bookworm-security", ("main",), "/usr/share/keyrings/other.gpg"
        ),
    ]
    assert sources("bookworm", "") == expected
    assert [source.release for source in sources("trixie", "")] == ["trixie", "trixie-updates", "trixie-security"]
    assert [source.uri for source in sources("sid", "")] == ["http://mirror.example/debian"]
    assert str(expected[1]) == (
        "deb [signed-by=/etc/apt/keyrings/site.gpg] http://mirror.example/debian bookworm-updates main contrib"
    )


@needs_apt
def test_sources_without_any_of_the_hosts_are_debians(host: Path) -> None:
    (host / "vendor.list").write_text("deb https://vendor.example/apt stable main\n")
    assert [(source.uri, source.release) for source in sources("bookworm", "")] == [
        ("http://deb.debian.org/debian", "bookworm")
    ]


def test_sources_of_a_mirror_are_the_mirror_alone() -> None:
    assert [(s.uri, s.release, s.components) for s in sources("sid", "https://m.example/debian")] == [
        ("https://m.example/debian", "sid", ("main",))
    ]


@needs_apt
def test_proxy_and_certificates_are_carried_along(host: Path, tmp_path: Path) -> None:
    settings, certificates = apt.Apt(tmp_path / "own").carried_settings()
    assert 'Acquire::http::Proxy "http://proxy.example:3128";\n' in settings
    assert "IndexTargets" not in settings
    assert certificates == ["/etc/os-release"]
    assert not list(host.iterdir())


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("E: Unable to locate package nope", NotFound, "there is no package nope"),
        ("E: Package 'virt' has no installation candidate", NotFound, "there is no package virt"),
        ("E: Version '1' for 'curl' was not found", NotFound, "no package curl of that version"),
        ("E: The repository 'http://x nope Release' does not have a Release file.", InvalidInput, "no such release"),
        ("W: Failed to fetch x  Temporary failure resolving 'deb.example'", Unavailable, "Temporary failure resolving"),
        ("E: broken\nE: Sub-process failed", RuntimeFailure, "cannot work: E: Sub-process failed"),
        ("", RuntimeFailure, "no word why"),
    ],
)
def test_failure_says_in_one_line_what_apt_said_in_many(words: str, kind: type[Exception], said: str) -> None:
    error = failure("work", f"Reading package lists...\n{words}\n" if words else "")
    assert type(error) is kind
    assert said in str(error)
    assert str(error).isprintable()
