# make: parallel jobs, rules, errors. @shell bash
cat > Makefile <<'END'
parts := $(shell seq 1 12)
all: $(parts:%=part%.o)
	@cat $^ | sort -n | tr '\n' ' '
part%.o:
	@echo $* > $@
fail:
	@false
END
make -s -j3; echo; make -s -j3 all; echo; make -s fail 2>/dev/null; echo $?
