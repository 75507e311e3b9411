"""JSON and query strings without ``json`` and ``urllib``: those cost a command 11 and 20 ms to import, this costs 0.3.

The C accelerator behind ``json`` does the work here as well; an interpreter without it falls back to the package.
Values are what JSON has: None, bool, int, float, str, lists or tuples, and dicts with string keys.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost more than the rest of this package
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["decode", "encode", "query_string", "quote"]

try:
    from _json import encode_basestring_ascii as _quote_text
    from _json import make_scanner

    class _Rules:
        """What the scanner asks its owner: plain Python values, nothing unusual."""

        strict = True
        object_hook = object_pairs_hook = None
        parse_float = float
        parse_int = int
        parse_constant = float

    _scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_Rules)  # type: ignore[arg-type]
except ImportError:  # not CPython
    from json import JSONDecoder
    from json.encoder import py_encode_basestring_ascii as _quote_text

    _scan = JSONDecoder().raw_decode

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3


def encode(value: Any) -> str:
    """``value`` as compact JSON; ``TypeError`` for what JSON has no word for."""
    if isinstance(value, str):
        return _quote_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quote_text(key)}:{encode(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([encode(item) for item in value]) + "]"
    raise TypeError(f"JSON has no {type(value).__name__}")


def decode(text: str | bytes) -> Any:
    """The value that JSON ``text`` stands for; ``ValueError`` where it is not JSON."""
    line = (text if isinstance(text, str) else text.decode()).strip(" \t\r\n")
    try:
        value, end = _scan(line, 0)
    except StopIteration as stop:  # how the scanner says that no value starts there
        raise ValueError(f"no JSON value at character {stop.value}") from None
    if end != len(line):
        raise ValueError(f"something follows the JSON value, at character {end}")
    return value


def quote(text: str, safe: bytes = b"") -> str:
    """``text`` for a URL's path or query: all but letters, digits, ``-._~`` and ``safe`` as %XX."""
    data = text.encode("utf-8", "surrogateescape")  # arguments of a command may be any bytes
    return "".join([chr(byte) if byte in _UNRESERVED or byte in safe else f"%{byte:02X}" for byte in data])


def query_string(values: Mapping[str, Any]) -> str:
    """``?a=1&b=x``, or "" for no values. None is left out, a bool is 1 or 0, a list repeats its name."""
    parts = []
    for name, value in values.items():
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None:
                parts.append(f"{name}={quote(str(int(each)) if isinstance(each, bool) else str(each))}")
    return "?" + "&".join(parts) if parts else ""
