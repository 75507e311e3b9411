"""The part of Go's text/template that people use in ``--format``, and the functions Docker adds to it.

Fields, variables, pipes, ``if``, ``else if``, ``with``, ``range``, ``else``, ``end``, trimming dashes and comments.
A field is looked up as it is written, then without regard to case and underscores (``.State.ExitCode`` finds
``exit_code``), then by the names Docker has for some of ours. Templates are compiled to closures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wirt.cli.listing import Column, Row
from wirt.cli.template_functions import FUNCTIONS, TemplateError, as_text, field, truth
from wirt.errors import InvalidInput

__all__ = ["compile_template", "print_rows", "render"]


class _Scope:
    """Where an action runs: ``dot``, and the variables that are visible."""

    __slots__ = ("dot", "variables")

    def __init__(self, dot: Any, variables: dict[str, Any]) -> None:
        self.dot, self.variables = dot, variables

    def inner(self, dot: Any) -> _Scope:
        return _Scope(dot, dict(self.variables))


_Value = Callable[[_Scope], Any]
_Output = Callable[[_Scope], str]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>[-+]?\d+(?:\.\d+)?)|(?P<variable>\$\w*)"""
    r"""|(?P<field>\.\w+)|(?P<word>\w+)|(?P<sign>:=|[.|(),=]))""",
    re.S,
)


def compile_template(text: str) -> Callable[[Any], str]:
    """A function from data to text; ``InvalidInput`` where ``text`` is no template."""
    try:
        body = _Parser(_pieces(text)).whole()
    except TemplateError as error:
        raise _invalid(text, error) from None

    def rendered(data: Any) -> str:
        try:
            return body(_Scope(data, {"$": data}))
        except TemplateError as error:
            raise _invalid(text, error) from None

    return rendered


def render(text: str, data: Any) -> str:
    """``text`` filled in from ``data``."""
    return compile_template(text)(data)


