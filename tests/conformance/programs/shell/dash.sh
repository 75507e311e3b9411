# dash: what scripts of Debian use. @shell dash
set -eu
echo "$0" | sed 's|.*/||'
a=1; b=$((a + 41)); echo $b
while read -r x y; do echo "$y $x"; done <<END
1 one
2 two
END
f=$(mktemp); echo x > "$f"; test -s "$f"; rm "$f"
set -- a "b c" d; for x; do echo "[$x]"; done; shift; echo $#
( cd /tmp && pwd ); pwd
printf '%s %d %x\n' word 10 255
IFS=:; for d in a:b:c; do echo $d; done
if ! false; then echo not; fi
trap 'echo "exit $?"' EXIT
exit 5
