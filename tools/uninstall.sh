#!/bin/sh
# Takes away what install.sh made. What is in /var/lib/wirt and /etc/wirt stays, as does the group if it has members.
# usage: uninstall.sh PREFIX
set -eu
prefix=$1 home=/opt/wirt

[ "$(id -u)" = 0 ] || { echo "uninstall.sh: needs root" >&2; exit 1; }

if [ -x "$home/bin/wirt" ] && [ -n "$("$home/bin/wirt" ps -q)" ]; then
	echo "uninstall.sh: guests are running; first: wirt stop \$(wirt ps -q)" >&2
	exit 1
fi
"$(dirname "$0")/units.sh" remove "$prefix"
pkill -f "^$home/bin/python3 .*wirt\.daemon" || true # one that a command started
rm -f "$prefix/bin/wirt"
rm -f "$prefix/share/man/man1/wirt.1" "$prefix/share/bash-completion/completions/wirt"
rm -f "$prefix/share/zsh/site-functions/_wirt" "$prefix/share/fish/vendor_completions.d/wirt.fish"
for folder in lib/systemd/system lib/systemd share/man/man1 share/bash-completion/completions share/bash-completion \
	share/zsh/site-functions share/zsh share/fish/vendor_completions.d share/fish; do
	rmdir "$prefix/$folder" 2>/dev/null || true # where nobody else has put anything
done
rm -rf "$home"
case "$(getent group wirt)" in
*:) groupdel wirt ;;
esac
echo "removed; what is left is data and settings: rm -r /var/lib/wirt /etc/wirt"
