"""The books of a load: every row is counted once, where its file stands; refused ones are kept."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ledger.drafts import Draft, Ints, Refusals, RefusedRow
from ledger.load_result import FLAG_NAMES, LoadResult
from ledger.load_trail import FileEntry, Trail
from ledger.quarantine import NO_ORDINAL, QuarantineRow, QuarantineStore
from ledger.rows import Rows

QUARANTINE_ROWS_MAX: Final = 1_000  # refused rows kept back before they are written
EQUAL_TEXTS_MAX: Final = 100_000  # texts of refused rows remembered, to number equal ones


@dataclass
class Tally:
    """Counts into a `LoadResult` and refused rows into the quarantine."""

    result: LoadResult
    trail: Trail
    store: QuarantineStore
    _equal: Counter[str] = field(default_factory=Counter)
    _waiting: list[QuarantineRow] = field(default_factory=list)

    def appended(self, rows: Rows, places: Ints) -> None:
        self._count("appended", places)
        flags = rows["flags"]
        if not flags.any():
            return
        for name, bit in FLAG_NAMES.items():
            marked = int(((flags & bit) != 0).sum())
            if marked:
                self.result.flagged[name] = self.result.flagged.get(name, 0) + marked

    def known(self, places: Ints) -> None:
        self._count("known", places)

    def skipped(self, entry: FileEntry, reasons: Mapping[str, int]) -> None:
        for reason, count in reasons.items():
            entry.result.skipped[reason] = entry.result.skipped.get(reason, 0) + count
            entry.result.counts.skipped += count

    def broken(self, entry: FileEntry, rows: list[RefusedRow]) -> None:
        """Lines that are no rows."""
        for row in rows:
            self._keep(entry, row.line, row.raw, row.reason, self._number(row.raw))

    def refused(self, entry: FileEntry, draft: Draft, refusals: Refusals) -> None:
        """Rows of a draft that are no facts."""
        for row in np.flatnonzero(~refusals.good).tolist():
            raw = draft.raw(row)
            reason = refusals.reason(row)
            self._keep(entry, draft.line(row), raw, reason, self._number(raw))

    def refuse(
        self,
        place: int,
        reason: str,
        *,
        ordinal: int = 0,
        detail: Mapping[str, Any] | None = None,
        raw: str | None = None,
    ) -> None:
        """A row that is a fact by itself, and is not taken."""
        if raw is None:
            where = self.trail.where(place)
            file, line, raw = where
        else:
            file = self.trail.file_of(place)
            line = place - self.trail.files[file].base
        self._keep(self.trail.files[file], line, raw, reason, ordinal, detail or {})

    def flush(self) -> None:
        """Write what is kept back."""
        if self._waiting:
            self.store.add_many(self._waiting)
            self._waiting = []

    def _count(self, name: str, places: Ints) -> None:
        if len(self.trail.files) == 1:
            counts = self.trail.files[0].result.counts
            setattr(counts, name, getattr(counts, name) + len(places))
            return
        files, numbers = np.unique(self.trail.files_of(places), return_counts=True)
        for file, number in zip(files.tolist(), numbers.tolist(), strict=True):
            counts = self.trail.files[file].result.counts
            setattr(counts, name, getattr(counts, name) + number)

    def _number(self, raw: str) -> int:
        """How many refused rows before it said exactly the same."""
        if len(self._equal) >= EQUAL_TEXTS_MAX and raw not in self._equal:
            return NO_ORDINAL
        self._equal[raw] += 1
        return self._equal[raw] - 1

    def _keep(
        self,
        entry: FileEntry,
        line: int,
        raw: str,
        reason: str,
        ordinal: int,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        entry.result.counts.quarantined += 1
        self.result.reasons[reason] = self.result.reasons.get(reason, 0) + 1
        self._waiting.append(
            QuarantineRow(
                load_id=self.result.load_id,
                source=self.result.source,
                file=entry.result.file,
                line=line,
                reason=reason,
                raw=raw,
                head=entry.head,
                detail=detail or {},
                options=entry.options,
                ordinal=ordinal,
            )
        )
        if len(self._waiting) >= QUARANTINE_ROWS_MAX:
            self.flush()
