"""A trace as a person reads it: a line a call as strace(1) has it, its whole way as a picture, or sums at the end."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from queue import Empty, Queue
from threading import Thread

from wirt.cli.style import is_terminal, plain
from wirt.client.wire import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, TextIO

    from wirt.client.connection import Response

    class Viewer(Protocol):
        """``show`` gets one entry after the other, ``idle`` is called when none came for a moment."""

        def show(self, entry: dict[str, Any]) -> None: ...
        def idle(self) -> None: ...
        def finish(self) -> None: ...


__all__ = ["Lines", "Raw", "Summary", "elapsed", "follow", "viewer"]

_IDLE = 0.3  # seconds without anything new, after which what is under way is shown
_WAITING = 4096  # entries, before the daemon is made to wait
_CODES = {"name": "36", "error": "31", "dim": "2", "event": "33", "inside": "32"}
_LEAST_WIDTH = 40


def viewer(out: TextIO, *, summary: bool = False, steps: bool = False, json: bool = False, raw: bool = False) -> Viewer:
    """``raw``: ``out`` may be a terminal that is in raw mode, and needs both characters of a line's end."""
    if json:
        return Raw(out)
    return Summary(out, raw=raw) if summary else Lines(out, steps=steps, raw=raw)


def follow(response: Response, view: Viewer) -> None:
    """Shows what ``response`` brings, to its end."""
    entries: Queue[dict[str, Any] | None] = Queue(_WAITING)

    def read() -> None:
        try:
            with response:
                for line in response.lines():
                    entries.put(decode(line))
        except OSError:
            pass
        finally:
            entries.put(None)

    Thread(target=read, daemon=True).start()
    while True:
        try:
            entry = entries.get(timeout=_IDLE)
        except Empty:
            view.idle()
            continue
        if entry is None:
            return
        view.show(entry)


def elapsed(seconds: float) -> str:
    """``142 us``: three digits and a unit."""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 999.5:
            value = seconds * factor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.2f} s"


class _Out:
    def __init__(self, out: TextIO, *, raw: bool) -> None:
        self._out = out
        terminal = is_terminal(out)
        self.coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._end = "\r\n" if terminal and raw else "\n"
        self._terminal = terminal

    @property
    def width(self) -> int:
        """0: as long as it likes."""
        if not self._terminal:
            return 0
        try:
            return max(os.get_terminal_size(self._out.fileno()).columns, _LEAST_WIDTH)
        except OSError:
            return 0

    def line(self, text: str) -> None:
        self._out.write(text + self._end)
        self._out.flush()

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.coloured and style and text else text


