"""The API's documentation as one HTML page made from its OpenAPI schema: no script, nothing fetched from anywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["page"]

_Schema = Mapping[str, Any]

_CODE = re.compile("``?(.+?)``?")
_METHODS = ("get", "head", "post", "put", "delete")

_STYLE = """
:root { --text: #1d2430; --dim: #5b6675; --line: #dfe3ea; --back: #fff; --side: #f5f6f9; --code: #eef0f5;
  --link: #1a56b8; --get: #1f6f43; --post: #1a56b8; --put: #8a5a00; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #dde3ec; --dim: #94a0b2; --line: #2c3442; --back: #12161d;
  --side: #181d26; --code: #222936; --link: #86b4ff; --get: #7fd1a2; --post: #86b4ff; --put: #e8bd6a;
  --delete: #ff9d94; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; display: grid; grid-template-columns: 19rem minmax(0, 1fr); color: var(--text);
  background: var(--back); font: 15px/1.55 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.2rem 1rem; background: var(--side);
  border-right: 1px solid var(--line); font-size: 13px; }
nav h2 { margin: 1.2rem 0 .3rem; font-size: 12px; text-transform: uppercase; letter-spacing: .06em; color: var(--dim); }
nav a { display: block; padding: .1rem 0; color: var(--text); overflow-wrap: anywhere; }
main { padding: 2rem clamp(1rem, 4vw, 4rem); max-width: 66rem; }
h1 { margin: 0 0 .5rem; font-size: 1.8rem; }
main > h2 { margin: 3rem 0 0; padding-bottom: .3rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
article { padding: 1.1rem 0 .7rem; border-bottom: 1px solid var(--line); }
article h3 { margin: 0; font: 600 15px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4.2em; font-weight: 700; text-transform: uppercase; }
nav .method { min-width: 4.6em; font-size: 10.5px; }
.get, .head { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.delete { color: var(--delete); }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
p { margin: .4rem 0; } .dim { color: var(--dim); }
code { padding: .08em .3em; border-radius: 4px; background: var(--code); font: 13px ui-monospace, monospace; }
table { margin: .5rem 0; border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: 12px; }
td, th { padding: .25rem .8rem .25rem 0; vertical-align: top; border-top: 1px solid var(--line); }
td:first-child { width: 14rem; } td:nth-child(2) { width: 15rem; }
.needed::after { content: " needed"; color: var(--delete); font-size: 11px; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; max-height: 40vh; } }
"""


def page(schema: _Schema) -> str:
    """A whole HTML document for an OpenAPI ``schema`` as FastAPI makes it."""
    operations = [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method in _METHODS
        if (operation := methods.get(method)) is not None
    ]
    groups: dict[str, list[tuple[str, str, _Schema]]] = {}
    for path, method, operation in operations:
        groups.setdefault(operation["tags"][0], []).append((path, method, operation))
    for members in groups.values():
        members.sort(key=lambda member: member[0])
    kinds = schema["components"]["schemas"]
    title = _text(f"{schema['info']['title']} API {schema['info']['version']}")
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{title}</title><style>{_STYLE}</style><nav>",
        *_index(groups, kinds),
        f"</nav><main><h1>{title}</h1>{_prose(schema['info']['description'])}",
        "<p>The same as <a href='/v1/openapi.json'>OpenAPI</a>.</p>",
    ]
    for tag, members in groups.items():
        parts.append(f"<h2 id='{_text(tag)}'>{_text(tag)}</h2>")
        parts += [_operation(*member) for member in members]
    parts.append("<h2 id='types'>types</h2>")
    parts += [_type(name, kind) for name, kind in sorted(kinds.items())]
    return "".join([*parts, "</main></html>"])


def _index(groups: Mapping[str, list[tuple[str, str, _Schema]]], kinds: _Schema) -> Iterator[str]:
    for tag, members in groups.items():
        yield f"<h2>{_text(tag)}</h2>"
        for path, method, operation in members:
            short = path.removeprefix("/v1")
            yield f"<a href='#{operation['operationId']}'>{_method(method)} {_text(short)}</a>"
    yield "<h2>types</h2>"
    for name in sorted(kinds):
        yield f"<a href='#{name}'>{name}</a>"


def _operation(path: str, method: str, operation: _Schema) -> str:
    parts = [
        f"<article id='{operation['operationId']}'><h3>{_method(method)} {_text(path)}</h3>",
        _prose(operation.get("description", "")),
    ]
    if rows := [_parameter(parameter) for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]:
        parts.append(f"<table><tr><th>Parameter<th>Type<th>{''.join(rows)}</table>")
    if body := operation.get("requestBody"):
        parts.append(f"<p><span class='dim'>Body:</span> {_contents(body)}</p>")
    answers = [
        f"<code>{status}</code> {_contents(answer)}"
        for status, answer in operation["responses"].items()
        if status not in ("4XX", "5XX")
    ]
    parts.append(f"<p><span class='dim'>Answer:</span> {' or '.join(answers)}</p></article>")
    return "".join(parts)


def _parameter(parameter: _Schema) -> str:
    return _row(parameter["name"], parameter["schema"], parameter.get("description", ""), needed=parameter["required"])


def _type(name: str, kind: _Schema) -> str:
    parts = [f"<article id='{name}'><h3>{name}</h3>{_prose(kind.get('description', ''))}"]
    if "enum" in kind:
        parts.append("<p>" + " ".join(f"<code>{_text(value)}</code>" for value in kind["enum"]) + "</p>")
    if fields := kind.get("properties"):
        needed = kind.get("required", ())
        rows = [
            _row(each, field, field.get("description", ""), needed=each in needed) for each, field in fields.items()
        ]
        parts.append(f"<table><tr><th>Field<th>Type<th>{''.join(rows)}</table>")
    return "".join([*parts, "</article>"])


def _row(name: str, schema: _Schema, text: str, *, needed: bool) -> str:
    default = schema.get("default")
    notes = [_text(text)] if text else []
    if default not in (None, "", [], False):
        notes.append(f"default <code>{_text(str(default).lower() if isinstance(default, bool) else default)}</code>")
    css = " class='needed'" if needed else ""
    return f"<tr><td><code{css}>{_text(name)}</code><td>{_kind(schema)}<td>{', '.join(notes)}"


def _contents(body: _Schema) -> str:
    """What a request or an answer carries: a type of ours, or a media type."""
    contents = body.get("content", {})
    named = [_kind(content["schema"]) if content.get("schema") else _text(kind) for kind, content in contents.items()]
    return ", ".join(named) or "nothing"


def _kind(schema: _Schema) -> str:
    """A schema in a few words, with links to our own types."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{_text(value)}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"text → {_kind(schema['additionalProperties'])}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return _text(words.get(schema.get("type", ""), schema.get("type", "anything")))


def _method(method: str) -> str:
    return f"<span class='method {method}'>{method}</span>"


def _prose(text: str) -> str:
    """Paragraphs; what stands in one or two backquotes is code, and begins a line if it did so in ``text``."""
    paragraphs = (_text(paragraph.strip()).replace("\n``", "<br>``") for paragraph in text.split("\n\n"))
    return "".join("<p>" + _CODE.sub(r"<code>\1</code>", each) + "</p>" for each in paragraphs if each)


def _text(value: object) -> str:
    return html.escape(str(value))
