# redis: commands, scripts, a snapshot by a forked child, an append-only file, restart. @shell bash
start() { redis-server --port 6379 --bind 127.0.0.1 --unixsocket /w/s --dir /w --daemonize no --save '' --appendonly no "$@" > /dev/null & server=$!
  for n in $(seq 300); do redis-cli ping 2>/dev/null | grep -q PONG && break; sleep 0.02; done; }
start
redis-cli set a 1; redis-cli incr a; redis-cli -s /w/s get a
redis-cli rpush l 1 2 3; redis-cli lrange l 0 -1; redis-cli hset h f v; redis-cli hgetall h
redis-cli eval 'return redis.call("get", "a") * 21' 0
seq 1000 | sed 's/.*/set key& &/' | redis-cli --pipe | tail -n 1; redis-cli dbsize
redis-cli expire a 100; redis-cli ttl a | grep -c .
redis-cli bgsave; for n in $(seq 200); do redis-cli info persistence | grep -q 'rdb_bgsave_in_progress:0' && break; sleep 0.02; done
redis-cli info persistence | tr -d '\r' | grep rdb_last_bgsave_status
redis-cli shutdown nosave; wait $server; echo "status $?"
start; redis-cli dbsize; redis-cli get key77; redis-cli shutdown nosave; wait $server; rm -f dump.rdb s; ls
