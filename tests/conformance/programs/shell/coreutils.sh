# GNU tools. @shell bash
seq 1 20 | shuf --random-source=<(yes) | sort -n | head -n 3
printf 'x y\nz w\n' | cut -d' ' -f2 | paste -sd,
seq 1 5000 | sort -R --random-source=/dev/zero | sort -n | md5sum
mkdir d; touch d/{a,b,c}; ls -1 d; cp -a d e; rm d/b; diff -rq d e
truncate -s 1M sparse; stat -c %s sparse; du --apparent-size -b sparse | cut -f1; rm sparse
ln -s d l; readlink -f l; realpath --relative-to=/w/d /w/e
install -m 750 /bin/true prog; stat -c '%a %U' prog; ./prog; echo $?; rm prog
timeout 0.05 sleep 3; echo $?
nohup true 2>/dev/null; echo $?
env -i A=1 env; printenv HOME
head -c 1000 /dev/zero | base64 | sha256sum
seq 3 | split -l 1 - part; cat partac; rm part*
x=$(mktemp -d); rmdir "$x"; echo "${x%.*}"
id; groups; whoami; tty; nproc | grep -c .
test -t 0; echo $?
date -u -d @86400 +%F; stat -f -c %T /proc
touch -d '2001-01-01' d/* e/* d e
