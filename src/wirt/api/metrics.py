"""``GET /metrics`` for Prometheus: guests, what they use, and how long operations take, read when asked for.

Names follow https://prometheus.io/docs/practices/naming/: base units, ``_total`` for counters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from wirt.api.native.parts import EngineOf
from wirt.api.timing import BOUNDS, Timings
from wirt.model.guest import GuestState, GuestSummary
from wirt.model.host import Stats
from wirt.version import VERSION

__all__ = ["router"]

router = APIRouter(tags=["host"])

_LABELS = ("id", "name", "kind")

# Name, help, value. Counters run since the guest's start.
_COUNTERS: tuple[tuple[str, str, Callable[[Stats], float]], ...] = (
    ("wirt_guest_cpu_seconds", "CPU time used", lambda s: s.cpu_seconds),
    ("wirt_guest_cpu_throttled_seconds", "Time held back by the CPU limit", lambda s: s.throttled_seconds),
    ("wirt_guest_network_receive_bytes", "Bytes received", lambda s: s.net_rx),
    ("wirt_guest_network_transmit_bytes", "Bytes sent", lambda s: s.net_tx),
    ("wirt_guest_block_read_bytes", "Bytes read from block devices", lambda s: s.block_read),
    ("wirt_guest_block_written_bytes", "Bytes written to block devices", lambda s: s.block_write),
)
_GAUGES: tuple[tuple[str, str, Callable[[Stats], float]], ...] = (
    ("wirt_guest_memory_usage_bytes", "Memory in use, without cache that would be dropped", lambda s: s.memory_usage),
    ("wirt_guest_memory_limit_bytes", "Memory limit", lambda s: s.memory_limit),
    ("wirt_guest_processes", "Processes and threads", lambda s: s.pids),
)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def show_metrics(engine: EngineOf, request: Request) -> Response:
    """This host in Prometheus' text format (or OpenMetrics, if asked for)."""
    guests = await engine.guests.list(show_all=True, filters={}, last=0, size=False)
    samples = [each async for batch in await engine.guests.stats([], stream=False) for each in batch]
    registry = CollectorRegistry()
    registry.register(_Snapshot([*_guest_families(guests, samples), *_timing_families(request.app.state.timings)]))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})


class _Snapshot:
    """A collector of what was measured already: the engine is asynchronous, prometheus-client is not."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _guest_families(guests: Sequence[GuestSummary], samples: Sequence[Stats]) -> Iterator[Metric]:
    build = GaugeMetricFamily("wirt_build_info", "The daemon's version", labels=("version",))
    build.add_metric((VERSION,), 1)
    yield build
    states = GaugeMetricFamily("wirt_guests", "Guests by state", labels=("state",))
    count = Counter(guest.state for guest in guests)
    for state in GuestState:
        states.add_metric((state.value,), count[state])
    yield states
    kinds = {guest.id: guest.kind.value for guest in guests}
    for name, text, value in _COUNTERS:
        yield _fill(CounterMetricFamily(name, text, labels=_LABELS), samples, kinds, value)
    for name, text, value in _GAUGES:
        yield _fill(GaugeMetricFamily(name, text, labels=_LABELS), samples, kinds, value)


def _fill(
    family: CounterMetricFamily | GaugeMetricFamily,
    samples: Sequence[Stats],
    kinds: dict[str, str],
    value: Callable[[Stats], float],
) -> Metric:
    for sample in samples:
        family.add_metric((sample.id[:12], sample.name, kinds.get(sample.id, "")), value(sample))
    return family


def _timing_families(timings: Timings) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "wirt_operation_duration_seconds", "Time to an operation's answer", labels=("operation", "code")
    )
    for (operation, status), timing in timings.by_operation.items():
        buckets, sum_so_far = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), timing.counts, strict=True):
            sum_so_far += count
            buckets.append((bound, sum_so_far))
        family.add_metric((operation, str(status)), buckets, timing.total)
    yield family
