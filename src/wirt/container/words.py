"""What a runtime complained of, in one line and in Docker's words, with the exit code that tells a script why.

127: there is no such program in the guest. 126: it is there and cannot be run. 125: it never came to that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from wirt import errors

__all__ = ["complaint", "explain"]

_NOT_FOUND, _NOT_RUNNABLE, _OTHER = 127, 126, 125

# How runc says where it was when something failed.
_PLACES = re.compile(
    r"^(?:(?:runc|crun) (?:run|create|start|exec) failed: |exec failed: |unable to start container process: "
    r"|error during container init: |container_linux\.go:\d+: |process_linux\.go:\d+: )+"
)
_MEMORY_HINT = "give it more memory than now; --memory 6m is the least"
_MOUNT_HINT = "is a folder mounted over a file, or a file over a folder?"


def complaint(text: str) -> str:
    """The last error in a runtime's log (lines of JSON with "level" and "msg", or plain text), without its places."""
    lines = [_message(line.strip()) for line in text.splitlines() if line.strip()]
    wrong = [message for message, is_error in lines if is_error] or [message for message, _ in lines]
    return _PLACES.sub("", wrong[-1]) if wrong else ""


def explain(text: str, command: str = "") -> errors.StartFailed:
    """The error to raise for what a runtime left in its log. ``command``: the program it was to start, if known."""
    said = complaint(text)
    if not said:
        return errors.StartFailed("the container runtime failed and said nothing", hint="see wirt doctor")
    for pattern, make in _KNOWN:
        if match := pattern.search(said):
            return make(match, command)
    return errors.StartFailed(said, exit_code=_OTHER)


def _message(line: str) -> tuple[str, bool]:
    if line.startswith("{"):
        try:
            entry = json.loads(line)
            return str(entry["msg"]), entry.get("level") in ("error", "fatal")
        except (ValueError, KeyError):
            pass
    return line, True


def _not_found(match: re.Match[str], _command: str) -> errors.StartFailed:
    program = match["program"]
    reason = f"stat {program}: no such file or directory" if "/" in program else "executable file not found in $PATH"
    return errors.StartFailed(f'exec: "{program}": {reason}', exit_code=_NOT_FOUND)


def _not_runnable(match: re.Match[str], command: str) -> errors.StartFailed:
    program = match.groupdict().get("program") or command or "the command"
    return errors.StartFailed(f'exec: "{program}": {match["reason"].lower()}', exit_code=_NOT_RUNNABLE)


def _not_permitted(_match: re.Match[str], command: str) -> errors.StartFailed:
    """crun says only that the file could not be opened, of a folder that it was not permitted."""
    return errors.StartFailed(f'exec: "{command or "the command"}": permission denied', exit_code=_NOT_RUNNABLE)


def _workdir(match: re.Match[str], _command: str) -> errors.StartFailed:
    return errors.StartFailed(
        f'the working directory "{match["path"]}" cannot be entered: {match["reason"].lower()}', exit_code=_NOT_RUNNABLE
    )


def _too_little_memory(_match: re.Match[str], _command: str) -> errors.StartFailed:
    return errors.StartFailed("the memory limit is too low for the guest to start", hint=_MEMORY_HINT)


def _died_early(_match: re.Match[str], _command: str) -> errors.StartFailed:
    """runc, when its first steps are killed with a v2 limit: it does not say by whom."""
    return errors.StartFailed("the guest died before its program was started", hint=_MEMORY_HINT)


def _mount(match: re.Match[str], _command: str) -> errors.StartFailed:
    return errors.StartFailed(match.string, hint=_MOUNT_HINT)


def _no_space(match: re.Match[str], _command: str) -> errors.StartFailed:
    return errors.StartFailed(match.string, hint="the disk or a limit of the kernel is full: see wirt doctor")


_Make = Callable[[re.Match[str], str], errors.StartFailed]
_KNOWN: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r'exec: "(?P<program>[^"]+)": executable file not found', _not_found),
        (r'exec: "(?P<program>[^"]+)": stat .*no such file or directory', _not_found),
        (r"executable file `(?P<program>[^`]+)` not found", _not_found),
        (
            r"exec container process `(?P<program>[^`]+)`: (?P<reason>permission denied|exec format error)",
            _not_runnable,
        ),
        (r"missing dynamic library\?\) `(?P<program>[^`]+)`: (?P<reason>no such file or directory)", _not_runnable),
        (
            r'exec:? "?(?P<program>[^":]+)"?: (?P<reason>permission denied|is a directory|exec format error)',
            _not_runnable,
        ),
        (r"open executable: (?:permission denied|operation not permitted)", _not_permitted),
        (r'chdir to cwd \("(?P<path>[^"]+)"\).*: (?P<reason>[^:]+)$', _workdir),
        (r"chdir `(?P<path>[^`]+)`: (?P<reason>[^:]+)$", _workdir),
        (r"mkdir (?P<path>\S+): (?P<reason>not a directory)", _workdir),
        (r"memory limit (?:could be )?too low|unable to set memory limit|OOM-killed", _too_little_memory),
        (r"container process is already dead", _died_early),
        (r"mount.*: not a directory", _mount),
        (r"no space left on device", _no_space),
    )
)
