# sqlite3: tables, indexes, journals, two processes. @shell bash
sqlite3 db 'create table t (a integer primary key, b text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i, hex(i * 7919) from n; create index x on t (b);'
sqlite3 db 'select count(*), sum(a) from t; select a from t where b = hex(7919 * 12345); pragma integrity_check; pragma journal_mode = wal;'
for n in 1 2 3; do sqlite3 -cmd '.timeout 10000' db "insert into t (b) values ('n$n')" & done; wait; sqlite3 db "select count(*) from t where b like 'n%'"
sqlite3 db '.dump' | sed 's|^INSERT INTO t VALUES(2000[123],.*||' | md5sum; sqlite3 db 'vacuum; pragma page_count'; sqlite3 -csv db 'select * from t limit 3'
echo 'select x' | sqlite3 db; echo "status $?"; rm -f db*
