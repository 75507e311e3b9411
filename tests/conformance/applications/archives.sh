# tar, gzip, xz, find, cpio-like work on thousands of files. @shell bash
cp -a /usr/share/doc docs 2>/dev/null; find docs -type f | wc -l | grep -c .
tar cf docs.tar docs; gzip -k docs.tar; mkdir out; tar xzf docs.tar.gz -C out; diff --no-dereference -r docs out/docs && echo same
find out -type f -size +1k -print0 | xargs -0 cat | md5sum; tar tf docs.tar | sort | md5sum
tar c docs | (mkdir piped && tar x -C piped) && diff --no-dereference -rq docs piped/docs && echo piped
find docs -name '*.gz' -exec zcat {} + 2>/dev/null | wc -c; rm -rf docs docs.tar docs.tar.gz out piped
