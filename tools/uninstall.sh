#!/bin/sh
# Takes away what install.sh made. Guests, images and volumes in /var/lib/wirt stay, as does the group if it has members.
# usage: uninstall.sh PREFIX
set -eu
prefix=$1

[ "$(id -u)" = 0 ] || { echo "uninstall.sh: needs root" >&2; exit 1; }

if [ -d /run/systemd/system ]; then
	systemctl disable --quiet --now wirt.socket wirt.service || true
fi
rm -f "$prefix/bin/wirt" "$prefix/lib/systemd/system/wirt.service" "$prefix/lib/systemd/system/wirt.socket"
rm -f "$prefix/share/man/man1/wirt.1" "$prefix/share/bash-completion/completions/wirt"
rm -f "$prefix/share/zsh/site-functions/_wirt" "$prefix/share/fish/vendor_completions.d/wirt.fish"
rm -rf /opt/wirt
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$(getent group wirt)" in
*:) groupdel wirt ;;
esac
echo "removed; what is left is data: rm -r /var/lib/wirt"
