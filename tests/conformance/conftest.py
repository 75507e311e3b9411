"""What takes minutes runs when it is asked for: ``make conformance``."""

from __future__ import annotations

import os

_SUITES = ["test_applications.py", "test_cpython.py", "test_programs.py"]
collect_ignore = [] if os.environ.get("WIRT_CONFORMANCE") == "all" else _SUITES
