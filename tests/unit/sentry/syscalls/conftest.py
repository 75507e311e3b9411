"""A guest thread with real memory, for every test that asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framework.guest_space import Guest
from framework.guest_space import guest as new_guest


@pytest.fixture
def guest() -> Iterator[Guest]:
    with new_guest() as found:
        yield found
