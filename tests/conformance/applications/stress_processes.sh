# stress-ng: stressors of processes, each of which verifies what it did. @shell bash
for s in fork clone exec kill nice pidfd pthread schedpolicy session vfork wait zombie switch prctl get set; do
  stress-ng --verify --temp-path /w --timeout 10 --$s 1 --$s-ops 10 --log-brief --vm-bytes 8m --hdd-bytes 1m > log 2>&1; echo "$s $? $(grep -ci fail log)"
done
rm log
