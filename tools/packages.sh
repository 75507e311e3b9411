#!/bin/sh
# Installs the Debian packages that this machine lacks and that Python environments (python), wirt (run) or its tests
# (test) need.
# Asks the mirrors only when something is missing; where nothing is, it takes milliseconds and needs no root.
set -eu

# runc and crun: the first that runs a container is used (crun wants cgroup v2). dnsmasq-base: names on user networks,
# without a service of its own. mmdebstrap: images from Debian's packages. tini: `run --init`. procps: `wirt top`.
# gcc, python3-dev, libc6-dev: the extension module of micro guests is built when wirt is installed.
python="python3 python3-venv ca-certificates gcc libc6-dev python3-dev"
run="runc crun nftables dnsmasq-base iproute2 mmdebstrap tini procps"
# skopeo: another program's opinion on our images. busybox-static: programs for root file systems made by hand.
# qemu-system-x86: what `wirt doctor` finds out about machines. openssl: certificates.
# zsh, fish: completion in them.
test="skopeo busybox-static qemu-system-x86 openssl zsh fish"

wanted=
for group in "$@"; do
	case $group in
	python) wanted="$wanted $python" ;;
	run) wanted="$wanted $run" ;;
	test) wanted="$wanted $test" ;;
	*) echo "packages.sh: no group $group: python, run or test" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null; then
	echo "packages.sh: not a Debian system: have these from your distribution:$wanted" >&2
	exit 0
fi

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "packages.sh: missing packages; as root: apt-get install$missing" >&2
	exit 1
fi
echo "installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt_get="apt-get -qq -o DPkg::Lock::Timeout=600"
$apt_get update
# shellcheck disable=SC2086 # a list of words
$apt_get install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
