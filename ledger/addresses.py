"""Where the engines of a ledger answer: given addresses, else the embedded engines of its home."""

from ledger.errors import EngineUnreachable
from ledger.settings import Settings


def with_engines(settings: Settings) -> Settings:
    """Settings whose addresses are known; raises EngineUnreachable when ours do not run."""
    if not settings.embedded:
        return settings
    from ledger import engines

    found = engines.running(settings.home, engines=engines_wanted(settings))
    if found is None:
        raise EngineUnreachable(
            f"the engines of {settings.home} do not run",
            remedy="fledger up (or name your own: FLEDGER_KAFKA and FLEDGER_DSN)",
        )
    return settings.with_engines(found.kafka, found.dsn)


def engines_wanted(settings: Settings) -> tuple[str, ...]:
    """The embedded engines that own addresses do not replace."""
    kafka = () if settings.kafka.get("bootstrap.servers") else ("kafka",)
    return (*(() if settings.dsn else ("postgres",)), *kafka)
