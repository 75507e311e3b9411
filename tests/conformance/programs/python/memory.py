# mmap, ctypes, large allocations, garbage.
import ctypes
import gc
import mmap
import os

with open("f", "wb") as file:
    file.write(b"0123456789" * 1000)
with open("f", "r+b") as file:
    m = mmap.mmap(file.fileno(), 0)
    print(len(m), m[5:15], m.find(b"90"), m.rfind(b"01"))
    m[0:3] = b"abc"
    m.flush()
    print(m.resize(20000), len(m), m.size())
    m.close()
print(open("f", "rb").read(5), os.path.getsize("f"))
shared = mmap.mmap(-1, 4096)
pid = os.fork()
if pid == 0:
    shared[0:5] = b"child"
    os._exit(0)
os.waitpid(pid, 0)
print(shared[0:5])
big = bytearray(100 << 20)
big[-1] = 7
print(big[50 << 20], big[-1])
del big
lists = [[n] * 100 for n in range(20000)]
print(sum(map(len, lists)), gc.collect() >= 0)
libc = ctypes.CDLL(None, use_errno=True)
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
array = (ctypes.c_int * 5)(3, 1, 5, 2, 4)
libc.qsort(array, 5, 4, callback(lambda a, b: a[0] - b[0]))
print(list(array), libc.abs(-3), libc.close(999), os.strerror(ctypes.get_errno()))
print(mmap.PAGESIZE, memoryview(b"abc")[1])
