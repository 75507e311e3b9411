"""Where wirt keeps its things: one rule for the daemon that makes the folders and the client that looks for them.

===========  ==================  =====================================  ==============
folder       root                anybody else                           overridden by
===========  ==================  =====================================  ==============
state        /var/lib/wirt       $XDG_DATA_HOME or ~/.local/share       WIRT_STATE
run          /run/wirt           $XDG_RUNTIME_DIR or /tmp/wirt-<uid>    WIRT_RUN
config file  /etc/wirt           $XDG_CONFIG_HOME or ~/.config          WIRT_CONFIG
===========  ==================  =====================================  ==============

Paths are plain strings and nothing but ``os`` is imported: every start of the command line passes through here, and
``pathlib`` alone would cost it several milliseconds.
"""

from __future__ import annotations

import os

__all__ = ["SYSTEM_RUN", "config_file", "run_folder", "socket_path", "state_folder", "token_file"]

SYSTEM_RUN = "/run/wirt"


def state_folder() -> str:
    """Database, images, layers, guests and volumes."""
    return os.environ.get("WIRT_STATE") or _folder("/var/lib/wirt", "XDG_DATA_HOME", "~/.local/share")


def run_folder() -> str:
    """Sockets, pid files and namespaces: gone after a reboot."""
    if os.environ.get("WIRT_RUN"):
        return os.environ["WIRT_RUN"]
    if os.geteuid() == 0:
        return SYSTEM_RUN
    base = os.environ.get("XDG_RUNTIME_DIR")
    return f"{base}/wirt" if base else f"/tmp/wirt-{os.geteuid()}"  # noqa: S108 - made 0700, and refused if another's


def config_file() -> str:
    """The daemon's settings; the file need not exist."""
    folder = _folder("/etc/wirt", "XDG_CONFIG_HOME", "~/.config")
    return os.environ.get("WIRT_CONFIG") or f"{folder}/config.toml"


def token_file() -> str:
    """The tokens of clients on TCP, beside the settings; the file need not exist."""
    return os.path.join(os.path.dirname(config_file()), "tokens")


def socket_path(run: str) -> str:
    """The daemon's socket in a run folder."""
    return f"{run}/wirt.sock"


def _folder(system: str, variable: str, fallback: str) -> str:
    if os.geteuid() == 0:
        return system
    return f"{os.environ.get(variable) or os.path.expanduser(fallback)}/wirt"
