"""Which platform micro guests run on: the one that the settings ask for, or the best that has run a guest here."""

from __future__ import annotations

import logging
import threading

from wirt import errors
from wirt.model.finding import Level
from wirt.vmm.probe import probe, probe_software

__all__ = ["AUTO", "KVM", "SOFTWARE", "Choice"]

AUTO, KVM, SOFTWARE = "auto", "kvm", "software"

log = logging.getLogger("wirt.micro")


class Choice:
    """``wanted``: KVM, SOFTWARE, or AUTO. Thread-safe; once made it never changes."""

    def __init__(self, wanted: str = AUTO) -> None:
        self.wanted = wanted
        self._lock = threading.Lock()
        self._found = ""
        self._news = ""

    def platform(self) -> str:
        """KVM or SOFTWARE; ``Unavailable`` when what is wanted runs no guests. The first call may take seconds."""
        with self._lock:
            if not self._found:
                self._found = self._find()
            return self._found

    def known(self) -> str:
        """What ``platform`` has found, and why if it is not the best; "" while nobody has asked."""
        return f"{self._found}, as set" if self._found and self.wanted != AUTO else self._found

    def news(self) -> tuple[str, ...]:
        """What users should know of the choice, once; nothing while none has been made."""
        said, self._news = self._news, ""  # without the lock, which a trial holds for seconds
        return (said,) if said else ()

    def _find(self) -> str:
        without = ""
        if self.wanted != SOFTWARE:
            (kvm,) = probe()
            if kvm.level is Level.OK:
                return KVM
            without = f"/dev/kvm: {kvm.found}"
            if self.wanted == KVM:
                raise errors.Unavailable(
                    f"micro guests shall run on KVM, and {without}", hint='set micro.platform = "auto" in config.toml'
                )
        software = probe_software()
        if software.level is not Level.OK:
            problems = "; ".join(filter(None, (without, software.found)))
            raise errors.Unavailable(f"micro guests cannot run: {problems}", hint=software.remedy)
        if without:
            self._news = f"micro guests run on an emulated processor here, 10 to 50 times slower ({without})"
            log.warning("%s", self._news)
        return SOFTWARE
