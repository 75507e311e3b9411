"""Narrowing the 64-bit words of a system call's registers to what the call declares."""

from __future__ import annotations

__all__ = ["s32", "s64", "u32"]


def u32(word: int) -> int:
    """``unsigned int``: the upper half of the register is not looked at."""
    return word & 0xFFFF_FFFF


def s32(word: int) -> int:
    """``int``."""
    word &= 0xFFFF_FFFF
    return word - (1 << 32) if word & 0x8000_0000 else word


def s64(word: int) -> int:
    """``long``, ``off_t`` and the like."""
    return word - (1 << 64) if word & (1 << 63) else word
