"""What runs in a sandbox's guest. Its text is sent there: it imports nothing but Python's own library.

It is set up once, then waits for a request; at that moment the guest is saved, and every request is read by a fresh
clone of it. A clone that waits rehearses first: memory that it shares with others is copied when it is first used, and
that is done by then. Messages both ways are eight bytes of length, big-endian, and a pickle; ours is a plain one.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import traceback
import types
from typing import Any

__all__ = ["main"]

_HEAD = 8


def main() -> None:
    """Set up, say so, and answer one request."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what is printed is no answer
    order = _receive()
    if order is None:
        return
    try:
        _set_up(order)
    except BaseException as error:
        _send(answers, _failure(error))
        return
    _send(answers, {"python": list(sys.version_info[:2])})
    request = _receive()
    while request is not None and request["what"] == "rehearsal":
        _renew()
        _send(os.open(os.devnull, os.O_WRONLY), _answer(request))
        request = _receive()
    if request is None:
        os._exit(0)
    _renew()
    if request["what"] == "program":
        _become(request, answers)
    _send(answers, _answer(request))
    sys.stderr.flush()
    os._exit(0)  # to take down an interpreter means to use all of its memory once more


def _set_up(order: dict[str, Any]) -> None:
    if order["cloudpickle"]:
        _add_module("cloudpickle", "cloudpickle.cloudpickle", order["cloudpickle"])
    if isinstance(order["setup"], bytes):
        pickle.loads(order["setup"])()
    elif order["setup"]:
        import __main__

        exec(compile(order["setup"], "<setup>", "exec"), vars(__main__))


def _add_module(package: str, name: str, source: str) -> None:
    """The module that callables are made anew with, which the image need not have."""
    outer, inner = types.ModuleType(package), types.ModuleType(name)
    outer.__path__ = []
    sys.modules[package], sys.modules[name] = outer, inner
    exec(compile(source, name, "exec"), vars(inner))
    outer.__dict__.update({key: value for key, value in vars(inner).items() if not key.startswith("__")})
    vars(outer)["cloudpickle"] = inner


def _renew() -> None:
    """Clones of one moment must not draw the same numbers."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if (numpy := sys.modules.get("numpy")) is not None and hasattr(numpy, "random"):
        numpy.random.seed()
    if "tempfile" in sys.modules:
        vars(sys.modules["tempfile"])["_name_sequence"] = None


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        function, arguments, named = pickle.loads(request["call"])
        result = function(*arguments, **named)
        sys.stdout.flush()
        return {"result": _packed(result)}
    except BaseException as error:
        return _failure(error)


def _failure(error: BaseException) -> dict[str, Any]:
    return {"error": [type(error).__name__, str(error), traceback.format_exc()]}


def _become(request: dict[str, Any], answers: int) -> None:
    """The program takes this process's place, and its streams are the guest's."""
    given = os.memfd_create("input", 0)
    os.write(given, request["input"])
    os.lseek(given, 0, os.SEEK_SET)
    os.dup2(given, 0)
    os.dup2(answers, 1)
    os.closerange(3, 256)
    os.environ.update(request["env"])
    try:
        if request["cwd"]:
            os.chdir(request["cwd"])
        os.execvp(request["argv"][0], request["argv"])
    except OSError as error:
        os.write(2, f"{request['argv'][0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _packed(thing: object) -> bytes:
    """Without memory of what was said before: whoever reads it takes no references."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    pickler.fast = True
    pickler.dump(thing)
    return buffer.getvalue()


def _receive() -> dict[str, Any] | None:
    """None when nobody is there any more."""
    head = _read(_HEAD)
    return pickle.loads(_read(int.from_bytes(head, "big"))) if len(head) == _HEAD else None


def _read(size: int) -> bytes:
    found = b""
    while len(found) < size and (piece := os.read(0, size - len(found))):
        found += piece
    return found


def _send(fd: int, message: dict[str, Any]) -> None:
    data = _packed(message)
    view = memoryview(len(data).to_bytes(_HEAD, "big") + data)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    main()
