"""The way to the daemon: HTTP/1.1 over its unix socket, frames on upgraded connections, and a typed SDK on top.

Standard library only, and little of it: every ``wirt`` command pays for what is imported here. ``wirt.client.sdk``
is the exception, loaded when a program asks for ``wirt.Client``.
"""
