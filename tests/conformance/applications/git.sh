# git: init, commit, branches, merges, log, clone, pack. @shell bash
export GIT_CONFIG_GLOBAL=/w/config GIT_AUTHOR_DATE="2001-02-03T04:05:06Z" GIT_COMMITTER_DATE="2001-02-03T04:05:06Z"
git config --global user.name Somebody; git config --global user.email some@body; git config --global init.defaultBranch main
git config --global gc.auto 0; git config --global core.pager cat
mkdir a && cd a && git init -q
for n in 1 2 3 4 5; do seq $((n * 10)) > file$n; git add .; git commit -qm "number $n"; done
git log --oneline; git show --stat HEAD~1 | tail -n 2
git checkout -qb side HEAD~2; echo side >> file1; git commit -qam side; git checkout -q main; git merge -q -m merged side; git log --graph --oneline | head -n 4
echo change >> file2; git status --short; git diff | tail -n 3; git stash -q; git stash list; git stash pop -q; git checkout -q file2
git gc -q; git fsck; git count-objects -v | grep in-pack
cd ..; git clone -q a b; cd b; git rev-parse HEAD; git ls-files | wc -l; git blame file1 | tail -n 1 | cut -c1-8
cd ../a; git clone -q --bare . ../c.git; cd ../b; echo x > new; git add new; git commit -qm new; git push -q ../c.git main; git -C ../c.git log -1 --format=%s
cd ..; git init -q d; cd d; git fetch -q ../c.git main; git log FETCH_HEAD --format=%H | head -n 1
cd ..; rm -rf a b c.git d
