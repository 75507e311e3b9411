# curl against a server on the loopback. @shell bash
mkdir site; seq 1000 > site/numbers; echo '<p>' > site/index.html
python3 -B -m http.server --bind 127.0.0.1 --directory site 8000 2> /dev/null > /dev/null & server=$!
for n in $(seq 200); do curl -s -o /dev/null http://127.0.0.1:8000/ && break; sleep 0.02; done
curl -s http://127.0.0.1:8000/; curl -s http://127.0.0.1:8000/numbers | md5sum
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8000/missing
curl -sI http://127.0.0.1:8000/numbers | grep -i length
curl -s -r 0-9 file:///w/site/numbers | wc -c
curl -sf http://127.0.0.1:8000/missing; echo "status $?"
curl -s http://127.0.0.1:9/; echo "status $?"
curl -s --no-progress-meter --parallel http://127.0.0.1:8000/numbers http://127.0.0.1:8000/numbers -o one -o two; cmp one two && echo same
kill $server; wait $server 2>/dev/null; echo "status $?"; rm -r site one two
