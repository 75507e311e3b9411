"""Names of images: what people type ("busybox"), and what it means ("docker.io/library/busybox:latest").

The grammar is that of the distribution project's reference package; a name without a domain is Docker Hub's, as for
every Docker user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from wirt.errors import InvalidInput

__all__ = ["DIGEST", "Reference", "is_digest", "parse"]

_DEFAULT_DOMAIN = "docker.io"
_DEFAULT_DOMAIN_OF_OLD = "index.docker.io"
_OFFICIAL = "library"
_DEFAULT_TAG = "latest"
_MAX_NAME = 255

DIGEST = r"sha256:[0-9a-f]{64}"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(
    rf"(?P<name>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?P<digest>{DIGEST}))?", re.ASCII
)
_domain = re.compile(_DOMAIN, re.ASCII).fullmatch
_path = re.compile(_PATH, re.ASCII).fullmatch
_identifier = re.compile(r"[0-9a-f]{64}").fullmatch
_is_digest = re.compile(DIGEST).fullmatch


@dataclass(frozen=True, slots=True)
class Reference:
    """``domain/path:tag@digest``; tag or digest may be missing, and one of them is there after ``tagged()``."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{self.tag and ':' + self.tag}{self.digest and '@' + self.digest}"

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """As short as people write it, "busybox:latest", so long as it still means the same."""
        full = str(self)
        for prefix in (f"{_DEFAULT_DOMAIN}/{_OFFICIAL}/", f"{_DEFAULT_DOMAIN}/"):
            short = full.removeprefix(prefix)
            if short != full and _means(short, self):
                return short
        return full

    def tagged(self) -> Reference:
        """With the tag "latest" where there is neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=_DEFAULT_TAG)


def is_digest(text: str) -> bool:
    """Whether this is "sha256:" and 64 hexadecimal digits."""
    return _is_digest(text) is not None


def parse(text: str) -> Reference:
    """What ``text`` names, in full. InvalidInput says what is wrong with it."""
    match = _REFERENCE.fullmatch(text)
    if match is None or _identifier(match["name"]):
        raise _invalid(text)
    domain, path = _split_domain(match["name"])
    if path != path.lower():
        raise InvalidInput(f"{text!r} is no image name", hint="image names are in lower case")
    if not _domain(domain) or not _path(path):
        raise _invalid(text)
    if len(domain) + 1 + len(path) > _MAX_NAME:
        raise InvalidInput(f"the image name {text[:40]!r}... is too long", hint=f"at most {_MAX_NAME} characters")
    return Reference(domain, path, match["tag"] or "", match["digest"] or "")


def _means(text: str, reference: Reference) -> bool:
    try:
        return parse(text) == reference
    except InvalidInput:
        return False


def _split_domain(name: str) -> tuple[str, str]:
    """The first component is a domain when it could not be a user's name: it has a dot, a port, or capitals."""
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or set(first) & set(".:[") or first != first.lower()):
        first, rest = _DEFAULT_DOMAIN, name
    elif first == _DEFAULT_DOMAIN_OF_OLD:
        first = _DEFAULT_DOMAIN
    if first == _DEFAULT_DOMAIN and "/" not in rest:
        rest = f"{_OFFICIAL}/{rest}"
    return first, rest


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(f"{text[:200]!r} is no image name", hint="write it as NAME, NAME:TAG or DOMAIN/NAME:TAG")
