"""The root file system of a Debian release, by mmdebstrap, as a tar stream.

mmdebstrap runs in mount and PID namespaces of its own, on a tmpfs of its own where memory allows: whatever happens to
it, or to us, the kernel takes processes, mounts and files away together. Packages are kept in the cache for the next
time.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from wirt.errors import OutOfSpace, Unavailable
from wirt.host.trees import remove_tree
from wirt.image.apt import Apt, Source, failure, sources
from wirt.model.image import Progress

__all__ = ["Build", "sweep"]

_STEPS = (
    ("running apt-get update", "Fetching the lists of packages"),
    ("downloading packages", "Downloading packages"),
    ("extracting archives", "Unpacking packages"),
    ("installing essential", "Installing essential packages"),
    ("installing remaining", "Installing packages"),
    ("cleaning package lists", "Cleaning up"),
    ("creating tarball", "Packing the root file system"),
)
_WORK = "work-"
_TMPFS_NEEDS = 4 * 1024**3  # bytes of available memory; half of it at most goes to the tmpfs
_STALE = 60 * 24 * 3600  # seconds after which a package nobody asked for leaves the cache
_NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")


class Build:
    """One run of mmdebstrap, for a ``with`` statement: a stream of the tar, whose end means that all went well.

    ``created``: when the release's newest list of packages was made, which is also the newest time of any file; known
    within the block. ``uris``: where the packages come from.
    """

    def __init__(
        self,
        suite: str,
        packages: Sequence[str],
        mirror: str,
        cache: Path,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        if shutil.which("mmdebstrap") is None:
            raise Unavailable("mmdebstrap is missing on this host", hint="apt-get install mmdebstrap")
        if os.geteuid() != 0:
            raise Unavailable("only root can bootstrap a Debian image", hint="start the daemon as root")
        self._suite = suite
        self._packages = packages
        self._progress = progress
        self._apt = Apt(cache / suite)
        self._archives = cache / suite / "archives"
        self._archives.mkdir(exist_ok=True)
        self._chosen = sources(suite, mirror)
        self.uris = tuple(dict.fromkeys(source.uri for source in self._chosen))
        self.created = 0.0
        self._error: BaseException | None = None
        self._words: deque[str] = deque(maxlen=200)
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._work = cache / f"{_WORK}{secrets.token_hex(8)}"
        self._sources = self._work / "debian.list"
        self._room = self._work / "room"  # for the tree that mmdebstrap makes

    # -- a stream -------------------------------------------------------------------------------------------------

    def read(self, size: int, /) -> bytes:
        """The next bytes of the tar. At its end RuntimeFailure and its like, if mmdebstrap says that it failed."""
        if self._process is None:
            self._start()
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        piece = self._process.stdout.read(size)
        if not piece:
            self._check(self._process)
        return piece

    def close(self) -> None:
        """Ends what still runs; nothing of it is left."""
        if self._process is not None and self._listener is not None:
            self._process.kill()  # the whole namespace goes with it
            self._process.wait()
            self._listener.join()  # until the last of them has let go of the pipe
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        remove_tree(self._work)

    def __enter__(self) -> Self:
        try:
            self._room.mkdir(parents=True)
            self._sources.write_text("".join(f"{source}\n" for source in self._chosen))
            self._tell(0, "Fetching the lists of packages")
            self.created = self._apt.update(self._sources)
            if self._packages:
                self._apt.expect(self._sources, self._packages)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- mmdebstrap -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        size = _available_memory() // 2
        mount = f"mount -t tmpfs -o mode=755,size={size} tmpfs {shlex.quote(str(self._room))} && "
        script = f'{mount if size * 2 >= _TMPFS_NEEDS else ""}exec "$@"'
        command = ["setpriv", "--pdeathsig", "KILL", *_NAMESPACES, "sh", "-c", script, "sh", *self._mmdebstrap()]
        environment = {
            **os.environ,
            "LC_ALL": "C",
            "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",  # dpkg insists on ldconfig and the like
            "TMPDIR": str(self._room),
            "SOURCE_DATE_EPOCH": str(int(self.created)),
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stderr is not None  # noqa: S101
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), name="mmdebstrap")
        self._listener.start()

    def _mmdebstrap(self) -> list[str]:
        archives, lists = shlex.quote(str(self._archives)), shlex.quote(str(self._apt.lists))
        command = ["mmdebstrap", "--variant=minbase", "--format=tar", "--skip=essential/unlink"]
        if self._packages:
            command.append(f"--include={','.join(self._packages)}")
        command += [f"--setup-hook={hook}" for hook in (*self._carry_in(), *_copy_in(_keyrings(self._chosen)))]
        command += [
            '--setup-hook=mkdir -p "$1"/var/cache/apt/archives "$1"/var/lib/apt/lists',
            f"--setup-hook=sync-in {archives} /var/cache/apt/archives",
            f"--setup-hook=sync-in {lists} /var/lib/apt/lists",
            f"--customize-hook=sync-out /var/cache/apt/archives {archives}",
            '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99host "$1"/etc/resolv.conf "$1"/etc/hostname',
            '--customize-hook=rm -rf "$1"/var/log/apt "$1"/var/lib/apt/lists/auxfiles',
        ]
        command += [f"--customize-hook={hook}" for hook in _take_out(self._apt.carried_settings()[1])]
        if any(uri.startswith("file:") for uri in self.uris):
            command.append("--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount")
        return [*command, self._suite, "-", str(self._sources)]

    def _carry_in(self) -> list[str]:
        """The host's way of fetching, for as long as mmdebstrap needs it."""
        settings, certificates = self._apt.carried_settings()
        hooks = [f'printf %s {shlex.quote(settings)} > "$1"/etc/apt/apt.conf.d/99host'] if settings else []
        return [*hooks, *_copy_in(certificates)]

    def _listen(self, stderr: IO[bytes]) -> None:
        """Follows what mmdebstrap says: steps for the progress, and the last words for an error."""
        for raw in stderr:
            line = raw.decode(errors="replace").rstrip()
            self._words.append(line)
            for number, (said, shown) in enumerate(_STEPS):
                if line.startswith(f"I: {said}") and self._error is None:
                    self._report(number, shown)

    def _report(self, step: int, text: str) -> None:
        """As ``_tell``, in the listener's thread: who does not want to hear any more wants an end of it all."""
        try:
            self._tell(step, text)
        except BaseException as error:
            self._error = error
            if self._process is not None:
                self._process.kill()

    def _tell(self, step: int, text: str) -> None:
        if self._progress:
            self._progress(Progress("bootstrap", text, step, len(_STEPS), "steps"))

    def _check(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if self._listener is not None:
            self._listener.join()
        if self._error is not None:
            raise self._error
        if code == 0:
            _expire(self._archives)
            return
        words = "\n".join(self._words)
        if "No space left on device" in words:
            raise OutOfSpace(
                f"no room to bootstrap {self._suite}: memory or disk is full",
                hint="free some, or ask for fewer packages",
            )
        raise failure(f"bootstrap {self._suite}", words)


def sweep(cache: Path) -> None:
    """Removes the working folders of a bootstrap that was killed."""
    for work in cache.glob(f"{_WORK}*"):
        remove_tree(work)


def _keyrings(chosen: Sequence[Source]) -> list[str]:
    """Keyrings the image's own apt will look for and that no package of it brings."""
    found = {source.keyring for source in chosen if source.keyring}
    return sorted(path for path in found if not path.startswith("/usr/share/keyrings/debian-archive-"))


def _copy_in(paths: Sequence[str]) -> list[str]:
    """Hooks that copy files of the host to the same place in the new root, unless something is there."""
    return [
        f'mkdir -p "$1"{shlex.quote(os.path.dirname(path))} && cp -n {shlex.quote(path)} "$1"{shlex.quote(path)}'  # noqa: PTH120
        for path in paths
    ]


def _take_out(certificates: Sequence[str]) -> list[str]:
    """Hooks that remove the host's certificates, unless the image has a package that made its own of them."""
    return [f'test -e "$1"/usr/sbin/update-ca-certificates || rm -f "$1"{shlex.quote(path)}' for path in certificates]


def _expire(archives: Path) -> None:
    oldest = time.time() - _STALE
    for package in archives.glob("*.deb"):
        if package.stat().st_ctime < oldest:
            package.unlink()


def _available_memory() -> int:
    """Bytes that could be used without swapping (proc_meminfo(5), MemAvailable)."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0
