"""A progress bar on standard error, shown only to a person at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sealane.cli.output import console

Report = Callable[[str, int, int], None]


@contextmanager
def progress_bar(*, wanted: bool = True) -> Iterator[Report | None]:
    """Yield ``report(step, done, total)``, or None where nobody would see a bar.

    Parameters
    ----------
    wanted : False keeps the bar away even from a terminal.
    """
    screen = console(stderr=True)
    if not (wanted and screen.is_terminal):
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=screen, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=max(total, 1))
            bars.update(tasks[step], completed=done, total=max(total, 1))

        yield report
