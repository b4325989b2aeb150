"""What a load did, in counts whose sum always holds: read = appended + known + quarantined +
skipped."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ledger.instruments import Instrument
from ledger.rows import Flag

FLAG_NAMES: Final = {
    "size 0, not in bars": Flag.NO_BAR,
    "price far from its neighbours": Flag.FAR_PRICE,
    "crossed": Flag.CROSSED,
    "time from receipt": Flag.TIME_FROM_RECEIPT,
    "marked suspicious by the source": Flag.SUSPICIOUS,
}


@dataclass
class Counts:
    """Rows by what became of them."""

    read: int = 0
    appended: int = 0
    known: int = 0
    quarantined: int = 0
    skipped: int = 0

    @property
    def holds(self) -> bool:
        """The law of a load."""
        return self.read == self.appended + self.known + self.quarantined + self.skipped

    def __str__(self) -> str:
        return (
            f"read {self.read} = appended {self.appended} + known {self.known} + "
            f"quarantined {self.quarantined} + skipped {self.skipped}"
        )


@dataclass
class FileResult:
    """One file (or member of a zip)."""

    file: str
    format: str
    time_unit: str
    counts: Counts = field(default_factory=Counts)
    skipped: dict[str, int] = field(default_factory=dict)
    """By reason."""
    damage: str = ""
    damage_line: int = 0


@dataclass
class LoadResult:
    """The whole load. `definitions` is filled instead of everything else when instruments are not
    defined and `define` was not asked for."""

    load_id: str
    source: str = ""
    files: list[FileResult] = field(default_factory=list)
    definitions: list[Instrument] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    """Quarantined rows by reason."""
    out_of_order: int = 0
    worst_lag_ns: int = 0
    deferred: int = 0
    """Appended behind the horizon: they change nothing until a restate."""
    flagged: dict[str, int] = field(default_factory=dict)
    clocks: int = 0
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> Counts:
        total = Counts()
        for file in self.files:
            for name, value in asdict(file.counts).items():
                setattr(total, name, getattr(total, name) + value)
        return total

    @property
    def damaged(self) -> list[FileResult]:
        return [file for file in self.files if file.damage]

    @property
    def exit_code(self) -> int:
        """0; 4 when something was quarantined, damaged or only proposed."""
        whole = not (self.counts.quarantined or self.damaged or self.definitions)
        return 0 if whole else 4

    def as_json(self) -> dict[str, Any]:
        """The result for `--json`; times are texts where they pass 2^53."""
        plain = asdict(self)
        plain["definitions"] = [one.model_dump(mode="json") for one in self.definitions]
        plain["worst_lag_ns"] = str(self.worst_lag_ns)
        return {**asdict(self.counts), **plain}
