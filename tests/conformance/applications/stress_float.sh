# stress-ng: flags of floating-point exceptions, each of which is looked for. @shell bash
stress-ng --verify --temp-path /w --timeout 10 --fp-error 1 --fp-error-ops 10 --log-brief > log 2>&1; echo "fp-error $? $(grep -ci fail log)"
rm log
