"""``wirt trace``: a guest process shows each of its steps to somebody outside, while it is asked to.

``tracer`` answers the order, ``loop`` is what its threads run meanwhile, ``decode`` says what a call's words mean, from
the tables in ``shapes`` and ``names``; ``choice`` knows what may be asked for. A process that is not traced has none of
this on its way.
"""
