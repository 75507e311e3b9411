# Busybox's tools on files.
mkdir -p a/b/c; echo hello > a/b/f; cp -r a z; mv z/b y
ln -s a/b/f link; ln a/b/f hard
cat link; wc -c hard; ls y; find a | sort
chmod 640 hard; stat -c '%a %h %s %F' hard link
echo more >> hard; cat a/b/f
rm -rf a; cat hard; cat link; echo "status $?"
dd if=/dev/zero of=zeros bs=1k count=5 2>/dev/null; wc -c < zeros
md5sum zeros; head -c 10 zeros | od -c
printf 'b\na\nc\n' | sort | tee sorted | tr a-z A-Z
test -d y && test ! -e a && echo right
touch -d '2001-02-03 04:05:06' old; date -u -r old
