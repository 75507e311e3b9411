"""The OCI image specification 1.1, and what Docker wrote before it: media types, annotations, files of a layout.

See image-spec/media-types.md, annotations.md and image-layout.md; distribution's "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

# media-types.md
MEDIA_TYPE_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_TYPE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_TYPE_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_TYPE_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_TYPE_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
MEDIA_TYPE_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

# Docker's own, of the same structure
DOCKER_TYPE_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_TYPE_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEX_TYPES = frozenset({MEDIA_TYPE_INDEX, DOCKER_TYPE_INDEX})
MANIFEST_TYPES = frozenset({MEDIA_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST})

# annotations.md
ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name"
# containerd's full name beside a ref.name that is only a tag; Docker and BuildKit write it too
ANNOTATION_CONTAINERD_NAME = "io.containerd.image.name"

# image-layout.md
LAYOUT_FILE = "oci-layout"
LAYOUT_VERSION = "1.0.0"
INDEX_FILE = "index.json"
BLOBS_FOLDER = "blobs"
