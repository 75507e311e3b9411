"""The one way trees of files come out of tar streams and go into them: layers, cp, export, commit and import."""

from __future__ import annotations

from wirt.host.tar_reader import Readable
from wirt.host.tarfs_read import OPAQUE, UnpackResult, unpack
from wirt.host.tarfs_write import PackResult, Writable, pack

__all__ = ["OPAQUE", "PackResult", "Readable", "UnpackResult", "Writable", "pack", "unpack"]
