# subprocess: pipes, status, signals, descriptors, sessions, environments.
import os
import signal
import subprocess
import sys

run = subprocess.run
print(run(["echo", "hi"], capture_output=True, text=True))
print(run("echo out; echo err >&2; exit 3", shell=True, capture_output=True, text=True))
print(run(["cat"], input=b"x" * 200000, capture_output=True).stdout == b"x" * 200000)
print(run(["sh", "-c", "kill -9 $$"]).returncode, run(["sh", "-c", "kill -TERM $$"]).returncode)
try:
    run(["/missing"])
except FileNotFoundError as error:
    print(error)
try:
    run(["sleep", "10"], timeout=0.05)
except subprocess.TimeoutExpired:
    print("timeout")
print(run(["env"], env={"A": "1"}, capture_output=True).stdout)
print(run(["pwd"], cwd="/tmp", capture_output=True).stdout)
r, w = os.pipe()
child = subprocess.Popen([sys.executable, "-c", f"import os; os.write({w}, b'passed')"], pass_fds=(w,))
print(child.wait(), os.read(r, 10))
child = subprocess.Popen(["sleep", "100"], start_new_session=True)
print(os.getsid(child.pid) == child.pid, child.poll())
os.killpg(child.pid, signal.SIGINT)
print(child.wait())
child = subprocess.Popen(["sh", "-c", "read x; echo got $x"], stdin=-1, stdout=-1, text=True)
print(child.communicate("line\n"))
many = [subprocess.Popen(["sh", "-c", f"exit {n}"]) for n in range(10)]
print([child.wait() for child in many])
print(os.waitstatus_to_exitcode(os.system("exit 4")), os.popen("echo popen").read())
