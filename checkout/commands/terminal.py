"""How commands speak to a person: errors as sentences, progress as a bar, secrets only when asked."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from checkout.errors import ShopError
from checkout.kit.db import NOT_REACHED, PostgresError
from checkout.kit.migrate import MigrationError
from config import local
from config.settings import Settings, SettingsError, load

console = Console()
errors = Console(stderr=True)
T = TypeVar("T")


@contextmanager
def sentences() -> Iterator[None]:
    """Turns the errors that a person can mend into sentences and exit code 2."""
    try:
        yield
    except SettingsError as error:
        for problem in error.problems:
            errors.print(problem, style="red", markup=False, highlight=False)
    except (local.StoreError, MigrationError, ShopError, FileNotFoundError, IsADirectoryError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False)
    except (PostgresError, *NOT_REACHED) as error:
        errors.print(f"Postgres cannot be used: {error}", style="red", markup=False, highlight=False)
    else:
        return
    raise typer.Exit(2)


def settings() -> Settings:
    """The settings of this environment, or sentences and exit code 2."""
    with sentences():
        return load()


def resolved() -> Settings:
    """The settings, with the addresses of the running embedded stores."""
    with sentences():
        return local.resolve(load())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs one command's work to its end."""
    with sentences():
        return asyncio.run(work)
    raise typer.Exit(2)


@contextmanager
def progress(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar, moved by calling it with (done, total)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=False) as bar:
        task = bar.add_task(title, total=None)

        def move(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield move
