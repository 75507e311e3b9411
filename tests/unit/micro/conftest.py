"""A host that is always the same, and guests to be laid out on it."""

from framework.launches import every_capability, facts, new_guest, new_launch, rootfs

__all__ = ["every_capability", "facts", "new_guest", "new_launch", "rootfs"]
