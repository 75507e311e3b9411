"""How long a call waits that is made again."""

from __future__ import annotations

from framework.guest_parts import Cpu
from framework.guest_space import guest

SECOND = 1_000_000_000


def test_call_that_is_made_again_waits_for_the_rest_of_its_time() -> None:
    with guest() as space:
        task = space.task
        cpu = Cpu(number=7, args=(1, 2, 3))
        task.vcpu = cpu  # type: ignore[assignment]
        assert task.span(SECOND) == SECOND
        task.again = (7, (1, 2, 3))
        assert task.span(SECOND) < SECOND
        assert task.span(SECOND) == SECOND, "it was made again once"
        task.again = (7, (1, 2, 4))
        assert task.span(SECOND) == SECOND, "it was another call"
        task.until, task.again = 0, (7, (1, 2, 3))
        assert task.span(SECOND) == 0, "its time is over"


def test_struct_that_is_no_time_is_left_to_the_host() -> None:
    with guest() as space:
        for seconds, rest in ((-1, 0), (0, -1), (0, SECOND)):
            raw = seconds.to_bytes(8, "little", signed=True) + rest.to_bytes(8, "little", signed=True)
            assert space.task.timespec(raw) == raw
        long = (1 << 62).to_bytes(8, "little") + bytes(8)
        assert int.from_bytes(space.task.timespec(long)[:8], "little") > 1 << 30
