"""Requests whose bodies and answers are dataclasses."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import msgspec

from wirt.client.connection import Response
from wirt.client.transport import Transport, Upgraded
from wirt.errors import RuntimeFailure

__all__ = ["Calls", "Filters", "filter_list"]

T = TypeVar("T")

# {"status": "running", "label": ["a", "b=c"]}
Filters = Mapping[str, str | Sequence[str]]


class Calls:
    """A transport that speaks in types. ``target`` and ``query`` are as ``Transport`` has them."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def get(self, into: type[T], target: str, query: Mapping[str, Any] | None = None) -> T:
        return self.ask(into, "GET", target, query=query)

    def ask(
        self, into: type[T], method: str, target: str, *, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> T:
        """The ``into`` that is answered; ``body`` is a dataclass or None."""
        json = None if body is None else msgspec.to_builtins(body)
        with _reading(self.transport.request(method, target, query=query, json=json)) as response:
            return msgspec.json.decode(response.read(), type=into)

    def tell(self, method: str, target: str, *, body: Any = None, query: Mapping[str, Any] | None = None) -> None:
        """A request without an answer."""
        json = None if body is None else msgspec.to_builtins(body)
        self.transport.request(method, target, query=query, json=json).close()

    def lines(
        self,
        into: type[T],
        method: str,
        target: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
    ) -> Generator[T, None, None]:
        """The values of an answer of JSON lines, as they come. The request is made at once, not at the first step."""
        plain = None if json is None else msgspec.to_builtins(json)
        reading = _reading(self.transport.request(method, target, query=query, body=body, json=plain))

        def values() -> Generator[T, None, None]:
            decoder = msgspec.json.Decoder(into)
            with reading as response:
                for line in response.lines():
                    yield decoder.decode(line)

        return values()

    def stream(self, target: str, query: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """An answer's bytes, as they come."""
        reading = self.file(target, query)

        def pieces() -> Iterator[bytes]:
            with reading as response:
                yield from response

        return pieces()

    def file(self, target: str, query: Mapping[str, Any] | None = None) -> AbstractContextManager[Response]:
        """An answer to read from as from a file."""
        return _reading(self.transport.request("GET", target, query=query))

    def upgrade(self, target: str, body: Any) -> Upgraded:
        return self.transport.upgrade(target, json=msgspec.to_builtins(body))


@contextmanager
def _reading(response: Response) -> Iterator[Response]:
    try:
        with response:
            yield response
    except ConnectionError as error:
        raise RuntimeFailure("the answer broke off", hint="the daemon's log may say why") from error


def filter_list(filters: Filters | None) -> list[str]:
    """Filters as the API's ``filter`` parameters."""
    return [
        f"{name}={value}"
        for name, values in (filters or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
