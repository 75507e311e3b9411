"""One program under the keeper's care: the guest itself, or one ``exec`` in it.

``NEW -> LAUNCHING -> RUNNING -> EXITED -> DONE``, or ``LAUNCHING -> FAILED -> DONE``. EXITED becomes DONE when what the
program wrote before its end has been read: it is dead by then, so whatever it wrote is in the pipes, and reading until
they are empty loses nothing and needs no clock.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
import selectors
import signal
import socket
import struct
import termios
from typing import TYPE_CHECKING, Any, Protocol

from wirt.keeper.client import Client, ClientOptions
from wirt.keeper.frames import FrameType
from wirt.keeper.log import GuestLog
from wirt.micro import report

if TYPE_CHECKING:
    from wirt.keeper.nursery import Nursery

__all__ = ["Owner", "Program", "ProgramState"]

_READ = 64 << 10
_STDIN_HIGH_WATER = 1 << 20
# posix_spawn(3) keeps ignored signals ignored, and a keeper ignores some, Python others: a guest starts with none.
_RESET_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class ProgramState(enum.Enum):
    NEW = "new"
    LAUNCHING = "launching"
    RUNNING = "running"
    EXITED = "exited"
    FAILED = "failed"
    DONE = "done"


class Owner(Protocol):
    """The keeper, as a program sees it."""

    selector: selectors.BaseSelector

    def nursery(self) -> Nursery: ...
    def program_started(self, program: Program) -> None: ...
    def program_failed(self, program: Program, text: str) -> None: ...
    def program_done(self, program: Program) -> None: ...


class Program:
    """Belongs to the keeper's loop.

    ``plan`` is ``model.launch.Plan`` as JSON. ``key`` is "" for the guest itself, else the exec's id.
    """

    def __init__(
        self,
        key: str,
        plan: dict[str, Any],
        owner: Owner,
        *,
        open_stdin: bool,
        log: GuestLog | None,
        size: tuple[int, int],
    ) -> None:
        self.key = key
        self.state = ProgramState.NEW
        self.pid = 0
        self.status = 0
        self.clients: list[Client] = []
        self._plan = plan
        self._owner = owner
        self._open_stdin = open_stdin
        self._log = log
        self._size = size
        self._launcher = 0
        self._stdin = -1
        self._stdin_out = bytearray()
        self._stdin_closing = False
        self._stdin_watched = False
        self._outputs: dict[int, tuple[FrameType, bool]] = {}  # descriptor -> (frame type, watched now)
        self._master = -1
        self._console: socket.socket | None = None
        self._report: socket.socket | None = None  # of a forked monitor, until it runs the program
        self._refusal = ""

    # -- start -------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Spawn the plan's program, or fork; ``OSError`` when even that fails, with nothing left open."""
        child: list[int] = []
        try:
            child = self._streams()
            if self._plan["monitor"]:
                self._fork(child)
            else:
                self._spawn(child)
        except BaseException:
            self._close_streams()
            raise
        finally:
            for fd in set(child):
                os.close(fd)
        self.state = ProgramState.LAUNCHING
        if self._report is None and not self._plan["pid_file"]:
            self._running(self._launcher)

    def _streams(self) -> list[int]:
        """The program's ends of its standard streams; of a terminal there are none yet."""
        if self._plan["console"] == "none":
            return self._make_pipes()
        if self._plan["console"] == "socket":
            self._listen_for_console()
        return [os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)] * 3

    def _make_pipes(self) -> list[int]:
        if self._open_stdin:
            stdin, self._stdin = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._stdin, False)
        else:
            stdin = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        ends = [stdin]
        for kind in (FrameType.STDOUT, FrameType.STDERR):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(reader, False)
            self._outputs[reader] = (kind, False)
            ends.append(writer)
        return ends

    def _listen_for_console(self) -> None:
        path = self._plan["console_socket"]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._console = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._console.bind(path)
        self._console.listen(1)
        self._owner.selector.register(self._console, selectors.EVENT_READ, self._on_console)

    def _on_console(self, _events: int) -> None:
        """The runtime sends the pty's master (runc's docs/terminals.md, "detached, new terminal")."""
        assert self._console is not None  # noqa: S101 - registered only while it is there
        connection, _ = self._console.accept()
        with connection:
            _, fds, _, _ = socket.recv_fds(connection, 4096, 1, socket.MSG_CMSG_CLOEXEC)
        self._close_console()
        if fds:
            self._adopt_master(fds[0])
            if self.state is ProgramState.RUNNING:
                self._watch_outputs()

    def _close_console(self) -> None:
        if self._console is not None:
            self._owner.selector.unregister(self._console)
            self._console.close()
            self._console = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._plan["console_socket"])

    def _adopt_master(self, master: int) -> None:
        os.set_blocking(master, False)
        self._master = master
        self._stdin = os.dup(master)
        self._outputs[master] = (FrameType.STDOUT, False)
        self.resize(*self._size)

    def _spawn(self, stdio: list[int]) -> None:
        argv = self._plan["argv"]
        # Our own 0 to 2 are /dev/null (zygote.py), so none of these is overwritten before its turn.
        actions: list[Any] = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(stdio)]
        os.chdir(self._plan["cwd"])
        self._launcher = os.posix_spawn(
            argv[0],
            argv,
            dict(entry.split("=", 1) for entry in self._plan["env"]),
            file_actions=actions,
            setsigmask=(),
            setsigdef=_RESET_SIGNALS,
        )

    def _fork(self, stdio: list[int]) -> None:
        stdin, stdout, stderr = stdio
        self._launcher, self._report = self._owner.nursery().fork(
            self._plan["monitor"], (stdin, stdout, stderr), self._plan["pid_ns"], self._owner
        )
        self._owner.selector.register(self._report, selectors.EVENT_READ, self._on_report)

    def _on_report(self, _events: int) -> None:
        """What the forked monitor tells while it becomes the guest (micro/report.py)."""
        while self._report is not None:
            try:
                kind, text, fd = report.receive(self._report)
            except BlockingIOError:
                return
            if kind == report.MAP_USERS:
                report.map_users(self._launcher, self._report.send)
            elif kind == report.MASTER and fd >= 0:
                self._adopt_master(fd)
            elif kind == report.FAILED:
                self._refusal = text.decode("utf-8", "replace")
            elif kind == report.STARTED and self.state is ProgramState.LAUNCHING:
                self._running(self._launcher)
            elif kind == report.ENDED and self.state is ProgramState.RUNNING and (code := report.ended_with(text)) >= 0:
                self._end(code)
            else:
                self._close_report()  # it has ended, or is about to

    def _close_report(self) -> None:
        if self._report is not None:
            self._owner.selector.unregister(self._report)
            self._report.close()
            self._report = None

    # -- the children's ends -----------------------------------------------------------------------

    def reaped(self, pid: int, status: int) -> bool:
        """A child ended with ``status`` (an exit code, or 128 + signal). Whether it was one of ours."""
        if pid == self._launcher and self.state is ProgramState.LAUNCHING:
            self._on_report(0)  # that it runs the program may be the last it told
            if self.state is ProgramState.LAUNCHING:
                self._launcher_ended(status)
                return True
        if pid == self.pid and pid:
            self.pid = 0
            if self.state is ProgramState.RUNNING:
                self._end(status)
            return True
        return pid == self._launcher

    def _end(self, status: int) -> None:
        """It has ended, or said that it does so now; its process may take a while to be gone."""
        self.status = status
        self.state = ProgramState.EXITED
        self._drain()
        self._close_streams()
        self.state = ProgramState.DONE
        self._owner.program_done(self)

    def bury(self) -> None:
        """Wait until the process of a program that has ended is gone."""
        if self.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def _launcher_ended(self, status: int) -> None:
        pid = self._read_pid() if status == 0 and not self._plan["monitor"] else 0
        if self._console is not None and pid:
            self._on_console(0)
        if pid:
            self._running(pid)
            return
        name = "the monitor" if self._plan["monitor"] else os.path.basename(self._plan["argv"][0])
        text = self._refusal or self._complaint() or f"{name} ended with status {status}"
        self._close_streams()
        self.state = ProgramState.FAILED
        self._owner.program_failed(self, text)

    def _running(self, pid: int) -> None:
        self.pid = pid
        self.state = ProgramState.RUNNING
        self._watch_outputs()
        self._flush_stdin()
        self._owner.program_started(self)

    def _read_pid(self) -> int:
        try:
            with open(self._plan["pid_file"], encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return 0

    def _complaint(self) -> str:
        """What the launcher said: its error log, and what it wrote to the streams before the guest owned them."""
        said = b""
        with contextlib.suppress(OSError), open(self._plan["error_log"], "rb") as file:
            said = file.read(_READ)
        for fd, (kind, _) in self._outputs.items():
            if kind is FrameType.STDERR and not said:
                with contextlib.suppress(OSError):
                    said = os.read(fd, _READ)
        return said.decode("utf-8", "replace").strip()

    # -- output ------------------------------------------------------------------------------------

    def pressure_changed(self) -> None:
        if self.state is ProgramState.RUNNING:
            self._watch_outputs()

    def _watch_outputs(self) -> None:
        wanted = not any(client.behind for client in self.clients)
        for fd, (kind, watched) in list(self._outputs.items()):
            if wanted and not watched:
                self._owner.selector.register(fd, selectors.EVENT_READ, lambda _events, fd=fd: self._on_output(fd))
            elif watched and not wanted:
                self._owner.selector.unregister(fd)
            self._outputs[fd] = (kind, wanted)

    def _on_output(self, fd: int) -> bool:
        """Pass on what can be read now; whether there was something."""
        kind, _ = self._outputs[fd]
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody has the pty's other side open
            data = b""
        if not data:
            if fd != self._master:  # a pty may be opened again by whoever still runs
                self._close_output(fd)
            elif self._outputs[fd][1]:
                self._owner.selector.unregister(fd)
                self._outputs[fd] = (kind, False)
            return False
        if self._log is not None:
            self._log.write("stderr" if kind is FrameType.STDERR else "stdout", data)
        for client in tuple(self.clients):
            client.output(kind, data)
        return True

    def _drain(self) -> None:
        for fd in list(self._outputs):
            while fd in self._outputs and self._on_output(fd):
                pass

    def _close_output(self, fd: int) -> None:
        _, watched = self._outputs.pop(fd)
        if watched:
            self._owner.selector.unregister(fd)
        os.close(fd)

    # -- input -------------------------------------------------------------------------------------

    @property
    def stdin_full(self) -> bool:
        return len(self._stdin_out) > _STDIN_HIGH_WATER

    @property
    def has_terminal(self) -> bool:
        return self._master >= 0

    def write_stdin(self, data: bytes) -> None:
        if self._stdin_closing or (self._stdin < 0 and self.state not in (ProgramState.NEW, ProgramState.LAUNCHING)):
            return
        self._stdin_out += data
        self._flush_stdin()

    def close_stdin(self) -> None:
        """End of input: a pipe is closed; a terminal gets its end-of-file character."""
        if self._master >= 0:
            self.write_stdin(b"\x04")
            return
        self._stdin_closing = True
        self._flush_stdin()

    def _flush_stdin(self) -> None:
        if self._stdin < 0 or self.state is ProgramState.LAUNCHING:
            return
        try:
            while self._stdin_out:
                written = os.write(self._stdin, self._stdin_out)
                del self._stdin_out[:written]
        except BlockingIOError:
            pass
        except OSError:  # the program closed its input
            self._stdin_out.clear()
            self._stdin_closing = True
        if self._stdin_closing and not self._stdin_out:
            self._close_stdin_pipe()
        else:
            self._watch_stdin(wanted=bool(self._stdin_out))
        for client in self.clients:
            client.pause_input(paused=self.stdin_full)

    def _watch_stdin(self, *, wanted: bool) -> None:
        if wanted and not self._stdin_watched:
            self._owner.selector.register(self._stdin, selectors.EVENT_WRITE, lambda _events: self._flush_stdin())
        elif self._stdin_watched and not wanted:
            self._owner.selector.unregister(self._stdin)
        self._stdin_watched = wanted

    def _close_stdin_pipe(self) -> None:
        if self._stdin >= 0:
            self._watch_stdin(wanted=False)
            os.close(self._stdin)
            self._stdin = -1

    # -- clients and control -----------------------------------------------------------------------

    def attach(self, sock: socket.socket, options: ClientOptions) -> None:
        self.clients.append(Client(sock, options, self, self._owner.selector))

    def client_gone(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
            self.pressure_changed()
            # Whoever closes the program's input by its own end also does so by vanishing.
            if client.options.stdin and client.options.stdin_once and self._master < 0:
                self.close_stdin()

    def finish_clients(self, code: int, error: bytes = b"") -> None:
        for client in tuple(self.clients):
            client.finish(code, error)

    def resize(self, rows: int, columns: int) -> None:
        self._size = (rows, columns)
        if self._master >= 0 and rows and columns:
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, name: str) -> None:
        """Send a signal by name or number; it is our child and not yet reaped, so the pid is its own."""
        number = _signal_number(name)
        if self.state is ProgramState.RUNNING and number:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _close_streams(self) -> None:
        for fd in list(self._outputs):
            self._close_output(fd)
        self._close_stdin_pipe()
        self._close_console()
        self._close_report()
        self._master = -1


def _signal_number(name: str) -> int:
    """The number, or 0 for what is no signal."""
    if name.isdigit():
        return int(name) if 0 < int(name) < signal.NSIG else 0
    name = name.upper()
    value = getattr(signal, name if name.startswith("SIG") else f"SIG{name}", 0)
    return int(value) if isinstance(value, signal.Signals) else 0
