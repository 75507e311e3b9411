"""Handlers by subject; each module ends with its ``CALLS``."""
