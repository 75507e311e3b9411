from __future__ import annotations

import pytest

from wirt.api.filters import parse_filters
from wirt.errors import InvalidInput


def test_filters_collect_values_by_name() -> None:
    given = ["label=a=b", "status=running", "label=c", "label!=d"]
    assert parse_filters(given) == {"label": ["a=b", "c"], "status": ["running"], "label!": ["d"]}


@pytest.mark.parametrize("text", ["label", "", "=x"])
def test_filters_without_a_value_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="has no value"):
        parse_filters([text])
