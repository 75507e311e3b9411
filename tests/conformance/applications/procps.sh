# ps, pgrep, top, free, uptime, pkill: what they find in /proc. @shell bash
sleep 100 & one=$!
ps -o comm= -p $one; ps -o ppid= -p $one | tr -d ' ' | grep -cx $$; ps -o args= -p $one; ps -e -o pid= | grep -cw $one
pgrep -x sleep | grep -cx $one; ps -o stat= -p $one | cut -c1; ps -o uid=,gid=,tty= -p $one
kill -STOP $one; for n in $(seq 200); do ps -o stat= -p $one | grep -q T && break; sleep 0.01; done; ps -o stat= -p $one | cut -c1; kill -CONT $one
top -b -n 1 | head -n 1 | grep -c '^top'; free | grep -c Mem; uptime | grep -c load; w > /dev/null; echo $?
cat /proc/$one/cmdline | tr '\0' ' '; echo; readlink /proc/$one/exe /proc/$one/cwd; grep -c heap /proc/$one/maps
vmstat > /dev/null; echo $?; pmap $one | tail -n 1 | grep -c total; fuser -s . ; echo $?; lscpu | grep -c Architecture
pkill -x sleep; wait $one 2>/dev/null; echo "status $?"; ps -p $one > /dev/null; echo $?
