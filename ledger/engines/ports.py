"""TCP ports on this machine's loopback: which are free, which to take."""

import contextlib
import socket

from ledger.engines.patience import Say
from ledger.errors import EngineStartFailed, SettingsError

LOOPBACK = "127.0.0.1"
PORT_MAX = 65535


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now (a port that was just given back counts)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            # Binding alone does not tell: with SO_REUSEADDR two may bind, only one may listen.
            probe.listen(1)
        except OSError:
            return False
    return True


def any_free(avoid: int = 0) -> int:
    """A port that the system says is free, and not `avoid`."""
    with contextlib.ExitStack() as open_ones:
        while True:
            one = open_ones.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            one.bind((LOOPBACK, 0))
            port = int(one.getsockname()[1])
            if port != avoid:
                return port


def choose(remembered: int, what: str, say: Say, avoid: int = 0) -> int:
    """The remembered port while it is free, else a free one; says so when it had to change."""
    if remembered and remembered != avoid and is_free(remembered):
        return remembered
    port = any_free(avoid)
    if remembered:
        say(f"{what}: port {remembered} is taken by another program now; using {port}")
    return port


def fixed(text: str, variable: str) -> int:
    """The port that a setting fixes.

    Raises `SettingsError` when `text` is no port, `EngineStartFailed` when the port is taken.
    """
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= PORT_MAX):
        raise SettingsError(
            f"{variable} is {text!r}, which is no port (1 to {PORT_MAX})",
            remedy=f"correct {variable}, or unset it and let fledger choose",
        )
    if not is_free(int(text)):
        raise EngineStartFailed(
            f"port {text} ({variable}) is taken by another program",
            remedy=f"stop what listens on {LOOPBACK}:{text}, or unset {variable}",
        )
    return int(text)