class Raw:
    """Entries as they come, one a line, as JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, entry: dict[str, Any]) -> None:
        print(json.dumps(entry, ensure_ascii=False), file=self._out, flush=True)

    def idle(self) -> None:
        return

    def finish(self) -> None:
        return


class Lines:
    """A line a call; with ``steps`` the whole way of each."""

    def __init__(self, out: TextIO, *, steps: bool = False, raw: bool = False) -> None:
        self._out = _Out(out, raw=raw)
        self._steps = steps
        self._threads: set[int] = set()
        self._under_way: dict[int, dict[str, Any]] = {}  # by thread: calls that have begun, and are not shown yet
        self._interrupted: set[int] = set()  # threads whose call was shown as unfinished

    def show(self, entry: dict[str, Any]) -> None:
        kind, tid = entry["kind"], entry["tid"]
        if entry["lost"]:
            self._line(f"... {entry['lost']} entries were lost: the guest is faster than who reads its trace", "error")
        if kind == "enter":
            self._under_way[tid] = entry
            return
        self._under_way.pop(tid, None)
        if tid:
            self._threads.add(tid)
        if kind == "call":
            self._call(entry)
        elif kind == "begin":
            self._begin(entry)
        elif kind == "end":
            self._event(entry, f"+++ {entry['outcome']} +++")
        elif kind in ("signal", "fault"):
            self._event(entry, f"--- {entry['name']} {entry['arguments']} ---")

    def idle(self) -> None:
        """What takes its time is shown before it is over."""
        for tid, entry in self._under_way.items():
            self._call(entry, unfinished=True)
            self._interrupted.add(tid)
        self._under_way.clear()

    def finish(self) -> None:
        self.idle()

    def _begin(self, entry: dict[str, Any]) -> None:
        if entry["name"] == "attach":
            many = f", {entry['result']} threads" if entry["result"] != 1 else ""
            self._event(entry, f"=== {entry['arguments'] or entry['program']}: traced from here on{many} ===")

    def _event(self, entry: dict[str, Any], text: str) -> None:
        self._line(self._who(entry) + plain(text), "event")

    def _line(self, text: str, style: str = "") -> None:
        self._out.line(self._out.styled(text, style))

    def _who(self, entry: dict[str, Any]) -> str:
        """Which thread, where there are several."""
        return f"[{entry['tid']:3}] " if len(self._threads) > 1 else ""

    def _call(self, entry: dict[str, Any], *, unfinished: bool = False) -> None:
        out = self._out
        who, name = self._who(entry), plain(entry["name"])
        resumed = "<... resumed> " if entry["tid"] in self._interrupted and not unfinished else ""
        self._interrupted.discard(entry["tid"])
        outcome = "<unfinished ...>" if unfinished else plain(entry["outcome"])
        never = unfinished or (entry["result"] is None and not entry["seconds"])
        took = "" if never else f" <{elapsed(entry['seconds'])}{', inside' * entry['inside']}>"
        arguments = plain(entry["arguments"])
        if out.width:
            room = out.width - len(f"{who}{resumed}{name}() {outcome}{took}")
            if len(arguments) > max(room, 8):
                arguments = arguments[: max(room, 8) - 3] + "..."
        failed = (entry["result"] or 0) < 0
        said = out.styled(outcome, "error" if failed else "")
        took = out.styled(took, "inside" if entry["inside"] else "dim")
        self._out.line(f"{who}{resumed}{out.styled(name, 'name')}({arguments}) {said}{took}")
        if self._steps and not unfinished:
            for line in _picture(entry):
                self._out.line(" " * len(who) + out.styled(line, "dim"))


def _picture(entry: dict[str, Any]) -> Iterable[str]:
    """The way of a call, from the program and back."""

    def step(place: str, seconds: float | None, what: str) -> str:
        took = "" if seconds is None else elapsed(seconds)
        return f"{place:<20}{took:>8}  {what}"

    library = (
        "knows the answer: without a trace the guest would not be left"
        if entry["inside"]
        else "has no answer, and leaves the guest: out 0x10"
    )
    yield step(" |- user mode", entry["user"], f"the program up to its syscall at {entry['rip']:#x}, leaving included")
    yield step(" |- function library", None, library)
    yield step(" |- hypervisor", None, "stops the virtual processor, and gives its registers to the monitor")
    yield step(" |- monitor", entry["seconds"], f"{plain(entry['name'])}: checks what it was given, asks the host")
    for host in entry["steps"]:
        said = "" if host["result"] is None else f" = {host['result']}"
        where = "python" if host["result"] is None else "host"
        yield step(f" |  |- {where}", host["seconds"], f"{plain(host['name'])}{said}  (after {elapsed(host['began'])})")
    back = "does not come back" if entry["result"] is None else f"goes on behind its syscall, rax={entry['result']}"
    yield step(" `- user mode", None, back)


class Summary:
    """Nothing until the end, then a table: what was called, how often, how long it took, and where the time went."""

    def __init__(self, out: TextIO, *, raw: bool = False) -> None:
        self._out = _Out(out, raw=raw)
        self._rows: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])  # calls, errors, seconds
        self._inside = 0
        self._user = 0.0
        self._quickest = float("inf")
        self._lost = 0

    def show(self, entry: dict[str, Any]) -> None:
        self._lost += entry["lost"]
        self._user += entry["user"]
        if entry["kind"] != "call":
            return
        row = self._rows[entry["name"]]
        row[0] += 1
        row[1] += (entry["result"] or 0) < 0
        row[2] += entry["seconds"]
        self._inside += entry["inside"]
        self._quickest = min(self._quickest, entry["user"] or self._quickest)

    def idle(self) -> None:
        return

    def finish(self) -> None:
        for line in self.lines():
            self._out.line(line)

    def lines(self) -> list[str]:
        calls = int(sum(row[0] for row in self._rows.values()))
        if not calls:
            return ["no calls"]
        monitor = sum(row[2] for row in self._rows.values())
        errors = int(sum(row[1] for row in self._rows.values()))
        shown = [f"{'% time':>6}  {'total':>8}  {'mean':>8}  {'calls':>7}  {'errors':>6}  call"]
        row: Callable[[float, float, float, str], str] = lambda count, bad, seconds, name: (  # noqa: E731
            f"{100 * seconds / monitor if monitor else 0:6.1f}  {elapsed(seconds):>8}  {elapsed(seconds / count):>8}  "
            f"{count:7.0f}  {bad or '':>6}  {plain(name)}"
        )
        for name, (count, bad, seconds) in sorted(self._rows.items(), key=lambda item: (-item[1][2], item[0])):
            shown.append(row(count, int(bad), seconds, name))
        shown.append(row(calls, errors, monitor, "all"))
        whole = self._user + monitor
        shown += [
            "",
            f"user mode {elapsed(self._user)} ({100 * self._user / whole:.0f} %), entering and leaving the guest "
            f"included: {elapsed(self._quickest)} where it was quickest",
            f"monitor   {elapsed(monitor)} ({100 * monitor / whole:.0f} %), waiting included",
            f"inside    {self._inside} of {calls} calls ({100 * self._inside / calls:.0f} %) would not have left the "
            "guest without a trace",
        ]
        if self._lost:
            shown.append(f"lost      {self._lost} entries, as the guest was faster than who read its trace")
        return shown
