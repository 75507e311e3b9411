# stress-ng: stressors of network, each of which verifies what it did. @shell bash
for s in sock sockpair sockfd udp; do
  stress-ng --verify --temp-path /w --timeout 10 --$s 1 --$s-ops 10 --log-brief --vm-bytes 8m --hdd-bytes 1m > log 2>&1; echo "$s $? $(grep -ci fail log)"
done
rm log
