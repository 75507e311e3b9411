"""A guest process that is written down, and one that goes on where another was.

``hold`` makes its threads stand still, ``state`` and ``descriptors`` say what it is, as plain data; the memory itself
is read from outside, by whoever asked (``micro.capture``). ``resume`` is the other direction: in a jail of its own, a
process becomes what was written down. Everything there was written by a guest's monitor, so nothing outside of a jail
may read it.
"""
