"""``vmi.h`` in Python, with its names; a test compares the two."""

from __future__ import annotations

import struct

PAGE = 4096

VMI_MAGIC = 0x494D5657
VMI_VERSION = 0x00010000

VMI_PORT_CALL = 0x10
VMI_PORT_FAULT = 0x11

VMI_VECTORS = 32
VMI_STUB_SIZE = 16
VMI_STUB_IRET = 2

VMI_RARE_FLAGS = 0x00054500
VMI_SFMASK_USER = VMI_RARE_FLAGS
VMI_SFMASK_SYSTEM = 0x00257FD5

VMI_THREAD = 0xF00
VMI_THREAD_SIZE = 0x100
# magic, version, flags, vcpu, pid, tid, ppid, uid, euid, gid, egid, cpu, node, time
VMI_THREAD_FORMAT = struct.Struct("<IIIIIIIIIIIII4xQ")
VMI_FLAG_ANSWER, VMI_FLAG_PPID, VMI_FLAG_CPU, VMI_FLAG_YIELD = 1, 2, 4, 8

VMI_TIME_SIZE = 128
VMI_TIME_SHIFT = 32
VMI_TIME_USABLE = 1
VMI_TIME_SEQUENCE = 8  # offset in struct vmi_time
VMI_TIME_BODY = 12
# flags, tsc, tsc_until, monotonic, monotonic_mult, raw, raw_mult, realtime, boottime, tai, coarse; at VMI_TIME_BODY
VMI_TIME_FORMAT = struct.Struct("<IQQQQQQqqqQ")

VMI_CALL_BASE = 0x574900
VMI_CALL_VERSION = VMI_CALL_BASE + 0
VMI_CALL_TIME = VMI_CALL_BASE + 1
VMI_CALL_MEMORY_INFO = VMI_CALL_BASE + 2
VMI_CALL_MEMORY_GIVE = VMI_CALL_BASE + 3
VMI_CALL_MEMORY_GROW = VMI_CALL_BASE + 4
VMI_CALL_EXIT = VMI_CALL_BASE + 5
VMI_CALL_END = VMI_CALL_BASE + 6

VMI_MEMORY = struct.Struct("<QQQII")  # limit, used, available, pressure, reserved
