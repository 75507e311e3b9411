"""The host's apt: where it gets Debian from, how it gets there, and what it downloads for us.

Mirrors, keyrings, proxies and certificates are those the host is configured with, so that a site with a mirror of its
own configures it once.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from wirt.errors import InvalidInput, NotFound, RuntimeFailure, Unavailable, WirtError

__all__ = ["Apt", "Source", "failure", "host_codename", "sources"]

_ARCHIVE_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
_FALLBACK_MIRROR = "http://deb.debian.org/debian"
_FIELDS = ("$(REPO_URI)", "$(RELEASE)", "$(COMPONENT)", "$(SOURCESENTRY)")
_SIGNED_BY = re.compile(r"signed-by\s*[=:]\s*(/[^\s\],]+)", re.IGNORECASE)
_updating = threading.Lock()  # apt takes one of its own on the lists, and fails where it would have to wait
_CARRIED = re.compile(r"^(Acquire::(?:https?|ftp|Retries|Check-|Max-|ForceIPv|Queue-)\S*) .*;$", re.MULTILINE)
_NO_PACKAGE = re.compile(
    r"E: (?:Unable to locate package (?P<a>\S+)|Package '(?P<b>.+?)' has no installation candidate"
    r"|(?:Version|Release) '.+?' for '(?P<c>.+?)' was not found)"
)
_CA_FILE = re.compile(r'^Acquire::https::(?:\S+::)?CAInfo "(/[^"]+)";$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """One line of a sources.list. ``keyring``: the file that its signature is checked with, "": the host's default."""

    uri: str
    release: str
    components: tuple[str, ...]
    keyring: str = ""

    def __str__(self) -> str:
        option = f"[signed-by={self.keyring}] " if self.keyring else ""
        return f"deb {option}{self.uri} {self.release} {' '.join(self.components)}"


def host_codename() -> str:
    """The host's Debian release ("bookworm"), "" on anything else."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    facts = {key: "".join(shlex.split(value)) for key, _, value in (line.partition("=") for line in lines)}
    return facts.get("VERSION_CODENAME", "") if facts.get("ID") == "debian" else ""


def sources(suite: str, mirror: str) -> list[Source]:
    """Where ``suite`` comes from: ``mirror`` if there is one, else the host's own sources, else Debian's own."""
    default_keyring = next((path for path in _ARCHIVE_KEYRINGS if Path(path).exists()), "")
    if mirror:
        return [Source(mirror, suite, ("main",), default_keyring)]
    own = _host_sources(default_keyring)
    for codename in (suite, host_codename()):
        releases = {f"{codename}{pocket}": f"{suite}{pocket}" for pocket in ("", "-updates", "-security")}
        if codename not in own:
            continue
        if suite in ("sid", "unstable"):
            releases = {codename: suite}  # which has neither of the others
        return [
            Source(source.uri, new, source.components, source.keyring)
            for old, new in releases.items()
            for source in own.get(old, ())
        ]
    return [Source(_FALLBACK_MIRROR, suite, ("main",), default_keyring)]


def _host_sources(default_keyring: str) -> dict[str, list[Source]]:
    """Release -> the host's sources of it, in their order."""
    if shutil.which("apt-get") is None:
        return {}
    # Without release info: also for a host that never fetched a list.
    query = ["indextargets", "--no-release-info", "--format", "\t".join(_FIELDS), "Identifier: Packages"]
    command = ["apt-get", *query]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    components: dict[tuple[str, str, str], list[str]] = {}
    for line in listed.splitlines():
        uri, release, component, entry = line.split("\t")
        found = components.setdefault((uri.rstrip("/"), release, entry.rpartition(":")[0]), [])
        if component not in found:
            found.append(component)
    own: dict[str, list[Source]] = {}
    for (uri, release, file), parts in components.items():
        source = Source(uri, release, tuple(parts), _keyring(file, uri) or default_keyring)
        own.setdefault(release, []).append(source)
    return own


def _keyring(file: str, uri: str) -> str:
    """The keyring that the entries for ``uri`` in a sources file name (sources.list(5), Signed-By)."""
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    pieces = text.split("\n\n") if file.endswith(".sources") else text.splitlines()
    for piece in pieces:
        if uri in piece and (match := _SIGNED_BY.search(piece)):
            return match[1]
    return ""


