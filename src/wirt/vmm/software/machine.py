"""An emulated machine for one address space of one host process, and the platform that makes it."""

from __future__ import annotations

import os

from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.vmm.layout import MAX_VCPUS
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import KICK, Features
from wirt.vmm.software import extended
from wirt.vmm.software.engine import Engine
from wirt.vmm.software.state import Places, find_places
from wirt.vmm.software.turns import Turns
from wirt.vmm.software.vcpu import SoftwareVcpu
from wirt.vmm.vmi.library import library

__all__ = ["SoftwareMachine", "SoftwarePlatform"]

_FRAME = 1024  # bytes of a signal frame besides the extended state, and its alignment


class SoftwarePlatform:
    """``OSError`` when the emulated processor does not do what it should."""

    name = "software"

    __slots__ = ("_given_up", "_inherited", "_watched", "features", "places")

    def __init__(self) -> None:
        library()  # its vDSO is needed when the guest's root is in the way
        _native.disposition(KICK, 0)
        self.places: Places = find_places()
        size = extended.SIZE
        self.features = Features(extended.XFEATURES, size, self.places.hwcap, 0, size + _FRAME)
        self._inherited: tuple[GuestMemory, Engine] | None = None
        self._given_up: list[Engine] = []
        self._watched: list[tuple[int, int, int]] = []  # by the engine given up last

    def create(self, memory: GuestMemory) -> SoftwareMachine:
        watched, self._watched = self._watched, []
        machine = SoftwareMachine(self, memory, self._inherit(memory))
        for va, size, phys in watched:
            machine.executable(va, size, phys, shared=True)
        return machine

    def _inherit(self, memory: GuestMemory) -> Engine | None:
        """After a fork the child has a copy of the engine, with all that it has translated."""
        inherited, self._inherited = self._inherited, None
        if inherited is None or inherited[0] is not memory:
            return None
        return inherited[1]

    def bequeath(self, memory: GuestMemory, engine: Engine) -> None:
        """For the next machine, unless another thread was in the midst of a run when the process was copied."""
        if engine.turns.held:
            self._given_up.append(engine)  # nothing of it can be relied on, not even that it can be closed
            self._watched = engine.watched()
        else:
            self._inherited = (memory, engine)


class SoftwareMachine:
    """See ``platform.Machine``; also memory's ``Translator``. ``running``: the thread whose turn it is, 0 for none."""

    def __init__(self, platform: SoftwarePlatform, memory: GuestMemory, engine: Engine | None) -> None:
        self._platform, self.memory = platform, memory
        self.features, self.places = platform.features, platform.places
        self.running = 0
        self._vcpus = 0
        self._turns = Turns(self._preempt)
        if engine is None:
            self.engine = Engine(memory, self._turns)
        else:
            self.engine = engine
            self.engine.turns, self.engine.current = self._turns, None
        memory.attach(self._map, self)
        if engine is None:
            self.engine.begin()

    def _preempt(self) -> None:
        tid = self.running
        if tid:
            _native.quick(unistd.SYS_tgkill, os.getpid(), tid, KICK)

    def vcpu(self) -> SoftwareVcpu:
        if self._vcpus == MAX_VCPUS:
            raise OSError(11, "the guest has as many threads as it can have")
        return SoftwareVcpu(self, self.engine)

    # -- changes of memory, from any thread --------------------------------------------------------

    def _map(self, phys: int, size: int) -> None:
        self._turns.take(patience=0)
        try:
            self.engine.map(phys, size)
        finally:
            self._turns.give()

    def revoked(self) -> None:
        """When this returns no thread uses a right that is no more."""
        self._turns.take(patience=0)
        self.engine.forget_translations()
        self._turns.give()

    def executable(self, va: int, size: int, phys: int, *, shared: bool) -> None:
        self._turns.take(patience=0)
        try:
            self.engine.notice_code(va, size, phys, shared=shared)
        finally:
            self._turns.give()

    def cleared(self) -> None:
        self._turns.take(patience=0)
        self.engine.forget_everything()
        self._turns.give()

    # -- its end -----------------------------------------------------------------------------------

    def close(self) -> None:
        self.memory.detach()
        self.engine.close()

    def abandon(self) -> None:
        self.memory.detach()
        self._platform.bequeath(self.memory, self.engine)
