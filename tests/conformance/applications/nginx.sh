# nginx: a master and two workers, files, reload, a graceful end. @shell bash
mkdir -p n/html n/logs; seq 20000 > n/html/numbers; echo index > n/html/index.html
cat > n/conf <<'END'
worker_processes 2; pid /w/n/pid; error_log /w/n/logs/error; daemon off;
events { worker_connections 64; }
http { access_log off; client_body_temp_path /w/n/t1; proxy_temp_path /w/n/t2; fastcgi_temp_path /w/n/t3; uwsgi_temp_path /w/n/t4; scgi_temp_path /w/n/t5;
  sendfile on; server { listen 127.0.0.1:8080; root /w/n/html; location /moved { return 301 /; } location /proxy/ { proxy_pass http://127.0.0.1:8080/; } } }
END
nginx -c /w/n/conf -t 2>&1 | grep -c successful
nginx -c /w/n/conf & master=$!
for n in $(seq 200); do curl -s -o /dev/null http://127.0.0.1:8080/ && break; sleep 0.02; done
curl -s http://127.0.0.1:8080/; curl -s http://127.0.0.1:8080/numbers | md5sum; curl -s http://127.0.0.1:8080/proxy/numbers | md5sum
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8080/moved
for n in $(seq 20); do curl -s http://127.0.0.1:8080/numbers http://127.0.0.1:8080/ | md5sum; done | sort | uniq -c
curl -s --no-progress-meter --parallel --parallel-max 10 $(for n in $(seq 20); do echo "http://127.0.0.1:8080/numbers -o /dev/null"; done); echo "status $?"
kill -HUP $master; sleep 0.2; curl -s http://127.0.0.1:8080/
kill -QUIT $master; wait $master; echo "status $?"; rm -r n
