"""wirt: one image, one set of verbs, three kinds of guest.

``import wirt`` is cheap: the typed client loads on first use.

>>> import wirt
>>> with wirt.Client() as host:                      # doctest: +SKIP
...     print(host.run("busybox", ["echo", "hello"]).stdout)
"""

TYPE_CHECKING = False  # type checkers take it for typing's, whose import costs the command line 15 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from wirt.client.sdk import Client, GuestOptions, Sandbox
    from wirt.version import VERSION as __version__  # noqa: N811 - the name Python packages use

__all__ = ["Client", "__version__", "sandbox"]


def sandbox(
    image: str,
    *,
    url: str = "",
    setup: "Callable[[], object] | str" = "",
    warm: int = 1,
    timeout: float | None = None,
    **options: "Unpack[GuestOptions]",
) -> "Sandbox":
    """``Client(url).sandbox(...)``: each call in a fresh clone of one warmed-up micro guest.

    >>> with wirt.sandbox("python", setup="import json") as box:      # doctest: +SKIP
    ...     box.call(sum, [1, 2, 3])
    """
    from wirt.client.sdk import Client

    return Client(url).sandbox(image, setup=setup, warm=warm, timeout=timeout, **options)


def __getattr__(name: str) -> object:
    if name == "Client":
        from wirt.client.sdk import Client

        return Client
    if name == "__version__":
        from wirt.version import VERSION

        return VERSION
    raise AttributeError(f"module 'wirt' has no attribute {name!r}")
