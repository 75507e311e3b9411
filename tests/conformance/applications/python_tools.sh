# CPython: what tools do with the standard library. @shell bash
python3 -I -c 'import sys; print(sys.version_info[:2], sys.implementation.name)'
python3 -I -B -c '
import hashlib, json, random, re, decimal, zlib, lzma, bz2, struct, base64
random.seed(7); data = bytes(random.randrange(256) for _ in range(50000))
for m in (zlib, lzma, bz2): assert m.decompress(m.compress(data)) == data
print(hashlib.sha256(data).hexdigest()[:16], len(json.dumps(list(data))), decimal.Decimal(2).sqrt())
print(sum(1 for _ in re.finditer(rb"[a-f]{2}", data)))'
mkdir p; printf 'def f():\n    return 42\n' > p/m.py; touch p/__init__.py; python3 -c 'from p.m import f; print(f())'; ls p/__pycache__ | wc -l
python3 -m compileall -q p; python3 -m zipapp -h > /dev/null; python3 -m tarfile -c t.tar p && python3 -m tarfile -l t.tar | wc -l
python3 -m json.tool <<< '{"b": [1, 2]}'; python3 -m timeit -n 10 -r 1 pass | grep -c loop
echo 'print("from stdin", __name__)' | python3; python3 -c 'import sys; sys.exit("message")'; echo "status $?"
python3 -c 'import os; os.kill(os.getpid(), 15)' ; echo "status $?"; python3 -X importtime -c 'import asyncio' 2>&1 | grep -c 'asyncio$'
rm -r p t.tar
