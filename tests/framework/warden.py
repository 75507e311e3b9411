"""A keeper in miniature, for tests of a container runtime: runs one plan and tells how it went.

    python warden.py REPORT_FD ARGV...

Standard streams go to the guest. On REPORT_FD: a line "failed STATUS" when the plan's program fails, else "launched",
and "ended STATUS" when the process named in the file WARDEN_PID_FILE has ended, 128 + n for signal n.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from wirt.host.process import become_subreaper


def main() -> None:
    report = int(sys.argv[1])
    become_subreaper()
    environment = {"PATH": os.environ["PATH"]}
    status = subprocess.run(sys.argv[2:], env=environment, check=False).returncode
    if status:
        os.write(report, f"failed {status}\n".encode())
        with contextlib.suppress(ChildProcessError):
            while True:  # what a failed launcher left dead would keep its guest's first process from ending
                os.waitpid(-1, 0)
        return
    os.write(report, b"launched\n")
    # Whoever holds the streams is the guest alone from now on: their other ends see it end.
    for stream in (0, 1, 2):
        os.close(stream)
    with open(os.environ["WARDEN_PID_FILE"], encoding="ascii") as file:
        pid = int(file.read())
    while True:
        # Launchers leave helpers of their own behind, and the guest is ours only when the last of them has gone.
        child, raw = os.waitpid(-1, 0)
        if child == pid:
            code = os.waitstatus_to_exitcode(raw)
            os.write(report, f"ended {code if code >= 0 else 128 - code}\n".encode())
            return


if __name__ == "__main__":
    main()