class Apt:
    """apt with its lists in a folder of ours (one a release), so that neither the host's lists nor its cache change."""

    def __init__(self, folder: Path) -> None:
        self.lists = folder / "lists"
        self._folder = folder
        (self.lists / "partial").mkdir(parents=True, exist_ok=True)
        if shutil.which("apt-get") is None:
            raise Unavailable(
                "apt-get is missing on this host", hint="bootstrap images on a Debian, and load them here"
            )

    def update(self, sources_list: Path) -> float:
        """Fetches what is new in the lists of packages; returns when the newest was made, in seconds since 1970."""
        dates = []
        with _updating:
            self._run(["apt-get", "update", *self._options(sources_list)], "fetch the lists of packages")
            for release in [*self.lists.glob("*_InRelease"), *self.lists.glob("*_Release")]:
                text = release.read_text(encoding="utf-8", errors="replace")
                if match := re.search(r"^Date: (.+)$", text, re.MULTILINE):
                    dates.append(parsedate_to_datetime(match[1]).timestamp())
        return max(dates, default=0.0)

    def expect(self, sources_list: Path, packages: Sequence[str]) -> None:
        """NotFound and its like, unless ``packages`` could be installed from the lists that ``update`` fetched."""
        nothing_yet = ["-o", "Dir::State::status=/dev/null", "-o", "Debug::NoLocking=true"]
        command = ["apt-get", "install", "--simulate", *nothing_yet, *self._options(sources_list), *packages]
        self._run(command, "find the packages")

    def download(self, package: str, folder: Path) -> Path:
        """The newest .deb of ``package``, kept in ``folder``; fetched only if it is not there yet.

        The host's lists of packages are used, or ours if it has none; without a network, what was fetched before.
        """
        folder.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", package]
        attempt = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if attempt.returncode:
            own = self._folder / "sources.list"
            own.write_text("".join(f"{source}\n" for source in sources(host_codename() or "stable", "")))
            try:
                self.update(own)
                self._run([*command, *self._options(own)], f"download {package}", folder)
            except WirtError:
                if not any(folder.glob(f"{package}_*.deb")):
                    raise
        return max(folder.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_ctime)

    def carried_settings(self) -> tuple[str, list[str]]:
        """(The host's settings on how to fetch, as a piece of apt.conf; the files with certificates they name.)"""
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
        lines = [match[0] for match in _CARRIED.finditer(dump)]
        return "".join(f"{line}\n" for line in lines), [file for file in _CA_FILE.findall(dump) if Path(file).exists()]

    def _options(self, sources_list: Path) -> list[str]:
        settings = {
            "Dir::Etc::SourceList": sources_list,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self.lists,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",  # _apt may not enter the state folder
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    @staticmethod
    def _run(command: Sequence[str], doing: str, cwd: Path | None = None) -> None:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
        # A mirror that cannot be reached is but a warning to apt-get update.
        if done.returncode or re.search(r"^W: Failed to fetch", done.stderr, re.MULTILINE):
            raise failure(doing, f"{done.stdout}\n{done.stderr}")


def failure(doing: str, words: str) -> Exception:
    """The error to raise for what apt, or a tool around it, said."""
    if match := _NO_PACKAGE.search(words):
        name = match["a"] or match["b"] or f"{match['c']} of that version or release"
        return NotFound(f"there is no package {name}", hint="apt-cache search finds packages by what they do")
    if match := re.search(r"E: The repository '(.+?)' (?:does not have|no longer has) a Release file", words):
        return InvalidInput(f"there is no such release: {match[1]}", hint="name a Debian release that the mirror has")
    if match := re.search(
        r"(?:Temporary failure resolving|Could not resolve|Could not connect to|Unable to connect to) .*", words
    ):
        return Unavailable(
            f"cannot {doing}: {match[0].strip()}",
            hint="check the network, the host's apt sources and its proxy (Acquire::http::Proxy)",
        )
    said = [line.strip() for line in words.splitlines() if re.match(r"\s*(?:E|dpkg|W): ?", line)]
    return RuntimeFailure(f"cannot {doing}: {said[-1] if said else words.strip()[-300:] or 'no word why'}")
