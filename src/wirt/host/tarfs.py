"""The one way trees of files come out of tar streams and go into them: layers, cp, export, commit and import."""

from __future__ import annotations

from wirt.host.tarfs_read import UnpackResult, unpack
from wirt.host.tarfs_write import PackResult, pack

__all__ = ["PackResult", "UnpackResult", "pack", "unpack"]
