"""Settings that librdkafka refuses: said as a mistake in the settings, without their secrets."""

from collections.abc import Callable

import pytest

from ledger.errors import SettingsError
from ledger.kafka import LogProducer, LogReader, create_topic, topic_facts

SERVERS = {"bootstrap.servers": "127.0.0.1:1"}
CLIENTS = {
    "producer": LogProducer,
    "reader": LogReader,
    "facts": lambda kafka: topic_facts(kafka, ["t"]),
    "topic": lambda kafka: create_topic(kafka, "t", 1, 1, {}),
}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [("foo", "hunter2"), ("security.protocol", "nonsense"), ("stats_cb", "hunter2")],
)
def test_a_setting_librdkafka_refuses_is_named(
    client: Callable[[dict[str, str]], object], name: str, value: str
) -> None:
    """Whoever connects first says which setting it is, where it is from, and not its value."""
    with pytest.raises(SettingsError, match=r"\[kafka\] settings") as refused:
        client({**SERVERS, name: value})
    assert name in refused.value.message
    assert value not in str(refused.value)
    assert "fledger.toml" in refused.value.remedy
    assert refused.value.__context__ is None, "a traceback would show what librdkafka quotes"


def test_a_secret_in_what_librdkafka_says_is_left_out() -> None:
    """A secret that is part of the message some other way is not printed either."""
    secret = "not in PEM format"  # librdkafka's own words about a bad key
    with pytest.raises(SettingsError, match=r"ssl\.key\.pem") as refused:
        LogReader({**SERVERS, "security.protocol": "ssl", "ssl.key.pem": secret})
    assert secret not in str(refused.value)
