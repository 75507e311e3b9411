"""Signals as people type them."""

from __future__ import annotations

import signal

import pytest

from wirt import errors
from wirt.kinds.signals import signal_number


@pytest.mark.parametrize("text", ["TERM", "SIGTERM", "sigterm", "term", "15", " 15 "])
def test_every_spelling_is_the_same_signal(text: str) -> None:
    assert signal_number(text) == signal.SIGTERM


def test_real_time_signals_are_counted_from_either_end() -> None:
    assert signal_number("SIGRTMIN+3") == signal.SIGRTMIN + 3
    assert signal_number("rtmax-2") == signal.SIGRTMAX - 2
    assert signal_number("RTMIN") == signal.SIGRTMIN


@pytest.mark.parametrize("text", ["", "0", "65", "-9", "SIG", "FOO", "SIG_IGN", "_IGN", "RTMIN+99", "NALS", "9x"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="no such signal"):
        signal_number(text)
