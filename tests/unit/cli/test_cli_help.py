"""Help, reference, manual and completion: made from the tables, for every verb there is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wirt.cli import index, reference
from wirt.cli.completion import SCRIPTS
from wirt.cli.options import HelpWanted, UsageError, parse
from wirt.client import address

VERBS = index.all_verbs()


def visible(words: str) -> list[str]:
    return [flag.name for flag in index.load(words).VERB.flags if not flag.hidden]


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_explains_itself(wirt, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert wirt(*words.split(), "--help") == 0
    assert wirt.out.startswith(f"Usage:  wirt {words}")
    assert all(f"--{name}" in wirt.out for name in visible(words))
    assert "Examples:" in wirt.out
    help_lines = wirt.out.partition("Examples:")[0].splitlines()
    assert [line for line in help_lines if len(line) > 80] == []


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_is_in_its_module_by_its_name(words: str) -> None:
    verb = index.load(words).VERB
    assert verb.words == words
    assert verb.summary and not verb.summary.endswith(".")
    assert all(flag.about and not flag.about.removesuffix(" ...").endswith(".") for flag in verb.flags)


@pytest.mark.parametrize("words", VERBS)
def test_every_example_is_one_that_works(words: str) -> None:
    """As far as the parser can tell; what a shell would do before is cut away."""
    for command, what in index.load(words).VERB.examples:
        assert what
        mine = command.split("wirt ", 1)[1].split(" | ")[0].split(" >")[0].split(" 2>")[0]
        mine = re.sub(r"\$\(.*?\)", "x", mine).rstrip(")")
        found, rest = index.find(shlex.split(mine))
        try:
            parse(index.load(found).VERB, rest)
        except HelpWanted:
            continue


def test_overview_names_every_verb(wirt) -> None:
    assert wirt() == 0
    overview = wirt.out
    assert all(re.search(rf"^  {name} ", overview, re.M) for _, names in index.SECTIONS for name in names)
    assert wirt("--help") == wirt("help") == 0
    assert wirt.out == overview


@pytest.mark.parametrize("group", index.GROUPS)
def test_groups_list_their_verbs(wirt, group: str) -> None:
    assert wirt(group) == 0
    assert all(f"  {name} " in wirt.out for name in index.GROUPS[group][1])
    shown = wirt.out
    assert wirt(group, "--help") == wirt("help", group) == 0
    assert wirt.out == shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("images", "image ls"), ("rmi a", "image rm"), ("image list", "image ls"), ("guest ls", "ps"),
        ("container ls", "ps"), ("container run a", "run"), ("guest prune", "guest prune"), ("guest exec a b", "exec"),
        ("system info", "info"), ("load", "image load"), ("volume ls", "volume ls"),
    ],
)  # fmt: skip
def test_names_and_short_forms_lead_to_verbs(line: str, words: str) -> None:
    assert index.find(line.split())[0] == words


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("rnu", "unknown command: wirt rnu", "did you mean wirt run?"),
        ("imagse", "unknown command: wirt imagse", "did you mean wirt image or wirt images?"),
        ("image lss", "unknown command: wirt image lss", "did you mean wirt image ls?"),
        ("xyzzy", "unknown command: wirt xyzzy", ""),
        ("container xyzzy", "unknown command: wirt guest xyzzy", ""),
    ],
)
def test_unknown_names_get_a_suggestion(line: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        index.find(line.split())
    assert str(caught.value) == message
    assert caught.value.hint.startswith(hint[:-1])


def test_aliases_lead_somewhere() -> None:
    assert set(index.ALIASES.values()) <= set(VERBS)


def test_markdown_has_every_verb_and_flag() -> None:
    text = reference.markdown()
    for words in VERBS:
        _, _, section = text.partition(f"\n## wirt {words}\n")
        section = section.partition("\n## ")[0]
        assert all(f"--{name}" in section for name in visible(words)), words
    anchors = set(re.findall(r"\(#([a-z-]+)\)", text))
    headings = {line[3:].replace(" ", "-") for line in text.splitlines() if line.startswith("## wirt")}
    assert anchors == headings


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_manual_is_one_that_man_reads(tmp_path: Path) -> None:
    page = tmp_path / "wirt.1"
    page.write_text(reference.manual("1.2.3"))
    done = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=True)
    assert "WIRT(1)" in done.stdout
    assert done.stderr == ""


def complete(wirt, *words: str) -> list[str]:
    assert wirt("__complete", "--", *words) == 0
    return [line.partition("\t")[0] for line in wirt.out.splitlines()]


def test_completion_offers_verbs_groups_and_short_forms(wirt) -> None:
    assert complete(wirt, "ru") == ["run"]
    assert set(complete(wirt, "im")) == {"image", "images", "import"}
    assert "ls" in complete(wirt, "image", "")
    assert {"ls", "rm", "run", "prune"} - {"ls"} <= set(complete(wirt, "container", ""))
    assert complete(wirt, "xyzzy", "") == []


def test_completion_offers_flags_and_their_values(wirt) -> None:
    assert complete(wirt, "run", "--memory-") == ["--memory-swap", "--memory-reservation"]
    assert complete(wirt, "ps", "--hel") == ["--help"]
    assert complete(wirt, "run", "--kind", "m") == ["micro", "machine"]
    assert complete(wirt, "run", "--restart", "on") == ["on-failure"]
    assert complete(wirt, "run", "--env-file", "x") == [":files"]
    assert complete(wirt, "kill", "-s", "US") == ["USR1", "USR2"]
    assert complete(wirt, "completion", "") == list(SCRIPTS)
    assert complete(wirt, "save", "--format", "") == ["docker", "oci"]


def test_completion_asks_the_daemon_for_names(daemon, wirt) -> None:
    row = {"name": "web", "image": "busybox", "status": "Up", "driver": "local", "mountpoint": "/m"}
    daemon.answers |= {
        "GET /v1/guests": [row], "GET /v1/networks": [row], "GET /v1/volumes": [row],
        "GET /v1/images": [{"names": ["docker.io/library/a:1"]}],
    }  # fmt: skip
    assert complete(wirt, "stop", "") == ["web"]
    assert complete(wirt, "stop", "web", "w") == ["web"]
    assert complete(wirt, "run", "--rm", "-it", "") == ["a:1"]
    assert complete(wirt, "run", "--network", "") == ["web"]
    assert complete(wirt, "run", "a:1", "") == []
    assert complete(wirt, "exec", "-e", "A=1", "") == ["web"]
    assert complete(wirt, "network", "connect", "") == complete(wirt, "network", "connect", "n", "") == ["web"]
    assert complete(wirt, "volume", "rm", "w") == ["web"]
    assert complete(wirt, "cp", "") == ["web:", ":files"]
    assert complete(wirt, "rename", "web", "") == []


def test_completion_starts_no_daemon(wirt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WIRT_HOST", raising=False)
    monkeypatch.setenv("WIRT_RUN", str(tmp_path / "run"))
    assert address.find_address().local
    assert complete(wirt, "stop", "") == []
    assert wirt.err == ""
    assert not (tmp_path / "run").exists()


SHELLS = {
    "bash": """source {script}; COMP_LINE="wirt image l" COMP_POINT=12; _wirt; printf '%s\\n' "${{COMPREPLY[@]}}" """,
    "fish": """source {script}; complete -C 'wirt image l' """,
    "zsh": """autoload -U compinit; compinit -D; source {script}; words=(wirt image l) CURRENT=3
_describe() {{ print -l -- ${{found%%:*}} }}; _wirt""",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_completion_works_in_a_shell(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "wirt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m wirt "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "script").write_text(SCRIPTS[shell])
    line = SHELLS[shell].format(script=tmp_path / "script")
    done = subprocess.run([shell, "-c", line], capture_output=True, text=True, check=True)
    assert [word.split("\t")[0] for word in done.stdout.split("\n") if word] == ["load", "ls"]
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_completion_in_bash_copes_with_colons(daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.answers["GET /v1/images"] = [{"names": ["docker.io/library/debian:bookworm"]}]
    program = tmp_path / "wirt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m wirt "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "script").write_text(SCRIPTS["bash"])
    line = f"""source {tmp_path}/script; COMP_LINE="wirt run --rm debian:bo"; COMP_POINT=${{#COMP_LINE}}; _wirt
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("bookworm\n", "")
