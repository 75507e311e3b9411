"""What wirt has taken on this host: subnets, bridges, ports. For a new daemon after a crash, and for other instances.

Everything is below ``/run/wirt-network``, a folder that all instances of the host share, because they share what they
take from: subnets, ports, the switch for forwarding. Like the bridges and rules it speaks of, it ends with a reboot::

    lock                     flock(2): held while something is chosen or changed
    fence.json               the interfaces between which nothing was forwarded before wirt came (see forwarding.py)
    <instance>/holdings.json what that instance has; written by it alone, read by all
    <instance>/dns/<network> one name server (see dns.py)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wirt.errors import CorruptData, Unavailable
from wirt.host.files import write_atomic

__all__ = ["ANYWHERE", "SHARED", "Claim", "Holdings", "Ledger", "Segment"]

SHARED = Path("/run/wirt-network")
ANYWHERE = "0.0.0.0"  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Segment:
    """A bridge network's place on the host. ``internal``: no way out or in."""

    network_id: str
    bridge: str
    subnet: str
    gateway: str
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A published port: ``host_ip``:``host_port`` leads to ``guest_ip``:``guest_port``. ``0.0.0.0``: every address."""

    guest_id: str
    network_id: str
    protocol: str
    host_ip: str
    host_port: int
    guest_ip: str
    guest_port: int

    def collides(self, other: Claim) -> bool:
        """Whether one port would lead to two places."""
        same_port = (self.protocol, self.host_port) == (other.protocol, other.host_port)
        return same_port and (self.host_ip == other.host_ip or ANYWHERE in (self.host_ip, other.host_ip))


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that one instance has."""

    segments: tuple[Segment, ...] = ()
    claims: tuple[Claim, ...] = ()

    def with_segment(self, segment: Segment) -> Holdings:
        others = tuple(s for s in self.segments if s.network_id != segment.network_id)
        return Holdings((*others, segment), self.claims)

    def without_network(self, network_id: str) -> Holdings:
        return Holdings(
            tuple(s for s in self.segments if s.network_id != network_id),
            tuple(c for c in self.claims if c.network_id != network_id),
        )

    def segment(self, network_id: str) -> Segment | None:
        return next((s for s in self.segments if s.network_id == network_id), None)

    def uses_loopback(self, network_id: str) -> bool:
        """Whether a port that leads to the network is published where the host's 127.0.0.0/8 is."""
        wanted = (ANYWHERE, "127.")
        return any(c.network_id == network_id and c.host_ip.startswith(wanted) for c in self.claims)


class Ledger:
    """One instance's page, and a look at the others'. ``tag`` is "" for the default instance."""

    def __init__(self, tag: str, shared: Path = SHARED) -> None:
        self._shared = shared
        self.folder = shared / (tag or "default")
        self._file = self.folder / "holdings.json"
        self._fence = shared / "fence.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among all threads and daemons of the host; not to be entered twice by one thread."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._shared / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise Unavailable("guest networks need root", hint="use --network none or host") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def read(self) -> Holdings:
        """What this instance has. ``CorruptData``."""
        return _read(self._file)

    def write(self, holdings: Holdings) -> None:
        """Called with the lock held, before what is written is done on the host, or after it is undone."""
        write_atomic(self._file, msgspec.json.encode(holdings), sync=False)

    def others(self) -> dict[str, Holdings]:
        """What the other instances have, by their folder's name."""
        files = (file for file in self._shared.glob("*/holdings.json") if file != self._file)
        return {file.parent.name: _read(file) for file in files}

    def read_fence(self) -> tuple[str, ...] | None:
        """The interfaces between which wirt keeps forwarding off; None unless it was wirt that switched it on."""
        try:
            return msgspec.json.decode(self._fence.read_bytes(), type=tuple[str, ...])
        except FileNotFoundError:
            return None

    def write_fence(self, interfaces: tuple[str, ...]) -> None:
        write_atomic(self._fence, msgspec.json.encode(interfaces), sync=False)

    def drop_fence(self) -> None:
        self._fence.unlink(missing_ok=True)

    def close_page(self) -> None:
        """This instance has nothing any more. Called with the lock held."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(file: Path) -> Holdings:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Holdings)
    except FileNotFoundError:
        return Holdings()
    except msgspec.MsgspecError as error:
        raise CorruptData(
            f"{file} does not parse: {error}", hint="stop the guests, remove the file, restart wirt"
        ) from error
