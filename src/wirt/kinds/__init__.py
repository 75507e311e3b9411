"""What the kinds of guest have in common, whatever runs them: who a program runs as, limits, mounts, control groups.

Nothing here knows how a guest is started; everything is a function of the request and this host's ``facts``.
"""
