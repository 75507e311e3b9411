# sqlite3: journals, locks between processes, write-ahead logging with its shared memory.
import os
import sqlite3

db = sqlite3.connect("plain.db")
db.execute("create table t (a integer primary key, b text)")
with db:
    db.executemany("insert into t (b) values (?)", [(f"row {n}",) for n in range(1000)])
print(db.execute("select count(*), sum(a), max(b) from t").fetchone())
try:
    with db:
        db.execute("insert into t values (1, 'twice')")
except sqlite3.IntegrityError as error:
    print(error)
db.close()
wal = sqlite3.connect("wal.db", isolation_level=None, timeout=5)
print(wal.execute("pragma journal_mode=wal").fetchone())
wal.execute("create table t (a)")
wal.close()
children = []
for n in range(3):
    pid = os.fork()
    if pid == 0:
        mine = sqlite3.connect("wal.db", isolation_level=None, timeout=10)
        for i in range(20):
            mine.execute("insert into t values (?)", (n * 100 + i,))
        mine.close()
        os._exit(0)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children])
wal = sqlite3.connect("wal.db")
print(wal.execute("select count(*), sum(a) from t").fetchone(), wal.execute("pragma integrity_check").fetchone())
locker = sqlite3.connect("wal.db", isolation_level=None, timeout=0)
locker.execute("begin immediate")
try:
    other = sqlite3.connect("wal.db", isolation_level=None, timeout=0.01)
    other.execute("insert into t values (1)")
except sqlite3.OperationalError as error:
    print(error)
for connection in (locker, other, wal):
    connection.close()
for name in sorted(os.listdir(".")):
    print(name)
    os.unlink(name)
