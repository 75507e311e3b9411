"""What pyproject.toml cannot say: the extension module for micro guests, which are for x86-64 only.

It is optional: without a compiler or elsewhere wirt installs without it, and runs containers and machines.
"""

import platform

from setuptools import Extension, setup

_FLAGS = ["-O2", "-Wall", "-Wextra"]

setup(
    ext_modules=[
        Extension("wirt.host._native", ["src/wirt/host/_native.c"], extra_compile_args=_FLAGS, optional=True),
    ]
    if platform.machine() == "x86_64"
    else [],
)
