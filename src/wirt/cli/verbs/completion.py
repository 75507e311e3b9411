"""``wirt completion``: the script that makes a shell complete wirt's commands, flags and names."""

from __future__ import annotations

from wirt.cli.completion import SCRIPTS
from wirt.cli.options import Call, UsageError, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "completion",
    "Print a script for completion in bash, zsh or fish",
    args="SHELL",
    examples=(
        ("source <(wirt completion bash)", "in this shell, now; in ~/.bashrc, in all"),
        ("wirt completion fish >~/.config/fish/completions/wirt.fish", "for fish"),
    ),
)


def run(call: Call) -> None:
    if call.args[0] not in SCRIPTS:
        raise UsageError(f"no completion for {call.args[0]}: only {', '.join(SCRIPTS)}", "completion")
    print(SCRIPTS[call.args[0]], end="")
