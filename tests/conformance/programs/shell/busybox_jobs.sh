# Background processes, wait, kill, traps.
sleep 100 & pid=$!
kill -TERM $pid; wait $pid; echo "status $?"
(exit 7) & wait $!; echo "status $?"
trap 'echo usr1' USR1
kill -USR1 $$
sh -c 'kill -9 $$'; echo "status $?"
sh -c 'kill -SEGV $$'; echo "status $?"
for i in 1 2 3; do (sleep 0.01; exit $i) & done; wait; echo all
trap '' TERM; sh -c 'kill -TERM $$; echo survives'
timeout 5 true; echo "status $?"
