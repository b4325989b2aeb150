"""What Kafka needs before it can start: a Java command, a formatted data folder, its properties.

Paths never stand in the properties (Kafka reads them as lists, in Latin-1): its programs work in
`home/kafka`, and the data folder is `data` there.
"""

import base64
import contextlib
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ledger.engines import aot, jars, java, ports, process
from ledger.engines.home import Home
from ledger.engines.patience import Patience
from ledger.errors import EngineStartFailed, SettingsError

FORMAT_SECONDS_MAX = 120.0

# A broker that was killed may come back only when its session has run out: short, but longer than
# the pauses of a busy machine. Consumer groups: tests need short sessions, and no waiting to join.
PROPERTIES = """\
# Written at each start by fledger; changes here are lost.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2500
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=8388608
"""

JVM_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError")
LOGGING = tuple(
    f"-Dorg.slf4j.simpleLogger.{setting}"
    for setting in (
        "showDateTime=true",
        "dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS",
        # every broker setting, three times at each start
        "log.org.apache.kafka.common.config.AbstractConfig=warn",
    )
)


# All that a format can leave; a data folder with anything else was in use.
HALF_MADE = frozenset({"bootstrap.checkpoint", "meta.properties.tmp", "bootstrap.checkpoint.tmp"})


class Jvm(NamedTuple):
    """How Kafka's programs are run in this home."""

    command: tuple[str, ...]
    aot: aot.Aot | None
    environment: dict[str, str]


def cache_folder(environment: Mapping[str, str]) -> Path:
    """FLEDGER_CACHE, else ~/.cache/fledger: what can be had again, shared by all homes."""
    named = environment.get("FLEDGER_CACHE")
    return Path(named).expanduser().resolve() if named else Path.home() / ".cache" / "fledger"


def jvm(home: Home, patience: Patience, environment: Mapping[str, str]) -> Jvm:
    """The Java command with Kafka's jars, which are fetched if they are not all there."""
    runtime = java.find(environment)
    cache = cache_folder(environment)
    if os.pathsep in str(cache):
        raise SettingsError(
            f"the cache folder {cache} has a {os.pathsep} in its name, which Java cannot take",
            remedy="set FLEDGER_CACHE to another folder",
        )
    class_path = os.pathsep.join(str(jar) for jar in jars.class_path(cache, patience))
    command = (str(runtime.command), *JVM_FLAGS, *LOGGING, "-cp", class_path)
    return Jvm(
        command,
        aot.place(cache, home.path, runtime, class_path, JVM_FLAGS),
        process.plain_environment(environment),
    )


def write_properties(path: Path, *, port: int, controller_port: int, data: str) -> None:
    values = {"host": ports.LOOPBACK, "port": port, "controller_port": controller_port}
    path.write_text(PROPERTIES.format(**values, data=data), encoding="ascii")


def make_data(home: Home, machine: Jvm, patience: Patience) -> None:
    """Makes sure that the data folder is there, whole, and this home's; formats it once.

    A format happens beside the place and is moved there when it is whole. Raises
    `EngineStartFailed` for a folder that is damaged or another cluster's: data is never removed.
    """
    data = home.kafka / "data"
    remembered = home.record().kafka.cluster_id
    found = _formatted_as(data)
    if found is None and data.exists():
        if {entry.name for entry in data.iterdir()} - HALF_MADE - {"meta.properties"}:
            raise EngineStartFailed(
                f"{data} is damaged: its meta.properties is gone",
                remedy=f"restore {data} from a backup, or choose another --home and load again",
            )
        shutil.rmtree(data)
    if found is None:
        if remembered:
            patience.say(f"Kafka's data is gone from {data}; making an empty cluster")
        found = _format(home, machine, patience)
    elif remembered and found != remembered:
        raise EngineStartFailed(
            f"{data} holds cluster {found}, this home's is {remembered}",
            remedy=f"put the right data folder back at {data}",
        )
    if found != remembered:
        home.change_kafka(cluster_id=found)


def _format(home: Home, machine: Jvm, patience: Patience) -> str:
    new, cluster_id = home.kafka / "data.new", _new_cluster_id()
    shutil.rmtree(new, ignore_errors=True)
    settings = home.kafka / "format.properties"
    write_properties(settings, port=1, controller_port=2, data=new.name)
    patience.run(
        "formatting Kafka's data folder",
        [
            *machine.command,
            *("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", settings.name),
        ],
        cwd=home.kafka,
        env=machine.environment,
        seconds_max=FORMAT_SECONDS_MAX,
    )
    settings.unlink()
    new.replace(home.kafka / "data")
    return cluster_id


def _formatted_as(data: Path) -> str | None:
    """The cluster id in a data folder, None when it is not (wholly) formatted."""
    with contextlib.suppress(OSError):
        lines = (data / "meta.properties").read_text(encoding="utf-8").splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return values.get("cluster.id") or None
    return None


def _new_cluster_id() -> str:
    """A random UUID as Kafka writes it; not starting with "-", which its tool takes for a flag."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
