#!/bin/sh
# The systemd units: put below PREFIX and switched on, or switched off and taken away. With ROOT they are those of the
# system in that folder (an image, a chroot), which does not run; without, of this machine, where systemd may run or not.
# usage: units.sh install|remove PREFIX [ROOT]
set -eu
cd "$(dirname "$0")/.."
what=$1 prefix=$2 root=${3:-}
folder=$root$prefix/lib/systemd/system

# ours WORDS: systemctl, for the system that is meant
ours() {
	if [ -n "$root" ]; then
		systemctl --quiet --root="$root" "$@"
	elif [ -d /run/systemd/system ]; then
		systemctl --quiet "$@"
	fi
}

# Only there systemd looks for units by itself.
known() {
	case "$prefix" in
	/usr | /usr/local) return 0 ;;
	*) return 1 ;;
	esac
}

# What is started or stopped, runs: not in a folder.
now=--now
[ -z "$root" ] || now=

case "$what" in
install)
	mkdir -p "$folder"
	for unit in packaging/systemd/*; do
		sed "s|/usr/local/bin/wirt|$prefix/bin/wirt|" "$unit" >"$folder/$(basename "$unit")"
	done
	known || ours link "$prefix/lib/systemd/system/wirt.service" "$prefix/lib/systemd/system/wirt.socket"
	[ -n "$root" ] || ours daemon-reload
	ours enable $now wirt.socket
	[ -n "$root" ] || ours try-restart wirt.service
	;;
remove)
	[ ! -e "$folder/wirt.socket" ] || ours disable $now wirt.socket wirt.service
	rm -f "$folder/wirt.service" "$folder/wirt.socket"
	[ -n "$root" ] || ours daemon-reload
	;;
*)
	echo "units.sh: install or remove, not $what" >&2
	exit 2
	;;
esac
