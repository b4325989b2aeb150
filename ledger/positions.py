"""Where an event stands (`Position`) and a consistent prefix of the ledger (`Cut`).

A position orders events inside one partition; it is never a timestamp. A cut is one exclusive
offset per market partition of an epoch and nothing else: definitions belong to it by their in-band
copies, feature rows by their cause.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final, NewType

from ledger.errors import ForeignLedger, UsageError

LedgerId = NewType("LedgerId", bytes)  # 16 random bytes, made once in EpochStarted

CUT_PARTITIONS_SPELLED_MAX: Final = 16

_POSITION = re.compile(r"(?:L([0-9a-f]{32})/e(\d+)/)?([mfc])(\d+):(\d+):(\d+)")
_CUT = re.compile(r"(?:L([0-9a-f]{32})/)?e(\d+)([@~])(.+)")


def partition_of(symbol: str, partitions: int) -> int:
    """The market partition of an instrument: ours, so no client's default can move it."""
    digest = hashlib.sha256(symbol.encode()).digest()
    return int.from_bytes(digest[:8], "little") % partitions


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One event: topic letter (m market, f features, c control), partition, offset, index."""

    topic: str
    partition: int
    offset: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.topic}{self.partition}:{self.offset}:{self.index}"

    def cite(self, ledger: LedgerId, epoch: int) -> str:
        """The full form, for receipts and exports."""
        return f"L{ledger.hex()}/e{epoch}/{self}"

    @classmethod
    def parse(cls, text: str, *, ledger: LedgerId | None = None) -> "Position":
        """Read either form. Raises UsageError, or ForeignLedger when it cites another ledger."""
        found = _POSITION.fullmatch(text.strip())
        if found is None:
            raise UsageError(
                f"{text!r} is no position",
                remedy="write it like m2:9031:17 (partition 2 of market)",
            )
        _refuse_foreign(found[1], ledger, text)
        return cls(found[3], int(found[4]), int(found[5]), int(found[6]))


@dataclass(frozen=True, slots=True)
class Cut:
    """`offsets[p]` is the first offset of market partition p that does *not* belong to the cut."""

    epoch: int
    offsets: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.epoch < 1 or not self.offsets or min(self.offsets) < 0:
            raise ValueError("a cut has an epoch from 1 and an offset from 0 for each partition")

    def __str__(self) -> str:
        if len(self.offsets) <= CUT_PARTITIONS_SPELLED_MAX:
            spelled = ",".join(f"{p}:{offset}" for p, offset in enumerate(self.offsets))
            return f"e{self.epoch}@{spelled}"
        packed = b"".join(_varint(offset) for offset in self.offsets)
        return f"e{self.epoch}~{base64.urlsafe_b64encode(packed + _check(packed)).decode()}"

    def cite(self, ledger: LedgerId) -> str:
        """The full form, for receipts and exports."""
        return f"L{ledger.hex()}/{self}"

    @classmethod
    def parse(cls, text: str, *, ledger: LedgerId | None = None) -> "Cut":
        """Read either form. Raises UsageError, or ForeignLedger when it cites another ledger."""
        found = _CUT.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"{text!r} is no cut", remedy="write it like e1@0:9031,1:8800,2:7,3:0")
        _refuse_foreign(found[1], ledger, text)
        try:
            offsets = _spelled(found[4]) if found[3] == "@" else _packed(found[4])
            return cls(int(found[2]), offsets)
        except ValueError as error:
            raise UsageError(
                f"{text!r} is no cut: {error}", remedy="copy it whole: it was shortened or altered"
            ) from error

    def _order(self, other: "Cut") -> tuple[bool, bool]:
        """(self is contained in other, other is contained in self)."""
        if self.epoch != other.epoch:  # every cut of a later epoch contains all of the earlier
            return self.epoch < other.epoch, self.epoch > other.epoch
        if len(self.offsets) != len(other.offsets):
            return False, False
        pairs = list(zip(self.offsets, other.offsets, strict=True))
        return all(a <= b for a, b in pairs), all(a >= b for a, b in pairs)

    def __le__(self, other: "Cut") -> bool:
        return self._order(other)[0]

    def __ge__(self, other: "Cut") -> bool:
        return self._order(other)[1]

    def __lt__(self, other: "Cut") -> bool:
        return self != other and self <= other

    def __gt__(self, other: "Cut") -> bool:
        return self != other and self >= other

    def compare(self, other: "Cut") -> str:
        """ "=", "<", ">" or "incomparable": cuts are only partly ordered."""
        if self == other:
            return "="
        below, above = self._order(other)
        return "<" if below else ">" if above else "incomparable"


def _refuse_foreign(cited: str | None, ledger: LedgerId | None, text: str) -> None:
    if cited is not None and ledger is not None and cited != ledger.hex():
        raise ForeignLedger(
            f"{text!r} belongs to ledger {cited}, this one is {ledger.hex()}",
            remedy="connect to the ledger it was taken from",
        )


def _spelled(text: str) -> tuple[int, ...]:
    offsets = []
    for expected, item in enumerate(text.split(",")):
        partition, colon, offset = item.partition(":")
        if not (colon and partition.isdecimal() and offset.isdecimal()):
            raise ValueError(f"{item!r} is not partition:offset")
        if int(partition) != expected:
            raise ValueError(f"partition {expected} is missing")
        offsets.append(int(offset))
    return tuple(offsets)


def _packed(text: str) -> tuple[int, ...]:
    raw = base64.urlsafe_b64decode(text)  # binascii.Error is a ValueError
    packed, check = raw[:-4], raw[-4:]
    if _check(packed) != check:
        raise ValueError("its check does not match")
    offsets, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            offsets.append(value)
            value, shift = 0, 0
    if shift:
        raise ValueError("it ends inside a number")
    return tuple(offsets)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _check(packed: bytes) -> bytes:
    return hashlib.sha256(packed).digest()[:4]
