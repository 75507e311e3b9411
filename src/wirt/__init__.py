"""wirt: one image, one set of verbs, three kinds of guest.

``import wirt`` is cheap: the typed client loads on first use.

>>> import wirt
>>> with wirt.Client() as host:                      # doctest: +SKIP
...     print(host.run("busybox", ["echo", "hello"]).stdout)
"""

TYPE_CHECKING = False  # type checkers take it for typing's, whose import costs the command line 15 ms
if TYPE_CHECKING:
    from wirt.client.sdk import Client
    from wirt.version import VERSION as __version__  # noqa: N811 - the name Python packages use

__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Client":
        from wirt.client.sdk import Client

        return Client
    if name == "__version__":
        from wirt.version import VERSION

        return VERSION
    raise AttributeError(f"module 'wirt' has no attribute {name!r}")
