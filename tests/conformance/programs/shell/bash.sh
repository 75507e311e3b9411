# bash: arrays, process substitution, here strings, regular expressions. @shell bash
set -uo pipefail
a=(one two "three four"); echo "${#a[@]} ${a[2]}"
declare -A m=([x]=1 [y]=2); for k in x y; do echo "$k=${m[$k]}"; done
diff <(seq 1 5) <(seq 1 6)
read -r first rest <<< "alpha beta gamma"; echo "$rest"
[[ "file-42.txt" =~ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
for ((i = 0; i < 3; i++)); do printf '%d ' $i; done; echo
echo {1..5} "${a[@]/o/0}"
seq 1 10 | tail -n 3 | { mapfile -t lines; echo "${lines[@]}"; }
false | true; echo "${PIPESTATUS[@]} $?"
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"; kill $COPROC_PID; wait 2>/dev/null
( ulimit -n 50; ulimit -n )
exec {fd}> out; echo kept >&$fd; exec {fd}>&-; cat out
echo $((2 ** 40)) $((7 % 3)) $(( 1 << 10 ))
