"""What a new program's process may do, compared with what the host kernel does at execve(2)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from framework.forked import forked
from wirt.host import _native
from wirt.sentry import credentials

SETRESUID, PRCTL, PR_SET_KEEPCAPS = 117, 157, 8
STATUS = "/proc/self/status"


def _shown(status: str) -> list[str]:
    return [line for line in status.splitlines() if line.startswith(("Uid", "Gid", "Cap"))]


@pytest.mark.root
@pytest.mark.parametrize("ids", [(0, 0, 0), (0, 0, 7), (1000, 1000, 1000), (0, 1000, 0), (1000, 1000, 0), (1000, 0, 5)])
def test_renew_does_what_execve_does(ids: tuple[int, int, int]) -> None:
    def body() -> None:
        assert _native.quick(PRCTL, PR_SET_KEEPCAPS, 1) == 0
        assert _native.quick(SETRESUID, *ids) == 0
        told = subprocess.run(["/bin/cat", STATUS], check=True, stdout=subprocess.PIPE, text=True).stdout
        credentials.renew()
        assert _shown(Path(STATUS).read_text(encoding="utf-8")) == _shown(told)

    forked(body)
