"""The JVM's ahead-of-time cache for Kafka: classes loaded and linked once, mapped from then on.

It more than halves the start. The first broker of a cache folder records what it loads; after it
has stopped, a process of low priority makes the cache in the background. A cache belongs to one
Java build, one class path and one set of flags: they are in its name. A cache that the JVM refuses
all the same, or with which a broker died, is deleted and made again.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.engines import process
from ledger.engines.java import Java

JAVA_VERSION_MIN = 25
REFUSED = "[error"
REFUSED_TAG = "[aot"
HEAD_BYTES_MAX = 16 * 1024

# $1 temporary file, $2 the cache, $3 the recording, then the command
MAKE = """
new=$1 cache=$2 recording=$3
shift 3
nice -n 19 "$@" && mv -f "$new" "$cache"
rm -f "$recording" "$new"
"""


class Aot(NamedTuple):
    """The files of one cache: itself, and this home's recording for it."""

    cache_file: Path
    recording: Path

    @property
    def pid_file(self) -> Path:
        return self.cache_file.with_suffix(".pid")


def place(cache: Path, home: Path, java: Java, class_path: str, flags: Sequence[str]) -> Aot | None:
    """Where the cache for this Java, class path and flags is; None when this Java has none."""
    if java.version < JAVA_VERSION_MIN:
        return None
    key = hashlib.sha256("\n".join((java.build, class_path, *flags)).encode()).hexdigest()[:16]
    return Aot(cache / f"kafka-{key}.aot", cache / f"kafka-{key}{_recording_of(home)}")


def has_recording(cache: Path, home: Path) -> bool:
    """Whether a broker of this home left a recording, for whatever Java."""
    return any(cache.glob(f"kafka-*{_recording_of(home)}"))


def _recording_of(home: Path) -> str:
    return f".{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}.recording"


def flags(aot: Aot | None) -> list[str]:
    """What to tell the JVM: use the cache; else record for it; nothing where it cannot be kept."""
    if aot is None:
        return []
    if aot.cache_file.is_file():
        return [f"-XX:AOTCache={aot.cache_file}"]
    if process.alive(aot.pid_file) is None and os.access(aot.cache_file.parent, os.W_OK):
        return ["-XX:AOTMode=record", f"-XX:AOTConfiguration={aot.recording}"]
    return []


def forget_if_refused(aot: Aot | None, log_file: Path, offset: int) -> None:
    """Deletes the cache when the head of this run's log says that the JVM did not take it."""
    if aot is None or not aot.cache_file.is_file():
        return
    with log_file.open("rb") as log:
        log.seek(offset)
        head = log.read(HEAD_BYTES_MAX).decode(errors="replace")
    if any(REFUSED in line and REFUSED_TAG in line for line in head.splitlines()):
        forget(aot)


def forget(aot: Aot) -> None:
    aot.cache_file.unlink(missing_ok=True)


def make_in_background(aot: Aot, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Turns a finished recording into the cache, in a few seconds, without being waited for."""
    if aot.cache_file.is_file() or process.alive(aot.pid_file) is not None:
        aot.recording.unlink(missing_ok=True)
        return
    new = aot.cache_file.with_suffix(".new")
    make = ["-XX:AOTMode=create", f"-XX:AOTConfiguration={aot.recording}", f"-XX:AOTCache={new}"]
    names = [str(new), str(aot.cache_file), str(aot.recording)]
    process.start(
        ["/bin/sh", "-c", MAKE, "sh", *names, command[0], *make, *command[1:]],
        pid_file=aot.pid_file,
        log_file=aot.cache_file.with_suffix(".log"),
        cwd=aot.cache_file.parent,
        env=environment,
    )
