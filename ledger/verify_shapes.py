"""What a verification reports."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

FINDINGS_MAX: Final = 1_000
"""Kept and shown; more are only counted."""


class Finding(NamedTuple):
    """One thing that is not as it was archived: where, what, expected and found."""

    position: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.position}: {self.what}: expected {self.expected}, found {self.found}"


class Seen(NamedTuple):
    """Where a verification is: for a progress bar."""

    stream: str
    offset: int
    end: int
    events: int


@dataclass
class Report:
    """What was read and compared, and every finding, in the order of streams and offsets."""

    streams: int = 0
    records: int = 0
    """Offsets in the archive, each rebuilt and hashed."""
    events: int = 0
    compared: int = 0
    """Records that Kafka still holds, compared byte by byte."""
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    findings_beyond: int = 0
    """Findings not kept because there were too many."""

    @property
    def clean(self) -> bool:
        return not self.findings

    def add(self, position: object, what: str, expected: object, found: object) -> None:
        """Note one finding."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(str(position), what, str(expected), str(found)))
        else:
            self.findings_beyond += 1
