# multiprocessing: fork and spawn, queues, pipes, locks, shared memory, values.
import multiprocessing as mp
from multiprocessing import shared_memory


def double(n):
    return n * 2


def count(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1


def talk(pipe):
    pipe.send(pipe.recv() + 1)


def touch(name):
    area = shared_memory.SharedMemory(name)
    area.buf[0] = 42
    area.close()


if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        context = mp.get_context(method)
        ours, theirs = context.Pipe()
        child = context.Process(target=talk, args=(theirs,))
        child.start()
        ours.send(1)
        print(method, ours.recv())
        child.join()
        print(child.exitcode)
    context = mp.get_context("fork")
    with context.Pool(3) as pool:
        print(sum(pool.map(double, range(200))))
    value = context.Value("i", 0)
    children = [context.Process(target=count, args=(value, 100)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print(value.value)
    area = shared_memory.SharedMemory(create=True, size=100)
    child = context.Process(target=touch, args=(area.name,))
    child.start()
    child.join()
    print(area.buf[0])
    area.close()
    area.unlink()
