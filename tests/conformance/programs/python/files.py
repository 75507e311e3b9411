# os and io: files, folders, links, stat, scandir, sendfile.
import errno
import os
import shutil
import tempfile

os.makedirs("a/b/c")
with open("a/f", "w") as file:
    print("hello", file=file)
os.symlink("f", "a/l")
os.link("a/f", "a/h")
print(sorted((e.name, e.is_dir(), e.is_symlink(), e.stat().st_nlink) for e in os.scandir("a")))
print([(d, sorted(s), sorted(f)) for d, s, f in os.walk("a")])
for path in ("missing", "a/f/x", "a"):
    try:
        open(path, "rb+").close()
    except OSError as error:
        print(path, errno.errorcode[error.errno], type(error).__name__)
fd = os.open("a/f", os.O_RDWR)
print(os.pread(fd, 3, 1), os.pwrite(fd, b"J", 0), os.lseek(fd, 0, os.SEEK_END), os.fstat(fd).st_size)
out = os.open("copy", os.O_RDWR | os.O_CREAT, 0o640)
print(os.sendfile(out, fd, 0, 100), os.copy_file_range(fd, out, 100, 0))
os.set_inheritable(fd, True)
print(os.get_inheritable(fd), os.get_blocking(fd))
os.utime("copy", ns=(1, 2))
print(os.stat("copy").st_mtime_ns, oct(os.stat("copy").st_mode))
os.truncate("copy", 2)
print(open("copy").read())
shutil.copytree("a", "t", symlinks=True)
shutil.rmtree("a")
print(sorted(os.listdir("t")), os.path.realpath("t/l"))
with tempfile.TemporaryFile() as file:
    file.write(b"x" * 100000)
    file.seek(99990)
    print(len(file.read()))
with tempfile.TemporaryDirectory() as folder:
    print(os.path.isdir(folder))
print(os.path.exists(folder), os.getcwd(), os.access("t/f", os.X_OK))
