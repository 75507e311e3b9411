# stress-ng: stressors of signals, each of which verifies what it did. @shell bash
for s in itimer sigabrt sigchld sigfpe sigio sigpending sigq sigrt sigsegv sigsuspend sigtrap context; do
  stress-ng --verify --temp-path /w --timeout 10 --$s 1 --$s-ops 10 --log-brief --vm-bytes 8m --hdd-bytes 1m > log 2>&1; echo "$s $? $(grep -ci fail log)"
done
rm log
