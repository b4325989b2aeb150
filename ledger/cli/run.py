"""`fledger run`: the parts of a ledger in the foreground, for own supervisors and containers."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import click

from ledger.addresses import with_engines
from ledger.cli.common import Console, command
from ledger.relay import Places, Relay
from ledger.settings import Settings

LISTEN_SECONDS = 1.0

Say = Callable[[str], None]


@click.group("run")
def run_command() -> None:
    """Run a part in the foreground. SIGTERM drains in under 10 s; no port is opened."""


@command(click.option("--with-parent", is_flag=True, hidden=True, help="End when the parent does."))
def archiver(console: Console, with_parent: bool) -> None:
    """Copy the topics into PostgreSQL; the relay (copies, heartbeats) runs beside it."""
    from ledger.archiver import Archiver

    stop, say = stop_on_signals(), log_to_stderr("archiver")
    threading.excepthook = _end_process
    settings = with_engines(console.settings)
    beside = [threading.Thread(target=_relay, args=(settings, stop, say), name="relay")]
    if with_parent:
        beside.append(threading.Thread(target=_follow_parent, args=(stop,), daemon=True))
    for thread in beside:
        thread.start()
    try:
        Archiver(settings, say=say).run(stop)
    finally:
        stop.set()
        beside[0].join()


@command()
def all_(console: Console) -> None:
    """Everything that must run, each part in a process of its own, started again when it ends."""
    from ledger.supervisor import supervise

    supervise(console.settings.home, stop_on_signals(), log_to_stderr("supervisor"))


run_command.add_command(archiver)
run_command.add_command(all_, "all")


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    return stop


def log_to_stderr(part: str) -> Say:
    """Lines for people on a terminal, JSON for everything else."""
    if sys.stderr.isatty():
        return lambda text: click.echo(f"{part}: {text}", err=True)

    def log(text: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        click.echo(json.dumps({"at": at, "part": part, "said": text}), err=True)

    return log


def _end_process(failed: threading.ExceptHookArgs) -> None:
    """A part without its relay would look alive: the process ends, and is started again."""
    sys.excepthook(failed.exc_type, failed.exc_value or Exception(), failed.exc_traceback)
    os._exit(1)


def _follow_parent(stop: threading.Event) -> None:
    parent = os.getppid()
    while not stop.wait(0.2):
        if os.getppid() != parent:
            stop.set()


def _relay(settings: Settings, stop: threading.Event, say: Say) -> None:
    """The relay, and the ear for readers that wait for a heartbeat."""
    relay = Relay(settings, Places(settings))
    ear = threading.Thread(target=_listen, args=(settings, relay, stop), daemon=True)
    ear.start()
    relay.run(stop, say)


def _listen(settings: Settings, relay: Relay, stop: threading.Event) -> None:
    from ledger.archive import Archive
    from ledger.errors import EngineUnreachable

    while not stop.is_set():
        try:
            with Archive(settings) as archive:
                while not stop.is_set():
                    if archive.beat_was_asked_for(LISTEN_SECONDS):
                        relay.request_beat()
        except EngineUnreachable:
            stop.wait(LISTEN_SECONDS)
