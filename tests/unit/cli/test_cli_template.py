from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.cli.listing import Column, Row
from wirt.cli.template import compile_template, print_rows, render
from wirt.errors import InvalidInput

GUEST: dict[str, Any] = {
    "id": "abcdef",
    "name": "web",
    "state": {"status": "running", "exit_code": 3, "health": None, "running": True},
    "args": ["a", "b"],
    "labels": {"x": "1", "y.z": "2"},
    "config": {"working": 1, "workdir": "/src", "command": ["ls"]},
    "network_settings": {"ip_address": "10.0.0.1", "networks": {"bridge": {"ip_address": "1.2.3.4"}}},
    "created": 1.5,
    "zero": 0,
    "size": 3.0,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{.id}} {{.Id}} {{.ID}} {{ .Name }}", "abcdef abcdef abcdef web"),
        ("{{.State.ExitCode}} {{.State.Running}}", "3 true"),
        ("{{.NetworkSettings.IPAddress}}", "10.0.0.1"),
        ("{{.NetworkSettings.Networks.bridge.IPAddress}}", "1.2.3.4"),
        ("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "1.2.3.4"),
        ("{{.Config.WorkingDir}} {{.Config.Cmd}}", "/src [ls]"),
        ("{{json .State}}", '{"status":"running","exit_code":3,"health":null,"running":true}'),
        ("{{range .Args}}[{{.}}]{{end}}", "[a][b]"),
        ("{{range $i, $a := .Args}}{{$i}}={{$a}} {{end}}", "0=a 1=b "),
        ("{{range $k, $v := .Labels}}{{$k}}:{{$v}},{{end}}", "x:1,y.z:2,"),
        ("{{range .State.Health}}x{{else}}none{{end}}", "none"),
        ("{{range .Args}}{{$.Name}} {{end}}", "web web "),
        ("{{with .State}}{{.Status}}{{end}}{{with .Zero}}x{{else}}no{{end}}", "runningno"),
        ("{{with $x := .Name}}{{$x}}{{.}}{{end}}", "webweb"),
        ("{{if .State.Health}}h{{else if eq .State.ExitCode 3}}three{{else}}no{{end}}", "three"),
        ("{{if not .Zero}}a{{end}}{{if and .Zero .Name}}b{{end}}{{if or .Zero .Name}}c{{end}}", "ac"),
        ('{{index .Labels "y.z"}} {{index .Args 1}} {{index .Labels "none"}}|', "2 b |"),
        ('{{join .Args ", "}} {{.Name | upper}} {{title .Name}} {{lower "AB"}}', "a, b WEB Web ab"),
        ('{{split "a,b" "," | len}} {{truncate .ID 3}} {{pad .Name 1 2}}|', "2 abc  web  |"),
        ('{{printf "%-5s|%03d|%q|%v|%.1f|%%" .Name 7 "a" .Args 1.25}}', 'web  |007|"a"|[a b]|1.2|%'),
        ('{{println .Name}}{{print "a" "b"}}', "web\nab"),
        ("{{.Labels}} {{.Args}} {{.State.Health}} {{.Created}} {{.Size}}", "map[x:1 y.z:2] [a b] <no value> 1.5 3"),
        ("a  {{- .Name -}}  b {{- /* said nobody */ -}} c", "awebbc"),
        ("{{/* }} */}}x", "x"),
        ('{{"}}"}}{{`{{`}}{{"\\t\\x41\\u00e9\\""}}', '}}{{\tAé"'),
        ("{{$x := .Name}}{{$x = .ID}}{{$x}}", "abcdef"),
        ("{{(index .Args 0) | printf `%s!`}} {{(.State).Status}}", "a! running"),
        ("{{len .Args}} {{lt 1 2}} {{ge 1 2}} {{ne .Name `x`}}", "2 true false true"),
        ("{{eq .Name `a` `web`}} {{slice .ID 1 3}}", "true bc"),
        ("{{true}} {{nil}} {{-3}} {{2.5}}", "true <no value> -3 2.5"),
    ],
)  # fmt: skip
def test_template_says(template: str, text: str) -> None:
    assert render(template, GUEST) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Foo}}", "there is no field 'Foo'"),
        ("{{.Name.Foo}}", "'web' has no field 'Foo'"),
        ("{{", "an action is not closed"),
        ('{{"a}}', "an action is not closed"),
        ("{{if .Name}}", "{{if}} has no {{end}}"),
        ("{{if .Name}}a{{else}}b{{else}}c{{end}}", "{{if}} has no {{end}}"),
        ("{{if .Name}}a{{else foo}}b{{end}}", "{{else foo}} is not known"),
        ("a{{end}}", "{{end}} has nothing to close"),
        ("{{else}}", "{{else}} has nothing to close"),
        ("{{foo}}", "there is no function 'foo'"),
        ("{{.Name .ID}}", "'web' takes no arguments"),
        ("{{(.Name}}", "a parenthesis is not closed"),
        ("{{.Name)}}", "')' is out of place"),
        ("{{.Name | }}", "a value is missing"),
        ("{{}}", "a value is missing"),
        ("{{#}}", "'#' makes no sense"),
        ("{{index .Args 9}}", "index 9 is out of range"),
        ("{{index .Zero 1}}", "'0' cannot be indexed"),
        ("{{len .Zero}}", "len does not take these arguments"),
        ("{{$y}}", "there is no variable $y"),
        ("{{range .Name}}{{end}}", "range cannot go over 'web'"),
        (r'{{"\z"}}', r"there is no escape \z"),
    ],
)
def test_template_says_what_is_wrong_with_it(template: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        render(template, GUEST)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_template_lists_the_fields_there_are() -> None:
    with pytest.raises(InvalidInput) as caught:
        render("{{.State.Foo}}", GUEST)
    assert caught.value.hint == "known: status, exit_code, health, running"


PIECES = r"""{{ }} {{end}} {{else}} {{if_.Name}} {{range_.Args}} {{.Name}} - _ " ` | ( ) . $x := index json 3 /* */ \
text {{-_ _-}} ,"""
pieces = st.sampled_from([piece.replace("_", " ") for piece in PIECES.split()])


@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=20))
def test_template_is_rendered_or_refused_whatever_it_is(template: str) -> None:
    try:
        assert isinstance(render(template, GUEST), str)
    except InvalidInput as error:
        assert "template" in str(error)


