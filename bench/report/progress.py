"""What is under way, on the terminal: one line that moves; plain lines where nobody watches."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

messages = Console(stderr=True)
_EVERY = 0.1
_SUBSTEPS_EVERY_S = 5.0


class Say(Protocol):
    """Names the step under way, and says how far it is."""

    def __call__(self, step: str) -> None:
        """The next step."""

    def move(self, done: float, total: float) -> None:
        """How far the step is."""


class Silent:
    """Says nothing: for tests, and for whoever has nobody to tell."""

    def __call__(self, step: str) -> None:
        """Nothing."""

    def move(self, done: float, total: float) -> None:
        """Nothing."""


class _Bar:
    def __init__(self, bar: Progress, title: str) -> None:
        self._bar, self._title = bar, title
        self._task = bar.add_task(title, total=None)

    def __call__(self, step: str) -> None:
        self._bar.reset(self._task, total=None, description=f"{self._title}: {step}")

    def move(self, done: float, total: float) -> None:
        self._bar.update(self._task, completed=done, total=total or None)


class _Lines:
    def __init__(self, title: str) -> None:
        self._title, self._began, self._share, self._step = title, time.monotonic(), 0.0, ""
        self._said = self._began

    def __call__(self, step: str) -> None:
        same = step.partition(":")[0] == self._step.partition(":")[0]
        self._step, self._share = step, 0.0
        if not same or time.monotonic() - self._said > _SUBSTEPS_EVERY_S:
            self._write(step)

    def move(self, done: float, total: float) -> None:
        share = done / total if total else 0.0
        if share >= self._share + _EVERY or (share >= 1 > self._share):
            self._share = share
            self._write(f"{self._step}: {done:,.0f} of {total:,.0f}")

    def _write(self, text: str) -> None:
        self._said = time.monotonic()
        elapsed = self._said - self._began
        line = f"{elapsed:7.1f} s  {self._title}: {text}"
        messages.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def steps(title: str) -> Iterator[Say]:
    """The line of one scenario."""
    if not messages.is_terminal:
        yield _Lines(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as bar:
        yield _Bar(bar, title)
