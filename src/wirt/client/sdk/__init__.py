"""wirt in Python: a typed client.

::

    import wirt

    with wirt.Client() as host:
        print(host.run("busybox", ["echo", "hello"], memory="64m").stdout)

        with host.guests.run("busybox", "sleep 60", name="web", ports={8080: 80}) as guest:
            guest.exec("ls /").stdout
            guest.logs()

What the host answers are the dataclasses of ``wirt.model``, what goes wrong the classes of ``wirt.errors``. Every call
has a connection of its own, so any number of threads may share a client, and nothing is open between calls.
"""

from wirt.client.sdk.client import Client
from wirt.client.sdk.guest import Guest
from wirt.client.sdk.guests import Guests
from wirt.client.sdk.images import Images
from wirt.client.sdk.networks import Networks, Volumes
from wirt.client.sdk.options import GuestOptions
from wirt.client.sdk.sandbox import CallFailed, Sandbox
from wirt.client.sdk.session import RunResult
from wirt.client.sdk.snapshots import Snapshots

__all__ = [
    "CallFailed",
    "Client",
    "Guest",
    "GuestOptions",
    "Guests",
    "Images",
    "Networks",
    "RunResult",
    "Sandbox",
    "Snapshots",
    "Volumes",
]
