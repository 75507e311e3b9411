"""Plain data from somebody who is not trusted: numbers, text, bytes, lists, dictionaries, dates ...

It comes as a pickle, of which few codes are understood. Those are left out that call things, or change what is there
already, or say one thing several times: what is made is as large as what was sent, and a tree.
"""

from __future__ import annotations

import io
import pickle
import uuid
from collections.abc import Callable
from typing import Any

from wirt.errors import RuntimeFailure

__all__ = ["plain"]

_CLASSES = frozenset(
    (
        ("builtins", "complex"), ("builtins", "range"), ("builtins", "slice"),
        ("datetime", "date"), ("datetime", "datetime"), ("datetime", "time"), ("datetime", "timedelta"),
        ("datetime", "timezone"), ("decimal", "Decimal"), ("uuid", "UUID"), ("collections", "OrderedDict"),
    )
)  # fmt: skip
_CODES = (
    "PROTO FRAME STOP MARK POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS "
    "EMPTY_SET ADDITEMS FROZENSET STACK_GLOBAL REDUCE NEWOBJ"
)

_Loader: Any = pickle._Unpickler  # the one in Python: a table says what each code does


class _Plain(_Loader):  # type: ignore[misc]
    """``pickle.Unpickler`` without the rest of the codes."""

    dispatch: dict[int, Callable[[Any], None]]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _CLASSES:
            return super().find_class(module, name)
        raise RuntimeFailure(f"the result holds a {module:.100}.{name:.100}, which is no plain data")

    def build(self) -> None:
        """BUILD, whose only use is a UUID's: an instance's, as it could change a class as well."""
        state = self.stack.pop()
        made = self.stack[-1]
        if type(made) is not uuid.UUID or not isinstance(number := state["int"], int) or number >> 128:
            raise ValueError("an object of no known kind")
        self.stack[-1] = uuid.UUID(int=number)

    def buffer(self) -> None:
        """BYTEARRAY8: no larger than what is there."""
        size = int.from_bytes(self.read(8), "little")
        content = self.read(size)
        if len(content) < size:
            raise EOFError
        self.append(bytearray(content))


def _table() -> dict[int, Callable[[Any], None]]:
    found = {code: _Loader.dispatch[code] for code in (getattr(pickle, name)[0] for name in _CODES.split())}
    return found | {pickle.BUILD[0]: _Plain.build, pickle.BYTEARRAY8[0]: _Plain.buffer}


_Plain.dispatch = _table()


def plain(data: bytes) -> Any:
    """``data``: a pickle of protocol 4 or 5 without memory (``Pickler.fast``). RuntimeFailure for what it is not."""
    try:
        return _Plain(io.BytesIO(data)).load()
    except RuntimeFailure:
        raise
    except Exception as error:
        raise RuntimeFailure(f"the guest did not answer as it should: {type(error).__name__}") from error
