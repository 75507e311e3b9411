# threading, queue, concurrent.futures, locks, local storage.
import queue
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

work: queue.Queue = queue.Queue()
done = []
lock = threading.Lock()
local = threading.local()


def worker(n):
    local.n = n
    while (item := work.get()) is not None:
        with lock:
            done.append(item * 2)
        assert local.n == n


threads = [threading.Thread(target=worker, args=(n,)) for n in range(5)]
for t in threads:
    t.start()
for i in range(500):
    work.put(i)
for _ in threads:
    work.put(None)
for t in threads:
    t.join()
print(sum(done), len(done), threading.active_count())
event = threading.Event()
timer = threading.Timer(0.01, event.set)
timer.start()
print(event.wait(5), event.wait(0))
timer.join()
barrier = threading.Barrier(3)
with ThreadPoolExecutor(3) as pool:
    print(sorted(pool.map(lambda _: barrier.wait(), range(3))))
    print(list(pool.map(pow, range(10), [3] * 10)))
begun = time.monotonic()
print(threading.Semaphore(0).acquire(timeout=0.01), time.monotonic() - begun >= 0.01)
if __name__ == "__main__":
    import multiprocessing

    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as processes:
        print(sum(processes.map(abs, range(-50, 50), chunksize=10)))
