"""What went wrong at the daemon, or on the way to it, as the exceptions of ``wirt.errors``."""

from __future__ import annotations

from wirt import errors
from wirt.client.wire import decode

__all__ = ["error_from_body", "error_from_reply", "unreachable"]

_BY_STATUS: dict[int, type[errors.WirtError]] = {  # for answers without a body: those to HEAD
    400: errors.InvalidInput,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    503: errors.Unavailable,
    507: errors.OutOfSpace,
}


def error_from_reply(status: int, text: bytes) -> errors.WirtError:
    """The error an answer of 400 and above stands for, also where a proxy or a broken daemon wrote it."""
    try:
        body = decode(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and "message" in body:
        return error_from_body(body)
    words = text.decode(errors="replace").strip().splitlines()
    detail = f": {words[0][:200]}" if words else ""
    kind = _BY_STATUS.get(status, errors.RuntimeFailure)
    return kind(f"the daemon answered with status {status}{detail}", hint="its daemon.log may say more")


def error_from_body(body: dict[str, object]) -> errors.WirtError:
    """The error that JSON ``{"error", "message", "hint", "exit_code"}`` describes."""
    message, hint = str(body["message"]), str(body.get("hint") or "")
    name = "".join(word.capitalize() for word in str(body.get("error", "")).split("_"))
    kind = getattr(errors, name, None) if name in errors.__all__ else None
    code = body.get("exit_code")
    if kind is errors.StartFailed:
        return errors.StartFailed(message, exit_code=code if isinstance(code, int) else 125, hint=hint)
    return (kind or errors.RuntimeFailure)(message, hint=hint)


def unreachable(address: object, cause: OSError) -> errors.WirtError:
    """Nobody answers at ``address``, or not to us."""
    if isinstance(cause, PermissionError):
        return errors.Forbidden(
            f"you may not talk to the daemon at {address}",
            hint="run the command as root, or become a member of the group wirt",
        )
    reason = cause.strerror or str(cause)
    return errors.Unavailable(f"no daemon answers at {address}: {reason}", hint="start one with: wirt daemon")
