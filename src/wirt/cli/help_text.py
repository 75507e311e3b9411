"""``--help``: of one verb, of a group, and of the whole command; made from the same tables the parser reads."""

from __future__ import annotations

from textwrap import fill, wrap

from wirt.cli import index
from wirt.cli.options import Flag, Verb
from wirt.cli.style import on_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["by_group", "group_help", "metavar", "overview", "verb_help"]

_METAVARS = {
    "text": "text", "scalars.size": "bytes", "scalars.swap": "bytes", "scalars.number": "number",
    "scalars.count": "number", "scalars.integer": "number", "scalars.pids": "number", "scalars.seconds": "seconds",
    "scalars.duration": "duration", "scalars.moment": "time", "program.label_file": "file",
    "program.environment_file": "file",
}  # fmt: skip
_COLUMN = 32  # where the texts begin


def metavar(flag: Flag) -> str:
    """The word that stands for a flag's argument; "" for a switch."""
    if flag.kind == "switch":
        return ""
    return flag.metavar or _METAVARS.get(flag.kind, "value")


def by_group(verb: Verb) -> dict[str, list[Flag]]:
    """The visible flags under their headings, in the order of the table; those without a heading first."""
    groups: dict[str, list[Flag]] = {"": []}
    for flag in verb.flags:
        if not flag.hidden:
            groups.setdefault(flag.group, []).append(flag)
    return {title: flags for title, flags in groups.items() if flags}


def verb_help(verb: Verb, width: int) -> str:
    """The whole ``--help`` of a verb, for a terminal of ``width`` columns."""
    parts = [f"{on_output('Usage:', 'bold')}  {verb.usage}", fill(verb.summary + ".", width)]
    if verb.about:
        parts.append(fill(verb.about, width))
    others = index.aliases_of(verb.words)
    if others:
        parts.append(f"{on_output('Also:', 'bold')}  {', '.join(others)}")
    for title, flags in by_group(verb).items():
        lines = [line for flag in flags for line in _flag_lines(flag, width)]
        parts.append("\n".join([on_output(f"{title or 'Options'}:", "bold"), *lines]))
    if any(flag.many for flag in verb.flags):
        parts.append("What has dots (...) may be given several times.")
    if verb.examples:
        lines = [
            line for command, what in verb.examples for line in (f"  {on_output(f'# {what}', 'dim')}", f"  {command}")
        ]
        parts.append("\n".join([on_output("Examples:", "bold"), *lines]))
    return "\n\n".join(parts)


def group_help(group: str, width: int) -> str:
    """The verbs of one group."""
    summary, names = index.GROUPS[group]
    rows = [(name, index.load(f"{group} {name}").VERB.summary) for name in names]
    if group == "guest":
        rows = [(name, index.load(name).VERB.summary) for name in index.GUEST_VERBS] + rows
    parts = [
        f"{on_output('Usage:', 'bold')}  wirt {group} COMMAND",
        fill(f"{summary}.", width),
        "\n".join([on_output("Commands:", "bold"), *_rows(rows, width)]),
        f"See 'wirt {group} COMMAND --help' for one of them.",
    ]
    return "\n\n".join(parts)


def overview(width: int) -> str:
    """What plain ``wirt`` shows."""
    parts = [
        f"{on_output('Usage:', 'bold')}  wirt [-H ADDRESS] COMMAND [ARG...]",
        "One image, one set of verbs, guests of every kind.",
    ]
    for title, names in index.SECTIONS:
        rows = [(name, index.load(name).VERB.summary) for name in names]
        parts.append("\n".join([on_output(f"{title}:", "bold"), *_rows(rows, width)]))
    groups = []
    for name, (summary, verbs) in index.GROUPS.items():
        groups.append((name, f"{summary}: {', '.join((*(['the verbs above'] if name == 'guest' else []), *verbs))}"))
    parts.append("\n".join([on_output("Groups:", "bold"), *_rows(groups, width)]))
    short = [f"{alias} ({meant})" for alias, meant in index.ALIASES.items() if " " not in alias]
    parts.append(f"{on_output('Short:', 'bold')}  " + "\n        ".join(wrap(", ".join(short), width - 8)))
    options = [
        ("-H, --host address", "the host to talk to: unix:///path or tcp://name:port; WIRT_HOST where not said"),
        ("-v, --version", "the version of this command"),
        ("-h, --help", "this text, or that of the command it follows"),
    ]
    parts.append("\n".join([on_output("Options:", "bold"), *_rows(options, width, 25)]))
    steps = ("doctor", "image bootstrap busybox", "run --rm -it busybox sh")
    parts.append("\n".join([on_output("First steps:", "bold"), *(f"  wirt {step}" for step in steps)]))
    return "\n\n".join(parts)


def _flag_lines(flag: Flag, width: int) -> Iterator[str]:
    short = f"-{flag.short}, " if flag.short else "    "
    left = f"  {short}--{flag.name} {metavar(flag)}{'...' if flag.many else ''}".rstrip()
    yield from _two_columns(left, flag.about, width)


def _rows(rows: Iterable[tuple[str, str]], width: int, column: int = 15) -> list[str]:
    return [line for name, text in rows for line in _two_columns(f"  {name}", text, width, column)]


def _two_columns(left: str, text: str, width: int, column: int = _COLUMN) -> Iterator[str]:
    lines = wrap(text, max(width - column, 20), break_on_hyphens=False) or [""]
    if len(left) + 2 > column:
        yield left
        left = ""
    yield f"{left:<{column}}{lines[0]}".rstrip()
    for line in lines[1:]:
        yield " " * column + line
