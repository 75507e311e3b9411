"""What takes minutes runs when it is asked for: ``make conformance``."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("WIRT_CONFORMANCE") == "all" else ["test_cpython.py"]
