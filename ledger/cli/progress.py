"""Progress of long work: a bar on a terminal, now and then a line elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ledger.cli.common import Console

FIRST_SECONDS: Final = 2.0
LINE_SECONDS: Final = 5.0

Show = Callable[[float, float, str], None]
"""(done, total, what is being worked on)"""


@contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Show]:
    """Nothing for work that is done within two seconds."""
    if not console.is_terminal:
        yield _lines(console, what)
        return
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(done: float, total: float, text: str) -> None:
            bars.update(task, completed=done, total=total, description=text)

        yield show


def _lines(console: Console, what: str) -> Show:
    began = said = time.monotonic()

    def show(done: float, total: float, text: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - began > FIRST_SECONDS and now - said > LINE_SECONDS - FIRST_SECONDS:
            said = now
            share = f"{done / total:.0%} " if total else ""
            console.say(f"{what}: {share}{text}")

    return show
