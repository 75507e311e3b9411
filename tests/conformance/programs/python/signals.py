# signal: handlers, timers, wakeups, masks, faulthandler's way to die.
import faulthandler
import os
import signal
import subprocess
import sys
import time

caught = []
signal.signal(signal.SIGUSR1, lambda n, f: caught.append(signal.Signals(n).name))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
print(caught)
signal.signal(signal.SIGALRM, lambda n, f: (_ for _ in ()).throw(TimeoutError("alarm")))
try:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(5)
except TimeoutError as error:
    print(error)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
os.kill(os.getpid(), signal.SIGUSR1)
print(signal.sigpending(), signal.sigwait({signal.SIGUSR1}).name)
print(signal.sigtimedwait({signal.SIGUSR1}, 0.01))
r, w = os.pipe()
os.set_blocking(w, False)
signal.set_wakeup_fd(w)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
signal.raise_signal(signal.SIGUSR1)
print(os.read(r, 10) == bytes([signal.SIGUSR1]))
signal.set_wakeup_fd(-1)
crash = "import ctypes; ctypes.string_at(0)"
child = subprocess.run([sys.executable, "-X", "faulthandler", "-c", crash], capture_output=True)
print(child.returncode, b"Segmentation fault" in child.stderr)
wait = "import time; print('up', flush=True); time.sleep(9)"
child = subprocess.Popen([sys.executable, "-c", wait], stdout=-1, stderr=-1)
child.stdout.readline()
child.send_signal(signal.SIGINT)
print(b"KeyboardInterrupt" in child.communicate()[1], child.returncode)
print(faulthandler.is_enabled(), signal.getsignal(signal.SIGPIPE).name)
