"""Machines: guests on full virtual hardware, through QEMU. Here today: the proof that QEMU boots, ``probe``."""
