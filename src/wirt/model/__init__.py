"""The vocabulary: plain frozen dataclasses that cross package borders and the wire.

Nothing here acts. The same classes are what the REST API takes and returns (their JSON is the field names as they
stand), what the store keeps, and what the kinds of guest receive. Units are in the names or the docstrings: memory in
bytes, times in Unix seconds (float), durations in seconds (float), CPU in whole processors (1.5 = one and a half).
"""
