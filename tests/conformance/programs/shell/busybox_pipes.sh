# Pipelines and redirections.
seq 1 1000 | grep 7 | wc -l
seq 1 100 | sed -n '10,12p' | tac
yes | head -n 3
{ echo out; echo err >&2; } 2>&1 | sort
ls /missing 2>/dev/null || echo "no such thing"
exec 5> five; echo five >&5; exec 5>&-; cat five
cat < five > six; cat six
echo a | cat - five
(echo sub; echo shell) | while read -r word; do echo "got $word"; done
seq 1 5 | xargs -n 2 echo
echo "1 2 3" | awk '{ print $1 + $3 }'
true | false; echo $?
