"""Asking whatever listens on a port for its Kafka cluster id, in a few bytes of the protocol.

A client library would do, but it keeps threads and retries; this is one question and one answer,
and it must not take another program's server for ours.
"""

import socket
import struct

from ledger.engines.ports import LOOPBACK

PROBE_SECONDS_MAX = 2.0
ANSWER_BYTES_MAX = 1 << 20
METADATA, METADATA_VERSION, CORRELATION = 3, 4, 7
CLIENT = b"fledger"


def cluster_id(port: int) -> str | None:
    """The cluster id of the broker on this port of the loopback; None when no broker answers."""
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_SECONDS_MAX) as connection:
            connection.settimeout(PROBE_SECONDS_MAX)
            connection.sendall(_question())
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not 0 < size <= ANSWER_BYTES_MAX:
                return None
            return _cluster_id(_read(connection, size))
    except (OSError, EOFError, struct.error, UnicodeDecodeError, IndexError):
        # Nothing listens, or it does not speak Kafka: no broker of ours in either case.
        return None


def _question() -> bytes:
    """A Metadata request, version 4, for no topic; length first."""
    head = struct.pack(">hhih", METADATA, METADATA_VERSION, CORRELATION, len(CLIENT)) + CLIENT
    body = head + struct.pack(">i?", 0, False)
    return struct.pack(">i", len(body)) + body


def _cluster_id(answer: bytes) -> str | None:
    """Correlation, throttle time, brokers (id, host, port, rack), then the cluster id."""
    correlation, _throttle, brokers = struct.unpack_from(">iii", answer)
    if correlation != CORRELATION:
        return None
    at = 12
    for _ in range(brokers):
        _host, at = _text(answer, at + 4)
        _rack, at = _text(answer, at + 4)
    return _text(answer, at)[0]


def _text(answer: bytes, at: int) -> tuple[str | None, int]:
    (size,) = struct.unpack_from(">h", answer, at)
    if size < 0:
        return None, at + 2
    return answer[at + 2 : at + 2 + size].decode(), at + 2 + size


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
