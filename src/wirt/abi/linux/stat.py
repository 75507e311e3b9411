"""<asm/stat.h>, <linux/stat.h>, <asm/statfs.h>, <linux/dirent.h>: what the calls about files fill in, on x86-64."""

from __future__ import annotations

import struct

S_IFMT, S_IFSOCK, S_IFLNK, S_IFREG, S_IFBLK, S_IFDIR, S_IFCHR, S_IFIFO = (
    0o170000, 0o140000, 0o120000, 0o100000, 0o060000, 0o040000, 0o020000, 0o010000,
)  # fmt: skip

# struct stat: dev ino nlink mode uid gid rdev size blksize blocks, and three times in seconds and nanoseconds
STAT = struct.Struct("<QQQIII4xQqqq6Q24x")
STAT_SIZE = 144
# struct statx: mask blksize attributes nlink uid gid mode ino size blocks attributes_mask, 4 times, rdev, dev, mnt_id
STATX = struct.Struct("<IIQIIIH2xQQQQ" + 4 * "qI4x" + "IIIIQ104x")
STATX_SIZE = 256
STATX_BASIC_STATS = 0x7FF
STATX_MNT_ID = 0x1000
STATX_ATTR_MOUNT_ROOT = 0x2000
# struct statfs: type bsize blocks bfree bavail files ffree fsid namelen frsize flags
STATFS = struct.Struct("<QQQQQQQQQQQ32x")
STATFS_SIZE = 120
# struct linux_dirent64 and the older linux_dirent, up to the name
DIRENT64 = struct.Struct("<QqHB")
DIRENT = struct.Struct("<QQH")

PROC_SUPER_MAGIC = 0x9FA0
SYSFS_MAGIC = 0x62656572

TIMESPEC = struct.Struct("<qq")
UTIME_NOW, UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX = 255, 65536, 65536
PATH_MAX = 4096
