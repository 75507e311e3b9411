"""``wirt help``: of the whole command, of a group or a verb; and the reference in other forms."""

from __future__ import annotations

from wirt.cli import index
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.style import width

__all__ = ["VERB", "run", "show"]

VERB = Verb(
    "help",
    "Show what a command does",
    args="[COMMAND...]",
    flags=(
        Flag("markdown", "", "switch", "the whole reference, as Markdown"),
        Flag("man", "", "switch", "the whole reference, as a manual page"),
    ),
    examples=(("wirt help image ls", "the same as wirt image ls --help"), ("wirt help --man | man -l -", "to read on")),
)


def run(call: Call) -> int:
    if call["markdown"] or call["man"]:
        import wirt
        from wirt.cli import reference

        print(reference.markdown() if call["markdown"] else reference.manual(wirt.__version__), end="")
        return 0
    return show(index.find(call.args)[0] if call.args else "")


def show(words: str) -> int:
    """Help of the verb or group ``words``; of everything for ""."""
    from wirt.cli import help_text

    columns = min(width(), 120)
    if not words:
        print(help_text.overview(columns))
    elif words in index.GROUPS:
        print(help_text.group_help(words, columns))
    else:
        print(help_text.verb_help(index.load(words).VERB, columns))
    return 0
