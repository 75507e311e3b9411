# pty: a shell in a terminal, its size, job control keys.
import contextlib
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


def read_until(fd, text):
    seen = b""
    end = time.monotonic() + 10
    while text not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 1000)
    return seen


def foreground(fd, name):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), open(f"/proc/{os.tcgetpgrp(fd)}/comm") as comm:
            if comm.read().strip() == name:
                return
        time.sleep(0.01)


sys.stdout.reconfigure(line_buffering=True)
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="$ ", TERM="dumb")
    os.execv("/bin/sh", ["sh", "-i"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
read_until(fd, b"$ ")
os.write(fd, b"stty size\n")
print(b"33 77" in read_until(fd, b"77\r\n"))
os.write(fd, b"sleep 100\n")
read_until(fd, b"100\r\n")
foreground(fd, "sleep")
os.write(fd, b"\x03")
read_until(fd, b"$ ")
os.write(fd, b"echo status $?\n")
print(b"status 130" in read_until(fd, b"status 130"))
os.write(fd, b"sleep 100\n")
read_until(fd, b"100\r\n")
foreground(fd, "sleep")
os.write(fd, b"\x1a")
print(b"Stopped" in read_until(fd, b"Stopped"))
os.write(fd, b"kill -9 %1; wait; tty; exit 9\nexit 9\n")
print(b"/dev/pts/" in read_until(fd, b"/dev/pts/"))
try:
    while os.read(fd, 1000):
        pass
except OSError as error:
    print(error)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
