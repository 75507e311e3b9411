"""How Unicorn's translator is told not to look for a stop behind every access to memory.

It looks where a block of code begins as well, which is enough, and the only place where an instruction is not left in
its midst, to be carried out twice. There is a switch for it (``no_exit_request`` of uc_struct), but no function that
turns it: its place is taken from the code of the function that reads it.
"""

from __future__ import annotations

import ctypes
import re

from unicorn.unicorn_py3.unicorn import uclib

from wirt.host import _native

__all__ = ["exit_checks"]

_READER = "check_exit_request_x86_64"
# mov rsi, [rdi + context's engine]; cmp byte [rsi + place], 0; a jump
_CODE = re.compile(rb"(?:\xf3\x0f\x1e\xfa)?\x48\x8b\xb7....\x80\xbe(....)\x00[\x74\x75]", re.DOTALL)
_CODE_SIZE, _LARGEST = 24, 1 << 16


def exit_checks(engine: int) -> int:
    """Where the byte is that turns them off when it is 1, for the engine at that address; 0 if it is not known."""
    try:
        reader = ctypes.cast(getattr(uclib, _READER), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0
    found = _CODE.match(_native.peek(reader, _CODE_SIZE))
    place = int.from_bytes(found[1], "little") if found else 0
    if not 0 < place < _LARGEST or _native.peek(engine + place, 1) != b"\0":
        return 0
    return engine + place
