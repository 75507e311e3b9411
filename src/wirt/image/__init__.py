"""Images: an OCI layout of blobs, their layers unpacked for overlayfs, and every way in and out of both.

``store`` is the door. Behind it ``repository`` joins ``catalog`` (index.json), ``blobs`` and ``layers``; ``load``,
``save``, ``making`` and ``removal`` are the verbs, and ``bootstrap`` makes base images out of Debian packages.
"""

from __future__ import annotations

from wirt.image.store import ImageStore

__all__ = ["ImageStore"]
