#!/bin/sh
# Installs wirt for everybody on this machine: the package in a virtual environment of its own (/opt/wirt), the command,
# completion and man page below PREFIX, the group, and the systemd units, which are switched on where systemd runs.
# usage: install.sh PYTHON PREFIX        uninstall.sh reverses it
set -eu
cd "$(dirname "$0")/.."
python=$1 prefix=$2 home=/opt/wirt

[ "$(id -u)" = 0 ] || { echo "install.sh: needs root" >&2; exit 1; }

"$python" -m venv --clear "$home"
# Copied first: building in place would leave files of root's in the checkout.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cp -R pyproject.toml setup.py README.md LICENSE packaging src "$source"
"$home/bin/python" -m pip install -qq "$source"
"$home/bin/python" -m compileall -q "$home/lib"

getent group wirt >/dev/null || groupadd --system wirt
mkdir -p "$prefix/bin" "$prefix/share/man/man1"
# Not a link: following one takes a millisecond of every command.
sed "s|^bin=.*|bin=$home/bin|" "$home/bin/wirt" >"$prefix/bin/wirt"
chmod 755 "$prefix/bin/wirt"

wirt="$home/bin/wirt"
bash="$prefix/share/bash-completion/completions" zsh="$prefix/share/zsh/site-functions"
fish="$prefix/share/fish/vendor_completions.d"
mkdir -p "$bash" "$zsh" "$fish"
"$wirt" completion bash >"$bash/wirt"
"$wirt" completion zsh >"$zsh/_wirt"
"$wirt" completion fish >"$fish/wirt.fish"
"$wirt" help --man >"$prefix/share/man/man1/wirt.1"

tools/units.sh install "$prefix"
[ -d /run/systemd/system ] ||
	pkill -f "^$home/bin/python3 .*wirt\.daemon" || true # of the version before: guests go on, the next command starts ours
echo "installed: $("$wirt" --version); members of the group wirt may use it without sudo"
