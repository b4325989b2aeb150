"""Every error of the ledger, in one tree. The branch tells what a caller can do.

    LedgerError                    exit code of the command line
    ├── UsageError                 2   the call, the file or a setting is wrong; nothing was done
    │   ├── SettingsError              an unknown key or a bad value, and where it was set
    │   ├── FormatError                a file whose columns or format are not understood
    │   └── NaiveTime                  a time without a zone
    ├── EngineUnreachable          3   Kafka or PostgreSQL does not answer; repeat when it does
    │   ├── EngineStartFailed          an embedded engine did not come up
    │   └── AppendStalled              no delivery for longer than the stall limit
    ├── Refused                    4   doing it would break a promise of the ledger
    │   ├── UnknownInstrument          no definition, or its copy is not yet in the partition
    │   ├── DefinitionConflict         an id is already defined with other contents
    │   ├── ForeignLedger              another ledger's topics, cut or position
    │   ├── AttachRefused              the topics and the archive do not belong together
    │   ├── ArchiveBehind              the archive has not reached it, or nobody fills it
    │   ├── Fenced                     another archiver took over this stream
    │   ├── NotYetKnown                a cut the log has not reached
    │   └── DoneInPart                 some rows were quarantined, or input was damaged
    └── IntegrityBroken            5   bytes differ, are missing or are too many

Each carries the position it speaks of, where there is one, and a remedy: a command to run or a
change to make. Mistakes of our own code are `ValueError`, `TypeError` or `AssertionError` and are
never caught.
"""

from typing import ClassVar


class LedgerError(Exception):
    """The root. `message` says what and where, `remedy` what to do, `position` which event."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, remedy: str = "", position: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.position = position

    def __str__(self) -> str:
        where = f" (at {self.position})" if self.position else ""
        then = f"\n  try: {self.remedy}" if self.remedy else ""
        return f"{self.message}{where}{then}"


class UsageError(LedgerError):
    """The call, the file or a setting is wrong; nothing was done."""

    exit_code = 2


class SettingsError(UsageError):
    """An unknown key or a bad value; the message says where it was set and what is allowed."""


class FormatError(UsageError):
    """A file whose columns or format are not understood; nothing was appended."""


class NaiveTime(UsageError):
    """A time without a zone: it names no moment."""


class EngineUnreachable(LedgerError):
    """Kafka or PostgreSQL does not answer. What was acknowledged is safe; repeat the rest."""

    exit_code = 3


class EngineStartFailed(EngineUnreachable):
    """An embedded engine did not come up; the message ends with the last lines of its log."""


class AppendStalled(EngineUnreachable):
    """No delivery for longer than the stall limit, or a delivery failed; the appender is closed."""


class Refused(LedgerError):
    """Doing it would break a promise of the ledger."""

    exit_code = 4


class UnknownInstrument(Refused):
    """No definition of this name, or its copy is not yet in its partition."""


class DefinitionConflict(Refused):
    """An id is already defined with other contents; definitions never change."""


class ForeignLedger(Refused):
    """The topics, the cut or the position belong to another ledger."""


class AttachRefused(Refused):
    """The topics and the archive do not belong together (invariants I4 to I6)."""


class ArchiveBehind(Refused):
    """The archive has not reached what was asked, or nobody fills it."""


class Fenced(Refused):
    """Another archiver took over this stream; this one stops."""


class NotYetKnown(Refused):
    """A cut the log has not reached."""


class DoneInPart(Refused):
    """Some rows were quarantined, or the input was damaged; the rest was appended."""


class IntegrityBroken(LedgerError):
    """Bytes differ, are missing or are too many."""

    exit_code = 5
