"""Every verb there is, in the order help shows them, and the module that holds each: "image ls" is in ``image_ls``."""

from __future__ import annotations

from wirt.cli.options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ALIASES", "GROUPS", "GUEST_VERBS", "HIDDEN", "SECTIONS", "aliases_of", "all_verbs", "find", "load"]

SECTIONS = (
    ("Run guests", ("run", "create", "start", "stop", "restart", "kill", "pause", "unpause", "wait", "rm")),
    ("Look at guests", ("ps", "logs", "inspect", "stats", "top", "port", "diff", "events", "trace")),
    ("Work with guests", ("exec", "attach", "cp", "commit", "export", "fork", "restore", "rename", "update")),
    ("This host", ("doctor", "info", "version", "daemon", "completion", "help")),
)

GROUPS = {
    "image": (
        "Manage images",
        ("bootstrap", "load", "save", "import", "ls", "inspect", "history", "tag", "rm", "prune"),
    ),
    "network": ("Manage networks", ("create", "ls", "inspect", "rm", "prune", "connect", "disconnect")),
    "volume": ("Manage volumes", ("create", "ls", "inspect", "rm", "prune")),
    "snapshot": ("Manage snapshots: guests as they were, memory and all", ("create", "ls", "inspect", "rm")),
    "system": ("Manage what wirt keeps on this host", ("df", "prune")),
    "token": ("Manage who is let in over TCP", ("create", "ls", "rm")),
    "guest": ("Manage guests", ("prune",)),  # and GUEST_VERBS
}

ALIASES = {
    "images": "image ls",
    "rmi": "image rm",
    "tag": "image tag",
    "save": "image save",
    "load": "image load",
    "import": "image import",
    "history": "image history",
    "image list": "image ls",
    "image remove": "image rm",
    "network list": "network ls",
    "network remove": "network rm",
    "volume list": "volume ls",
    "volume remove": "volume rm",
    "snapshot list": "snapshot ls",
    "snapshot remove": "snapshot rm",
    "token list": "token ls",
    "token remove": "token rm",
    "system info": "info",
    "system events": "events",
    "guest ls": "ps",
    "guest list": "ps",
    "guest remove": "rm",
}

GUEST_VERBS = tuple(name for _, names in SECTIONS[:3] for name in names)
_SYNONYMS = {"container": "guest"}  # of groups

HIDDEN = ("__complete",)


def find(argv: list[str]) -> tuple[str, list[str]]:
    """The verb or group that ``argv`` begins with, by its own name, and the arguments that follow it."""
    first, rest = argv[0], argv[1:]
    if first in ALIASES:
        return ALIASES[first], rest
    group = _SYNONYMS.get(first, first)
    if group not in GROUPS:
        if any(first in names for _, names in SECTIONS) or first in HIDDEN:
            return first, rest
        raise _unknown(first, [*(name for _, names in SECTIONS for name in names), *GROUPS, *ALIASES])
    if not rest or rest[0].startswith("-"):
        return group, rest
    words = f"{group} {rest[0]}"
    if rest[0] in GROUPS[group][1]:
        return words, rest[1:]
    if words in ALIASES:
        return ALIASES[words], rest[1:]
    if group == "guest" and rest[0] in GUEST_VERBS:
        return rest[0], rest[1:]
    raise _unknown(
        words, [f"{group} {name}" for name in GROUPS[group][1] + (GUEST_VERBS if group == "guest" else ())], group
    )


def load(words: str) -> ModuleType:
    """The module of a verb: ``VERB`` and ``run``. (``importlib`` is slower to import than the verb.)"""
    module: ModuleType = __import__("wirt.cli.verbs." + words.replace(" ", "_").strip("_"), fromlist=["VERB"])
    return module


def all_verbs() -> tuple[str, ...]:
    """The words of every verb, grouped ones last."""
    plain = tuple(name for _, names in SECTIONS for name in names)
    return plain + tuple(f"{group} {name}" for group, (_, names) in GROUPS.items() for name in names)


def aliases_of(words: str) -> list[str]:
    """Other ways to write a verb."""
    return [f"wirt {alias}" for alias, meant in ALIASES.items() if meant == words]


def _unknown(words: str, known: list[str], group: str = "") -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(words, known, n=3, cutoff=0.6)
    hint = "did you mean " + " or ".join(f"wirt {name}" for name in near) + "?" if near else ""
    return UsageError(f"unknown command: wirt {words}", group, hint=hint)
