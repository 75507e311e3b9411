"""<linux/fcntl.h>: flags of the calls that end in "at"."""

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 1 << 8
