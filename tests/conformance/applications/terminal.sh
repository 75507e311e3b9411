# An interactive bash in a terminal of its own: job control, line editing, the size, the end. @shell bash
cat > t.py <<'END'
import contextlib, os, pty, select, sys, time
def until(fd, word, seen=b""):
    end = time.monotonic() + 20
    while word not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            seen += os.read(fd, 4096)
    return word in seen
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready> ", TERM="dumb", HISTFILE="")
    os.execv("/bin/bash", ["bash", "--norc", "-i"])
def say(line, word):
    os.write(fd, line)
    print(line, until(fd, word), flush=True)
def foreground(name):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), open(f"/proc/{os.tcgetpgrp(fd)}/comm") as comm:
            if comm.read().strip() == name:
                return
        time.sleep(0.01)
print(until(fd, b"ready> "))
say(b"echo $((6 * 7))\n", b"\n42")
say(b"stty cols 99; stty size\n", b" 99")
say(b"sleep 50\n", b"sleep 50"); foreground("sleep")
say(b"\x1a", b"Stopped")
say(b"jobs\n", b"[1]+")
say(b"bg\n", b"sleep 50 &")
say(b"kill %1; wait; echo don''e\n", b"done")
say(b"cat\n", b"cat"); foreground("cat")
say(b"line\n", b"line\r\nline")
say(b"\x04", b"ready> ")
say(b"sleep 50\n", b"sleep 50"); foreground("sleep")
say(b"\x03", b"ready> ")
say(b"echo status $?\n", b"status 130")
say(b"yes | head -n 100000 | md5sum\n", b"  -")
say(b"exiz\x7ft 5\n", b"exit")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
python3 t.py; echo "status $?"; script -qec 'tty | grep -c pts; exit 4' /dev/null; echo "status $?"; rm t.py
