"""What a client asks of a session, before anything is made for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wirt.engine.sessions import Sessions
from wirt.errors import InvalidInput
from wirt.model.guest import ExecSpec, GuestSpec
from wirt.model.wire import AttachOptions


@pytest.mark.parametrize("size", [(70000, 80), (24, 65536), (-1, 80)])
@pytest.mark.parametrize("verb", ["run", "attach", "exec"])
def test_a_terminal_that_cannot_be_is_refused(verb: str, size: tuple[int, int]) -> None:
    nobody: Any = None
    sessions = Sessions(paths=nobody, registry=nobody, lifecycle=nobody, creation=nobody, events=nobody)
    options = AttachOptions(rows=size[0], cols=size[1])
    asked = {
        "run": lambda: sessions.prepare_run(GuestSpec(image="busybox"), options),
        "attach": lambda: sessions.prepare_attach("guest", options, start=False),
        "exec": lambda: sessions.prepare_exec("guest", ExecSpec(("true",)), options),
    }
    with pytest.raises(InvalidInput, match=f"{size[0]} rows and {size[1]} columns"):
        asyncio.run(asked[verb]())
