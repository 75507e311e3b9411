# stress-ng: stressors of files, each of which verifies what it did. @shell bash
for s in dentry dir flock fcntl hdd rename seek chmod close dup getdent lockf mknod null open readahead revio sendfile splice tee utime copy-file zero; do
  stress-ng --verify --temp-path /w --timeout 10 --$s 1 --$s-ops 10 --log-brief --vm-bytes 8m --hdd-bytes 1m > log 2>&1; echo "$s $? $(grep -ci fail log)"
done
rm log
