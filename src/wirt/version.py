"""The version, where every layer may read it: the package itself exports the client, which not every layer may know."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
