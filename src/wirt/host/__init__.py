"""Thin wrappers over host calls: one function a call, ``OSError`` with the call's name, no policy."""
