#!/bin/sh
# Writes the pages that are generated from the code: docs/cli.md, the reference of all verbs, and docs/system-calls.md,
# what micro guests have of Linux.
# With --check it writes nothing and fails if a page is not what its source would generate now.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
.venv/bin/wirt help --markdown >"$fresh/cli.md"
.venv/bin/python tools/system_calls.py >"$fresh/system-calls.md"

for page in "$fresh"/*; do
	name=docs/$(basename "$page")
	if [ "${1:-}" != --check ]; then
		cp "$page" "$name"
	elif ! cmp -s "$page" "$name"; then
		echo "docs.sh: $name is not what its source would generate: run \`make docs\` and commit it" >&2
		exit 1
	fi
done
