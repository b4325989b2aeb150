"""What runs, what the logs hold, and how far the archive is: one look, as plain data."""

import time
from typing import Any

from ledger.client import Ledger
from ledger.kafka import read_one
from ledger.settings import Settings


def processes(settings: Settings) -> list[dict[str, Any]]:
    """The embedded engines of this home and its supervisor, running or not."""
    from ledger.supervisor import supervisor_pid

    found: list[dict[str, Any]] = []
    if settings.embedded:
        from ledger import engines
        from ledger.addresses import engines_wanted

        wanted = engines_wanted(settings)
        for state in engines.states(settings.home):
            if state.name in wanted:
                found.append({**state._asdict(), "log": str(state.log)})
    pid = supervisor_pid(settings.home) if settings.home.is_dir() else None
    return [*found, {"name": "supervisor", "running": pid is not None, "pid": pid}]


def look(led: Ledger) -> dict[str, Any]:
    """One look at a connected ledger. `lag` in records, `lag_seconds` since the oldest record that
    is not archived was appended (0 where there is none)."""
    archive, catalog = led.archive, led.control.catalog
    return {
        "ledger": led.id.hex(),
        "epoch": catalog.epoch,
        "control_sequence": catalog.sequence,
        "archiver_runs": archive.archiver_runs(),
        "streams": streams(led),
        "totals": [
            {"kind": kind, "records": records, "events": events}
            for kind, records, events in archive.totals()
        ],
        "instruments": len(catalog.instruments),
        "feeds": archive.feed_count(),
        "open_gaps": archive.open_gaps(),
        "quarantine": archive.quarantined(),
        "repeats": archive.repeats(),
        "undecodable": archive.undecodable(),
    }


def streams(led: Ledger) -> list[dict[str, Any]]:
    """Each stream as the broker and the archive hold it."""
    found, kafka = [], led.settings.kafka
    for place in led.archive.places():
        start, end = led.control.bounds(place.topic, place.partition)
        lag = max(0, end - place.next_offset)
        oldest = read_one(kafka, place.topic, place.partition, place.next_offset) if lag else None
        behind = 0.0 if oldest is None else max(0.0, time.time() - oldest.stamp_ns / 1e9)
        found.append(
            {
                "stream": f"{place.letter}{place.partition}",
                "topic": place.topic,
                "kafka_start": start,
                "kafka_end": end,
                "archived": place.next_offset,
                "lag": lag,
                "lag_seconds": round(behind, 3),
                "events": place.events,
            }
        )
    return found
