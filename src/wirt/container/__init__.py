"""The ``container`` kind: namespaces and cgroups, made by an OCI runtime (crun or runc) from what we write for it."""
