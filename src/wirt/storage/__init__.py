"""What a guest reads and writes: its overlay root, what it changed there, its volumes, files copied in and out.

Everything here is synchronous and may be called from any thread. Two locks exist, both in ``volumes``, taken in this
order: a volume's own (while it is made, filled, mounted or removed), then the table's (for a moment). The engine
serializes the calls about one guest; nothing here locks guests.
"""
