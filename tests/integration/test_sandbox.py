"""Sandboxes: calls in fresh clones of a warm guest, and guests that answer with what is no answer."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator

import pytest

import wirt
from framework.instance import Instance
from framework.leaks import Watch
from framework.python_root import python_root
from wirt.client.sdk.sandbox import CallFailed, Sandbox
from wirt.errors import RuntimeFailure

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(host: Instance, watch: Watch) -> Iterator[Sandbox]:
    archive = watch.folder / "python.tar"
    python_root(archive)
    host.ok("image", "import", str(archive), "python", timeout=120)
    archive.unlink()
    with wirt.sandbox("python", url=f"unix://{host.socket}", setup="import random; drawn = []", timeout=60) as sandbox:
        yield sandbox
    assert host.ok("ps", "-aq") == host.ok("snapshot", "ls", "-q") == ""


def draw() -> tuple[int, int]:
    import random

    import __main__

    __main__.drawn.append(1)  # type: ignore[attr-defined]
    return len(__main__.drawn), random.getrandbits(64)  # type: ignore[attr-defined]


class Call:
    """Pickled, it is a call of ``os.system``."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def test_calls_are_made_in_fresh_clones(box: Sandbox) -> None:
    assert box.call(sum, [1, 2, 3]) == 6
    assert isinstance(box.call(uuid.uuid4), uuid.UUID)
    (one, first), (other, second) = box.call(draw), box.call(draw)
    assert one == other == 1, "a call has seen what another one did"
    assert first != second
    assert list(box.map(len, ["a", "bc"])) == [1, 2]


def test_programs_run_to_their_end(box: Sandbox) -> None:
    done = box.run(["sh", "-c", "cat; echo $A; pwd; echo err >&2; exit 4"], input="in ", env={"A": "b"}, cwd="/tmp")
    assert (done.exit_code, done.stdout, done.stderr) == (4, "in b\n/tmp\n", "err\n")


def test_failures_are_told(box: Sandbox) -> None:
    with pytest.raises(CallFailed, match=r"^ZeroDivisionError: integer division") as caught:
        box.call(divmod, 1, 0)
    assert caught.value.kind == "ZeroDivisionError" and "Traceback" in caught.value.traceback
    with pytest.raises(RuntimeFailure, match="exit code 3"):
        box.call(os._exit, 3)
    with pytest.raises(RuntimeFailure, match=r"posix\.system, which is no plain data"):
        box.call(Call)
    assert box.call(len, "still") == 5


def test_a_call_that_takes_too_long_is_ended(box: Sandbox) -> None:
    with pytest.raises(TimeoutError):
        box.run(["sleep", "1000"], timeout=1.0)
    assert box.call(time.time) > 0


@pytest.mark.parametrize(
    "said",
    ["x", "\\0\\0\\0\\0\\0\\0\\0\\1", "\\177\\377\\377\\377\\377\\377\\377\\377.", "\\0\\0\\0\\0\\0\\0\\0\\2N."],
    ids=["short", "no content", "endless", "no answer"],
)
def test_answers_that_are_none_are_refused(box: Sandbox, said: str) -> None:
    def answer(text: str) -> None:
        os.execvp("sh", ["sh", "-c", f"exec >&3; printf '{text}'"])  # noqa: S606

    with pytest.raises(RuntimeFailure) as caught:
        box.call(answer, said)
    assert "\n" not in str(caught.value)