words = st.text(alphabet='abc {}-\n"', max_size=8).filter(lambda text: "{{" not in text)


@given(st.lists(st.tuples(words, st.sampled_from(["name", "id", "zero"]))), words)
def test_template_of_texts_and_fields_is_their_concatenation(parts: list[tuple[str, str]], end: str) -> None:
    parts = [(text.rstrip("{"), name) for text, name in parts]
    template = "".join(f"{text}{{{{.{name}}}}}" for text, name in parts) + end
    expected = "".join(f"{text}{GUEST[name]}" for text, name in parts) + end
    assert render(template, GUEST) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_json_of_anything_is_json(value: object) -> None:
    assert json.loads(render("{{json .}}", value)) == value


@given(st.text())
def test_strings_are_what_they_say(text: str) -> None:
    assert render("{{" + json.dumps(text, ensure_ascii=False).replace("\\b", "").replace("\\f", "") + "}}", None) == (
        text.replace("\b", "").replace("\f", "")
    )


COLUMNS = (
    Column("Names", "NAMES", "name"),
    Column("ID", "GUEST ID", lambda row: row["id"][:3], full="id"),
    Column("Labels", "LABELS", lambda row: ",".join(row["labels"])),
)


def test_rows_know_columns_first_and_then_fields() -> None:
    row = Row(GUEST, COLUMNS, full=False)
    assert render("{{.Names}} {{.ID}} {{.Labels}} {{.Created}}", row) == "web abc x,y.z 1.5"
    assert render('{{.Label "x"}}{{.Label "none"}}|{{index .labels "x"}}', Row(GUEST, COLUMNS[:2], full=True)) == "1|1"
    assert json.loads(render("{{json .}}", row)) == GUEST
    with pytest.raises(InvalidInput) as caught:
        render("{{.Foo}}", row)
    assert caught.value.hint.startswith("known: Names, ID, Labels, id, name")


def test_rows_are_printed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(r"{{.Names}}\t{{.ID}}", [Row(GUEST, COLUMNS, full=False)] * 2, COLUMNS)
    assert capsys.readouterr().out == "web\tabc\nweb\tabc\n"


def test_rows_are_printed_under_headers_after_the_word_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row(GUEST, COLUMNS, full=False), Row({**GUEST, "name": "a-longer-name"}, COLUMNS, full=False)]
    print_rows(r'table {{.Names}}\t{{upper .ID}}\t{{.Label "x"}}\t{{.created}}', rows, COLUMNS)
    assert capsys.readouterr().out.splitlines() == [
        "NAMES           GUEST ID   X   CREATED",
        "web             ABC        1   1.5",
        "a-longer-name   ABC        1   1.5",
    ]


def test_compiled_templates_can_be_used_again() -> None:
    line = compile_template("{{range $i, $x := .}}{{$x}}{{end}}")
    assert (line(["a"]), line(["b", "c"])) == ("a", "bc")
