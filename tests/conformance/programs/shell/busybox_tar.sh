# Archives and compression.
mkdir t; for i in 1 2 3; do seq 1 $((i * 100)) > t/$i; done; ln -s 1 t/l; chmod 600 t/2
tar cf t.tar t && mkdir out && tar xf t.tar -C out && diff -r t out/t && echo same
gzip -k t.tar && gunzip -c t.tar.gz | cmp - t.tar && echo same
rm t.tar.gz; ls -l out/t | awk '{ print $1, $5, $9 }'
find out -type f -exec md5sum {} + | sort -k 2
touch -d '2001-01-01' t/* out out/t out/t/1 out/t/2 out/t/3; rm t.tar
