# Busybox's shell: variables, loops, functions, tests, here documents.
set -u
f() { echo "f $# $1"; return 3; }
f a b
echo "status $?"
for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done
n=0; while [ $n -lt 3 ]; do n=$((n + 1)); done; echo $n
cat <<EOT
here $n
EOT
x=$(echo one; echo two); echo "$x"
case abc in a*) echo match ;; esac
echo "${x:-none}" "${y:-none}" "${#x}"
trap 'echo leaving' EXIT
(exit 4); echo $?
false || echo or
