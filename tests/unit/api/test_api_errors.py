from __future__ import annotations

import errno
import json

import pytest

from wirt import errors
from wirt.api.errors import STATUS, answer, problem_of, status_of


def _classes() -> list[type[errors.WirtError]]:
    return [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", _classes())
def test_error_status_every_class_has_one(kind: type[errors.WirtError]) -> None:
    assert 400 <= status_of(kind("x")) < 600


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (errors.InvalidInput("x"), 400, "invalid_input"),
        (errors.ImageNotFound("x"), 404, "image_not_found"),
        (errors.Conflict("x"), 409, "conflict"),
        (errors.Forbidden("x"), 403, "forbidden"),
        (errors.Unavailable("x"), 503, "unavailable"),
        (errors.CorruptData("x"), 422, "corrupt_data"),
        (errors.OutOfSpace("x"), 507, "out_of_space"),
        (errors.RuntimeFailure("x"), 500, "runtime_failure"),
        (OSError(errno.ENOSPC, "full"), 507, "out_of_space"),
        (OSError(errno.EDQUOT, "full"), 507, "out_of_space"),
        (ValueError("secret"), 500, "runtime_failure"),
    ],
)
def test_error_answer_names_its_class(error: Exception, status: int, name: str) -> None:
    given, body = answer(error)
    assert (given, json.loads(body)["error"]) == (status, name)


def test_error_body_carries_message_hint_and_exit_code() -> None:
    problem = problem_of(errors.StartFailed("not\n found", exit_code=127, hint="look"))
    assert (problem.message, problem.hint, problem.exit_code) == ("not found", "look", 127)


def test_error_body_of_a_bug_tells_no_details() -> None:
    assert "secret" not in problem_of(ValueError("secret")).message


def test_error_status_covers_the_tree() -> None:
    assert set(STATUS) <= set(_classes())