def print_rows(form: str, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """A line for every row; after the word ``table``, aligned and under the columns' headers."""
    form = form.replace("\\t", "\t").replace("\\n", "\n")
    if not form.startswith("table "):
        line = compile_template(form)
        print("".join([line(row) + "\n" for row in rows]), end="")
        return
    from wirt.cli.table import print_table

    line = compile_template(form.removeprefix("table "))
    cells = [line(row).split("\t") for row in rows]
    headers = _headers_of_fields(rows) | {column.name: column.header for column in columns}
    header = line({**headers, "Label": str.upper}).split("\t")
    print_table(header, [row + [""] * (len(header) - len(row)) for row in cells])


def _headers_of_fields(rows: Sequence[Row]) -> dict[str, str]:
    return {name: name.replace("_", " ").upper() for row in rows[:1] for name in row.data}


def _invalid(text: str, error: TemplateError) -> InvalidInput:
    return InvalidInput(f"the template {text!r}: {error}", hint=error.hint)


_QUOTED = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\])*"|`[^`]*`|[^"`}]+|}(?!})""", re.S)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of "text" or "action" and what it holds; dashes have trimmed the text."""
    at, trim = 0, False
    while (start := text.find("{{", at)) >= 0:
        end = start + 2
        while match := _QUOTED.match(text, end):
            end = match.end()
        if not text.startswith("}}", end):
            raise TemplateError("an action is not closed")
        action = text[start + 2 : end]
        literal = text[at:start].lstrip() if trim else text[at:start]
        if action[:1] == "-" and action[1:2].isspace():
            literal, action = literal.rstrip(), action[1:]
        trim = action[-1:] == "-" and action[-2:-1].isspace()
        action = (action[:-1] if trim else action).strip()
        yield "text", literal
        if not (action.startswith("/*") and action.endswith("*/")):
            yield "action", action
        at = end + 2
    yield "text", text[at:].lstrip() if trim else text[at:]


class _Parser:
    """Blocks out of pieces; ``_Action`` reads what is inside one action."""

    def __init__(self, pieces: Iterator[tuple[str, str]]) -> None:
        self._pieces = pieces

    def whole(self) -> _Output:
        body, closing, _ = self.block()
        if closing:
            raise TemplateError(f"{{{{{closing}}}}} has nothing to close")
        return body

    def block(self) -> tuple[_Output, str, str]:
        """Everything up to an ``end`` or ``else`` or the end of the text; that word, and what stands after it."""
        parts: list[_Output] = []
        for kind, content in self._pieces:
            if kind == "text":
                parts.append(_constant(content))
                continue
            keyword, rest = _keyword(content)
            if keyword in ("end", "else"):
                return _sequence(parts), keyword, rest
            if keyword in _CONTROLS:
                parts.append(self._control(keyword, rest))
            else:
                parts.append(_Action(content).statement())
        return _sequence(parts), "", ""

    def _control(self, keyword: str, condition: str) -> _Output:
        action = _Action(condition)
        names = action.declaration()
        value = action.value()
        body, closing, rest = self.block()
        otherwise = _constant("")
        if closing == "else" and rest:  # "else if": it ends where the inner one does
            word, inner = _keyword(rest)
            if word not in ("if", "with"):
                raise TemplateError(f"{{{{else {word}}}}} is not known")
            return _CONTROLS[keyword](names, value, body, self._control(word, inner))
        if closing == "else":
            otherwise, closing, _ = self.block()
        if closing != "end":
            raise TemplateError(f"{{{{{keyword}}}}} has no {{{{end}}}}")
        return _CONTROLS[keyword](names, value, body, otherwise)


def _keyword(content: str) -> tuple[str, str]:
    word = content[: len(content) - len(content.lstrip("abcdefghijklmnopqrstuvwxyz"))]
    return word, content[len(word) :].strip()


def _sequence(parts: list[_Output]) -> _Output:
    return lambda scope: "".join([part(scope) for part in parts])


def _constant(text: str) -> _Output:
    return lambda _: text


def _if(names: list[str], value: _Value, body: _Output, otherwise: _Output) -> _Output:
    def run(scope: _Scope) -> str:
        inner = scope.inner(scope.dot)
        found = value(scope)
        inner.variables.update(dict.fromkeys(names, found))
        return (body if truth(found) else otherwise)(inner)

    return run


def _with(names: list[str], value: _Value, body: _Output, otherwise: _Output) -> _Output:
    def run(scope: _Scope) -> str:
        found = value(scope)
        if not truth(found):
            return otherwise(scope.inner(scope.dot))
        inner = scope.inner(found)
        inner.variables.update(dict.fromkeys(names, found))
        return body(inner)

    return run


def _range(names: list[str], value: _Value, body: _Output, otherwise: _Output) -> _Output:
    def run(scope: _Scope) -> str:
        found = value(scope)
        if isinstance(found, dict):
            items: list[tuple[Any, Any]] = sorted(found.items())
        elif isinstance(found, (list, tuple)):
            items = list(enumerate(found))
        elif found is None:
            items = []
        else:
            raise TemplateError(f"range cannot go over {as_text(found)!r}")
        parts = []
        for pair in items:
            inner = scope.inner(pair[1])
            inner.variables.update(zip(names, pair if len(names) == 2 else pair[1:], strict=False))
            parts.append(body(inner))
        return "".join(parts) if items else otherwise(scope.inner(scope.dot))

    return run


_CONTROLS = {"if": _if, "with": _with, "range": _range}


class _Action:
    """The inside of one pair of braces."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, bool]] = []  # kind, text, whether it follows its predecessor directly
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise TemplateError(f"{text[at:].strip()!r} makes no sense")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match.group(kind), match.start(kind) == at and at > 0))
            at = match.end()
        self._at = 0

    def statement(self) -> _Output:
        """An assignment, which says nothing, or a pipeline, whose value is said."""
        names = self.declaration()
        value = self.value()
        if not names:
            return lambda scope: as_text(value(scope))

        def assign(scope: _Scope) -> str:
            scope.variables[names[0]] = value(scope)
            return ""

        return assign

    def declaration(self) -> list[str]:
        """The names before ``:=`` or ``=``."""
        words = [token[1] for token in self._tokens[:4]]
        for count in (1, 2):
            width = 2 * count
            if len(words) >= width and words[width - 1] in (":=", "=") and words[0].startswith("$"):
                self._at = width
                return words[0 : width - 1 : 2]
        return []

    def value(self) -> _Value:
        """The pipeline that the action, or the rest of it, is."""
        value = self._pipeline()
        if self._at < len(self._tokens):
            raise TemplateError(f"{self._peek()!r} is out of place")
        return value

    def _pipeline(self) -> _Value:
        value = self._command(None)
        while self._peek() == "|":
            self._at += 1
            value = self._command(value)
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _command(self, piped: _Value | None) -> _Value:
        """An operand, or a function (or a field that is one) with its arguments; what was piped in comes last."""
        if self._at >= len(self._tokens):
            raise TemplateError("a value is missing")
        kind, text, _ = self._tokens[self._at]
        if kind == "word" and text in FUNCTIONS:
            self._at += 1
            return _calling(FUNCTIONS[text], self._arguments(piped))
        operand = self._operand()
        arguments = self._arguments(piped)
        return _calling_value(operand, arguments) if arguments else operand

    def _arguments(self, piped: _Value | None) -> list[_Value]:
        arguments = []
        while self._at < len(self._tokens) and self._peek() not in ("|", ")"):
            arguments.append(self._operand())
        return [*arguments, piped] if piped else arguments

    def _operand(self) -> _Value:
        kind, text, _ = self._tokens[self._at]
        self._at += 1
        if kind == "string":
            value = _constant_value(_unquoted(text))
        elif kind == "number":
            value = _constant_value(float(text) if "." in text else int(text))
        elif kind == "variable":
            value = _variable(text)
        elif kind == "field":
            value = _looking_up(_dot, text[1:])
        elif text == ".":
            value = _dot
        elif text == "(":
            value = self._pipeline()
            if self._peek() != ")":
                raise TemplateError("a parenthesis is not closed")
            self._at += 1
        elif text in _WORDS:
            value = _constant_value(_WORDS[text])
        elif text in FUNCTIONS:
            value = _calling(FUNCTIONS[text], [])
        else:
            raise TemplateError(f"there is no function {text!r}", hint="known: " + ", ".join(FUNCTIONS))
        while self._at < len(self._tokens) and self._tokens[self._at][0] == "field" and self._tokens[self._at][2]:
            value = _looking_up(value, self._tokens[self._at][1][1:])
            self._at += 1
        return value


_WORDS = {"true": True, "false": False, "nil": None}


def _dot(scope: _Scope) -> Any:
    return scope.dot


def _constant_value(value: Any) -> _Value:
    return lambda _: value


def _variable(name: str) -> _Value:
    def value(scope: _Scope) -> Any:
        if name not in scope.variables:
            raise TemplateError(f"there is no variable {name}")
        return scope.variables[name]

    return value


def _looking_up(owner: _Value, name: str) -> _Value:
    return lambda scope: field(owner(scope), name)


def _calling(function: Callable[..., Any], arguments: list[_Value]) -> _Value:
    def value(scope: _Scope) -> Any:
        try:
            return function(*[argument(scope) for argument in arguments])
        except TemplateError:
            raise
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            name = function.__name__.strip("_")
            raise TemplateError(f"{name} does not take these arguments ({error})") from None

    return value


def _calling_value(operand: _Value, arguments: list[_Value]) -> _Value:
    def value(scope: _Scope) -> Any:
        function = operand(scope)
        if not callable(function):
            raise TemplateError(f"{as_text(function)!r} takes no arguments")
        return function(*[argument(scope) for argument in arguments])

    return value


_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    letters = match.group()[1:]
    if letters[0] in "xu" and len(letters) > 1:
        return chr(int(letters[1:], 16))
    if letters not in _ESCAPES:
        raise TemplateError(f"there is no escape \\{letters}")
    return _ESCAPES[letters]
