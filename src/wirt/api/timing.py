"""How long operations take: counted here, shown by ``metrics.py``.

Not prometheus-client's own histogram: the first request after a start would wait for that library's import.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

__all__ = ["BOUNDS", "Timing", "Timings"]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)  # seconds


@dataclass(slots=True)
class Timing:
    """One operation with one outcome. ``counts[i]``: took at most ``BOUNDS[i]`` and more than the bound before."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0  # seconds


class Timings:
    """Belongs to the event loop."""

    def __init__(self) -> None:
        self.by_operation: dict[tuple[str, int], Timing] = {}

    def note(self, operation: str, status: int, seconds: float) -> None:
        timing = self.by_operation.setdefault((operation, status), Timing())
        timing.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        timing.total += seconds
