"""Flags and verbs as data, and the one parser that reads them, by the rules Docker's users have in their fingers.

``-it`` bundles, ``-eA=b`` and ``-e A=b`` and ``--env=A=b`` and ``--env A=b`` are one, ``--rm=false`` turns a switch
off, ``--`` ends the flags. In verbs that run a command the first positional ends them as well; elsewhere they may come
in any place.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from wirt.client.transport import Transport

__all__ = ["Call", "Flag", "HelpWanted", "UsageError", "Verb", "parse"]


class UsageError(Exception):
    """The command line makes no sense; ``words`` are the verb's, for "See 'wirt ... --help'"."""

    def __init__(self, message: str, words: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.words = words
        self.hint = hint


class HelpWanted(Exception):  # noqa: N818 - not an error
    """``--help`` was among the flags."""


class Flag:
    """One flag.

    ``kind``: "switch", "text", or what reads its argument: "scalars.size" is in ``wirt.cli.values.scalars``.
    ``field``: the place of the value in the request's JSON, "resources.memory"; "" for what the verb itself looks at.
    ``many``: what happens when it is repeated: "" the last counts, "append" to a list, "extend" a list, "merge" dicts.
    ``const``: for a switch, the value it stands for.
    ``metavar``, ``about``, ``group``: for the help; ``choices``, ``complete``: what completion offers.
    """

    __slots__ = (
        "about", "choices", "complete", "const", "default", "field", "group", "hidden", "kind", "many", "metavar",
        "name", "short",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        short: str = "",
        kind: str = "switch",
        about: str = "",
        *,
        field: str = "",
        many: str = "",
        const: Any = True,
        default: Any = None,
        metavar: str = "",
        group: str = "",
        choices: tuple[str, ...] = (),
        complete: str = "",
        hidden: bool = False,
    ) -> None:
        self.name, self.short, self.kind, self.about = name, short, kind, about
        self.field, self.many, self.const = field, many, const
        self.metavar, self.group, self.choices, self.complete, self.hidden = metavar, group, choices, complete, hidden
        self.default = False if kind == "switch" else default

    def __str__(self) -> str:
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Verb:
    """One verb. ``args``: its positionals as the usage line shows them; brackets are optional, dots repeat.

    ``examples``: pairs of a command and what it does. ``about``: a paragraph or more beyond the summary.
    ``interspersed``: flags may follow positionals.
    """

    __slots__ = ("about", "args", "examples", "flags", "interspersed", "summary", "words")

    def __init__(
        self,
        words: str,
        summary: str,
        *,
        args: str = "",
        flags: tuple[Flag, ...] = (),
        about: str = "",
        examples: tuple[tuple[str, str], ...] = (),
        interspersed: bool = True,
    ) -> None:
        self.words, self.summary, self.args, self.flags = words, summary, args, flags
        self.about, self.examples, self.interspersed = about, examples, interspersed

    @property
    def usage(self) -> str:
        return " ".join(["wirt", self.words, *(["[OPTIONS]"] if self.flags else []), *self.args.split()])


class Call:
    """A verb as it was typed: ``call["force"]`` is a flag's value or default, ``args`` are the positionals."""

    __slots__ = ("_transport", "args", "given", "host", "options", "verb")

    def __init__(self, verb: Verb, host: str = "") -> None:
        self.verb = verb
        self.host = host
        self.options: dict[str, Any] = {flag.name: _default(flag) for flag in verb.flags}
        self.given: set[str] = set()
        self.args: list[str] = []
        self._transport: Transport | None = None

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    @property
    def transport(self) -> Transport:
        """The way to the daemon the user meant."""
        if self._transport is None:
            from wirt.client.address import find_address
            from wirt.client.transport import Transport

            self._transport = Transport(find_address(self.host))
        return self._transport

    def fields(self) -> dict[str, Any]:
        """The JSON that the given flags with a ``field`` describe."""
        body: dict[str, Any] = {}
        for flag in self.verb.flags:
            if flag.field and flag.name in self.given:
                _put(body, flag, self.options[flag.name])
        return body


def parse(verb: Verb, argv: list[str], host: str = "") -> Call:
    """What ``argv`` (after the verb's words) says; ``UsageError`` or ``HelpWanted``."""
    call = Call(verb, host)
    names: dict[str, Flag] = {}
    for flag in verb.flags:
        names["--" + flag.name] = flag
        if flag.short:
            names["-" + flag.short] = flag
    rest = iter(argv)
    for word in rest:
        if word == "--":
            call.args += rest
        elif word.startswith("--"):
            _long(call, names, word, rest)
        elif word.startswith("-") and word != "-":
            _bundle(call, names, word, rest)
        else:
            call.args.append(word)
            if not verb.interspersed:
                call.args += rest
    _check_count(call)
    return call


def _default(flag: Flag) -> Any:
    if flag.many:
        return {} if flag.many == "merge" else []
    return flag.default


def _long(call: Call, names: Mapping[str, Flag], word: str, rest: Any) -> None:
    name, equals, value = word.partition("=")
    flag = names.get(name)
    if flag is None:
        if name == "--help":
            raise HelpWanted
        raise UsageError(f"unknown flag: {name}", call.verb.words, hint=_nearest(name, names))
    if flag.kind == "switch":
        _store(call, flag, value if equals else "true")
    elif equals:
        _store(call, flag, value)
    else:
        _store(call, flag, _next(call, rest, f"flag needs an argument: {name}"))


def _bundle(call: Call, names: Mapping[str, Flag], word: str, rest: Any) -> None:
    """``-it``, ``-eA=b``, ``-i=false``: switches up to the first flag that takes what follows as its argument."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = names.get("-" + letter)
        if flag is None:
            if letter == "h":
                raise HelpWanted
            raise UsageError(f"unknown shorthand flag: {letter!r} in {word}", call.verb.words)
        if flag.kind == "switch" and not letters.startswith("="):
            _store(call, flag, "true")
            continue
        value = letters[1:] if letters.startswith("=") else letters
        if not letters:
            value = _next(call, rest, f"flag needs an argument: {letter!r} in {word}")
        _store(call, flag, value)
        return


def _next(call: Call, rest: Any, complaint: str) -> str:
    value = next(rest, None)
    if value is None:
        raise UsageError(complaint, call.verb.words)
    return str(value)


_TRUTH = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "false", "FALSE", "False"), False
)


def _store(call: Call, flag: Flag, text: str) -> None:
    value: Any = text
    if flag.kind == "switch":
        if text not in _TRUTH:
            raise UsageError(f'invalid argument "{text}" for "{flag}" flag: neither true nor false', call.verb.words)
        value = _TRUTH[text]
    elif flag.kind != "text":
        module, _, reader = flag.kind.partition(".")
        try:
            value = getattr(__import__("wirt.cli.values." + module, fromlist=[reader]), reader)(text)
        except ValueError as error:
            raise UsageError(f'invalid argument "{text}" for "{flag}" flag: {error}', call.verb.words) from None
    if flag.choices and text not in flag.choices:
        known = ", ".join(flag.choices)
        raise UsageError(f'invalid argument "{text}" for "{flag}" flag: not one of {known}', call.verb.words)
    call.given.add(flag.name)
    before = call.options[flag.name]
    if flag.many == "append":
        before.append(value)
    elif flag.many == "extend":
        before.extend(value)
    elif flag.many == "merge":
        before.update(value)
    else:
        call.options[flag.name] = value


def _put(body: dict[str, Any], flag: Flag, value: Any) -> None:
    if flag.kind == "switch" and flag.const is not True:
        if not value:
            return
        value = flag.const
    *parents, last = flag.field.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    if flag.many in ("append", "extend"):
        body[last] = body.get(last, []) + value
    elif flag.many == "merge":
        body[last] = body.get(last, {}) | value
    else:
        body[last] = value


def _check_count(call: Call) -> None:
    required = [word for word in call.verb.args.split() if not word.startswith("[")]
    most = len(call.verb.args.split())
    have, name = len(call.args), f"'wirt {call.verb.words}'"
    if have < len(required):
        exactly = "at least" if "..." in call.verb.args or most > len(required) else "exactly"
        plural = "" if len(required) == 1 else "s"
        raise UsageError(f"{name} requires {exactly} {len(required)} argument{plural}", call.verb.words)
    if have > most and "..." not in call.verb.args:
        takes = f"at most {most}" if most else "no"
        plural = "" if most == 1 else "s"
        raise UsageError(f"{name} accepts {takes} argument{plural}", call.verb.words)


def _nearest(name: str, names: Mapping[str, Flag]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [known for known in names if known.startswith("--")], n=2, cutoff=0.75)
    return f"did you mean {' or '.join(near)}?" if near else ""
