#!/bin/sh
# The virtual environment of this checkout: .venv, with wirt editable; "dev" adds the tools of `make test` and `make check`.
# usage: venv.sh PYTHON [dev]
# Made anew when the interpreter or the place has changed, brought up to date when requirements or C sources have.
set -eu
cd "$(dirname "$0")/.."
python=$1 extra=${2:-}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	echo "venv.sh: $python is older than Python 3.11: pass another, as in \`make PYTHON=python3.11 ...\`" >&2
	exit 1
}
made_from=$({ "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; pwd; } | sha256sum)
requires=$(sha256sum <pyproject.toml)
built=$(cat setup.py src/wirt/host/_native.c src/wirt/vmm/vmi/build.py src/wirt/vmm/vmi/*.[chS] src/wirt/vmm/vmi/*.lds | sha256sum)
holds() { [ "$(cat ".venv/.$1" 2>/dev/null || true)" = "$2" ]; }

if ! holds made-from "$made_from"; then
	echo "making the virtual environment"
	rm -rf .venv
	"$python" -m venv .venv
	printf '%s\n' "$made_from" >.venv/.made-from
fi
if [ "$extra" = dev ] && ! holds requires-dev "$requires"; then
	echo "installing wirt and the development tools in it"
	.venv/bin/python -m pip install -qq --editable '.[dev]'
	printf '%s\n' "$requires" | tee .venv/.requires >.venv/.requires-dev
elif ! holds requires "$requires"; then
	echo "installing wirt in it"
	.venv/bin/python -m pip install -qq --editable .
	printf '%s\n' "$requires" >.venv/.requires
elif ! holds built "$built"; then
	echo "building what is compiled of it"
	.venv/bin/python -m pip install -qq --no-deps --editable .
fi
printf '%s\n' "$built" >.venv/.built
# A command starts twice as fast from compiled modules, and some environments forbid writing them on the way.
.venv/bin/python -m compileall -q src
