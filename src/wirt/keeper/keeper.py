"""The keeper's loop: the control channel, the guest, its execs, and the exit that must not be lost.

Messages from the daemon (JSON, descriptors beside):

========  ==============================================================================================
start     plan, open_stdin, log (LogOptions), rows, cols
attach    program, options (+ the client's socket)
exec      program (its id), plan, open_stdin, rows, cols, options or null (+ the client's socket)
signal    program, signal
resize    program, rows, cols
order     order (its id), name, arguments (+ descriptors), for the monitors of a micro guest (keeper/orders.py)
revoke    order: it is over
finish    code, error (an error body or ""): what attached clients are told; the keeper's work is done
========  ==============================================================================================

Messages to the daemon: hello (keeper_pid and where things stand), started (program, pid), failed (program, text),
exited (program, code), ordered (order: whoever is kicked now will see it), reply (order, pid, reply: what a process of
the guest has to say, null when it says no more). The guest's end is first written to ``exit.json`` in the guest's
folder, so that it outlives the keeper and is found by a daemon that was not there: code, error, and when the guest
started (0: never) and finished.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirt.host.process import become_subreaper, set_name
from wirt.keeper import channel
from wirt.keeper.client import ClientOptions
from wirt.keeper.log import GuestLog
from wirt.keeper.program import Program, ProgramState

if TYPE_CHECKING:
    from wirt.keeper.nursery import Nursery
    from wirt.keeper.orders import OrderDesk

__all__ = ["EXIT_FILE", "SOCKET_FILE", "Keeper", "main", "spare"]

EXIT_FILE = "exit.json"
SOCKET_FILE = "keeper.sock"
MAIN = ""  # the key of the guest's own program

# How long attached clients wait for the daemon to book the exit before they are told without it.
_FINISH_PATIENCE = 10.0


class Keeper:
    """``guest_dir`` keeps ``exit.json``; ``run_dir`` holds the socket for a later daemon.

    ``nursery``: with the guest's first process in it, if it was forked in advance.
    """

    def __init__(self, guest_dir: str, run_dir: str, control: socket.socket, nursery: Nursery | None = None) -> None:
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self._guest_dir = guest_dir
        self._socket_path = os.path.join(run_dir, SOCKET_FILE)
        self._control: socket.socket | None = None
        self._listener = channel.listen(self._socket_path)
        self._programs: dict[str, Program] = {}
        self._early: dict[int, int] = {}  # pid -> status of children that ended before we knew them
        self._waiting: list[tuple[socket.socket, ClientOptions]] = []  # attached before the start
        self._started = 0.0  # when the guest did
        self._outcome: dict[str, Any] | None = None  # how the guest ended, once it did
        self._deadline = 0.0
        self._finished = False
        self._nursery = nursery
        self._orders: OrderDesk | None = None
        self._children = _child_signals()
        self.selector.register(self._children, selectors.EVENT_READ, self._on_child)
        self.selector.register(self._listener, selectors.EVENT_READ, self._on_daemon)
        self._adopt_control(control)

    # -- the loop ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Until the guest has ended, the end is booked, and every client has its last frame."""
        while not (self._finished and not self._clients_left()):
            self._forget_ended_execs()
            timeout = max(0.0, self._deadline - time.monotonic()) if self._deadline else None
            for key, events in self.selector.select(timeout):
                # An earlier event of this round may have closed this one's descriptor.
                if self.selector.get_map().get(key.fd) is key:
                    key.data(events)
            if self._deadline and time.monotonic() >= self._deadline and not self._finished:
                self._finish_alone()
            elif self._finished and self._deadline and time.monotonic() >= self._deadline:
                return  # a client that does not read does not keep us for ever
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket_path)
        for program in self._programs.values():
            program.bury()

    def _clients_left(self) -> bool:
        return any(program.clients for program in self._programs.values())

    # -- the daemon's side -------------------------------------------------------------------------

    def _on_daemon(self, _events: int) -> None:
        """A new daemon adopts us; the old one's channel is dropped."""
        connection, _ = self._listener.accept()
        self._drop_control()
        self._adopt_control(connection)

    def _adopt_control(self, connection: socket.socket) -> None:
        self._control = connection
        self.selector.register(connection, selectors.EVENT_READ, self._on_message)
        main = self._programs.get(MAIN)
        self._tell(
            event="hello",
            keeper_pid=os.getpid(),
            state=main.state.value if main else ProgramState.NEW.value,
            pid=main.pid if main else 0,
            started=self._started,
            execs=[key for key in self._programs if key != MAIN],
            outcome=self._outcome,
        )

    def _drop_control(self) -> None:
        if self._orders is not None:
            self._orders.close()
        if self._control is not None:
            self.selector.unregister(self._control)
            self._control.close()
            self._control = None
        if self._outcome is not None and not self._finished:
            self._finish_alone()
        if MAIN not in self._programs:
            # The daemon died before it said what to run; its successor starts anew, with another keeper.
            for sock, _ in self._waiting:
                sock.close()
            self._finished = True

    def _tell(self, **message: Any) -> None:
        if self._control is None:
            return
        try:
            channel.send(self._control, message)
        except channel.Closed:
            self._drop_control()

    def _on_message(self, _events: int) -> None:
        assert self._control is not None  # noqa: S101 - registered only while it is there
        try:
            message, fds = channel.receive(self._control)
        except channel.Closed:
            self._drop_control()
            return
        if message["op"] == "order":
            self._order(message, fds)
            return
        sock = socket.socket(fileno=fds[0]) if fds else None
        handlers: dict[str, Callable[[dict[str, Any], socket.socket | None], None]] = {
            "start": self._start,
            "attach": self._attach,
            "exec": self._exec,
            "signal": self._signal,
            "resize": self._resize,
            "revoke": self._revoke,
            "finish": self._finish,
        }
        handlers[message["op"]](message, sock)

    def _start(self, message: dict[str, Any], _sock: socket.socket | None) -> None:
        options = message["log"]
        log = GuestLog(options["path"], max_size=options["max_size"], max_files=options["max_files"])
        program = self._make(MAIN, message, log)
        for sock, client_options in self._waiting:
            program.attach(sock, client_options)
        self._waiting.clear()
        self._launch(program)

    def _exec(self, message: dict[str, Any], sock: socket.socket | None) -> None:
        program = self._make(message["program"], message, None)
        if sock is not None:
            program.attach(sock, _client_options(message["options"]))
        self._launch(program)

    def _make(self, key: str, message: dict[str, Any], log: GuestLog | None) -> Program:
        size = (message["rows"], message["cols"])
        program = Program(key, message["plan"], self, open_stdin=message["open_stdin"], log=log, size=size)
        self._programs[key] = program
        return program

    def _launch(self, program: Program) -> None:
        try:
            program.launch()
        except OSError as error:
            self.program_failed(program, f"{error.filename or ''}: {error.strerror}".lstrip(": "))

    def _attach(self, message: dict[str, Any], sock: socket.socket | None) -> None:
        if sock is None:
            return
        options = _client_options(message["options"])
        program = self._programs.get(message["program"])
        if program is None:
            self._waiting.append((sock, options))
            return
        program.attach(sock, options)
        if self._finished:
            program.finish_clients(int(self._outcome["code"]) if self._outcome else 0)

    def _signal(self, message: dict[str, Any], _sock: socket.socket | None) -> None:
        if (program := self._programs.get(message["program"])) is not None:
            program.signal(message["signal"])

    def _resize(self, message: dict[str, Any], _sock: socket.socket | None) -> None:
        if (program := self._programs.get(message["program"])) is not None:
            program.resize(message["rows"], message["cols"])

    def _order(self, message: dict[str, Any], fds: list[int]) -> None:
        if self._orders is None:
            from wirt.keeper.orders import OrderDesk

            nursery = self.nursery()
            self._orders = OrderDesk(self.selector, nursery.control, nursery.post.page, self._tell)
        self._orders.open(message["order"], message["name"], message["arguments"], fds)
        self._tell(event="ordered", order=message["order"])

    def _revoke(self, message: dict[str, Any], _sock: socket.socket | None) -> None:
        if self._orders is not None:
            self._orders.revoke(message["order"])

    def _finish(self, message: dict[str, Any], _sock: socket.socket | None) -> None:
        """The daemon has booked the end of ``program``."""
        key = message["program"]
        if (program := self._programs.get(key)) is not None:
            program.finish_clients(message["code"], message["error"].encode())
        if key == MAIN:
            self._finished = True
            self._deadline = time.monotonic() + _FINISH_PATIENCE

    def _finish_alone(self) -> None:
        """The end is in ``exit.json``, and no daemon is there to book it: tell the clients and go."""
        outcome = self._outcome or {"code": 125, "error": ""}
        error = (
            json.dumps({"error": "start_failed", "message": outcome["error"], "hint": ""}) if outcome["error"] else ""
        )
        self._finish({"program": MAIN, "code": outcome["code"], "error": error}, None)

    def nursery(self) -> Nursery:
        """Where our own forks are born."""
        if self._nursery is None:
            from wirt.keeper.nursery import Nursery

            self._nursery = Nursery()
        return self._nursery

    # -- what programs tell us ---------------------------------------------------------------------

    def program_started(self, program: Program) -> None:
        if program.key == MAIN:
            self._started = time.time()
        self._tell(event="started", program=program.key, pid=program.pid)
        if (status := self._early.pop(program.pid, None)) is not None:
            program.reaped(program.pid, status)

    def program_failed(self, program: Program, text: str) -> None:
        if program.key == MAIN:
            self._end({"code": 125, "error": text})
        if self._control is None and program.key != MAIN:
            self._finish({"program": program.key, "code": 125, "error": ""}, None)
        self._tell(event="failed", program=program.key, text=text)

    def program_done(self, program: Program) -> None:
        if program.key == MAIN:
            self._end({"code": program.status, "error": ""})
        else:
            program.finish_clients(program.status)
        self._tell(event="exited", program=program.key, code=program.status)

    def _end(self, outcome: dict[str, Any]) -> None:
        self._outcome = outcome | {"started": self._started, "finished": time.time()}
        path = os.path.join(self._guest_dir, EXIT_FILE)
        with contextlib.suppress(OSError):  # a full disk: the control channel still carries it
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(self._outcome, file)
            os.rename(path + ".new", path)
        self._deadline = time.monotonic() + _FINISH_PATIENCE
        if self._control is None:
            self._finish_alone()

    def _forget_ended_execs(self) -> None:
        """An exec is forgotten when it has ended and its clients have their last frames."""
        ended = (ProgramState.DONE, ProgramState.FAILED)
        for key, program in tuple(self._programs.items()):
            if key != MAIN and program.state in ended and not program.clients:
                del self._programs[key]

    # -- children ----------------------------------------------------------------------------------

    def _on_child(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._children, 512):
                pass
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            status = os.waitstatus_to_exitcode(wait_status)
            status = 128 - status if status < 0 else status
            if not any(program.reaped(pid, status) for program in tuple(self._programs.values())):
                self._early[pid] = status


