"""Tokens are made on the host that accepts them, by whoever may write its settings; no daemon is asked."""

from __future__ import annotations

from wirt.cli.options import Call
from wirt.client.address import find_address
from wirt.errors import Forbidden
from wirt.host.folders import token_file

__all__ = ["token_path"]


def token_path(call: Call) -> str:
    """The file of this host's tokens; ``Forbidden`` where another host is meant."""
    address = find_address(call.host)
    if not address.path:
        raise Forbidden(f"tokens of {address} are managed on that host alone", hint="log in there; or unset WIRT_HOST")
    return token_file()
