"""What pyproject.toml cannot say: what is compiled for micro guests, which are for x86-64 only.

The extension module and the function library are optional: without a compiler or elsewhere wirt installs without them,
and runs containers and machines.
"""

import platform
import runpy
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

_FLAGS = ["-O2", "-Wall", "-Wextra"]


class _BuildPy(build_py):
    """The function library is package data that must be there before package data are collected."""

    def run(self) -> None:
        try:
            runpy.run_path("src/wirt/vmm/vmi/build.py")["build"]()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"warning: the function library of micro guests was not built: {error}", file=sys.stderr)
        super().run()


if platform.machine() == "x86_64":
    setup(
        cmdclass={"build_py": _BuildPy},
        ext_modules=[
            Extension("wirt.host._native", ["src/wirt/host/_native.c"], extra_compile_args=_FLAGS, optional=True),
        ],
    )
else:
    setup()
