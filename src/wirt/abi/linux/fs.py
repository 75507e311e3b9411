"""<linux/fs.h>: the flags that chattr(1) sets on an inode, see ioctl_iflags(2)."""

from __future__ import annotations

import ctypes

from wirt.abi.linux.ioctl import IOR, IOW

FS_IOC_GETFLAGS = IOR(ord("f"), 1, ctypes.c_long)
FS_IOC_SETFLAGS = IOW(ord("f"), 2, ctypes.c_long)

FS_IMMUTABLE_FL = 0x0000_0010
FS_APPEND_FL = 0x0000_0020
