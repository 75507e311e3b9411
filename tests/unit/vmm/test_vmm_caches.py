"""What leaf 2 of CPUID says of the caches."""

from __future__ import annotations

from wirt.vmm.kvm.caches import describe, leaf_4

CASCADE_LAKE = (0x76036301, 0x00F0B5FF, 0, 0x00C30000)
SUBLEAVES = (
    (0x4000121, 0x1C0003F, 0x3F, 0),
    (0x4000122, 0x1C0003F, 0x3F, 0),
    (0x4000143, 0x3C0003F, 0x3FF, 0),
    (0x4004163, 0x280003F, 0xCFFF, 5),
)


def _bytes(registers: tuple[int, ...]) -> list[int]:
    return sorted(b"".join(register.to_bytes(4, "little") for register in registers))


def test_leaf_4_tells_level_kind_and_size() -> None:
    found = [leaf_4(registers) for registers in SUBLEAVES]
    assert found == [(1, 1, 32 << 10), (1, 2, 32 << 10), (2, 3, 1 << 20), (3, 3, 36608 << 10)]


def test_leaf_4_ends_with_a_subleaf_of_no_kind() -> None:
    assert leaf_4((0, 0, 0, 0)) is None


def test_describe_puts_descriptors_in_place_of_see_leaf_4() -> None:
    found = describe(CASCADE_LAKE, [cache for cache in map(leaf_4, SUBLEAVES) if cache])
    before = [byte for byte in _bytes(CASCADE_LAKE) if byte not in (0, 0xFF)]
    assert [byte for byte in _bytes(found) if byte] == sorted([*before, 0x2C, 0x30, 0x7C, 0xEC])
    assert found[0] == CASCADE_LAKE[0], "the number of calls, and what stood there"


def test_describe_names_no_cache_larger_than_it_is() -> None:
    found = describe((0xFF01, 0, 0, 0), [(1, 1, 48 << 10), (2, 3, (2 << 20) - 1)])
    assert [byte for byte in _bytes(found) if byte] == [0x01, 0x2C, 0x7C]


def test_describe_leaves_alone_what_says_enough_or_cannot_be_said() -> None:
    old = (0x2C01, 0, 0, 0)
    assert describe(old, [(1, 1, 32 << 10)]) == old
    tiny = (0xFF01, 0, 0, 0)
    assert describe(tiny, [(1, 1, 4 << 10)]) == tiny
    assert describe(tiny, [(4, 3, 64 << 20)]) == tiny


def test_describe_uses_no_register_that_says_it_holds_nothing() -> None:
    full = (0xFF01, 1 << 31, 1 << 31, 1 << 31)
    assert describe(full, [(1, 1, 32 << 10), (1, 2, 32 << 10), (2, 3, 1 << 20), (3, 3, 8 << 20)]) == full
