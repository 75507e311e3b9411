"""<linux/openat2.h>: how openat2(2) resolves a path."""

SYS_openat2 = 437  # x86-64 and every architecture since the call is younger than the unified table

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10