def _client_options(options: dict[str, Any]) -> ClientOptions:
    return ClientOptions(
        stdin=options["stdin"],
        stdout=options["stdout"],
        stderr=options["stderr"],
        stdin_once=options["stdin_once"],
        detach_keys=bytes(options["detach_keys"]),
    )


def _child_signals() -> int:
    """A descriptor that becomes readable whenever a child ends (signal.set_wakeup_fd)."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader


def main(guest_dir: str, run_dir: str, control: socket.socket) -> None:
    """The life of a keeper, from the fork to its end."""
    _settle()
    os.makedirs(run_dir, mode=0o700, exist_ok=True)
    Keeper(guest_dir, run_dir, control).run()


def spare(orders: socket.socket, platform: str) -> None:
    """A keeper in advance, for a micro guest on ``platform``: it waits for the zygote's request, or its end."""
    from wirt.keeper.nursery import Nursery

    _settle()
    nursery = Nursery()
    nursery.prefork(platform)
    with orders, contextlib.suppress(channel.Closed):
        message, fds = channel.receive(orders)
        os.makedirs(message["run_dir"], mode=0o700, exist_ok=True)
        Keeper(message["guest_dir"], message["run_dir"], socket.socket(fileno=fds[0]), nursery).run()


def _settle() -> None:
    """Become a process of its own, which ends with its guest and not before."""
    set_name("wirt-keeper")
    os.setsid()
    os.chdir("/")
    become_subreaper()
    gc.enable()  # the zygote's objects stay frozen; sessions that come and go are collected
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
