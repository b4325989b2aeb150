"""TCP ports on this machine's loopback: which are free, which to take."""

import contextlib
import socket

from ledger.engines.patience import Say
from ledger.errors import EngineStartFailed

LOOPBACK = "127.0.0.1"


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


def any_free(count: int) -> list[int]:
    """`count` different ports that the system says are free."""
    with contextlib.ExitStack() as open_ones:
        taken = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in taken]


def choose(remembered: int, fixed: str, what: str, say: Say) -> int:
    """The port to use: the fixed one, else the remembered one while it is free, else a free one.

    `fixed` is the text of a setting, empty when it is not set. Raises `EngineStartFailed` when it
    is taken or no port.
    """
    if fixed:
        if not fixed.isascii() or not fixed.isdigit() or not 0 < int(fixed) <= 65535:
            raise EngineStartFailed(
                f"{what}: FLEDGER_KAFKA_PORT is {fixed!r}, which is no port (1 to 65535)",
                remedy="correct FLEDGER_KAFKA_PORT, or unset it and let fledger choose",
            )
        if not is_free(int(fixed)):
            raise EngineStartFailed(
                f"{what}: port {fixed} (FLEDGER_KAFKA_PORT) is taken by another program",
                remedy=f"stop what listens on {LOOPBACK}:{fixed}, or unset FLEDGER_KAFKA_PORT",
            )
        return int(fixed)
    if remembered and is_free(remembered):
        return remembered
    port = any_free(1)[0]
    if remembered:
        say(f"{what}: port {remembered} is taken by another program now; using {port}")
    return port
