"""The command line: names the commands and wires them; each imports what it needs when it is called."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from checkout.commands import terminal
from checkout.commands.terminal import console

app = typer.Typer(
    help="A checkout core: Redis admits, Postgres decides. Start with `checkout up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
importing = typer.Typer(help="Import products from other systems.", no_args_is_help=True)
app.add_typer(importing, name="import")


@app.command()
def up(
    fresh: Annotated[bool, typer.Option(help="Delete the data folder first.")] = False,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Start without the demo catalogue.")] = False,
    only: Annotated[str, typer.Option(help="Run these kinds alone: serve,work,relay,sandbox.")] = "",
) -> None:
    """Run everything on this machine: stores, schema, demo, sandbox, server, workers, relay. Ctrl-C stops it."""
    from checkout.commands.up import KINDS, run_up

    settings = terminal.settings()
    kinds = [kind.strip() for kind in only.split(",") if kind.strip()] or list(KINDS)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]} is no kind; choose from {', '.join(KINDS)}", param_hint="--only"
        )
    if not only and not settings.uses_sandbox:
        kinds.remove("sandbox")
    with terminal.sentences():
        if fresh and settings.data_dir.exists():
            from config import local

            if local.discover(settings.data_dir):
                raise local.StoreError(f"{settings.data_dir} is in use; stop that shop first.")
            shutil.rmtree(settings.data_dir)
            settings = terminal.settings()
        sys.exit(run_up(settings, kinds=kinds, demo=not no_demo and not settings.in_production))


@app.command()
def serve() -> None:
    """Run the HTTP server alone: CHECKOUT_PROCESSES processes on one port."""
    from checkout.app import build
    from checkout.edge.serve import serve as run_server

    settings = terminal.resolved()
    with terminal.sentences():
        sys.exit(run_server(settings, build))


@app.command()
def work() -> None:
    """Run the Dramatiq workers alone: payment, invoices, shipments, mails."""
    from workers.worker import run_workers

    sys.exit(run_workers(terminal.resolved()))


@app.command()
def relay() -> None:
    """Run the relay alone: outbox to broker, sweepers, reconciler."""
    from workers.relay import run_relay

    sys.exit(run_relay(terminal.resolved()))


@app.command()
def sandbox() -> None:
    """Run the loopback stand-ins for Stripe, the carrier and mail."""
    from checkout.sandbox.server import run_sandbox

    with terminal.sentences():
        sys.exit(run_sandbox(terminal.settings()))


@app.command()
def settings() -> None:
    """List every setting with its value, default and meaning."""
    from config.settings import describe

    table = Table("Setting", "Value", "Default", "Meaning", title="Settings are environment variables")
    for row in describe(terminal.settings()):
        table.add_row(row.name, row.value, row.default, f"{row.help}{f' ({row.unit})' if row.unit else ''}")
    console.print(table)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to this version."""
    from checkout.commands.data import migrate_now

    for name in terminal.run(migrate_now(terminal.resolved())) or ["nothing to do"]:
        console.print(name)


@app.command()
def seed() -> None:
    """Write the demo catalogue, tax table, shipping zones and coupons; a second time changes nothing."""
    from checkout.commands.data import seed_now

    terminal.run(seed_now(terminal.resolved()))


@importing.command("shopify")
def import_shopify(
    file: Annotated[
        Path, typer.Argument(help="A product export of Shopify, CSV.", exists=True, dir_okay=False)
    ],
    currency: Annotated[str, typer.Option(help="The currency of its prices.")] = "EUR",
    errors: Annotated[
        Path | None, typer.Option(help="Where to write the report of rows with problems.")
    ] = None,
) -> None:
    """Import products from Shopify's product CSV; the same file twice changes nothing."""
    from checkout.commands.data import import_shopify_now

    sys.exit(terminal.run(import_shopify_now(terminal.resolved(), file, currency=currency, report=errors)))


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for work under way to finish.")] = 5.0,
    acknowledged: Annotated[
        Path | None, typer.Option(help="A file of order ids that were answered with 201, one a line.")
    ] = None,
) -> None:
    """Prove the invariants against the live stores: exit 0 only if all hold."""
    from checkout.audit.command import run_audit

    sys.exit(
        terminal.run(
            run_audit(
                terminal.resolved(), as_json=as_json, wait_s=wait, acknowledged=acknowledged, console=console
            )
        )
    )


def main() -> None:
    """The entry point. `bench` is added only when asked for: it brings Locust."""
    if len(sys.argv) < 2 or sys.argv[1] in ("bench", "--help", "-h"):
        from bench.commands import bench_app

        app.add_typer(bench_app, name="bench")
    app()


if __name__ == "__main__":
    main()
