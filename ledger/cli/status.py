"""`fledger status`: what runs, what the logs hold, how far the archive is."""

from typing import Any

from ledger.cli.common import Console, command, table
from ledger.errors import EngineUnreachable


@command()
def status_command(console: Console) -> int:
    """What runs, what the logs hold, how far the archive is. Exit 3 when an engine is away."""
    from ledger.client import connect
    from ledger.status import look, processes

    facts: dict[str, Any] = {"home": str(console.settings.home)}
    facts["processes"] = processes(console.settings)
    away = ""
    try:
        with connect(console.settings.home) as led:
            facts.update(look(led))
    except EngineUnreachable as error:
        facts["unreachable"] = away = str(error)
    console.data(facts, _text(facts))
    if away:
        console.say(away)
    return 3 if away else 0


def _text(facts: dict[str, Any]) -> str:
    running = [
        [p["name"], p["running"], p.get("pid"), p.get("address"), p.get("version")]
        for p in facts["processes"]
    ]
    parts = [table(["process", "running", "pid", "address", "version"], running)]
    if "ledger" in facts:
        columns = ["stream", "kafka_start", "kafka_end", "archived", "lag", "lag_seconds", "events"]
        parts.append(table(columns, [[s[c] for c in columns] for s in facts["streams"]]))
        totals = [[t["kind"], t["records"], t["events"]] for t in facts["totals"]]
        parts.append(table(["kind", "records", "events"], totals))
        repeats = "not counted in time" if facts["repeats"] is None else facts["repeats"]
        parts.append(
            f"ledger {facts['ledger']}, epoch {facts['epoch']}, "
            f"archiver {'runs' if facts['archiver_runs'] else 'does not run'}\n"
            f"instruments {facts['instruments']}, feeds {facts['feeds']}, "
            f"open gaps {facts['open_gaps']}, repeats {repeats}, "
            f"quarantine {facts['quarantine']}, undecodable {facts['undecodable']}"
        )
    return "\n\n".join(parts)
