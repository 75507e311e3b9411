"""Completion: three small scripts that hand the words typed so far to ``wirt __complete``, which knows the rest.

It answers with lines: a candidate, a tab and what it means; or ``:files`` where the shell is to offer files.
"""

from __future__ import annotations

from wirt.cli import index
from wirt.cli.options import Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FILES", "SCRIPTS", "candidates"]

FILES = ":files"

_BASH = """\
# bash completion for wirt; made by: wirt completion bash
_wirt() {
    local line=${COMP_LINE:0:COMP_POINT} candidate
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[-1]} before=
    # To bash a colon begins a new word: it wants what follows.
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && before=${current%"${current##*:}"}
    COMPREPLY=()
    while IFS= read -r candidate; do
        candidate=${candidate%%$'\t'*}
        if [[ $candidate == :files ]]; then
            compopt -o filenames
            while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current")
        else
            [[ $candidate == *: ]] && compopt -o nospace
            COMPREPLY+=("${candidate#"$before"}")
        fi
    done < <(wirt __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o nosort -F _wirt wirt 2>/dev/null || complete -F _wirt wirt
"""

_ZSH = """\
#compdef wirt
# zsh completion for wirt; made by: wirt completion zsh
_wirt() {
    local line
    local -a found
    for line in "${(@f)$(wirt __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            :files) _files ;;
            ?*) found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}") ;;
        esac
    done
    (( $#found )) && _describe -V wirt found
}
if [ "$funcstack[1]" = _wirt ]; then _wirt "$@"; else compdef _wirt wirt; fi
"""

_FISH = """\
# fish completion for wirt; made by: wirt completion fish
function __wirt_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (wirt __complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c wirt -f -a '(__wirt_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

_SIGNALS = ("HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2", "STOP", "CONT", "WINCH")


def candidates(words: list[str], host: str = "") -> Iterator[str]:
    """What may stand in the place of the last of ``words`` (it may be empty), one line each."""
    *before, current = words or [""]
    for line in _offered(before, current, host):
        if line == FILES or line.startswith(current):
            yield line


def _offered(before: list[str], current: str, host: str) -> Iterator[str]:
    while before and before[0].startswith("-"):  # flags before the verb
        host = before[1] if before[0] in ("-H", "--host") and len(before) > 1 else host
        before = before[2:] if before[0] in ("-H", "--host") else before[1:]
    verb, rest = _verb_of(before)
    if verb is None:
        yield from _verbs_after(before)
        return
    flag, positionals = _place(verb, rest)
    if flag is not None:
        yield from _values(flag.complete or _kind_of(flag), host, flag.choices)
    elif current.startswith("-") and (verb.interspersed or not positionals):
        for each in verb.flags:
            if not each.hidden:
                yield f"--{each.name}\t{each.about}"
        yield "--help\twhat this command does"
    else:
        yield from _arguments(verb, positionals, host)


def _verb_of(before: list[str]) -> tuple[Verb | None, list[str]]:
    try:
        words, rest = index.find(before) if before else ("", [])
    except Exception:  # what is typed so far is no verb
        return None, []
    if not words or words in index.GROUPS or words in index.HIDDEN:
        return None, []
    return index.load(words).VERB, rest


def _verbs_after(before: list[str]) -> Iterator[str]:
    group = {"container": "guest"}.get(before[0], before[0]) if before else ""
    if group in index.GROUPS and len(before) == 1:
        names = index.GROUPS[group][1]
        yield from (f"{name}\t{index.load(f'{group} {name}').VERB.summary}" for name in names)
        if group == "guest":
            yield from (f"{name}\t{index.load(name).VERB.summary}" for name in index.GUEST_VERBS)
    elif not before:
        yield from (f"{name}\t{index.load(name).VERB.summary}" for _, row in index.SECTIONS for name in row)
        yield from (f"{name}\t{summary}" for name, (summary, _) in index.GROUPS.items())
        yield from (f"{name}\tshort for {meant}" for name, meant in index.ALIASES.items() if " " not in name)


def _place(verb: Verb, rest: list[str]) -> tuple[Flag | None, list[str]]:
    """The flag whose argument comes next, if one does, and the positionals so far."""
    flags = {f"--{flag.name}": flag for flag in verb.flags} | {f"-{f.short}": f for f in verb.flags if f.short}
    positionals: list[str] = []
    waiting: Flag | None = None
    for number, word in enumerate(rest):
        if waiting is not None:
            waiting = None
        elif word == "--":
            return None, positionals + rest[number + 1 :]
        elif word.startswith("-") and word != "-" and (verb.interspersed or not positionals):
            flag = flags.get(word) or (flags.get(f"-{word[-1]}") if not word.startswith("--") else None)
            waiting = flag if flag is not None and flag.kind != "switch" and "=" not in word else None
        else:
            positionals.append(word)
    return waiting, positionals


def _kind_of(flag: Flag) -> str:
    return "file" if flag.kind in ("program.label_file", "program.environment_file") else ""


def _arguments(verb: Verb, positionals: list[str], host: str) -> Iterator[str]:
    """By the word that stands at this place of the usage line; the last one repeats."""
    shape = [word.strip("[].").split("[")[0] for word in verb.args.split()]
    if verb.words == "cp":
        yield from (f"{line.partition(chr(9))[0]}:" for line in _values("guest", host))
        yield FILES
    elif len(positionals) < len(shape):
        yield from _values(shape[len(positionals)].lower(), host)
    elif shape and "..." in verb.args and not shape[-1].startswith(("ARG", "PS_")):
        yield from _values(shape[-1].lower(), host)


def _values(kind: str, host: str, choices: tuple[str, ...] = ()) -> Iterator[str]:
    if choices:
        yield from choices
    elif kind in ("file", "file|-"):
        yield FILES
    elif kind == "signal":
        yield from _SIGNALS
    elif kind == "shell":
        yield from SCRIPTS
    elif kind in _ASKED:
        yield from _ask(kind, host)
    elif " " in kind:
        yield from kind.split()


_ASKED: dict[str, tuple[str, Callable[[dict[str, str]], str] | None]] = {  # what has names, and how a row is offered
    "guest": ("/v1/guests?all=1", lambda row: f"{row['name']}\t{row['image']}, {row['status']}"),
    "image": ("/v1/images", None),
    "repository:tag": ("/v1/images", None),
    "network": ("/v1/networks", lambda row: f"{row['name']}\t{row['driver']}"),
    "snapshot": ("/v1/snapshots", lambda row: f"{row['name']}\t{row['guest']}"),
    "volume": ("/v1/volumes", lambda row: f"{row['name']}\t{row['mountpoint']}"),
}


def _ask(kind: str, host: str) -> Iterator[str]:
    """Names the daemon knows; none where it does not run: a key press must not start it."""
    from wirt.cli.human import familiar
    from wirt.client.address import find_address
    from wirt.client.transport import Transport

    address = find_address(host)
    address.local = False
    target, line = _ASKED[kind]
    for row in Transport(address).call("GET", target):
        if line is not None:
            yield line(row)
        else:
            yield from (familiar(name) for name in row["names"])
