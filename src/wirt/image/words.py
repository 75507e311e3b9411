"""The words of a Dockerfile's line: quotes, backslashes and variables, as the Dockerfile reference has them.

"$NAME", "${NAME}", "${NAME:-instead}" and "${NAME:+then}" are replaced, but not inside single quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from wirt.errors import InvalidInput

__all__ = ["expand", "split"]

_variable = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^{}]*))?\})", re.ASCII)


def expand(text: str, env: Mapping[str, str]) -> str:
    """One word, its quotes taken off and its variables replaced."""
    return _Scanner(text, env).word(stop_at_blank=False)


def split(text: str, env: Mapping[str, str]) -> list[str]:
    """The words of ``text``, which blanks divide."""
    scanner = _Scanner(text, env)
    words = []
    while scanner.skip_blanks():
        words.append(scanner.word(stop_at_blank=True))
    return words


class _Scanner:
    def __init__(self, text: str, env: Mapping[str, str]) -> None:
        self._text = text
        self._env = env
        self._at = 0

    def skip_blanks(self) -> bool:
        """Whether anything follows them."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def word(self, *, stop_at_blank: bool) -> str:
        out: list[str] = []
        quote = ""
        while self._at < len(self._text):
            char = self._text[self._at]
            if not quote and stop_at_blank and char.isspace():
                break
            if char == quote or (not quote and char in "'\""):
                quote = "" if quote else char
                self._at += 1
            elif char == "\\" and quote != "'":
                out.append(self._escaped(quote))
            elif char == "$" and quote != "'":
                out.append(self._variable())
            else:
                out.append(char)
                self._at += 1
        if quote:
            raise InvalidInput(f"{self._text!r} has a quotation mark ({quote}) without its second")
        return "".join(out)

    def _escaped(self, quote: str) -> str:
        """Inside double quotes a backslash stands for itself, except before what means something there."""
        following = self._text[self._at + 1 : self._at + 2]
        self._at += 1 + len(following)
        if not following or (quote and following not in '"\\$'):
            return f"\\{following}"
        return following

    def _variable(self) -> str:
        match = _variable.match(self._text, self._at)
        if match is None:
            if self._text.startswith("${", self._at):
                raise InvalidInput(f"{self._text!r} has a variable that does not parse", hint="write ${NAME}")
            self._at += 1
            return "$"
        self._at = match.end()
        value = self._env.get(match[1] or match[2], "")
        if match[3] == "-":
            return value or match[4]
        if match[3] == "+":
            return match[4] if value else ""
        return value
