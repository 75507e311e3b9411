# bash: job control in a script. @shell bash
set -m
sleep 100 & sleep 200 &
jobs -r | wc -l
kill %1; wait %1 2>/dev/null; echo "status $?"
kill -STOP %2; for i in $(seq 200); do jobs -s | grep -q Stopped && break; sleep 0.01; done; jobs -s | wc -l
kill -CONT %2; kill %2; wait %2 2>/dev/null; echo "status $?"
(sleep 0.01; exit 3) & wait -n; echo "status $?"
trap 'echo child' CHLD; true & wait; trap - CHLD
disown -a; jobs | wc -l
