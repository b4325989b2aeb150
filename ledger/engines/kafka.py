"""The embedded Kafka: one KRaft node on the loopback, formatted once, started and stopped.

Kafka does not fsync: after a power cut its end may lie behind the archive, which attaching checks.
"""

import signal
from collections.abc import Mapping

from ledger.engines import aot, jars, kafka_setup, ports, probe, process
from ledger.engines.home import Home
from ledger.engines.patience import Patience
from ledger.errors import EngineStartFailed

NAME = "kafka"
PORT_VARIABLE = "FLEDGER_KAFKA_PORT"
START_ATTEMPTS_MAX = 3
START_SECONDS_MAX = 180.0
STOP = (process.Step(signal.SIGTERM, 60.0), process.Step(signal.SIGKILL, 10.0))
KILL = (process.Step(signal.SIGKILL, 10.0),)
PORT_TAKEN = "Address already in use"


def start(home: Home, patience: Patience, environment: Mapping[str, str]) -> str:
    """Starts the broker unless it runs. Returns its address once it answers as our cluster.

    Raises `EngineStartFailed`, ending with the broker's last words, when it does not come up.
    """
    home.kafka.mkdir(exist_ok=True)
    if process.alive(home.pid_file(NAME)) is None:
        _settle(home)
    if process.resume(home.pid_file(NAME)) and (address := _wait(home, 0, patience)):
        return address
    jvm = kafka_setup.jvm(home, patience, environment)
    kafka_setup.make_data(home, jvm, patience)
    for attempt in range(1, START_ATTEMPTS_MAX + 1):
        offset = _launch(home, jvm, patience, environment)
        if address := _wait(home, offset, patience):
            aot.forget_if_refused(jvm.aot, home.log_file(NAME), offset)
            return address
        words = process.last_lines(home.log_file(NAME), offset)
        if attempt == START_ATTEMPTS_MAX or not _may_help(jvm, words):
            raise EngineStartFailed(
                f"Kafka ended while starting; {home.log_file(NAME)} ends with:\n{words}",
                remedy="mend what the log names, then repeat",
            )
        patience.say(f"Kafka did not start; once more ({attempt + 1})")
    raise AssertionError("the last attempt returns or raises")


def running(home: Home) -> str | None:
    """The broker's address, if our process runs and answers with our cluster id."""
    if process.alive(home.pid_file(NAME)) is None:
        return None
    record = home.record().kafka
    ours = record.port and probe.cluster_id(record.port) == record.cluster_id
    return f"{ports.LOOPBACK}:{record.port}" if ours else None


def stop(home: Home, patience: Patience, environment: Mapping[str, str]) -> bool:
    """Stops the broker; True when it ran. `EngineStartFailed` when not even SIGKILL ends it."""
    try:
        sent = process.stop(home.pid_file(NAME), STOP)
    except TimeoutError as error:
        raise EngineStartFailed(f"Kafka: {error}", remedy="look at the machine's disk") from error
    if sent is signal.SIGKILL:
        patience.say(f"Kafka did not stop in {STOP[0].seconds_max:.0f} s and was killed")
    if sent is not None:
        _learn(home, patience, environment)
    return sent is not None


def _learn(home: Home, patience: Patience, environment: Mapping[str, str]) -> None:
    """Makes the cache of the recording that this broker left, if it left one."""
    if aot.has_recording(kafka_setup.cache_folder(environment), home.path):
        jvm = kafka_setup.jvm(home, patience, environment)
        if jvm.aot is not None and jvm.aot.recording.is_file():
            aot.make_in_background(jvm.aot, jvm.command, jvm.environment)


def version() -> str:
    return jars.kafka_version(jars.read_lock())


def _settle(home: Home) -> None:
    """What works in our folder without a pid file: our broker is taken over, the rest is ended."""
    record = home.record().kafka
    left = process.inside(home.kafka, frozenset({"java"}))
    if len(left) == 1 and record.port and probe.cluster_id(record.port) == record.cluster_id:
        process.claim(home.pid_file(NAME), left[0])
    else:
        process.end(left, KILL)


def _launch(
    home: Home, jvm: kafka_setup.Jvm, patience: Patience, environment: Mapping[str, str]
) -> int:
    """Chooses ports, writes the properties, starts the broker. Returns where its log begins."""
    record = home.record().kafka
    fixed = environment.get(PORT_VARIABLE, "")
    if fixed:
        port = ports.fixed(fixed, PORT_VARIABLE)
    else:
        port = ports.choose(record.port, "Kafka", patience.say)
    controller = ports.choose(record.controller_port, "Kafka's controller", patience.say, port)
    settings = home.kafka / "server.properties"
    kafka_setup.write_properties(settings, port=port, controller_port=controller, data="data")
    home.change_kafka(port=port, controller_port=controller)
    try:
        return process.start(
            [*jvm.command[:1], *aot.flags(jvm.aot), *jvm.command[1:], "kafka.Kafka", settings.name],
            pid_file=home.pid_file(NAME),
            log_file=home.log_file(NAME),
            cwd=home.kafka,
            env=jvm.environment,
        ).log_offset
    except OSError as error:
        raise EngineStartFailed(f"Kafka could not be started: {error}") from error


def _wait(home: Home, offset: int, patience: Patience) -> str:
    """The address once the broker answers as ours; "" when it ends instead."""

    def outcome() -> str | None:
        return "" if process.alive(home.pid_file(NAME)) is None else running(home)

    try:
        return patience.until("Kafka is starting", outcome, seconds_max=START_SECONDS_MAX)
    except TimeoutError:
        words = process.last_lines(home.log_file(NAME), offset)
        raise EngineStartFailed(
            f"Kafka runs but does not answer after {START_SECONDS_MAX:.0f} s; "
            f"{home.log_file(NAME)} ends with:\n{words}",
            remedy="fledger down, then fledger up",
        ) from None


def _may_help(jvm: kafka_setup.Jvm, words: str) -> bool:
    """Whether another attempt may end differently: without the AOT cache, or with another port."""
    if jvm.aot is not None and jvm.aot.cache_file.is_file():
        aot.forget(jvm.aot)
        return True
    return PORT_TAKEN in words
