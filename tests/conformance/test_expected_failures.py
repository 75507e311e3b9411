"""The list of what is known to fail is about cases that exist, and says what Linux does."""

from __future__ import annotations

import pytest

from framework.platforms import PLATFORMS, expected_failures
from framework.programs import applications, programs


@pytest.mark.parametrize("name", expected_failures())
def test_expected_failure_is_of_a_case_and_has_its_reasons(name: str) -> None:
    said = expected_failures()[name]
    assert "native" in said
    assert said.keys() & set(PLATFORMS)
    assert said.keys() <= {"native", *PLATFORMS}
    assert name in {program.name for program in (*programs(), *applications())} or name.startswith("cpython/test_")
