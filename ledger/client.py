"""The façade: one object through which people use a ledger.

    led = connect()
    led.load("trades.csv.gz", define=True)
    led.append(trades("BTCUSDT.BINANCE", frame))

Everything heavy is imported inside the method that needs it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ledger.addresses import with_engines
from ledger.control_log import ControlLog, Numbered, send_copies
from ledger.errors import LedgerError, Refused
from ledger.instruments import Instrument
from ledger.positions import Cut, LedgerId, partition_of
from ledger.settings import Settings, read_settings
from ledger.version import TOOL

if TYPE_CHECKING:
    from ledger.appender import Appender
    from ledger.archive import Archive
    from ledger.drafts import Draft
    from ledger.load_options import LoadOptions, Talk
    from ledger.load_result import LoadResult
    from ledger.packing import Pending, Positions
    from ledger.quarantine_retry import RetryResult

ARCHIVE_SECONDS_MAX: Final = 10.0


def connect(
    home: str | Path | None = None,
    *,
    kafka: str | dict[str, str] | None = None,
    dsn: str | None = None,
    prefix: str | None = None,
) -> "Ledger":
    """Open a ledger: arguments, environment, `fledger.toml`, then the embedded engines of `home`.

    Raises SettingsError, EngineUnreachable when the engines do not run, Refused when no ledger was
    made there (`fledger migrate`).
    """
    settings = with_engines(read_settings(home, kafka=kafka, dsn=dsn, prefix=prefix))
    return Ledger(settings)


class Ledger:
    """One ledger, connected. Use as a context manager, or call `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.control = ControlLog(settings)
        self.control.refresh()
        if self.control.catalog.ledger is None:
            raise Refused(
                f"no ledger was made here (prefix {settings.prefix})", remedy="fledger migrate"
            )
        self._appender: Appender | None = None
        self._archive: Archive | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except LedgerError:
            if failure is None:  # else the first error says more than what it brought about
                raise

    def close(self) -> None:
        """Deliver what was appended, then let go of both engines."""
        appender, self._appender = self._appender, None
        try:
            if appender is not None:
                appender.close()
        finally:
            if self._archive is not None:
                self._archive.close()
            self.control.close()

    @property
    def id(self) -> LedgerId:
        """16 bytes, made once; in every citation."""
        assert self.control.catalog.ledger is not None
        return self.control.catalog.ledger

    @property
    def archive(self) -> "Archive":
        """PostgreSQL, to read."""
        if self._archive is None:
            from ledger.archive import Archive

            self._archive = Archive(self.settings)
        return self._archive

    # ---- definitions ------------------------------------------------------------------------

    def instruments(self) -> dict[int, Instrument]:
        """Every defined instrument by its id."""
        self.control.refresh()
        return dict(self.control.catalog.instruments)

    def define(self, *instruments: Instrument, reason: str = "") -> list[int]:
        """Define instruments; returns their ids when every partition knows them.

        What is defined alike already is left alone. Raises DefinitionConflict.
        """
        from ledger.control import InstrumentDefined

        self.control.refresh()
        catalog = self.control.catalog
        for instrument in instruments:
            clash = catalog.clash(instrument)
            if clash is not None:
                raise clash
        fresh = [i for i in instruments if catalog.find(i.symbol) is None]
        who = self._who(reason)
        self.control.append(*(InstrumentDefined(**who, instrument=i) for i in fresh))
        self._copy()
        for instrument in fresh:  # another process may have been first, with other contents
            clash = catalog.clash(instrument)
            if clash is not None:
                raise clash
        return [catalog.instrument_id(instrument.symbol) for instrument in instruments]

    def source(self, name: str) -> int:
        """The id of a source of facts, defined when new."""
        from ledger.control import SourceDefined

        sources = self.control.catalog.sources
        if name not in sources:
            self.control.refresh()
        if name not in sources:
            self.control.append(SourceDefined(**self._who(f"source {name}"), name=name))
            self._copy()
        return sources[name]

    def _who(self, reason: str) -> dict[str, Any]:
        return {"actor": self.settings.actor, "reason": reason, "tool": TOOL}

    def _copy(self) -> None:
        """Bring the partitions up to what was read, and tell the appender."""
        send_copies(self.control, self.archive.archived)
        if self._appender is not None:
            self._appender.knows(self._partition_of())

    def _partition_of(self) -> dict[int, int]:
        catalog = self.control.catalog
        return {
            number: partition_of(instrument.symbol, catalog.partitions)
            for number, instrument in catalog.instruments.items()
        }

    # ---- appending --------------------------------------------------------------------------

    @property
    def appender(self) -> "Appender":
        """The appender of this connection, started at its first use.

        Raises ArchiveBehind when nobody archives and the archive is behind the log.
        """
        if self._appender is None:
            from ledger.appending import open_appender

            self.control.refresh()
            self._copy()
            self._appender = open_appender(self.control, self.archive, self._partition_of())
        return self._appender

    def wait_for_archive(
        self,
        seconds_max: float = ARCHIVE_SECONDS_MAX,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Wait until the archive holds all that is in the log now. Raises ArchiveBehind when it
        does not move for `seconds_max`; `progress` gets how many records are left."""
        from ledger.appending import wait_for_archive

        wait_for_archive(self.control, self.archive, seconds_max, progress)

    def append(self, draft: "Draft", *, source: str = "api", loaded: bool = False) -> "Positions":
        """Append a batch (`trades`, `quotes` or `bars`) and wait; returns the positions of its
        rows, arrays of shape (n,). A repeat of a known identity is appended and changes nothing.

        `source` names who says so. `loaded` marks facts that were not known here when they
        happened. Raises Refused, with every row that cannot be a fact, before anything is appended.
        """
        return self.submit(draft, source=source, loaded=loaded).result()

    def submit(self, draft: "Draft", *, source: str = "api", loaded: bool = False) -> "Pending":
        """As `append`, without waiting: the result can be awaited, or asked for later."""
        from ledger.appending import rows_or_refuse

        number = self.source(source)
        appender = self.appender
        self.control.refresh()
        rows = rows_or_refuse(draft, self.control.catalog)
        return appender.append(
            draft.kind, rows, source=number, loaded=loaded, sequenced=draft.facts.contiguous
        )

    def clock(self, source: str, time_ns: int) -> int:
        """Say that nothing of `source` before a time (ns) follows: its quiet bars close. Returns to
        how many feeds of the source that was said. Raises UsageError for an unknown source."""
        from ledger.archive_feeds import MAX_AHEAD_NS
        from ledger.errors import UsageError
        from ledger.rows import Kind, clock_rows

        self.control.refresh()
        sources = self.control.catalog.sources
        if time_ns > time.time_ns() + MAX_AHEAD_NS:
            raise UsageError(
                "a clock in the future is suspect for ever", remedy="give a time that has passed"
            )
        if source not in sources:
            known = ", ".join(sorted(sources)) or "none"
            raise UsageError(f"no source {source!r}; known: {known}", remedy="name one of these")
        self.appender.flush()
        self.wait_for_archive()  # it knows which feeds a source has
        feeds = self.archive.feeds_of(sources[source])
        if feeds:
            rows = clock_rows([(time_ns, f.interval, f.instrument, f.kind) for f in feeds])
            self.appender.append(Kind.CLOCK, rows, source=sources[source]).result()
        return len(feeds)

    def retry_quarantine(
        self, *ids: int, accept_jumps: bool = False, reason: str = ""
    ) -> "RetryResult":
        """Try refused rows again with the definitions there are now; what is a fact is appended."""
        from ledger.loading import ports, writer_of
        from ledger.quarantine_retry import retry

        with writer_of(self) as writer:
            return retry(ports(self, writer, reason=reason), ids, accept_jumps=accept_jumps)

    def load(
        self,
        *paths: str | Path,
        define: bool = False,
        options: "LoadOptions | None" = None,
        talk: "Talk | None" = None,
        reason: str = "",
    ) -> "LoadResult":
        """Load files or folders of trades, quotes or bars; what is known is not added again.

        `options` says more than `define` (which defines unknown instruments as the rows suggest).
        Raises FormatError before anything is appended; what is refused row by row is in the result.
        """
        from ledger.load import load
        from ledger.load_options import LoadOptions
        from ledger.loading import ports, writer_of

        chosen = options or LoadOptions(define=define)
        with writer_of(self) as writer:
            through = ports(self, writer, reason=reason)
            result = load([Path(p) for p in paths], through, chosen, talk=talk)
        if not result.definitions:
            self.appender.end_of_source(self.source(result.source), loaded=True)
            self.appender.flush()
        return result

    # ---- time and citations -----------------------------------------------------------------

    def cut(self, of: str | None = None) -> Cut:
        """The cut of now, or of a time, a tag or a cut's text. Raises NotYetKnown, UsageError."""
        self.control.refresh()
        catalog = self.control.catalog
        if of is None:
            ends = self.control.ends()
            return Cut(catalog.epoch, tuple(ends[p] for p in range(catalog.partitions)))
        from ledger.cuts import check_cut, cut_of

        found = cut_of(of, catalog, self.archive.first_known_since, self.archive.ask_for_beat)
        return check_cut(found, catalog, self.control.ends())

    def tag(self, name: str, cut: Cut | None = None, *, reason: str = "") -> Cut:
        """Give a cut (default: now) a name for ever. Raises Refused when the name has another."""
        from ledger.control import Tagged
        from ledger.cuts import check_cut, check_tag_name

        check_tag_name(name)
        self.control.refresh()
        tags = self.control.catalog.tags
        wanted = self.cut() if cut is None else cut
        check_cut(wanted, self.control.catalog, self.control.ends())
        if name not in tags:
            event = Tagged(**self._who(reason), name=name, cut=wanted.cite(self.id))
            self.control.append(event)
            self._copy()
        held = Cut.parse(tags[name], ledger=self.id)
        if held != wanted:
            raise Refused(
                f"tag {name!r} names {held} already",
                remedy=f"choose another name (fledger cut {name} shows the one it has)",
            )
        return held

    def log(self) -> list[Numbered]:
        """Every control event in order: who changed what, when and why."""
        self.control.refresh()
        return list(self.control.events)
