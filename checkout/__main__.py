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
keys = typer.Typer(help="The keys that seal personal data.", no_args_is_help=True)
app.add_typer(keys, name="keys")


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
def serve(held: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Run the HTTP server alone: CHECKOUT_PROCESSES processes on one port."""
    from checkout.app import build
    from checkout.edge.serve import serve as run_server

    if held:  # `checkout up` starts the stores meanwhile
        from config import local

        local.await_release()
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
def archive(
    before: Annotated[str | None, typer.Option(help="Archive the months before this one, YYYY-MM.")] = None,
    restore: Annotated[str | None, typer.Option(help="Put this archived month back, YYYY-MM.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be archived, and why not.")
    ] = False,
) -> None:
    """Take old months of orders out of the shop's tables, or put one back; alone, list the months."""
    from checkout.commands.archive import archive_now, list_now, restore_now

    if before is not None:
        sys.exit(terminal.run(archive_now(terminal.resolved(), before, dry_run=dry_run)))
    if restore is not None:
        sys.exit(terminal.run(restore_now(terminal.resolved(), restore)))
    sys.exit(terminal.run(list_now(terminal.resolved())))


@app.command()
def seed() -> None:
    """Write the demo catalogue, tax table, shipping zones and coupons; a second time changes nothing."""
    from checkout.commands.data import seed_now

    terminal.run(seed_now(terminal.resolved()))


_File = Annotated[Path, typer.Argument(help="The CSV file.", exists=True, dir_okay=False)]
_Report = Annotated[
    Path | None, typer.Option("--errors", help="Where to write the report of rows with problems.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be wrong, and change nothing.")]
_Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@importing.command("shopify")
def import_shopify(
    file: _File,
    currency: Annotated[str, typer.Option(help="The currency of its prices.")] = "EUR",
    errors: _Report = None,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Import products from Shopify's product CSV; the same file twice changes nothing."""
    from checkout.commands.bulk import import_now

    sys.exit(
        terminal.run(
            import_now(
                terminal.resolved(),
                file,
                format="shopify",
                currency=currency,
                dry_run=dry_run,
                report=errors,
                as_json=as_json,
            )
        )
    )


@importing.command("csv")
def import_csv(file: _File, errors: _Report = None, dry_run: _DryRun = False, as_json: _Json = False) -> None:
    """Import products from the shop's own format, which `checkout export` writes; see docs/import-format.md."""
    from checkout.commands.bulk import import_now

    sys.exit(
        terminal.run(
            import_now(
                terminal.resolved(), file, format="own", dry_run=dry_run, report=errors, as_json=as_json
            )
        )
    )


@keys.command("status")
def keys_status(as_json: _Json = False) -> None:
    """Count rows of personal data by the key they lie under; exit 1 when a key of theirs is not at hand."""
    from checkout.commands.keys import status_now

    sys.exit(terminal.run(status_now(terminal.resolved(), as_json=as_json)))


@keys.command("rotate")
def keys_rotate(as_json: _Json = False) -> None:
    """Put all personal data under the first of CHECKOUT_PII_KEYS while the shop is open; exit 0 when all of it is."""
    from checkout.commands.keys import rotate_now

    sys.exit(terminal.run(rotate_now(terminal.resolved(), as_json=as_json)))


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; without it, to the standard output.")
    ] = None,
    format: Annotated[str, typer.Option(help="own or shopify.")] = "own",
    currency: Annotated[str, typer.Option(help="The one currency of Shopify's format.")] = "EUR",
    status: Annotated[str | None, typer.Option(help="Only draft, published or archived products.")] = None,
    category: Annotated[
        str | None, typer.Option(help="Only products of this category and those below it.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Export products as CSV."""
    from checkout.bulk.model import Filters
    from checkout.commands.bulk import export_now

    if format not in ("own", "shopify"):
        raise typer.BadParameter("own or shopify", param_hint="--format")
    asked = Filters(status=status, category=category, currency=currency if format == "shopify" else "")
    chosen = "shopify" if format == "shopify" else "own"
    sys.exit(terminal.run(export_now(terminal.resolved(), file, format=chosen, asked=asked, as_json=as_json)))  # type: ignore[arg-type]


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
