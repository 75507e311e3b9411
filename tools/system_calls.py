"""Prints docs/system-calls.md: every system call of a micro guest and how far it is Linux's, as the table has it."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from wirt.abi.linux import unistd
from wirt.sentry.table import SUBJECTS, Call, Support, module
from wirt.vmm.vmi.abi import VMI_CALL_BASE

HEAD = """\
# System calls of micro guests

Generated from the table of the sentry (`make docs`); do not edit. How the answers are checked is in
[vmi.md](vmi.md#how-it-is-tested) and `tests/conformance/`: programs run on Linux first, then in a guest, and both must
say the same.

| support | means |
|---|---|
| full | what Linux does, its errors included |
| partial | the note says what is missing |
| none | known, and refused with the error in the note |

A call that is in no table is answered with ENOSYS.
"""


def main() -> None:
    subjects = {subject: sorted(module(subject).CALLS, key=lambda call: call.number) for subject in SUBJECTS}
    sys.stdout.write("\n".join([HEAD, *_counts(subjects), *_subjects(subjects), *_missing(subjects)]) + "\n")


def _counts(subjects: dict[str, list[Call]]) -> Iterator[str]:
    levels = list(Support)
    yield f"| subject | calls | {' | '.join(levels)} |"
    yield "|---|" + "---:|" * (len(levels) + 1)
    for subject, calls in subjects.items():
        yield f"| [{subject}](#{subject}) | {_row(calls)} |"
    yield f"| all | {_row(call for calls in subjects.values() for call in calls)} |"


def _row(calls: Iterable[Call]) -> str:
    found = Counter(call.support for call in calls)
    return " | ".join(str(count) for count in (found.total(), *(found[level] for level in Support)))


def _subjects(subjects: dict[str, list[Call]]) -> Iterator[str]:
    for subject, calls in subjects.items():
        about = (inspect.getdoc(module(subject)) or "").replace("``", "`")
        yield f"\n## {subject}\n\n{about}\n"
        yield "| number | call | support | note |\n|---:|---|---|---|"
        for call in calls:
            number = hex(call.number) if call.number >= VMI_CALL_BASE else call.number
            yield f"| {number} | `{call.name}` | {call.support} | {_escaped(call.note)} |"


def _missing(subjects: dict[str, list[Call]]) -> Iterator[str]:
    known = {call.number for calls in subjects.values() for call in calls}
    linux = {number: name.removeprefix("SYS_") for name, number in vars(unistd).items() if name.startswith("SYS_")}
    missing = [linux[number] for number in sorted(linux) if number not in known]
    ours = [name for name in missing if name not in unistd.UNIMPLEMENTED]
    yield "\n## Not there\n"
    yield _listed(f"Linux has {len(ours)} calls more, which are ENOSYS here:", ours)
    nobodys = [name for name in missing if name in unistd.UNIMPLEMENTED]
    yield _listed(f"\nLinux itself answers ENOSYS to {len(nobodys)} numbers that it keeps a name for:", nobodys)


def _listed(about: str, names: list[str]) -> str:
    line = f"{about} {', '.join(f'`{name}`' for name in names)}."
    return textwrap.fill(line, 120, replace_whitespace=False, break_on_hyphens=False)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")


if __name__ == "__main__":
    main()
