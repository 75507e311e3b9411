from __future__ import annotations

import pytest

from wirt.cli.options import Flag, HelpWanted, UsageError, Verb, parse

FLAGS = (
    Flag("interactive", "i", field="open_stdin"),
    Flag("tty", "t", field="tty"),
    Flag("rm", field="auto_remove"),
    Flag("env", "e", "text", field="env", many="append"),
    Flag("name", "n", "text", field="name"),
    Flag("memory", "m", "scalars.size", field="resources.memory"),
    Flag("label", "l", "scalars.label", field="labels", many="merge"),
    Flag("publish", "p", "network.publish", field="ports", many="extend"),
    Flag("micro", field="kind", const="micro"),
    Flag("format", "", "text", choices=("json", "table")),
)
RUN = Verb("run", "x", args="IMAGE [COMMAND] [ARG...]", flags=FLAGS, interspersed=False)
RM = Verb("rm", "x", args="GUEST [GUEST...]", flags=FLAGS)


def fields(*argv: str, verb: Verb = RUN) -> dict[str, object]:
    return parse(verb, [*argv, "image"]).fields()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-it"], {"open_stdin": True, "tty": True}),
        (["-i", "-t"], {"open_stdin": True, "tty": True}),
        (["--tty=false", "--rm"], {"tty": False, "auto_remove": True}),
        (["-i=false"], {"open_stdin": False}),
        (["-i=0", "--rm=T"], {"open_stdin": False, "auto_remove": True}),
        (["-e", "A=1", "-eB=2", "-e=C=3", "--env", "D=4", "--env=E=5"], {"env": ["A=1", "B=2", "C=3", "D=4", "E=5"]}),
        (["-ite", "A=1"], {"open_stdin": True, "tty": True, "env": ["A=1"]}),
        (["-iteA=1"], {"open_stdin": True, "tty": True, "env": ["A=1"]}),
        (["-e", "--rm"], {"env": ["--rm"]}),
        (["--name", "a", "--name=b"], {"name": "b"}),
        (["--name="], {"name": ""}),
        (["-m64m"], {"resources": {"memory": 64 << 20}}),
        (["-l", "a=1", "--label", "b", "-l", "a=2"], {"labels": {"a": "2", "b": ""}}),
        (["--micro"], {"kind": "micro"}),
        (["--micro=false"], {}),
        (["--"], {}),
    ],
)
def test_parse_reads_flags_as_docker_does(argv: list[str], expected: dict[str, object]) -> None:
    assert fields(*argv) == expected


def test_parse_leaves_a_command_s_own_flags_alone() -> None:
    call = parse(RUN, ["-i", "busybox", "ls", "-t", "--", "--rm"])
    assert call.args == ["busybox", "ls", "-t", "--", "--rm"]
    assert call["interactive"] and not call["tty"] and not call["rm"]


def test_parse_takes_flags_anywhere_in_other_verbs() -> None:
    call = parse(RM, ["a", "--rm", "b", "-t", "--", "-i"])
    assert call.args == ["a", "b", "-i"]
    assert call["rm"] and call["tty"] and not call["interactive"]


def test_parse_takes_a_lone_dash_for_a_positional() -> None:
    assert parse(RM, ["-", "x"]).args == ["-", "x"]


def test_flags_have_defaults_of_their_kind() -> None:
    call = parse(RUN, ["x"])
    assert (call["rm"], call["env"], call["label"], call["name"]) == (False, [], {}, None)
    assert call.fields() == {}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["--foo=1"], "unknown flag: --foo"),
        (["-z"], "unknown shorthand flag: 'z' in -z"),
        (["-itz"], "unknown shorthand flag: 'z' in -itz"),
        (["--memory"], "flag needs an argument: --memory"),
        (["-im"], "flag needs an argument: 'm' in -im"),
        (["--rm=maybe"], 'invalid argument "maybe" for "--rm" flag: neither true nor false'),
        (
            ["-m", "3x", "a"],
            'invalid argument "3x" for "-m, --memory" flag: not a size: write 64m, 1.5g or a number of bytes',
        ),
        (["--format", "xml", "a"], 'invalid argument "xml" for "--format" flag: not one of json, table'),
        ([], "'wirt run' requires at least 1 argument"),
    ],
)
def test_parse_says_what_is_wrong(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(RUN, argv)
    assert str(caught.value) == message
    assert caught.value.words == "run"


def test_parse_suggests_the_flag_that_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        parse(RUN, ["--memroy", "1"])
    assert caught.value.hint == "did you mean --memory?"


@pytest.mark.parametrize(
    ("args", "argv", "message"),
    [
        ("", ["a"], "'wirt x' accepts no arguments"),
        ("NAME", [], "'wirt x' requires exactly 1 argument"),
        ("NAME", ["a", "b"], "'wirt x' accepts at most 1 argument"),
        ("OLD NEW", ["a"], "'wirt x' requires exactly 2 arguments"),
        ("OLD NEW", ["a", "b", "c"], "'wirt x' accepts at most 2 arguments"),
        ("A [B]", [], "'wirt x' requires at least 1 argument"),
    ],
)
def test_parse_counts_positionals(args: str, argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(Verb("x", "x", args=args), argv)
    assert str(caught.value) == message


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["-ih"], ["a", "--help"]])
def test_parse_hands_help_on(argv: list[str]) -> None:
    with pytest.raises(HelpWanted):
        parse(RM, argv)


def test_help_of_a_command_in_a_guest_is_not_ours() -> None:
    assert parse(RUN, ["busybox", "ls", "--help"]).args == ["busybox", "ls", "--help"]
