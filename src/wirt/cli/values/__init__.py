"""Readers of flags' arguments: each takes the text as typed and gives the JSON the daemon wants, or ``ValueError``.

A flag names its reader ("scalars.size"), so that a module is loaded only when one of its flags is used.
"""
